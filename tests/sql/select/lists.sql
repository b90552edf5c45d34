SELECT [1, 2, 3] AS l, LIST_TRANSFORM([1, 2], x -> x * 10) AS t, {'a': 1, 'b': 'z'} AS s

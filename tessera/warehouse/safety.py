"""What SQL from users may reach. Every piece of the parsed tree must be on a list; what is unknown is refused.

The engine gets text that is printed from the checked tree, never the user's own text: identifiers are quoted, so that
no bare word keeps a meaning of its own; CTEs get names that no table has, so that a name which we take for a CTE can
never reach a table of the engine. Source: contracts/semantic.md, 11. Why: docs/decisions/0004-allow-list-for-sql.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias, cast

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, DialectType
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from tessera.warehouse import allowed
from tessera.warehouse.errors import SqlRefused
from tessera.warehouse.types import Table

#: Which tables a statement may name: a collection, or a question answered by the caller.
AllowedTables: TypeAlias = Collection[Table] | Callable[[Table], bool]

MAX_BYTES = 1024 * 1024
MAX_TOKENS = 100_000
#: Nested parentheses, brackets and CASEs; the parser needs some ten frames of Python's stack for each.
MAX_NESTING = 60
#: Depth of the tree, where a chain of one operator (`a AND b AND c`) counts once.
MAX_DEPTH = 200
MAX_JOINS = 64
MAX_BRANCHES = 500
#: Subscripts in a row (`a[1][2]`): the parser's time grows with the square of their number.
MAX_SUBSCRIPTS = 16

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_FIRST = {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN, TokenType.VALUES, TokenType.FROM}
_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
#: A chain of these is as deep as it is long, and no deeper in meaning.
_CHAINS = (exp.Connector, exp.SetOperation, exp.Add, exp.Sub, exp.Mul, exp.DPipe, exp.Concat)
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,39}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
#: Text arguments that the parser itself fixes: kinds of joins, sides of frames, and the like.
_PARSER_TEXT = re.compile(r"[A-Za-z0-9_ ]{0,40}")
#: Pieces whose text is data: the printer escapes it.
_DATA = (exp.Literal, exp.Identifier, exp.RawString, exp.ByteString, exp.HexString)


def safe_select(
    sql: str,
    *,
    dialect: DialectType,
    tables: AllowedTables,
    default_schema: str | None = None,
    engine: str | None = None,
    functions: Collection[str] = (),
) -> exp.Query:
    """Parse one SELECT, WITH or UNION of a user and check every node of it (see `check_select`).

    Args:
        dialect: what the text is written in; a sqlglot name or a dialect of our own.
        tables: what it may read.
        default_schema: where names without a schema are; without it such names are refused.
        engine: the engine that will run it, `duckdb` or `postgres`; by default the text's dialect.
        functions: further function names that the caller itself replaces before running.

    Raises:
        SqlRefused: with line, column and the piece that is not allowed.
    """
    tree = parse_one_statement(sql, dialect)
    return check_select(
        tree,
        engine=engine or _engine_of(dialect),
        tables=tables,
        default_schema=default_schema,
        functions=functions,
    )


def check_select(
    tree: exp.Expr,
    *,
    engine: str,
    tables: AllowedTables,
    default_schema: str | None = None,
    functions: Collection[str] = (),
) -> exp.Query:
    """A checked, closed copy of the tree: identifiers quoted, tables with their schema, CTEs renamed, no comments.

    Raises:
        SqlRefused: with line, column and the piece that is not allowed.
    """
    if not isinstance(tree, _QUERIES):
        raise _refusal(tree, f"only SELECT is allowed here, not {_kind(tree)}")
    copy = tree.copy()
    _check_size(copy)
    check = _Check(engine, functions, is_query=True, columns=None, aggregates=True)
    for node in copy.walk():
        check.node(node)
    _Scope(engine, tables, default_schema).resolve(copy)
    _quote(copy, engine)
    return cast(exp.Query, copy)


def safe_expression(
    sql: str,
    *,
    dialect: DialectType,
    columns: Collection[str] | None = None,
    engine: str | None = None,
    functions: Collection[str] = (),
    aggregates: bool = False,
) -> exp.Expr:
    """Parse one scalar expression over `columns` (any when None): no sub-queries, no tables, no parameters.

    Raises:
        SqlRefused: with line, column and the piece that is not allowed.
    """
    _check_tokens(sql, dialect, whole_statement=False)
    # Parsed as a projection: an alias, a second expression or a clause is then a node of its own, and is refused.
    tree = _parsed(sql, dialect, into=exp.Condition)
    return check_expression(
        tree, engine=engine or _engine_of(dialect), columns=columns, functions=functions, aggregates=aggregates
    )


def check_expression(
    tree: exp.Expr,
    *,
    engine: str,
    columns: Collection[str] | None = None,
    functions: Collection[str] = (),
    aggregates: bool = False,
) -> exp.Expr:
    """A checked copy of a parsed expression, identifiers quoted (see `safe_expression`).

    Raises:
        SqlRefused: with line, column and the piece that is not allowed.
    """
    copy = tree.copy()
    _check_size(copy)
    check = _Check(engine, functions, is_query=False, columns=columns, aggregates=aggregates)
    for node in copy.walk():
        check.node(node)
    _quote(copy, engine)
    return copy


def parse_one_statement(sql: str, dialect: DialectType) -> exp.Expr:
    """Parse exactly one SELECT, WITH, VALUES or FROM statement, within limits of length and nesting.

    Raises:
        SqlRefused: not one such statement, or none at all.
    """
    _check_tokens(sql, dialect, whole_statement=True)
    return _parsed(sql, dialect)


def _engine_of(dialect: DialectType) -> str:
    name = dialect if isinstance(dialect, str) else type(Dialect.get_or_raise(dialect)).__name__.lower()
    if name not in allowed.NAMES:
        raise ValueError(f'say which engine runs a statement in the dialect "{name}"')
    return name


def _check_tokens(sql: str, dialect: DialectType, *, whole_statement: bool) -> None:
    """Limits that must hold before the parser runs, since it recurses and guesses."""
    if len(sql.encode()) > MAX_BYTES:
        raise SqlRefused(f"the statement is longer than {MAX_BYTES} bytes")
    if "\0" in sql:
        raise SqlRefused("the statement holds a NUL character")
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    except TokenError as error:
        raise SqlRefused(f"the text ends inside a string, a quoted name or a comment: {_brief(error)}") from error
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise SqlRefused("the statement is empty")
    if len(tokens) > MAX_TOKENS:
        raise SqlRefused(f"the statement has more than {MAX_TOKENS} words and signs")
    if whole_statement and tokens[0].token_type not in _FIRST:
        raise _token_refusal(tokens[0], f'only SELECT is allowed here, not "{tokens[0].text[:40]}"')
    depth = subscripts = 0
    previous: Token | None = None
    for token in tokens:
        kind = token.token_type
        if kind is TokenType.SEMICOLON:
            raise _token_refusal(token, "only one statement is allowed, without a semicolon inside")
        if kind in _OPENING:
            depth += 1
            if depth > MAX_NESTING:
                raise _token_refusal(token, f"the statement is nested more than {MAX_NESTING} levels deep")
        elif kind in _CLOSING:
            depth = max(0, depth - 1)
        if kind is TokenType.L_BRACKET and previous is not None and previous.token_type is TokenType.R_BRACKET:
            subscripts += 1
            if subscripts > MAX_SUBSCRIPTS:
                raise _token_refusal(token, f"more than {MAX_SUBSCRIPTS} subscripts follow each other")
        elif kind not in (TokenType.R_BRACKET, TokenType.NUMBER, TokenType.STRING, TokenType.VAR):
            subscripts = 0
        previous = token


def _parsed(sql: str, dialect: DialectType, into: Any = None) -> exp.Expr:
    try:
        parser = Dialect.get_or_raise(dialect)
        found = parser.parse_into(into, sql) if into is not None else parser.parse(sql)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise SqlRefused(
            f"the SQL cannot be read: {first.get('description') or _brief(error)}",
            line=first.get("line"),
            column=first.get("col"),
            piece=first.get("highlight"),
        ) from error
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        # The parser has no word of its own for some broken texts; whatever it stumbles over, the text is at fault.
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else "it has no meaning"
        raise SqlRefused(f"the SQL cannot be read: {reason}") from error
    statements = [tree for tree in found if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(statements) != 1:
        raise SqlRefused(f"exactly one statement is allowed, not {len(statements)}")
    return statements[0]


def _brief(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]


def _kind(node: exp.Expr) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _function_name(node: exp.Func) -> str:
    return node.name[:80] if isinstance(node, exp.Anonymous) else node.sql_name()


def _refusal(node: exp.Expr, message: str) -> SqlRefused:
    line, column, piece = _place(node)
    return SqlRefused(message, line=line, column=column, piece=piece)


def _token_refusal(token: Token, message: str) -> SqlRefused:
    return SqlRefused(message, line=token.line, column=max(1, token.col - len(token.text) + 1), piece=token.text[:80])


def _place(node: exp.Expr) -> tuple[int | None, int | None, str | None]:
    """Where the node starts: only names and literals know their place, so the nearest of those is taken."""
    around: exp.Expr | None = node
    while around is not None:
        known = [near for near in around.walk() if "line" in near.meta]
        if known:
            first = min(known, key=lambda near: near.meta["start"])
            length = first.meta["end"] - first.meta["start"]
            return first.meta["line"], max(1, first.meta["col"] - length), first.name[:80]
        around = around.parent
    return None, None, None


def _check_size(tree: exp.Expr) -> None:
    joins = branches = 0
    stack: list[tuple[exp.Expr, int]] = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise _refusal(node, f"the statement is nested more than {MAX_DEPTH} levels deep")
        joins += isinstance(node, exp.Join)
        branches += isinstance(node, exp.SetOperation)
        if joins > MAX_JOINS:
            raise _refusal(node, f"the statement has more than {MAX_JOINS} joins")
        if branches > MAX_BRANCHES:
            raise _refusal(node, f"the statement has more than {MAX_BRANCHES} branches of UNION")
        for child in node.iter_expressions():
            same_chain = isinstance(node, _CHAINS) and type(child) is type(node)
            stack.append((child, depth if same_chain else depth + 1))


class _Check:
    """The allow-list, node by node."""

    def __init__(
        self,
        engine: str,
        functions: Collection[str],
        *,
        is_query: bool,
        columns: Collection[str] | None,
        aggregates: bool,
    ) -> None:
        self._names = allowed.NAMES[engine] | allowed.QUANTIFIERS | {name.lower() for name in functions}
        self._is_query = is_query
        self._columns = None if columns is None else {name.lower() for name in columns}
        self._aggregates = aggregates

    def node(self, node: exp.Expr) -> None:
        """Raise SqlRefused unless the node, taken by itself, is allowed."""
        node.comments = None
        kind = type(node)
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
            self._named_function(node)
        elif kind not in allowed.NODES and kind not in allowed.FUNCTIONS:
            if isinstance(node, exp.Func):
                raise _refusal(node, f"the function {_function_name(node)} is not allowed")
            raise _refusal(node, f"{_kind(node)} is not allowed")
        self._texts(node)
        if not self._is_query:
            self._in_expression(node)
        special = _SPECIAL.get(kind)
        if special is not None:
            special(node)

    def _named_function(self, node: exp.Expr) -> None:
        name = node.this
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower() not in self._names:
            raise _refusal(node, f"the function {node.name[:80]} is not allowed")
        if name.lower() in allowed.ROW_SOURCE_NAMES:
            _check_series(node)

    def _in_expression(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Query | exp.Table | exp.Alias | exp.Star | exp.Values | exp.Lateral) and not (
            isinstance(node, exp.Star) and isinstance(node.parent, exp.Count)
        ):
            raise _refusal(node, f"{_kind(node)} is not allowed in an expression")
        if isinstance(node, exp.Tuple) and not node.expressions:
            raise _refusal(node, "there is no expression between the parentheses")
        if isinstance(node, exp.AggFunc | exp.Window) and not self._aggregates:
            raise _refusal(node, f"{_kind(node)}: aggregates and windows are not allowed here")
        if isinstance(node, exp.Column) and self._columns is not None:
            inside = _lambda_names(node)
            first = node.parts[0].name.lower()
            if first not in self._columns and first not in inside:
                raise _refusal(node, f'there is no column "{node.parts[0].name}" here')

    def _texts(self, node: exp.Expr) -> None:
        """Arguments that are plain text are printed as they are; so they must be words."""
        if isinstance(node, _DATA):
            return
        for value in node.args.values():
            if isinstance(value, str) and not _PARSER_TEXT.fullmatch(value) and not isinstance(node, exp.JSONPathPart):
                raise _refusal(node, f"{value[:80]!r} is not allowed")


def _lambda_names(node: exp.Expr) -> set[str]:
    names: set[str] = set()
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.Lambda):
            names |= {argument.name.lower() for argument in parent.expressions}
        parent = parent.parent
    return names


def _check_literal(node: exp.Expr) -> None:
    if not node.args.get("is_string") and not _NUMBER.fullmatch(node.name):
        raise _refusal(node, f"{node.name[:80]!r} is not a number")


def _check_hex(node: exp.Expr) -> None:
    if not re.fullmatch(r"[0-9A-Fa-f]*", node.name):
        raise _refusal(node, f"{node.name[:80]!r} is not hexadecimal")


def _check_byte_string(node: exp.Expr) -> None:
    # Printed between quotes by a rule of its own; only what needs no escape may be in it.
    if not re.fullmatch(r"[^'\\\x00-\x1f]*", node.name):
        raise _refusal(node, "escapes in E'…' are not allowed; write the characters themselves")


def _check_word(node: exp.Expr) -> None:
    parent = node.parent
    is_collation = isinstance(parent, exp.Collate) and node.name.lower() in allowed.COLLATIONS
    if not is_collation and (type(parent) not in allowed.WORD_PARENTS or not _WORD.fullmatch(node.name)):
        raise _refusal(node, f"the word {node.name[:80]} is not allowed here")


def _check_collate(node: exp.Expr) -> None:
    if not isinstance(node.expression, exp.Var):
        raise _refusal(node, "this collation is not allowed")


def _check_type(node: exp.Expr) -> None:
    if node.this not in allowed.TYPES:
        name = node.args.get("kind") or node.this
        raise _refusal(node, f"the type {getattr(name, 'value', name)} is not allowed")


def _check_dot(node: exp.Expr) -> None:
    if isinstance(node.expression, exp.Func):
        raise _refusal(node, "a function with a schema, or called with a dot, is not allowed")


def _check_table(node: exp.Expr) -> None:
    if isinstance(node.this, exp.Func):
        if type(node.this) not in allowed.ROW_SOURCES and node.this.name.lower() not in allowed.ROW_SOURCE_NAMES:
            raise _refusal(node, f"the table function {_function_name(node.this)} is not allowed")
    elif not isinstance(node.this, exp.Identifier):
        raise _refusal(node, f"{_kind(node.this) if node.this else 'this'} is not allowed as a table")
    for key, value in node.args.items():
        if value and key not in allowed.TABLE_KEYS:
            what = "a name with a catalogue" if key == "catalog" else key.replace("_", " ").upper()
            raise _refusal(node, f"{what} is not allowed on a table")


def _check_lateral(node: exp.Expr) -> None:
    if not isinstance(node.this, exp.Subquery | exp.Unnest):
        raise _refusal(node, "LATERAL is allowed with a sub-query or UNNEST only")


def _check_series(node: exp.Expr) -> None:
    """A series needs bounds that are small literals: it makes rows out of nothing."""
    bounds = [part for part in node.iter_expressions() if not isinstance(part, exp.TableAlias)]
    if node.args.get("is_end_exclusive"):
        bounds = [part for part in bounds if not isinstance(part, exp.Boolean)]
    numbers = [_integer(part) for part in bounds]
    if any(number is None for number in numbers) or not 1 <= len(numbers) <= 3:
        raise _refusal(node, "a series is allowed with whole numbers as bounds only")
    known = [number for number in numbers if number is not None]
    start, end = (0, known[0]) if len(known) == 1 else (known[0], known[1])
    step = known[2] if len(known) == 3 else 1
    most = allowed.SERIES_ROWS if isinstance(node.parent, exp.Table) else allowed.SERIES_ITEMS
    if step == 0 or abs(end - start) // abs(step) > most:
        raise _refusal(node, f"a series may have at most {most} members here")


def _integer(node: exp.Expr) -> int | None:
    if isinstance(node, exp.Neg):
        inner = _integer(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isascii() and node.name.isdigit():
        return int(node.name) if len(node.name) < 19 else None
    return None


def _check_padding(node: exp.Expr) -> None:
    is_repeat = isinstance(node, exp.Repeat)
    count = _integer(node.args["times"] if is_repeat else node.expression)
    most = allowed.REPEATS if is_repeat else allowed.PADDED_CHARACTERS
    if count is None or count > most:
        raise _refusal(node, f"{_kind(node)} needs a whole number of at most {most}")


def _check_filler(node: exp.Expr) -> None:
    key = _FILLERS[type(node)]
    filler = node.args.get(key)
    if filler is None:
        return
    if not isinstance(filler, exp.Literal) or len(filler.name) > allowed.FILLER_CHARACTERS:
        raise _refusal(node, f"{_kind(node)} needs a text of at most {allowed.FILLER_CHARACTERS} characters to put in")


def _check_with(node: exp.Expr) -> None:
    for key, value in node.args.items():
        if value and key not in ("expressions", "recursive"):
            raise _refusal(node, f"{key.upper()} is not allowed in WITH")


def _check_cte(node: exp.Expr) -> None:
    if not isinstance(node.this, _QUERIES):
        raise _refusal(node, f"only SELECT is allowed in WITH, not {_kind(node.this) if node.this else 'this'}")


#: Functions that put a text in at many places, and the argument that holds it.
_FILLERS: dict[type[exp.Expr], str] = {
    exp.Replace: "replacement",
    exp.RegexpReplace: "replacement",
    exp.ArrayToString: "expression",
    exp.GroupConcat: "separator",
}

_SPECIAL: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Literal: _check_literal,
    exp.HexString: _check_hex,
    exp.ByteString: _check_byte_string,
    exp.Var: _check_word,
    exp.Collate: _check_collate,
    exp.DataType: _check_type,
    exp.Dot: _check_dot,
    exp.Table: _check_table,
    exp.Lateral: _check_lateral,
    exp.GenerateSeries: _check_series,
    exp.ExplodingGenerateSeries: _check_series,
    exp.Repeat: _check_padding,
    exp.Pad: _check_padding,
    **dict.fromkeys(_FILLERS, _check_filler),
    exp.With: _check_with,
    exp.CTE: _check_cte,
}


class _Scope:
    """Which table each name means: a CTE in sight, or a table that the caller allows."""

    def __init__(self, engine: str, tables: AllowedTables, default_schema: str | None) -> None:
        self._engine = engine
        self._default_schema = default_schema
        self._allows: Callable[[Table], bool] | None = tables if callable(tables) else None
        self._exact = set() if callable(tables) else set(tables)
        self._folded: dict[tuple[str, str], Table] = {}
        for table in sorted(self._exact):
            self._folded.setdefault((table.schema.lower(), table.name.lower()), table)
        self._made = 0

    def resolve(self, tree: exp.Expr) -> None:
        """Give CTEs new names, and every other table its schema.

        Raises:
            SqlRefused: a table is not allowed, or not there.
        """
        stack: list[tuple[exp.Expr, dict[str, str]]] = [(tree, {})]
        while stack:
            node, visible = stack.pop()
            with_ = node.args.get("with_")
            if with_ is not None:
                visible = dict(visible)
                for cte in with_.expressions:
                    name = cte.args["alias"].this
                    before = dict(visible)
                    visible[self._fold(name)] = self._new_name(name)
                    # Its own name is in sight inside it only when WITH is RECURSIVE; later ones never are.
                    stack.append((cte.this, dict(visible) if with_.args.get("recursive") else before))
                    cte.args["alias"].set("this", exp.to_identifier(visible[self._fold(name)], quoted=True))
            if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
                self._table(node, visible)
            stack.extend((child, visible) for child in node.iter_expressions() if child is not with_)

    def _fold(self, name: exp.Expr) -> str:
        if self._engine == "postgres" and name.args.get("quoted"):
            return name.name
        return name.name.lower()

    def _new_name(self, name: exp.Expr) -> str:
        self._made += 1
        # Short, for PostgreSQL cuts names at 63 bytes; the start makes it unlike any table of the search path.
        readable = re.sub(r"[^A-Za-z0-9_]", "_", name.name)[:30]
        return f"cte{self._made} {readable}"

    def _table(self, node: exp.Table, visible: dict[str, str]) -> None:
        name = node.this
        schema = node.args.get("db")
        written = name.name
        if schema is None and self._fold(name) in visible:
            node.set("this", exp.to_identifier(visible[self._fold(name)], quoted=True))
            self._alias(node, name)
            return
        if schema is None and self._default_schema is None:
            raise _refusal(node, f'the table "{written}" needs its schema, or is not in sight as a WITH name')
        wanted = Table(self._default_schema or "" if schema is None else self._fold(schema), self._fold(name))
        found = self._find(wanted, is_exact=bool(name.args.get("quoted")) and self._engine == "postgres")
        if found is None:
            shown = written if schema is None else f"{schema.name}.{written}"
            raise _refusal(node, f'there is no table "{shown}" that you may read')
        if found.name != (name.name.lower() if self._engine == "postgres" and not name.args.get("quoted") else written):
            self._alias(node, name)
        node.set("this", exp.to_identifier(found.name, quoted=True))
        node.set("db", exp.to_identifier(found.schema, quoted=True))

    def _find(self, wanted: Table, *, is_exact: bool) -> Table | None:
        if self._allows is not None:
            return wanted if self._allows(wanted) else None
        if wanted in self._exact:
            return wanted
        return None if is_exact else self._folded.get((wanted.schema.lower(), wanted.name.lower()))

    @staticmethod
    def _alias(node: exp.Table, name: exp.Identifier) -> None:
        if not node.args.get("alias"):
            node.set("alias", exp.TableAlias(this=name.copy()))
        elif node.args["alias"].this is None:
            node.args["alias"].set("this", name.copy())


def _identifiers(tree: exp.Expr) -> Iterator[exp.Identifier]:
    for node in tree.walk():
        if isinstance(node, exp.Identifier):
            yield node


def _quote(tree: exp.Expr, engine: str) -> None:
    """Quote every name, in the case that the engine would have given it."""
    for node in _identifiers(tree):
        if engine == "postgres" and not node.args.get("quoted"):
            node.set("this", node.name.lower())
        node.set("quoted", True)

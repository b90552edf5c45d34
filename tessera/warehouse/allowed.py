"""The allow-list: pieces of SQL, types and functions that users may send. What is not here is refused.

Adding a name is a decision about safety: it must read nothing but its arguments (no file, network, setting, catalogue,
secret, log), run no text as SQL, change nothing, and need no more memory than its arguments are large.
"""

from __future__ import annotations

from sqlglot import exp


def _words(text: str) -> frozenset[str]:
    """The words of a text; a line that starts with # is a heading."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return frozenset(" ".join(lines).split())


def _classes(text: str) -> frozenset[type[exp.Expr]]:
    return frozenset(getattr(exp, name) for name in _words(text))


#: Clauses, operators and values.
NODES = _classes(
    """
    Select Union Except Intersect Subquery With CTE From Join Lateral Where Group Having Qualify Order Ordered
    Limit Offset Fetch Distinct Values Tuple Table TableAlias TableSample Alias Column Identifier Star Paren
    Literal Boolean Null Var Rollup Cube GroupingSets Window WindowSpec Filter WithinGroup IgnoreNulls
    RespectNulls And Or Not Neg Add Sub Mul Div IntDiv Mod DPipe EQ NEQ GT GTE LT LTE Is In Between Like ILike
    SimilarTo Escape NullSafeEQ NullSafeNEQ BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift
    BitwiseRightShift Any All Exists Interval AtTimeZone DataType DataTypeParam Bracket Slice Dot Lambda
    PropertyEQ Kwarg RawString ByteString HexString JSONPath JSONPathRoot JSONPathKey JSONPathSubscript
    JSONPathWildcard JSONKeyValue Collate Overlaps
    """
)

#: Functions that sqlglot knows by a class of their own.
FUNCTIONS = _classes(
    """
    # choice and conversion
    Case If Coalesce Nullif Nvl2 Greatest Least Cast TryCast Typeof
    # numbers
    Abs Acos Acosh Asin Asinh Atan Atan2 Atanh Cbrt Ceil Cos Cosh Cot Degrees Exp Floor IsInf IsNan Ln Log Pi
    Pow Radians Rand Round SafeDivide Sign Sin Sinh Sqrt Tan Tanh Trunc WidthBucket BitwiseCount
    # text
    Ascii BitLength ByteLength Chr Concat ConcatWs Contains EndsWith Initcap Left Length Levenshtein Lower
    Overlay Pad RegexpCount RegexpExtract RegexpExtractAll RegexpFullMatch RegexpILike RegexpInstr RegexpLike
    RegexpReplace RegexpSplit Repeat Replace Reverse Right Soundex Split SplitPart StartsWith StrPosition String
    Substring ToChar ToNumber Translate Trim Unicode Upper JarowinklerSimilarity
    # hashes and binary
    MD5 MD5Digest SHA SHA1Digest SHA2 SHA2Digest Hex LowerHex Unhex ToBase64 FromBase64 Encode Decode Uuid
    # dates and times
    AddMonths CurrentDate CurrentDatetime CurrentTime CurrentTimestamp Localtime Localtimestamp Date DateAdd
    DateBin DateDiff DateFromParts DateFromUnixDate DateStrToDate DateSub DateTrunc Datetime DatetimeAdd
    DatetimeDiff DatetimeSub DatetimeTrunc Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname Extract Hour
    LastDay MakeInterval Minute Month Monthname MonthsBetween Quarter Second StrToDate StrToTime StrToUnix Time
    TimeAdd TimeDiff TimeFromParts TimeStrToDate TimeStrToTime TimeSub TimeToStr TimeToUnix TimeTrunc Timestamp
    TimestampAdd TimestampDiff TimestampFromParts TimestampSub TimestampTrunc TsOrDsAdd TsOrDsDiff TsOrDsToDate
    TsOrDsToTimestamp UnixDate UnixMicros UnixMillis UnixSeconds UnixToTime Week WeekOfYear Year YearOfWeek
    YearOfWeekIso JustifyDays JustifyHours JustifyInterval
    # aggregates
    AnyValue ApproxDistinct ApproxQuantile ArgMax ArgMin ArrayAgg ArrayUniqueAgg Avg BitwiseAndAgg BitwiseOrAgg
    BitwiseXorAgg Corr Count CountIf CovarPop CovarSamp First GroupConcat Grouping GroupingId Kurtosis Last
    LogicalAnd LogicalOr Max Median Min Mode PercentileCont PercentileDisc Quantile RegrAvgx RegrAvgy RegrCount
    RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy Skewness Stddev StddevPop StddevSamp Sum Variance
    VariancePop
    # windows
    CumeDist DenseRank FirstValue Lag LastValue Lead NthValue Ntile PercentRank Rank RowNumber
    # lists, structs, maps
    Array ArrayAll ArrayAny ArrayAppend ArrayConcat ArrayContains ArrayContainsAll ArrayContainedBy
    ArrayDistinct ArrayExcept ArrayFilter ArrayFirst ArrayIntersect ArrayLast ArrayMax ArrayMin ArrayOverlaps
    ArrayPosition ArrayPrepend ArrayRemove ArrayReverse ArraySize ArraySlice ArraySort ArraySum ArrayToString
    Flatten List Map MapContainsKey MapFromEntries MapKeys MapSize StringToArray Struct StructExtract ToMap
    Transform VarMap GenerateSeries ExplodingGenerateSeries Unnest Explode Reduce
    # JSON
    JSONArray JSONArrayAgg JSONArrayContains JSONBContains JSONBExists JSONBExtract JSONBExtractScalar
    JSONBObjectAgg JSONExists JSONExtract JSONExtractArray JSONExtractScalar JSONFormat JSONKeys JSONObject
    JSONObjectAgg JSONType JSONStripNulls ParseJSON
    """
)

#: Functions that are only names to sqlglot, for each engine.
NAMES: dict[str, frozenset[str]] = {
    "duckdb": _words(
        """
        abs add age approx_count_distinct approx_quantile arg_max_null arg_min_null array_cosine_similarity
        array_distance array_extract array_indexof array_inner_product array_length array_value base64 bit_and
        bit_count bit_or bit_xor bitstring_agg bool_and bool_or cardinality ceiling century char_length
        character_length concat contains count_if count_star current_localtime current_localtimestamp
        current_timestamp damerau_levenshtein date_add date_diff date_part date_sub date_trunc datediff datepart
        datesub datetrunc day dayname dayofmonth dayofweek dayofyear decade element_at ends_with entropy epoch
        epoch_ms epoch_ns epoch_us era even favg first fmod format_bytes from_base64 from_binary from_hex
        from_json fsum gamma gcd generate_series geomean geometric_mean get_current_timestamp grade_up
        greatest_common_divisor hamming hash hex histogram hour instr isfinite isinf isnan isodow isoyear
        jaccard jaro_similarity jaro_winkler_similarity json_array json_array_length json_contains json_exists
        json_extract json_extract_path json_extract_path_text json_extract_string json_group_array
        json_group_object json_keys json_merge_patch json_object json_structure json_transform json_type
        json_valid json_value julian kahan_sum last last_day lcase lcm least_common_multiple left_grapheme len
        length_grapheme lgamma list_any_value list_append list_apply list_avg list_cat list_concat list_contains
        list_count list_distinct list_dot_product list_element list_extract list_filter list_first list_has
        list_has_all list_has_any list_indexof list_intersect list_last list_max list_median list_min list_mode
        list_position list_prepend list_product list_reduce list_reverse list_reverse_sort list_select
        list_slice list_sort list_sum list_transform list_unique list_value list_where list_zip log10 log2 ltrim
        mad make_date make_time make_timestamp make_timestamptz map map_concat map_entries map_extract map_keys
        map_values max_by millennium millisecond min_by minute mismatches mod month monthname multiply
        nanosecond nextafter nfc_normalize now nullif octet_length ord position pow prefix product quantile_cont
        quantile_disc quarter range regexp_escape regexp_extract regexp_full_match regexp_matches
        regexp_split_to_array regr_avgx reservoir_quantile right_grapheme roundbankers row rtrim sem sha1 sha256
        signbit split str_split str_split_regex strftime string_split string_split_regex strip_accents strlen
        strptime struct_concat struct_extract struct_insert struct_pack substr substring_grapheme subtract
        suffix sumkahan timetz_byte_comparable timezone timezone_hour timezone_minute to_base64 to_binary
        to_centuries to_days to_decades to_hex to_hours to_json to_microseconds to_millennia to_milliseconds
        to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp
        trunc try_strptime ucase unbin unhex url_decode url_encode var_pop var_samp week weekday weekofyear xor
        year yearweek
        """
    ),
    "postgres": _words(
        """
        age array_cat array_dims array_length array_lower array_ndims array_positions array_remove array_replace
        array_to_json array_upper bit_and bit_count bit_or bit_xor bool_and bool_or btrim cardinality ceiling
        char_length character_length clock_timestamp concat convert_from convert_to date_bin date_part div every
        gcd gen_random_uuid generate_series isfinite json_agg json_array_length json_build_array
        json_build_object json_extract_path json_extract_path_text json_object_agg json_strip_nulls json_typeof
        jsonb_agg jsonb_array_length jsonb_build_array jsonb_build_object jsonb_extract_path
        jsonb_extract_path_text jsonb_object_agg jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_typeof
        justify_days justify_hours lcm log10 ltrim make_date make_interval make_time make_timestamp
        make_timestamptz min_scale mod normalize now num_nonnulls num_nulls octet_length percentile_cont
        percentile_disc pi position regexp_count regexp_instr regexp_like regexp_match regexp_matches
        regexp_split_to_array regexp_substr regr_avgx row row_to_json rtrim scale sha224 sha256 sha384 sha512
        statement_timestamp stddev_pop stddev_samp string_agg string_to_array substr timezone to_ascii to_char
        to_date to_hex to_json to_jsonb to_number to_timestamp transaction_timestamp trim_array trim_scale trunc
        unnest var_pop var_samp
        """
    ),
}

#: Anonymous `any` and `all` around an array or a sub-query are operators, not functions.
QUANTIFIERS = frozenset({"any", "all", "some"})

_T = exp.DType
#: Types that a cast may name. Not types that look up the catalogue (`regclass`, enums).
TYPES = frozenset(
    {
        *(_T.BOOLEAN, _T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.INT128, _T.INT256),
        *(_T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT, _T.UINT128, _T.FLOAT, _T.DOUBLE, _T.DECIMAL, _T.BIGDECIMAL),
        *(_T.CHAR, _T.NCHAR, _T.VARCHAR, _T.NVARCHAR, _T.BPCHAR, _T.TEXT, _T.MEDIUMTEXT, _T.LONGTEXT, _T.UUID),
        *(_T.BINARY, _T.VARBINARY, _T.BLOB, _T.BIT, _T.DATE, _T.DATE32, _T.TIME, _T.TIMETZ, _T.DATETIME, _T.DATETIME64),
        *(_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.TIMESTAMPTZ, _T.TIMESTAMPLTZ, _T.TIMESTAMP_S, _T.TIMESTAMP_MS),
        *(_T.TIMESTAMP_NS, _T.INTERVAL, _T.JSON, _T.JSONB, _T.ARRAY, _T.LIST, _T.STRUCT, _T.MAP, _T.NULL),
    }
)

#: Where a bare word (a unit, a part of a date, a collation) may stand.
WORD_PARENTS = _classes(
    """
    Interval Extract TimestampTrunc DateTrunc DatetimeTrunc TimeTrunc DateAdd DateSub DateDiff DatetimeAdd
    DatetimeSub DatetimeDiff TimestampAdd TimestampSub TimestampDiff TimeAdd TimeSub TimeDiff TsOrDsAdd
    TsOrDsDiff LastDay Ordered TableSample Week
    """
)

#: Arguments that hold text and not nodes, and may.
COLLATIONS = frozenset({"nocase", "noaccent", "nfc", "binary", "c", "posix"})

#: Keys of `exp.Table` that may be set: the name, and what stands beside it in FROM.
TABLE_KEYS = frozenset({"this", "db", "alias", "joins", "laterals", "sample", "ordinality"})

#: Functions that may stand in FROM, with bounds that are small literals.
ROW_SOURCES = _classes("GenerateSeries ExplodingGenerateSeries Unnest Explode")
ROW_SOURCE_NAMES = frozenset({"range", "generate_series"})

#: Most rows that a generated series may have in FROM.
SERIES_ROWS = 1_000_000

#: Most members of a generated list, which every row may hold.
SERIES_ITEMS = 10_000

#: Longest text that LPAD and RPAD may make, in characters; must be a literal.
PADDED_CHARACTERS = 10_000

#: Most times that REPEAT may repeat; must be a literal.
REPEATS = 1_000

#: Longest literal that may stand in for each place of REPLACE, or between the items of a list, in characters. DuckDB
#: does not count what one call of a function allocates, and cannot interrupt it.
FILLER_CHARACTERS = 1_000

"""The injective text of keys and payloads, and its hash, as SQL trees that mean the same on DuckDB and PostgreSQL.

Source: contracts/vault.md, 4.2. The pure Python reference that both engines are compared with is in the tests.
"""

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.vault.model import KeyOptions
from tessera.warehouse import type_of

ZERO_KEY: Final = "00000000-0000-0000-0000-000000000000"
"""The key of what is not known."""
ERROR_KEY: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"

NULL_TEXT: Final = "\\N"
_SMALL: Final = "abcdefghijklmnopqrstuvwxyz"

_FLOATS: Final = frozenset({"FLOAT", "DOUBLE", "REAL"})
_PLAIN: Final = frozenset(
    {
        *("TINYINT", "SMALLINT", "INT", "BIGINT", "INT128", "UTINYINT", "USMALLINT", "UINT", "UBIGINT", "UINT128"),
        *("HUGEINT", "UHUGEINT", "INTEGER"),
        *("DECIMAL", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPNTZ", "DATETIME", "UUID"),
    }
)
_TEXTS: Final = frozenset({"TEXT", "VARCHAR", "CHAR", "NCHAR", "NVARCHAR"})
_ZONED: Final = frozenset({"TIMESTAMPTZ", "TIMESTAMPLTZ"})
_BINARY: Final = frozenset({"VARBINARY", "BINARY", "BLOB"})


def type_word(type_text: str) -> str:
    """The bare word of a portable type: ``DECIMAL(10, 2)`` -> ``DECIMAL``."""
    kind = type_of(type_text)
    return str(kind.this.value) if isinstance(kind.this, exp.DType) else str(kind.this)


def is_engine_bound(type_text: str) -> bool:
    """Whether the type's text differs between engines, so that hashes over it do not move."""
    word = type_word(type_text)
    return word not in _PLAIN and word not in _TEXTS and word not in _ZONED and word not in _BINARY


def check_key_type(column: str, type_text: str) -> None:
    """Refuse types without one text on all engines as part of a key.

    Raises:
        Invalid: floating point, JSON, arrays, structs.
    """
    if type_word(type_text) in _FLOATS:
        raise Invalid(
            f"column {column} is {type_text}: floating point has no one text and cannot be part of a key; "
            "use an integer, DECIMAL or TEXT",
            field="columns",
        )
    if is_engine_bound(type_text):
        raise Invalid(f"column {column} is {type_text}, which cannot be part of a key", field="columns")


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A function that both engines know under this name."""
    return exp.Anonymous(this=name.upper(), expressions=list(arguments))


def text(constant: str) -> exp.Expr:
    """A text literal."""
    return exp.Literal.string(constant)


def canonical(value: exp.Expr, type_text: str, dialect: str) -> exp.Expr:
    """The canonical text of a value of this type; NULL stays NULL."""
    word = type_word(type_text)
    if word in ("TEXT", "VARCHAR"):
        return value
    if word in _ZONED:
        return exp.cast(exp.AtTimeZone(this=value, zone=text("UTC")), "text")
    if word in _BINARY:
        return call("encode", value, text("hex")) if dialect == "postgres" else exp.Lower(this=call("hex", value))
    return exp.cast(value, "text")


def key_part(value: exp.Expr, type_text: str, options: KeyOptions, dialect: str) -> exp.Expr:
    """A part of a business key: canonical text, then the hub's options."""
    part = canonical(value, type_text, dialect)
    if type_word(type_text) not in _TEXTS:
        return part
    if options.trim:
        part = call("btrim" if dialect == "postgres" else "trim", part, text(" "))
    if options.case == "ascii_upper":
        part = call("translate", part, text(_SMALL), text(_SMALL.upper()))
    elif options.case == "ascii_lower":
        part = call("translate", part, text(_SMALL.upper()), text(_SMALL))
    return exp.Nullif(this=part, expression=text("")) if options.empty_is_null else part


def escaped(part: exp.Expr, dialect: str) -> exp.Expr:
    """``\\`` and ``|`` with a backslash before them; looked for first, since few values have one."""

    def has(character: str) -> exp.Expr:
        if dialect == "postgres":
            return exp.GT(this=call("strpos", part.copy(), text(character)), expression=exp.Literal.number(0))
        return call("contains", part.copy(), text(character))

    doubled = call("replace", part.copy(), text("\\"), text("\\\\"))
    safe = call("replace", doubled, text("|"), text("\\|"))
    return exp.Case(ifs=[exp.If(this=exp.or_(has("|"), has("\\")), true=safe)], default=part.copy())


def encoded(parts: Sequence[tuple[exp.Expr, bool]], dialect: str) -> exp.Expr:
    """E(parts). Each part is a text and whether it may hold ``\\`` or ``|`` (digits and dates do not)."""
    pieces = [
        exp.Coalesce(this=escaped(part, dialect) if is_text else part.copy(), expressions=[text(NULL_TEXT)])
        for part, is_text in parts
    ]
    return pieces[0] if len(pieces) == 1 else call("concat_ws", text("|"), *pieces)


def may_need_escape(type_text: str) -> bool:
    """Whether the canonical text of this type can hold a delimiter."""
    word = type_word(type_text)
    return word not in _PLAIN and word not in _ZONED and word not in _BINARY


def business_key(parts: Sequence[tuple[exp.Expr, bool]], prefix: str | None, dialect: str) -> exp.Expr:
    """bk = E(prefix if any, parts), NULL where all parts are."""
    first: list[tuple[exp.Expr, bool]] = [] if prefix is None else [(text(prefix), True)]
    nothing = exp.and_(*[is_null(part) for part, _ in parts])
    return exp.Case(ifs=[exp.If(this=nothing, true=exp.null())], default=encoded([*first, *parts], dialect))


def stripped_diff(columns: Sequence[tuple[exp.Expr, str]], dialect: str) -> exp.Expr:
    """E(payload) without its trailing NULLs, so that a column appended later leaves old hashes alone."""
    parts = [(canonical(value, kind, dialect), may_need_escape(kind)) for value, kind in columns]
    whole = encoded(parts, dialect)
    if len(parts) == 1:
        return whole
    # The pattern cannot start inside a value: a delimiter of a value is escaped, and so is a value's own \N.
    stripped = call("regexp_replace", whole.copy(), text(r"(\|\\N)+$"), text(""))
    return exp.Case(ifs=[exp.If(this=is_null(columns[-1][0]), true=stripped)], default=whole)


def is_null(value: exp.Expr) -> exp.Expr:
    """``value IS NULL``"""
    return exp.Is(this=value.copy(), expression=exp.null())


def hashed(value: exp.Expr) -> exp.Expr:
    """H(text): md5 over its UTF-8 bytes, held as a UUID, the cheapest box of 16 bytes on both engines."""
    return exp.cast(exp.MD5(this=value), "uuid")


def hash_or_zero(value: exp.Expr) -> exp.Expr:
    """H(text), or the zero key for NULL."""
    return exp.Coalesce(this=hashed(value), expressions=[zero_key()])


def zero_key() -> exp.Expr:
    """The zero key as a literal."""
    return exp.cast(text(ZERO_KEY), "uuid")


def error_key() -> exp.Expr:
    """The error key as a literal."""
    return exp.cast(text(ERROR_KEY), "uuid")


def hash_hex(value: exp.Expr) -> exp.Expr:
    """A hash as lower-case hex text, its form on the wire."""
    return call("replace", exp.cast(value, "text"), text("-"), text(""))

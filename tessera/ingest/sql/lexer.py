"""Cuts a statement into tokens, each with its place; comments and blanks fall away. No grammar here."""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tessera.kernel.errors import Invalid

STATEMENT_LIMIT: Final = 1_000_000
"""Characters in one statement; a longer one is a mistake, not a statement."""


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted name"
    STRING = "string"
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end of the statement"


class Token(Struct, frozen=True):
    """One token. ``text`` is the value: without quotes for strings and quoted names."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The keyword that a bare word may stand for; empty for everything else."""
        return self.text.upper() if self.kind is Kind.WORD else ""

    def shown(self) -> str:
        """The token as an error message prints it."""
        if self.kind is Kind.END:
            return str(self.kind)
        text = self.text if len(self.text) <= 40 else self.text[:40] + "…"
        return f"'{text}'"


_TOKEN = re.compile(
    r"""
      (?P<blank>\s+ | --[^\n]* | /\*.*?\*/)
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[$A-Za-z_][$A-Za-z0-9_]*)
    | (?P<symbol>::|\|\||<=|>=|<>|!=|->>|->|[^\s])
    """,
    re.VERBOSE | re.DOTALL,
)


def place(sql: str, offset: int) -> str:
    """Where ``offset`` is, as people count: ``line 2, column 7``."""
    line = sql.count("\n", 0, offset) + 1
    column = offset - (sql.rfind("\n", 0, offset) + 1) + 1
    return f"line {line}, column {column}"


def tokenize(sql: str) -> list[Token]:
    """The tokens of ``sql``, the last one being the end.

    Raises:
        Invalid: a string, a quoted name or a comment is not closed; the text is over the limit.
    """
    if len(sql) > STATEMENT_LIMIT:
        raise Invalid(f"the statement has {len(sql)} characters; at most {STATEMENT_LIMIT} are read", field="sql")
    tokens: list[Token] = []
    for match in _TOKEN.finditer(sql):
        group = match.lastgroup
        if group == "blank":
            continue
        text = match.group()
        if group == "string":
            kind, text = Kind.STRING, text[1:-1].replace("''", "'")
        elif group == "quoted":
            kind, text = Kind.QUOTED, text[1:-1].replace('""', '"')
        elif group == "number":
            kind = Kind.NUMBER
        elif group == "word":
            kind = Kind.WORD
        else:
            kind = Kind.SYMBOL
            if text in ("'", '"'):
                what = "string" if text == "'" else "quoted name"
                raise Invalid(f"{place(sql, match.start())}: the {what} that begins here is not closed", field="sql")
            if text == "/" and sql.startswith("/*", match.start()):
                raise Invalid(f"{place(sql, match.start())}: the comment that begins here is not closed", field="sql")
        tokens.append(Token(kind, text, match.start(), match.end()))
    tokens.append(Token(Kind.END, "", len(sql), len(sql)))
    return tokens

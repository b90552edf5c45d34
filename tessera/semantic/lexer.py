"""Cuts bodies of statements into tokens and statements; knows strings, comments and both quotings of identifiers.

It is for definition statements and commands, and for cutting at `;`. Queries themselves are parsed by sqlglot.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from tessera.kernel.errors import Invalid

Kind = Literal["word", "quoted", "string", "number", "mark", "end"]


class Token(Struct, frozen=True):
    """A piece of text. `value` is without quotes, with doubled quotes undone."""

    kind: Kind
    value: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, in any case; never a quoted name."""
        return self.kind == "word" and self.value.upper() in words

    def is_mark(self, mark: str) -> bool:
        return self.kind == "mark" and self.value == mark

    @property
    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")


_PLAIN = re.compile(
    r"(?P<space>\s+|--[^\n]*)"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<quoted>`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")"
    r"|(?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<mark>[^\s])",
    re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def tokens_of(text: str) -> list[Token]:
    """All tokens, with one of kind `end` last.

    Raises:
        Invalid: a string, name or comment that does not end.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text.startswith("/*", at):
            at = _after_comment(text, at)
            continue
        match = _PLAIN.match(text, at)
        assert match is not None  # the last alternative takes any visible character
        piece = match.group()
        if match.lastgroup == "space" or match.group("space"):
            pass
        elif match.group("string"):
            found.append(Token("string", piece[1:-1].replace("''", "'"), at, match.end()))
        elif match.group("quoted"):
            quote = piece[0]
            found.append(Token("quoted", piece[1:-1].replace(quote * 2, quote), at, match.end()))
        elif match.group("dollar"):
            found.append(Token("string", piece, at, match.end()))
        elif match.group("number"):
            found.append(Token("number", piece, at, match.end()))
        elif match.group("word"):
            found.append(Token("word", piece, at, match.end()))
        else:
            if piece in "'`\"":
                raise Invalid(f"{place(text, at)}: the {_QUOTED[piece]} that begins here does not end", code="syntax")
            found.append(Token("mark", piece, at, match.end()))
        at = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


_QUOTED = {"'": "string", "`": "name", '"': "name"}


def statements_of(text: str) -> list[str]:
    """The statements of a body, cut at `;`; empty ones are left out."""
    pieces: list[str] = []
    begin: int | None = None
    last = 0
    for token in tokens_of(text):
        if token.is_mark(";") or token.kind == "end":
            if begin is not None:
                pieces.append(text[begin:last])
            begin = None
        else:
            begin = token.start if begin is None else begin
            last = token.end
    return pieces


def place(text: str, offset: int) -> str:
    """`line 3, column 7` of an offset."""
    before = text[:offset]
    return f"line {before.count(chr(10)) + 1}, column {offset - (before.rfind(chr(10)) + 1) + 1}"


def _after_comment(text: str, at: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise Invalid(f"{place(text, at)}: the comment that begins here does not end", code="syntax")

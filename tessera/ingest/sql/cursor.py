"""A place in a list of tokens, and the few moves that the parser makes. The state of one parse, nothing else."""

from collections.abc import Container, Iterable
from typing import NoReturn

from tessera.ingest.sql.lexer import Kind, Token, place, tokenize
from tessera.kernel.errors import Invalid


class Cursor:
    """Reads tokens from left to right."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokenize(sql)
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token ``ahead`` of the next one; the end token beyond the last."""
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The next token, passed by."""
        token = self.peek()
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def refuse(self, expected: str, token: Token | None = None) -> NoReturn:
        """Raise ``Invalid``: the place, what would be right, what stands there."""
        token = token or self.peek()
        raise Invalid(f"{place(self.sql, token.start)}: expected {expected}, found {token.shown()}", field="sql")

    def looks_at(self, *words: str) -> bool:
        """Whether the next tokens are these keywords, in order."""
        return all(self.peek(number).upper == word for number, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Pass these keywords by, if all of them come next."""
        if self.looks_at(*words):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Pass these keywords by.

        Raises:
            Invalid: something else stands there.
        """
        for word in words:
            if not self.accept(word):
                self.refuse(word)

    def one_of(self, words: Iterable[str], what: str) -> str:
        """The keyword that comes next, one of ``words``."""
        known = list(words)
        token = self.peek()
        if token.upper not in known:
            self.refuse(f"{what} ({', '.join(known)})")
        self.take()
        return token.upper

    def is_symbol(self, symbol: str, ahead: int = 0) -> bool:
        """Whether the token ``ahead`` is this symbol."""
        token = self.peek(ahead)
        return token.kind is Kind.SYMBOL and token.text == symbol

    def accept_symbol(self, symbol: str) -> bool:
        """Pass the symbol by, if it comes next."""
        if self.is_symbol(symbol):
            self.take()
            return True
        return False

    def expect_symbol(self, symbol: str) -> None:
        """Pass the symbol by.

        Raises:
            Invalid: something else stands there.
        """
        if not self.accept_symbol(symbol):
            self.refuse(f"'{symbol}'")

    def name(self, what: str) -> str:
        """An identifier, bare or quoted."""
        token = self.peek()
        if token.kind not in (Kind.WORD, Kind.QUOTED) or not token.text:
            self.refuse(what)
        return self.take().text

    def path(self, what: str) -> str:
        """A name with dots, such as a nested field, as one text."""
        parts = [self.name(what)]
        while self.accept_symbol("."):
            parts.append(self.name(what))
        return ".".join(parts)

    def string(self, what: str) -> str:
        """A string in single quotes."""
        if self.peek().kind is not Kind.STRING:
            self.refuse(f"{what} in single quotes")
        return self.take().text

    def skip_brackets(self) -> None:
        """Pass by a bracketed group, whose opening bracket comes next."""
        opening = self.take()
        depth = 1
        while depth:
            token = self.take()
            if token.kind is Kind.END:
                self.refuse("')' for this '('", opening)
            if token.kind is Kind.SYMBOL:
                depth += {"(": 1, ")": -1}.get(token.text, 0)

    def text_until(
        self, *stop: tuple[str, ...], comma: bool = False, bracket: bool = False, option: Container[str] = ()
    ) -> str:
        """The source text up to a semicolon or the end, or before that to what the arguments name (outside brackets).

        Args:
            stop: sequences of keywords.
            comma: whether a comma ends the text.
            bracket: whether a closing bracket ends it.
            option: names of options; one that is followed by ``=`` ends it.
        """
        start = self.peek().start
        end = start
        while True:
            token = self.peek()
            if token.kind is Kind.END or self.is_symbol(";") or any(self.looks_at(*words) for words in stop):
                break
            if (comma and self.is_symbol(",")) or (bracket and self.is_symbol(")")):
                break
            if token.upper in option and self.is_symbol("=", 1):
                break
            if self.is_symbol("("):
                self.skip_brackets()
            else:
                self.take()
            end = self.tokens[self.at - 1].end
        return self.sql[start:end]

    def done(self) -> None:
        """Expect the end, one semicolon allowed.

        Raises:
            Invalid: more text follows.
        """
        self.accept_symbol(";")
        if self.peek().kind is not Kind.END:
            self.refuse("the end of the statement (one statement a request)")

"""What can go wrong in the warehouse, as kinds of the kernel. Messages carry no SQL and no path of a file."""

from __future__ import annotations

from tessera.kernel.errors import Conflict, Invalid, TooLarge, Unavailable


class SqlRefused(Invalid):
    """The statement is outside what users' SQL may say; `line` and `column` count from 1, `piece` is its text."""

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None, piece: str | None = None):
        self.line, self.column, self.piece, self.reason = line, column, piece, message
        where = f"line {line}, column {column}: " if line is not None else ""
        super().__init__(where + message, code="sql_refused")


class QueryFailed(Invalid):
    """The engine refused or could not finish the statement (unknown column, bad cast, division by zero, …)."""


class QueryTimeout(Unavailable):
    """The time limit ended the statement."""


class QueryCancelled(Conflict):
    """Somebody cancelled the statement."""


class QueryTooLarge(TooLarge):
    """The result or the memory that the statement needs is over the limit."""


class WriteConflict(Conflict):
    """The write meets a constraint or another writer's change; nothing was written."""

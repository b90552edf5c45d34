"""Owns pages: what a client may ask for, and the five keys of every paged answer.

``next_page`` repeats the client's own query with the next number, and carries besides where this page ended and how
many rows there were: behind it the next one is found by key and nothing is counted again, so that the thousandth page
costs less than the first, and a row that is inserted meanwhile neither repeats nor hides another.
"""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Meta, Raw, Struct

from tessera.catalog import paths
from tessera.catalog.objects_store import Seek
from tessera.kernel.errors import Invalid
from tessera.kernel.http import Request

LIMIT_MAX: Final = 5_000
LIMIT_DEFAULT: Final = 20
PAGE_MAX: Final = 1_000_000_000
CURSOR: Final = "cursor"
DEPTH_MAX: Final = 1_000_000

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX)]
PageNumber = Annotated[int, Meta(ge=1, le=PAGE_MAX)]


Mark = tuple[str, str, int]
"""What a cursor holds: sort key and id of the last row shown, and the number of rows."""


class PageQuery(Struct, kw_only=True, rename="camel"):
    """``limit`` and ``page`` of a paged list, and the place behind which it goes on."""

    limit: Limit = LIMIT_DEFAULT
    page: PageNumber = 1
    cursor: str | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str) and "\x00" in value:
                # PostgreSQL has no such text, so nothing could match.
                raise ValueError(f"{name}: the character U+0000 is not allowed")

    def seek(self) -> Seek:
        """Where the page begins.

        Raises:
            Invalid: a cursor that this server did not make.
        """
        if self.cursor is None:
            return Seek(offset=(self.page - 1) * self.limit)
        try:
            key, row_id, total = msgspec.json.decode(base64.urlsafe_b64decode(self.cursor), type=Mark)
        except (ValueError, msgspec.MsgspecError):
            raise Invalid("cursor: not one that this server made; leave it out", field=CURSOR) from None
        if not paths.is_uuid(row_id) or "\x00" in key or total < 0:
            raise Invalid("cursor: not one that this server made; leave it out", field=CURSOR)
        return Seek(key, row_id, total=total)


class ObjectQuery(PageQuery, kw_only=True, rename="camel"):
    """Parameters of the lists of objects; unknown ones are ignored, since clients in use send some."""

    version_id: str | None = None
    parent_id: str | None = None
    max_depth: Annotated[int, Meta(ge=0, le=DEPTH_MAX)] | None = None
    name: str | None = None
    technical_name: str | None = None
    type: str | None = None
    include_attributes: bool = False
    include_links: bool = False
    include_access_data: bool = False


class Page(Struct, frozen=True):
    """The envelope of every paged list."""

    pages: int
    total: int
    total_sum: int
    next_page: str | None
    results: Sequence[Any]


class Address(Struct, frozen=True):
    """What ``next_page`` is made of; taken from the request before the work moves to another thread."""

    url: str
    query: str
    origin: str

    @classmethod
    def of(cls, request: Request) -> "Address":
        """The address as the caller wrote it, behind whatever proxy."""
        return cls(f"{request.origin}{request.url.path}", request.url.query, request.origin)

    def page(self, number: int, mark: Mark) -> str:
        """The same query, for page ``number``, going on behind ``mark``."""
        kept = [(name, value) for name, value in parse_qsl(self.query, keep_blank_values=True)]
        pairs = [(name, value) for name, value in kept if name not in ("page", CURSOR)]
        cursor = base64.urlsafe_b64encode(msgspec.json.encode(mark)).decode()
        return f"{self.url}?{urlencode([*pairs, ('page', str(number)), (CURSOR, cursor)])}"


def make_page(
    results: Sequence[Any], query: PageQuery, address: Address, *, total_sum: int, last: tuple[str, str] | None
) -> Raw:
    """The answer, encoded.

    Args:
        last: sort key and id of the last row shown; None for an empty page.
    """
    pages = -(-total_sum // query.limit)
    next_page = None
    if last is not None and query.page < pages:
        next_page = address.page(query.page + 1, (*last, total_sum))
    return Raw(msgspec.json.encode(Page(pages, len(results), total_sum, next_page, results)))

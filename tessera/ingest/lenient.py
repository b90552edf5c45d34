"""Reads JSON bodies as this API's clients send them: control characters may stand in strings as they are.

Source: contracts/ingest.md, 1, last row: the seed's own example has a raw line break in ``description``.
"""

import json
from typing import Any, Final, TypeVar

import msgspec

from tessera.kernel.errors import Invalid
from tessera.kernel.http import decode_json

T = TypeVar("T")
_DECODER: Final = json.JSONDecoder(strict=False)


def read_body(body: bytes, kind: type[T]) -> T:
    """The body as ``kind``.

    Raises:
        Invalid: it is no JSON, or lacks a field, or has one of another type; the message names it.
    """
    try:
        read: T = decode_json(body, kind)
        return read
    except Invalid as problem:
        if problem.code != "json":
            raise
    try:
        value: Any = _DECODER.decode(body.decode())
    except (ValueError, RecursionError):
        raise Invalid("the body is no JSON; send an object, with the header content-type: application/json") from None
    mended: T = decode_json(msgspec.json.encode(_plain(value)), kind)
    return mended


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(name): _plain(inner) for name, inner in value.items()}
    return value

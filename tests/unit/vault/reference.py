"""The contract's encoding in plain Python, written from its words and independent of the SQL that it is compared with.

Source: contracts/vault.md, 4.2
"""

import hashlib
from collections.abc import Iterable, Sequence


def encode(values: Iterable[str | None]) -> str:
    """E(v1..vn)."""
    return "|".join("\\N" if v is None else v.replace("\\", "\\\\").replace("|", "\\|") for v in values)


def digest(encoded: str) -> str:
    """H: md5 over UTF-8 as lower-case hex."""
    return hashlib.md5(encoded.encode(), usedforsecurity=False).hexdigest()


def key_part(value: str | None, *, trim: bool = True, case: str = "preserve", empty_is_null: bool = True) -> str | None:
    """A text part of a key under the hub's options."""
    if value is None:
        return None
    if trim:
        value = value.strip(" ")
    if case != "preserve":
        change = str.upper if case == "ascii_upper" else str.lower
        value = "".join(change(c) if c.isascii() else c for c in value)
    return None if empty_is_null and value == "" else value


def business_key(parts: Sequence[str | None], prefix: str | None = None) -> str | None:
    """bk; None where all parts are NULL."""
    if all(part is None for part in parts):
        return None
    return encode(parts if prefix is None else [prefix, *parts])


def diff(values: Sequence[str | None]) -> str:
    """The text behind a hash diff: trailing NULLs stripped, but the first value stays."""
    kept = list(values)
    while len(kept) > 1 and kept[-1] is None:
        kept.pop()
    return encode(kept)

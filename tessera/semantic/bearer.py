"""The Fernet bearer of `get_token`: made from a name, a password and the salt; read back by any of the known recipes.

A bearer is a password in disguise. Source: contracts/semantic.md, 3.3
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Iterator
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from msgspec import Struct

MAXIMUM_CHARACTERS: Final = 4096
_PBKDF2_ROUNDS: Final = (100_000, 390_000, 480_000, 600_000)


class Opened(Struct, frozen=True):
    """What a bearer holds; `recipe` is how the salt became the key."""

    username: str
    password: str
    recipe: str
    age_seconds: float


def make_bearer(username: str, password: str, salt: str) -> str:
    """The bearer for `Authorization: Bearer …`; begins with gAAAAA."""
    text = base64.b64encode(f"{username}:{password}".encode())
    return Fernet(key_of(salt)).encrypt(text).decode("ascii")


def key_of(salt: str) -> bytes:
    """The key of the interoperable recipe: a salt that is a Fernet key already is taken as it is."""
    return salt.encode() if _is_key(salt) else _by_md5(salt)


def open_bearer(bearer: str, salt: str, *, try_pbkdf2: bool = False) -> Opened | None:
    """Name and password, or None: not made with this salt, or no name and password inside.

    Every recipe is tried in the same order, whichever fits.
    """
    if len(bearer) > MAXIMUM_CHARACTERS or not bearer.isascii():
        return None
    found: Opened | None = None
    for recipe, key in _keys(salt, try_pbkdf2=try_pbkdf2):
        fernet = Fernet(key)
        try:
            plain = fernet.decrypt(bearer.encode())
            made_at = fernet.extract_timestamp(bearer.encode())
        except (InvalidToken, binascii.Error, ValueError):
            continue
        pair = _pair(plain)
        if pair is not None and found is None:
            found = Opened(pair[0], pair[1], recipe, time.time() - made_at)
    return found


def _keys(salt: str, *, try_pbkdf2: bool) -> Iterator[tuple[str, bytes]]:
    raw = salt.encode()
    if _is_key(salt):
        yield "key", raw
    yield "md5", _by_md5(salt)
    yield "sha256", base64.urlsafe_b64encode(hashlib.sha256(raw).digest())
    if len(raw) == 32:
        yield "raw", base64.urlsafe_b64encode(raw)
    if try_pbkdf2:
        for rounds in _PBKDF2_ROUNDS:
            yield f"pbkdf2-{rounds}", base64.urlsafe_b64encode(hashlib.pbkdf2_hmac("sha256", raw, raw, rounds, 32))


def _by_md5(salt: str) -> bytes:
    # Not a protection but a published recipe: the vendor's own client makes its keys so.
    return base64.urlsafe_b64encode(hashlib.md5(salt.encode(), usedforsecurity=False).hexdigest().encode("ascii"))


def _is_key(salt: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(salt.encode())) == 32
    except (binascii.Error, ValueError):
        return False


def _pair(plain: bytes) -> tuple[str, str] | None:
    for text in (_decoded(plain), _text(plain)):
        if text is not None and ":" in text:
            username, _, password = text.partition(":")
            if username:
                return username, password
    return None


def _decoded(plain: bytes) -> str | None:
    try:
        return _text(base64.b64decode(plain.translate(bytes.maketrans(b"-_", b"+/")), validate=True))
    except (binascii.Error, ValueError):
        return None


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None

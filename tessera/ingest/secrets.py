"""Keeps the secret options of connections and jobs encrypted. Source: contracts/ingest.md, 5.3."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from tessera.kernel.errors import Unavailable
from tessera.settings import Settings

KEY_FILE: Final = "ingest.key"
MASK: Final = "'***'"
"""What stands in place of a secret wherever options are shown."""


@lru_cache(maxsize=8)
def _cipher(path: Path) -> Fernet:
    """The cipher with the key in ``path``, which is made at first use and readable by its owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Fernet(path.read_bytes().strip())
    key = Fernet.generate_key()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return Fernet(key)


def seal(settings: Settings, values: dict[str, str]) -> str | None:
    """Option texts as one sealed text; None for none."""
    return _cipher(settings.path(KEY_FILE)).encrypt(json.dumps(values).encode()).decode() if values else None


def unseal(settings: Settings, sealed: str | None) -> dict[str, str]:
    """The option texts in a sealed text.

    Raises:
        Unavailable: the key file is another one than at the time of sealing.
    """
    if not sealed:
        return {}
    try:
        opened: dict[str, str] = json.loads(_cipher(settings.path(KEY_FILE)).decrypt(sealed.encode()))
    except (InvalidToken, ValueError) as error:
        raise Unavailable(f"the secrets cannot be read: {KEY_FILE} in the data folder is not the key") from error
    return opened

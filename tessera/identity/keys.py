"""The key that signs tokens: where `jwt_secret` is looked for, what is refused, and how it is rotated."""

import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

from joserfc.jwk import OctKey

from tessera.kernel.log import logger
from tessera.settings import BadSetting

MINIMUM_CHARACTERS = 64
_SECRET_FILES = ("/run/secrets/jwt_secret", "/etc/secrets/jwt_secret")
_ALPHABET = string.ascii_letters + string.digits

_log = logger("identity")


class SecretRefused(BadSetting):
    """`jwt_secret` cannot be used: the command ends with exit code 2 and says why on standard error."""


class Keys:
    """The keys of one process: the first signs, all of them verify."""

    def __init__(self, secrets_: tuple[str, ...], *, origin: str) -> None:
        self.origin = origin
        self.is_lasting = origin != "random"
        self._keys = tuple(OctKey.import_key(secret.encode("utf-8")) for secret in secrets_)

    @property
    def signing(self) -> OctKey:
        """The key for new tokens."""
        return self._keys[0]

    @property
    def verifying(self) -> tuple[OctKey, ...]:
        """The keys whose tokens are accepted, the present one first."""
        return self._keys

    def __repr__(self) -> str:
        return f"Keys(origin={self.origin!r}, count={len(self._keys)})"


def load_keys(environment: Mapping[str, str] | None = None, secret_files: tuple[str, ...] = _SECRET_FILES) -> Keys:
    """Find `jwt_secret`: the file named by ``TESSERA_JWT_SECRET_FILE``, else the secret files of containers, else the
    variable ``JWT_SECRET``, else 64 random characters, which the log says once.

    A second line is the previous secret: it verifies and does not sign, so that a rotation needs no outage.

    Raises:
        SecretRefused: fewer than 64 characters, more than two lines, or a named file that cannot be read.

    Source: contracts/vault.md, 1.3
    """
    environment = os.environ if environment is None else environment
    named = environment.get("TESSERA_JWT_SECRET_FILE")
    if named:
        return _parse(_read(Path(named)), origin=named)
    for candidate in secret_files:
        if Path(candidate).is_file():
            return _parse(_read(Path(candidate)), origin=candidate)
    from_environment = environment.get("JWT_SECRET")
    if from_environment:
        return _parse(from_environment, origin="JWT_SECRET")
    _log.warning(
        "jwt_secret is not set: signed tokens will not survive a restart, and several workers need a shared secret",
        remedy="put at least 64 characters into a file and name it in TESSERA_JWT_SECRET_FILE",
    )
    return Keys(("".join(secrets.choice(_ALPHABET) for _ in range(MINIMUM_CHARACTERS)),), origin="random")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretRefused(f"jwt_secret cannot be read from {path}: {type(error).__name__}") from error


def _parse(text: str, *, origin: str) -> Keys:
    text = text.removesuffix("\n").removesuffix("\r")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if len(lines) > 2:
        raise SecretRefused(
            f"jwt_secret from {origin} has {len(lines)} lines; it may have one, or two of which the second is the "
            "previous secret"
        )
    for number, line in enumerate(lines, start=1):
        if len(line) < MINIMUM_CHARACTERS:
            raise SecretRefused(
                f"jwt_secret from {origin} must be at least {MINIMUM_CHARACTERS} characters long; "
                f"line {number} has {len(line)}"
            )
    return Keys(tuple(lines), origin=origin)

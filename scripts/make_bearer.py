"""Make the authorization bearer for POST /timbr/api/get_token. Stands alone: needs Python and `cryptography` only.

    API_AUTH_SALT=… python make_bearer.py USERNAME        (asks for the password, or reads it from a pipe)

The recipe: base64 of `username:password`, encrypted with Fernet; the key is `API_AUTH_SALT` itself where it is a Fernet
key, else urlsafe_base64(md5(salt) in hexadecimal).
"""

import base64
import binascii
import getpass
import hashlib
import os
import sys

from cryptography.fernet import Fernet


def bearer(username: str, password: str, salt: str) -> str:
    """The bearer; it begins with gAAAAA."""
    try:
        is_key = len(base64.urlsafe_b64decode(salt.encode())) == 32
    except (binascii.Error, ValueError):
        is_key = False
    digest = hashlib.md5(salt.encode(), usedforsecurity=False).hexdigest()
    key = salt.encode() if is_key else base64.urlsafe_b64encode(digest.encode("ascii"))
    return Fernet(key).encrypt(base64.b64encode(f"{username}:{password}".encode())).decode("ascii")


if __name__ == "__main__":
    salt = os.environ.get("API_AUTH_SALT")
    if not salt or len(sys.argv) != 2:
        sys.exit("usage: API_AUTH_SALT=… make_bearer.py USERNAME")
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    sys.stdout.write(f"Authorization: Bearer {bearer(sys.argv[1], password, salt)}\n")

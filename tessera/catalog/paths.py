r"""Owns ids and paths: ``\harbour\ops\berth``, its types, its display names, and the two spellings of an object's id.

Source: contracts/catalog.md, 7.
"""

import re
from typing import Final

from tessera.catalog.model import SEPARATOR
from tessera.kernel.errors import Invalid, NotFound

PATH_MAX_BYTES: Final = 2_300
"""A longer path would not fit into an index entry of PostgreSQL (2,704 bytes with the other columns)."""
NAME_MAX_CHARACTERS: Final = 1_000

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_uuid(text: str) -> bool:
    """Whether ``text`` is a UUID with hyphens, in either case."""
    return _UUID.fullmatch(text.lower()) is not None


def uuid_or_missing(text: str, what: str) -> str:
    """``text`` in lower case.

    Raises:
        NotFound: it is no UUID, so nothing can have that id.
    """
    lowered = text.lower()
    if _UUID.fullmatch(lowered) is None:
        raise NotFound(f"{what} {text!r} does not exist")
    return lowered


def split_object_id(text: str) -> tuple[str | None, str]:
    """``{workspaceId}:{objectId}`` or a plain object id, as (workspace id or None, object id).

    Raises:
        NotFound: neither form.
    """
    workspace, colon, object_id = text.rpartition(":")
    if not colon:
        return None, uuid_or_missing(text, "object")
    if not is_uuid(workspace) or not is_uuid(object_id):
        raise NotFound(f"object {text!r} does not exist")
    return workspace.lower(), object_id.lower()


def check_name(name: str, field: str = "name", *, longest: int = NAME_MAX_CHARACTERS) -> str:
    """A display name as it may be stored.

    Raises:
        Invalid: empty, too long, or with a character that cannot be stored.
    """
    if not name.strip():
        raise Invalid(f"{field}: a text that is not empty is required", field=field)
    if len(name) > longest:
        raise Invalid(f"{field}: at most {longest} characters; got {len(name)}", field=field)
    if "\x00" in name:
        raise Invalid(f"{field}: the character U+0000 is not allowed", field=field)
    return name


def check_technical_name(name: str) -> str:
    r"""A technical name: any text without ``\``, since paths have no escaping.

    Raises:
        Invalid: empty, too long, or with ``\``.
    """
    check_name(name, "technicalName")
    if SEPARATOR in name:
        raise Invalid(
            f"technicalName: must not contain a backslash, which separates the parts of a path; got {name!r}",
            field="technicalName",
        )
    return name


def join(parent_path: str, segment: str) -> str:
    r"""The path of a child; ``parent_path`` is empty for a root object.

    Raises:
        Invalid: the whole path is too long.
    """
    path = f"{parent_path}{SEPARATOR}{segment}"
    if len(path.encode()) > PATH_MAX_BYTES:
        raise Invalid(f"technicalName: the object's path is longer than {PATH_MAX_BYTES} bytes", field="technicalName")
    return path


def join_functional(parent_path: str, name: str) -> str:
    r"""The same with display names. A ``\`` inside a name becomes ``/``: clients split the path without unescaping."""
    return f"{parent_path}{SEPARATOR}{name.replace(SEPARATOR, '/')}"


def check_path(text: str, field: str) -> str:
    r"""A path that a client sent.

    Raises:
        Invalid: it does not begin with ``\``, or has an empty part.
    """
    if not text.startswith(SEPARATOR) or "\x00" in text or any(not part for part in text.split(SEPARATOR)[1:]):
        raise Invalid(f"{field}: a path looks like \\source\\container\\structure; got {text!r}", field=field)
    return text

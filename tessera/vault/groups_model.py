"""The user groups of the vault, and which of them may call what.

Source: contracts/vault.md, 1.4 and 3.1
"""

from enum import StrEnum
from typing import Final

PACKAGE_NAME: Final = "vault"


class Group(StrEnum):
    """A user group. They are no ladder: operators load but do not model, modellers do both."""

    READ_ONLY = "dvb_user_readonly"
    OPERATIONS = "dvb_operations"
    USER = "dvb_user"
    ADMIN = "dvb_admin"


READ: Final = frozenset(Group)
"""R: all four."""
MODEL: Final = frozenset({Group.USER, Group.ADMIN})
"""M: who may change the model."""
OPERATE: Final = frozenset({Group.OPERATIONS, Group.USER, Group.ADMIN})
"""O: who may load."""
ADMINISTER: Final = frozenset({Group.ADMIN})
"""A: who may administer users."""

_RIGHTS: Final = {"read": READ, "operate": OPERATE, "model": MODEL, "administer": ADMINISTER}


def rights_of(group: str) -> list[str]:
    """The rights of a group, as `/me` lists them."""
    return [right for right, groups in _RIGHTS.items() if group in groups]

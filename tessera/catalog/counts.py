"""Owns what every import and bulk write answers with."""

from msgspec import Struct


class Counts(Struct, frozen=True):
    """What an import did. Source: contracts/catalog.md, 9.4."""

    total: int
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0

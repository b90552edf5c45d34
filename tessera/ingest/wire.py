"""Shapes and texts that several routes of this API share."""

from typing import Any

from msgspec import Struct


def millis(instant: str) -> str:
    """An instant with exactly three decimals, as the contract prints it: ``2026-03-02T07:15:09.404Z`` (2.2)."""
    return instant[:23] + "Z"


class DisplayDraft(Struct, frozen=True):
    """The ``displayData`` that clients send. Source: contracts/ingest.md, 2.2 and 3.2."""

    name: str
    description: str | None = ""


def display(
    name: str, description: str, created_at: str, created_by: str, *, status: str = "ok", message: str = "ok"
) -> dict[str, Any]:
    """The ``displayData`` of an answer."""
    return {
        "name": name,
        "description": description,
        "statusMessage": message,
        "statusType": status,
        "creationTime": millis(created_at),
        "createdBy": created_by,
    }

"""Now, and the one text form of an instant: UTC, fixed width, microseconds, so that texts sort as the instants do."""

import uuid
from datetime import UTC, datetime


def now() -> str:
    """This instant, such as ``2026-03-01T09:30:00.000000Z``."""
    return instant(datetime.now(UTC))


def instant(moment: datetime) -> str:
    """The text of an aware ``datetime``.

    Raises:
        ValueError: ``moment`` has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The aware ``datetime`` of an instant's text."""
    return datetime.fromisoformat(text)


def new_id() -> str:
    """A random UUID, as text of 36 characters."""
    return str(uuid.uuid4())

"""Rules and SQL of tags, which the whole client space shares.

Source: contracts/catalog.md, 11.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from msgspec import Raw, Struct

from tessera.catalog import paths
from tessera.catalog.counts import Counts
from tessera.catalog.model import TAGS
from tessera.catalog.objects_store import parts
from tessera.catalog.paging import Address, PageQuery, make_page
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import Tx
from tessera.kernel.errors import Conflict, Invalid, NotFound

BULK_MAX: Final = 5_000
NAME_MAX_CHARACTERS: Final = 200
_COLOUR_NAMES: Final = (
    "white silver gray black red marron maroon yellow olive lime green aqua teal blue navy fuchsia purple"
)
COLOURS: Final = frozenset(_COLOUR_NAMES.split())
DEFAULT_COLOUR: Final = "gray"
_HEXADECIMAL: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_t = TAGS.c


class TagQuery(PageQuery, kw_only=True, rename="camel"):
    """Filters of ``GET /tags``."""

    color: str | None = None
    is_native: bool | None = None
    is_active: bool | None = None
    is_user_suggestion_enabled: bool | None = None


def shown(row: Any) -> dict[str, Any]:
    """A tag on the wire: the seed's ``name`` and ``description`` (left out when empty), and the newer keys."""
    tag = {"name": row.name, "label": row.name}
    if row.description:
        tag["description"] = row.description
    return {
        **tag,
        "color": row.color,
        "keywords": row.keywords,
        "isActive": row.is_active,
        "isUserSuggestionEnabled": row.is_user_suggestion_enabled,
        "isNative": row.is_native,
    }


def list_labels(tx: Tx) -> list[dict[str, Any]]:
    """All tags as values of the attribute ``Domains``."""
    found = [shown(row) for row in tx.all(sa.select(TAGS).order_by(_t.name))]
    return [{"description": "", **{key: value for key, value in tag.items() if key != "name"}} for tag in found]


def label_of(entry: Any) -> dict[str, Any]:
    """One value of a list of labels, checked as a tag is.

    Raises:
        Invalid: no label, or a value breaks a rule.
    """
    values = _checked(entry)
    if "name" not in values:
        raise Invalid("label: required", field="label")
    return {
        "label": values["name"],
        "description": values.get("description", ""),
        "color": values.get("color", DEFAULT_COLOUR),
        "keywords": values.get("keywords", []),
        "isActive": values.get("is_active", True),
        "isUserSuggestionEnabled": values.get("is_user_suggestion_enabled", False),
        "isNative": False,
    }


def page(tx: Tx, query: TagQuery, address: Address) -> Raw:
    """Tags in the order of their names."""
    conditions: list[sa.ColumnElement[bool]] = []
    for column, value in (
        (_t.color, query.color),
        (_t.is_native, query.is_native),
        (_t.is_active, query.is_active),
        (_t.is_user_suggestion_enabled, query.is_user_suggestion_enabled),
    ):
        if value is not None:
            conditions.append(column == value)
    total = int(tx.scalar(sa.select(sa.func.count()).select_from(TAGS).where(*conditions)))
    seek = query.seek()
    rows_query = sa.select(TAGS).where(*conditions).order_by(_t.name).limit(query.limit)
    if seek.path is not None:
        rows_query = rows_query.where(_t.name > seek.path)
    else:
        rows_query = rows_query.offset(seek.offset)
    rows = tx.all(rows_query)
    last = (rows[-1].name, rows[-1].id) if rows else None
    return make_page([shown(row) for row in rows], query, address, total_sum=total, last=last)


def _checked(entry: Any) -> dict[str, Any]:
    """What one entry says, by column; keys that were not sent are missing."""
    if not isinstance(entry, dict):
        raise Invalid('each tag must be an object such as {"label": "GDPR"}')
    values: dict[str, Any] = {}
    name = entry.get("label", entry.get("name"))
    if name is not None:
        if not isinstance(name, str):
            raise Invalid("label: must be a text", field="label")
        values["name"] = paths.check_name(name, "label", longest=NAME_MAX_CHARACTERS)
    if "description" in entry:
        description = entry["description"] if entry["description"] is not None else ""
        if not isinstance(description, str) or len(description) > 10_000 or "\x00" in description:
            raise Invalid("description: must be a text of at most 10000 characters", field="description")
        values["description"] = description
    if entry.get("color") is not None:
        colour = entry["color"]
        if not isinstance(colour, str) or (colour not in COLOURS and not _HEXADECIMAL.fullmatch(colour)):
            raise Invalid(
                f"color: must be a hexadecimal colour such as #00aa88 or one of {_COLOUR_NAMES}", field="color"
            )
        values["color"] = colour
    if entry.get("keywords") is not None:
        keywords = entry["keywords"]
        if not isinstance(keywords, list) or not all(isinstance(each, str) and "\x00" not in each for each in keywords):
            raise Invalid("keywords: must be a list of texts", field="keywords")
        values["keywords"] = keywords
    for key, column in (("isActive", "is_active"), ("isUserSuggestionEnabled", "is_user_suggestion_enabled")):
        if entry.get(key) is not None:
            if not isinstance(entry[key], bool):
                raise Invalid(f"{key}: must be true or false", field=key)
            values[column] = entry[key]
    return values


def _lock(tx: Tx) -> None:
    tx.lock("catalog tags")


def add(tx: Tx, principal: Principal | None, body: Any) -> Counts:
    """Make tags, and change those that exist already in what is sent; all or none.

    Raises:
        Invalid: no list of tags, over 5,000 of them, or a value breaks a rule.
    """
    entries = [body] if isinstance(body, dict) else body
    if not isinstance(entries, list):
        raise Invalid('the body must be a list of tags such as [{"label": "GDPR"}]')
    if len(entries) > BULK_MAX:
        raise Invalid(f"at most {BULK_MAX} tags; got {len(entries)}")
    wanted: dict[str, dict[str, Any]] = {}
    for entry in entries:
        values = _checked(entry)
        if "name" not in values:
            raise Invalid("label: required", field="label")
        wanted[values["name"]] = {**wanted.get(values["name"], {}), **values}
    _lock(tx)
    known = _by_name(tx, list(wanted))
    new, changed = [], 0
    for name, values in wanted.items():
        row = known.get(name)
        if row is None:
            new.append(_new_row(values))
            continue
        differing = {key: value for key, value in values.items() if getattr(row, key) != value}
        if differing:
            tx.execute(TAGS.update().where(_t.id == row.id).values(**differing))
            changed += 1
            events.record(tx, "catalog.tag.updated", package="catalog", by=principal, of=row.id, data={"name": name})
    for part in parts(new):
        tx.execute(TAGS.insert(), list(part))
    made = [(row["id"], {"name": row["name"]}) for row in new]
    if made:
        events.record_all(tx, "catalog.tag.created", made, package="catalog", by=principal)
    unchanged = len(wanted) - len(new) - changed
    return Counts(total=len(wanted), created=len(new), updated=changed, unchanged=unchanged)


def _new_row(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "description": "",
        "color": DEFAULT_COLOUR,
        "keywords": [],
        "is_active": True,
        "is_user_suggestion_enabled": False,
        "is_native": False,
        "created_at": now(),
        **values,
    }


def _by_name(tx: Tx, names: Sequence[str]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for part in parts(names):
        rows.update({row.name: row for row in tx.all(sa.select(TAGS).where(_t.name.in_(part)))})
    return rows


def _read(tx: Tx, name: str) -> Any:
    row = _by_name(tx, [name]).get(name) if "\x00" not in name else None
    if row is None:
        raise NotFound(f"there is no tag {name!r}")
    return row


def change(tx: Tx, principal: Principal | None, name: str, body: Any) -> dict[str, Any]:
    """Change a tag; with another ``label`` it is renamed, and stays on its objects.

    Raises:
        NotFound: no such tag.
        Conflict: the new label is another tag's.
        Invalid: a value breaks a rule.
    """
    values = _checked(body)
    _lock(tx)
    row = _read(tx, name)
    if values.get("name", name) != name and _by_name(tx, [values["name"]]):
        raise Conflict(f"label: there is a tag {values['name']!r} already", field="label")
    if values:
        tx.execute(TAGS.update().where(_t.id == row.id).values(**values))
        events.record(tx, "catalog.tag.updated", package="catalog", by=principal, of=row.id, data={"name": name})
    return shown(_read(tx, values.get("name", name)))


def delete(tx: Tx, principal: Principal | None, name: str) -> None:
    """Delete a tag; it goes from every object.

    Raises:
        NotFound: no such tag.
    """
    _lock(tx)
    row = _read(tx, name)
    tx.execute(TAGS.delete().where(_t.id == row.id))
    events.record(tx, "catalog.tag.deleted", package="catalog", by=principal, of=row.id, data={"name": name})


class _FirstTag(Struct, frozen=True):
    name: str
    description: str = ""


FIRST_TAGS: Final = (
    _FirstTag("GDPR", "Data covered by the General Data Protection Regulation"),
    _FirstTag("CRM"),
    _FirstTag("Marketing"),
)
"""Tags of a new installation, so that the documented walk-through works on it as printed. They are ordinary tags."""


def make_first(tx: Tx) -> None:
    """Make the first tags; called once, with the first workspace."""
    add(tx, None, [{"label": tag.name, "description": tag.description} for tag in FIRST_TAGS])

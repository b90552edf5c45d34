"""Owns what a payload changes: values of a new object, differences to an existing one, the people and tags it names.

Used by single writes and by imports, so that both mean the same by "not sent", "cleared" and "changed".
Source: contracts/catalog.md, 9.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType, field

from tessera.catalog import governance_store, objects_store, paths
from tessera.catalog.attributes import PEOPLE_ROLES, Draft
from tessera.catalog.model import SEPARATOR
from tessera.catalog.vocabulary import DEFAULT_STATUS
from tessera.kernel.clock import now
from tessera.kernel.db import Tx
from tessera.kernel.errors import Invalid

NAMED_MAX: Final = 10
"""Unknown names that one message lists."""


class References(Struct, frozen=True):
    """Whom and what payloads name: principal ids by e-mail as sent, tag ids by name."""

    people: Mapping[str, str]
    tags: Mapping[str, str]


class Change(Struct):
    """What has to be written for one existing object; empty where nothing differs."""

    columns: dict[str, Any] = field(default_factory=dict)
    people: dict[str, list[str]] = field(default_factory=dict)
    tags: list[str] | UnsetType = UNSET

    def __bool__(self) -> bool:
        return bool(self.columns or self.people or self.tags is not UNSET)


def resolve(tx: Tx, drafts: Iterable[Draft], *, unknown_people: Literal["refuse", "drop"] = "refuse") -> References:
    """Look up everybody and every tag that the drafts name, in one statement each.

    Raises:
        Invalid: an unknown tag, or (with ``refuse``) an e-mail address that no user has. The message names them.
    """
    emails: dict[str, str] = {}
    names: dict[str, None] = {}
    for draft in drafts:
        for role, addresses in draft.people.items():
            for address in addresses:
                emails.setdefault(address, role)
        if not isinstance(draft.tags, UnsetType):
            names.update(dict.fromkeys(draft.tags))
    people = governance_store.people_by_email(tx, list(emails))
    unknown = [address for address in emails if address not in people]
    if unknown and unknown_people == "refuse":
        role = emails[unknown[0]]
        raise Invalid(f"{role}: no user has the e-mail address {_quoted(unknown)}; GET /users lists them", field=role)
    tags = governance_store.tags_by_name(tx, list(names))
    missing = [name for name in names if name not in tags]
    if missing:
        raise Invalid(f"tags: there is no tag {_quoted(missing)}; GET /tags lists them", field="tags")
    return References(people, tags)


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name if len(name) <= 80 else name[:77] + "...") for name in names[:NAMED_MAX])
    return shown if len(names) <= NAMED_MAX else f"{shown} and {len(names) - NAMED_MAX} more"


def new_row(
    *,
    object_id: str,
    version_id: str,
    parent: Any,
    data_type: str,
    type_: str,
    name: str,
    technical_name: str,
) -> dict[str, Any]:
    """A new object's row; governance and attributes as they are before anybody set them.

    Args:
        parent: the row (or new row as an object with the same members) above; None for a root.
    """
    moment = now()
    return {
        "id": object_id,
        "version_id": version_id,
        "parent_id": None if parent is None else parent.id,
        "ancestors": "" if parent is None else objects_store.lineage_of(parent),
        "depth": 1 if parent is None else parent.depth + 1,
        "data_type": data_type,
        "type": type_,
        "name": name,
        "technical_name": technical_name,
        "path": paths.join("" if parent is None else parent.path, technical_name),
        "type_path": paths.join_functional("" if parent is None else parent.type_path, type_),
        "functional_path": paths.join_functional("" if parent is None else parent.functional_path, name),
        "status": "",
        "summary": "",
        "description": "",
        "attributes": {},
        "created_at": moment,
        "updated_at": moment,
    }


def fill_new(row: dict[str, Any], draft: Draft) -> None:
    """Put a draft's values into a new object's row."""
    row["status"] = draft.status or DEFAULT_STATUS
    row["summary"] = draft.summary or ""
    row["description"] = draft.description or ""
    row["attributes"] = {key: value for key, value in draft.attributes.items() if value is not None}


def people_of_new(
    draft: Draft, references: References, default_owner: str | None, default_steward: str | None
) -> dict[str, list[str]]:
    """Principal ids a role for a new object; owners and stewards that were not sent are the workspace's defaults."""
    chosen = _people_sent(draft, references)
    for role, default in (("owners", default_owner), ("stewards", default_steward)):
        if default is not None and (role not in draft.people or (draft.people[role] and not chosen[role])):
            chosen[role] = [default]
    return chosen


def tags_of_new(draft: Draft, references: References) -> list[str]:
    """Tag ids for a new object."""
    return [] if isinstance(draft.tags, UnsetType) else [references.tags[name] for name in draft.tags]


def difference(
    row: Any,
    draft: Draft,
    references: References,
    *,
    people_now: Mapping[str, Sequence[str]],
    tags_now: Sequence[str],
) -> Change:
    """What ``draft`` changes in the stored object: what is not sent stays, what equals is no change.

    Args:
        people_now: principal ids a role.
        tags_now: tag ids.
    """
    change = Change()
    columns = change.columns
    if not isinstance(draft.name, UnsetType) and draft.name != row.name:
        columns["name"] = draft.name
        above = row.functional_path.rpartition(SEPARATOR)[0]
        columns["functional_path"] = paths.join_functional(above, draft.name)
    if not isinstance(draft.status, UnsetType) and (draft.status or DEFAULT_STATUS) != row.status:
        columns["status"] = draft.status or DEFAULT_STATUS
    for key in ("summary", "description"):
        sent = getattr(draft, key)
        if not isinstance(sent, UnsetType) and (sent or "") != getattr(row, key):
            columns[key] = sent or ""
    merged = {**row.attributes, **draft.attributes}
    merged = {key: value for key, value in merged.items() if value is not None}
    if merged != row.attributes:
        columns["attributes"] = merged
    for role, ids in _people_sent(draft, references).items():
        if draft.people[role] and not ids:
            continue  # an import named only strangers: whoever is there stays
        if ids != list(people_now.get(role, ())):
            change.people[role] = ids
    if not isinstance(draft.tags, UnsetType):
        tags = tags_of_new(draft, references)
        if tags != list(tags_now):
            change.tags = tags
    return change


def _people_sent(draft: Draft, references: References) -> dict[str, list[str]]:
    known = references.people
    return {
        role: list(dict.fromkeys(known[address] for address in draft.people[role] if address in known))
        for role in PEOPLE_ROLES
        if role in draft.people
    }

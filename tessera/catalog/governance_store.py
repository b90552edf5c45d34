"""SQL of who answers for an object and which tags it carries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tessera.catalog.model import OBJECT_TAGS, RESPONSIBILITIES, TAGS
from tessera.catalog.objects_store import parts
from tessera.identity import PRINCIPALS
from tessera.kernel.db import Tx


def people_by_email(tx: Tx, emails: Sequence[str]) -> dict[str, str]:
    """Ids of the active people with these e-mail addresses, by the address as it was given; unknown: left out."""
    by_key: dict[str, str] = {}
    keys = {email: email.strip().casefold() for email in emails}
    for part in parts(sorted(set(keys.values()))):
        query = sa.select(PRINCIPALS.c.login_email, PRINCIPALS.c.id).where(
            PRINCIPALS.c.login_email.in_(part), PRINCIPALS.c.is_active, PRINCIPALS.c.kind == "person"
        )
        by_key.update({row.login_email: row.id for row in tx.all(query)})
    return {email: by_key[key] for email, key in keys.items() if key in by_key}


def tags_by_name(tx: Tx, names: Sequence[str]) -> dict[str, str]:
    """Ids of tags by exact name; unknown ones are left out."""
    found: dict[str, str] = {}
    for part in parts(names):
        query = sa.select(TAGS.c.name, TAGS.c.id).where(TAGS.c.name.in_(part))
        found.update({row.name: row.id for row in tx.all(query)})
    return found


def people_of(tx: Tx, object_ids: Sequence[str]) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """(principal id, e-mail) pairs by object and role, in the order in which they were given."""
    found: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(dict)
    r = RESPONSIBILITIES.c
    for part in parts(object_ids):
        query = (
            sa.select(r.object_id, r.role, r.principal_id, PRINCIPALS.c.email)
            .join(PRINCIPALS, PRINCIPALS.c.id == r.principal_id)
            .where(r.object_id.in_(part))
            .order_by(r.object_id, r.role, r.position)
        )
        for row in tx.all(query):
            found[row.object_id].setdefault(row.role, []).append((row.principal_id, row.email or ""))
    return found


def tags_of(tx: Tx, object_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(tag id, name) pairs by object, in the order in which they were given."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    t = OBJECT_TAGS.c
    for part in parts(object_ids):
        query = (
            sa.select(t.object_id, t.tag_id, TAGS.c.name)
            .join(TAGS, TAGS.c.id == t.tag_id)
            .where(t.object_id.in_(part))
            .order_by(t.object_id, t.position)
        )
        for row in tx.all(query):
            found[row.object_id].append((row.tag_id, row.name))
    return found


def add_people(tx: Tx, chosen: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Record principal ids by object and role, for objects that have none in these roles."""
    rows = [
        {"object_id": object_id, "role": role, "principal_id": principal_id, "position": position}
        for object_id, roles in chosen.items()
        for role, ids in roles.items()
        for position, principal_id in enumerate(ids)
    ]
    _insert(tx, RESPONSIBILITIES, rows)


def replace_people(tx: Tx, object_id: str, roles: Mapping[str, Sequence[str]]) -> None:
    """Make these the people of an object in these roles; its other roles stay."""
    r = RESPONSIBILITIES.c
    tx.execute(RESPONSIBILITIES.delete().where(r.object_id == object_id, r.role.in_(list(roles))))
    add_people(tx, {object_id: roles})


def add_tags(tx: Tx, chosen: Mapping[str, Sequence[str]]) -> None:
    """Record tag ids by object, for objects that have none."""
    rows = [
        {"object_id": object_id, "tag_id": tag_id, "position": position}
        for object_id, ids in chosen.items()
        for position, tag_id in enumerate(ids)
    ]
    _insert(tx, OBJECT_TAGS, rows)


def replace_tags(tx: Tx, object_id: str, tag_ids: Sequence[str]) -> None:
    """Make these the tags of an object."""
    tx.execute(OBJECT_TAGS.delete().where(OBJECT_TAGS.c.object_id == object_id))
    add_tags(tx, {object_id: tag_ids})


def _insert(tx: Tx, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    for part in parts(list(rows)):
        tx.execute(table.insert(), list(part))

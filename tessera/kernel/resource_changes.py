"""Creates, updates and removes rows of declared resources, each with its event in the same transaction."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import new_id, now
from tessera.kernel.db import METADATA, IntegrityError, Prepared, Tx, violates
from tessera.kernel.errors import Conflict, Invalid, Problem
from tessera.kernel.projection import instant_text
from tessera.kernel.resource_queries import answer_of, stored_row
from tessera.kernel.resource_values import as_id, from_json
from tessera.kernel.resources import Change, Field, Kind, Links, Resource

_PASSED_OVER: Final = frozenset({"id", "created_at", "updated_at", "type"})
"""Members that clients send back from what they read; the server makes them."""
_encode = msgspec.json.Encoder().encode


def create(tx: Tx, resource: Resource, principal: Principal, body: Mapping[str, Any]) -> bytes:
    """Add a row and answer it with its relations.

    Raises:
        Invalid: an unknown member (code ``unknown``), a value of another type (``format``), one missing (``required``),
            a condition of the table (``integrity``), or a hook's rule (no code).
        Conflict: a unique key (``duplicate``) or a missing target (``referenced``).
        Forbidden: a hook refuses the caller.
    """
    values: dict[str, Any] = {name: _default(each) for name, each in resource.by_name.items()}
    links: dict[str, list[str]] = {}
    for name, value in body.items():
        declared = resource.by_wire.get(name)
        if declared is not None:
            if "create" in declared.written and not (value is None and declared.default is not None):
                values[declared.name] = from_json(declared, value)
        elif name in resource.links:
            if "create" in resource.links[name].written:
                links[name] = _ids(name, value)
        elif name not in _PASSED_OVER and name not in resource.accepts:
            raise Invalid(f"{name} is no field of {resource.path}", field=name, code="unknown")
    values["id"] = new_id()
    values["created_at"] = values["updated_at"] = now()
    change = Change(tx, principal, resource, {}, values, links, body)
    for hook in resource.on_create:
        hook(change)
    for each in resource.fields:
        if not each.nullable and values[each.name] is None:
            raise Invalid(f"{each.wire_name} is missing", field=each.wire_name, code="required")
    try:
        if resource.storage is not None:
            resource.storage.insert(change)
        else:
            tx.run(_insertion(resource), **_plain(resource, values))
        for name in links:
            links[name] = _link(tx, resource.links[name], change.id, links[name])
    except (IntegrityError, sa.exc.DataError) as error:
        raise refusal(resource, error) from None
    for hook in resource.created:
        hook(change)
    _record(change, "created")
    return _created_answer(change)


def update(tx: Tx, resource: Resource, principal: Principal, row_id: str, body: Mapping[str, Any]) -> bytes:
    """Change the members given and answer the row; unknown and protected ones are passed over.

    Raises:
        NotFound, Invalid, Conflict, Forbidden: as for ``create``.
    """
    row = stored_row(tx, resource, row_id, lock=True)
    values: dict[str, Any] = {}
    links: dict[str, list[str]] = {}
    for name, value in body.items():
        declared = resource.by_wire.get(name)
        if declared is not None:
            if "update" in declared.written:
                values[declared.name] = from_json(declared, value)
        elif name in resource.links and "update" in resource.links[name].written:
            links[name] = _ids(name, value)
    change = Change(tx, principal, resource, row, values, links, body)
    for hook in resource.on_update:
        hook(change)
    values["updated_at"] = now()
    try:
        if resource.storage is not None:
            resource.storage.update(change)
        else:
            table = resource.sa_table
            tx.execute(table.update().where(table.c.id == row_id).values(values))
        for name in links:
            pairs = METADATA.tables[resource.links[name].table]
            tx.execute(pairs.delete().where(pairs.c[resource.links[name].own] == row_id))
            links[name] = _link(tx, resource.links[name], row_id, links[name])
    except (IntegrityError, sa.exc.DataError) as error:
        raise refusal(resource, error) from None
    for hook in resource.updated:
        hook(change)
    _record(change, "updated")
    return _extended(answer_of(tx, resource, row_id, resource.answer_links), change.answer)


def delete(tx: Tx, resource: Resource, principal: Principal, row_id: str, *, force: bool = False) -> None:
    """Remove a row.

    Raises:
        NotFound: there is none.
        Conflict: other rows refer to it (code ``referenced``).
        Forbidden, Invalid: a hook refuses.
    """
    row = stored_row(tx, resource, row_id, lock=True)
    change = Change(tx, principal, resource, row, {}, {}, {}, force)
    for hook in resource.on_delete:
        hook(change)
    if change.is_done:
        return
    try:
        if resource.storage is not None:
            resource.storage.delete(change)
        else:
            tx.execute(resource.sa_table.delete().where(resource.sa_table.c.id == row_id))
    except IntegrityError as error:
        raise refusal(resource, error) from None
    for hook in resource.deleted:
        hook(change)
    _record(change, "deleted")


def refusal(resource: Resource, error: Exception) -> Problem:
    """The problem for what the database refused, in words of the resource."""
    if not isinstance(error, IntegrityError):
        return Invalid(f"a value does not fit a field of {resource.path}", code="format")
    if violates(error, "unique"):
        keys = [", ".join(each.wire_name for each in resource.fields if each.unique)]
        keys += [", ".join(names) for names in resource.unique]
        wanted = "; or ".join(key for key in keys if key)
        return Conflict(f"{resource.path} has a row with the same {wanted} already", code="duplicate")
    if violates(error, "foreign"):
        return Conflict(f"{resource.path}: a row that is referred to is missing, or is still in use", code="referenced")
    if violates(error, "null"):
        return Invalid(f"a required field of {resource.path} is missing", code="required")
    return Invalid(f"a value breaks a condition of {resource.path}", code="integrity")


def insert_row(tx: Tx, resource: Resource, **values: Any) -> dict[str, Any]:
    """Add a row as the server's own doing: defaults for what is not given, no hooks, no event."""
    row: dict[str, Any] = {name: _default(each) for name, each in resource.by_name.items()}
    row.update({"id": new_id(), "created_at": now()})
    row["updated_at"] = row["created_at"]
    row.update(values)
    tx.run(_insertion(resource), **_plain(resource, row))
    return row


_insertions: dict[Resource, Prepared] = {}


def _insertion(resource: Resource) -> Prepared:
    known = _insertions.get(resource)
    if known is None:
        table = resource.sa_table
        values = {column.name: sa.bindparam(column.name, None, column.type) for column in table.columns}
        known = _insertions[resource] = Prepared(table.insert().values(values))
    return known


def _plain(resource: Resource, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the driver takes them: documents as text."""
    plain = dict(values)
    for name in resource.documents:
        if plain[name] is not None:
            plain[name] = _encode(plain[name]).decode()
    return plain


def _default(declared: Field) -> Any:
    default = declared.default
    return default() if callable(default) else default


def _ids(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    try:
        if not isinstance(value, list):
            raise ValueError("not a list")
        return list(dict.fromkeys(as_id(each) for each in value))
    except ValueError:
        raise Invalid(f"{name} must be a list of ids (UUIDs)", field=name, code="format") from None


def _link(tx: Tx, links: Links, row_id: str, ids: list[str]) -> list[str]:
    if not ids:
        return []
    target, pairs = METADATA.tables[links.target], METADATA.tables[links.table]
    known = {row[0] for row in tx.all(sa.select(target.c.id).where(target.c.id.in_(ids)))}
    kept = [each for each in ids if each in known]
    if kept:
        tx.execute(pairs.insert(), [{links.own: row_id, links.other: each} for each in kept])
    return kept


def _record(change: Change, verb: str) -> None:
    declared = change.resource.events
    if declared is None:
        return
    data = {declared.id_key: change.id}
    for name in declared.carries:
        value = change.after(name)
        if value is not None:
            data[name] = value
    name = f"{declared.kind}:{getattr(declared, verb)}"
    events.record(change.tx, name, package=declared.package, by=change.principal, of=change.id, data=data)


def _created_answer(change: Change) -> bytes:
    resource = change.resource
    names = frozenset(each.name for each in resource.relations)
    if not resource.is_plain or len(names) != len(resource.links):
        return _extended(answer_of(change.tx, resource, change.id, names), change.answer)
    values = change.values
    form = resource.instant_form
    answer: dict[str, Any] = {"id": values["id"]}
    for each in resource.fields:
        if not each.hidden:
            value = values[each.name]
            answer[each.wire_name] = instant_text(value, form) if value and each.kind is Kind.INSTANT else value
    for name in ("created_at", "updated_at"):
        answer[name] = instant_text(values[name], form)
    answer["type"] = resource.wire
    for name in resource.links:
        answer[name] = change.links.get(name, [])
    answer.update(change.answer)
    return _encode(answer)


def _extended(text: bytes, more: Mapping[str, Any]) -> bytes:
    """A JSON object with further members."""
    return text[:-1] + b"," + _encode(more)[1:] if more else text

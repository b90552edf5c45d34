"""The rules of changing the model: put, delete, whole bundles; what has been loaded keeps its shape.

Source: contracts/vault.md, 3.1, 3.3 to 3.7 and 3.9
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.errors import Conflict, Invalid, NotFound
from tessera.kernel.tx import Tx
from tessera.vault import objects_store as store
from tessera.vault import wiring
from tessera.vault.model import ID_FIELDS, KINDS, HubLoad, Job, LinkLoad, Model, Object, Satellite, System
from tessera.vault.validation import check_physical, checked
from tessera.warehouse import Column, Table

Landed = Mapping[Table, Sequence[Column]]
"""Columns of the landed tables that staging tables read, looked up before the transaction."""

#: What hashes and columns come from, by kind. A satellite's columns may grow at their end.
_SHAPE: Final[dict[str, tuple[str, ...]]] = {
    "hubs": ("key_options",),
    "hub_loads": ("hub_id", "staging_table_id", "columns", "business_key_prefix"),
    "links": ("hubs", "roles", "child_keys"),
    "link_loads": ("link_id", "staging_table_id", "hub_loads"),
    "satellites": ("parent", "staging_table_id", "multi_active_keys", "columns"),
}


class Stored(Struct, frozen=True):
    """An object as it was written, with its revision and whether it is new."""

    value: Any
    revision: int
    is_new: bool


def load_model(tx: Tx) -> Model:
    """The whole model."""
    model = Model()
    for row in store.everything(tx):
        model.of(row.kind)[row.id] = msgspec.convert(row.body, KINDS[row.kind])
    return model


def read(tx: Tx, kind: str, object_id: str) -> Stored:
    """One object.

    Raises:
        NotFound: there is none.
    """
    row = store.find(tx, kind, object_id)
    if row is None:
        raise NotFound(f"there is no {kind[:-1].replace('_', ' ')} {object_id}")
    return Stored(msgspec.convert(row.body, KINDS[kind]), row.revision, False)


def put(
    tx: Tx,
    kind: str,
    object_id: str,
    one: Any,
    *,
    by: Principal | None,
    landed: Landed,
    if_match: int | None = None,
    dry: bool = False,
) -> Stored:
    """Create an object or replace it whole.

    Raises:
        Invalid: it does not fit its model.
        Conflict: its tables hold data in another shape; status 412 when ``if_match`` is not its revision.
    """
    if not dry:
        # Two changes at once would each be checked against a model without the other.
        tx.lock("vault model")
    model = load_model(tx)
    known = store.find(tx, kind, object_id)
    if if_match is not None and (known is None or known.revision != if_match):
        raise Conflict("the object has changed since it was read: read it again", code="precondition", status=412)
    named = named_as(kind, object_id, one)
    fitting = checked(model, named, landed.get(source_of(named), ()))
    check_physical(model, kind, object_id)
    before = model.of(kind).get(object_id)
    if before is not None and before != fitting:
        _keep_shape(tx, model, kind, object_id, before, fitting)
    if dry:
        return Stored(fitting, 0, known is None)
    model.of(kind)[object_id] = fitting
    _recheck(model, kind, object_id)
    revision = store.put(tx, kind, object_id, msgspec.to_builtins(fitting), by.id if by else None)
    word = "created" if known is None else "changed"
    events.record(tx, f"vault.{kind[:-1]}.{word}", package="vault", by=by, of=object_id, data={"revision": revision})
    if isinstance(fitting, System):
        job_id = wiring.default_job(object_id)
        if job_id not in model.jobs:
            job = Job(job_id=job_id, job_name=f"all of {fitting.system_name}", system_id=object_id)
            store.put(tx, "jobs", job_id, msgspec.to_builtins(job), by.id if by else None)
    return Stored(fitting, revision, known is None)


def put_bundle(
    tx: Tx, bundle: Mapping[str, Sequence[Any]], *, by: Principal | None, landed: Landed
) -> dict[str, list[str]]:
    """Put every object of a bundle, in the order in which they build on each other; all or nothing.

    Raises:
        Invalid, Conflict: as ``put``.
    """
    done: dict[str, list[str]] = {}
    for kind in KINDS:
        for one in bundle.get(kind, ()):
            object_id = getattr(one, ID_FIELDS[kind]) or default_id(kind, one)
            put(tx, kind, object_id, one, by=by, landed=landed)
            done.setdefault(kind, []).append(object_id)
    return done


def try_bundle(tx: Tx, bundle: Mapping[str, Sequence[Any]], *, landed: Landed) -> dict[str, list[str]]:
    """What ``put_bundle`` would put; writes nothing.

    Raises:
        Invalid, Conflict: as ``put_bundle`` would.
    """
    model = load_model(tx)
    done: dict[str, list[str]] = {}
    for kind in KINDS:
        for one in bundle.get(kind, ()):
            object_id = getattr(one, ID_FIELDS[kind]) or default_id(kind, one)
            named = named_as(kind, object_id, one)
            fitting = checked(model, named, landed.get(source_of(named), ()))
            check_physical(model, kind, object_id)
            before = model.of(kind).get(object_id)
            if before is not None:
                _keep_shape(tx, model, kind, object_id, before, fitting)
            model.of(kind)[object_id] = fitting
            done.setdefault(kind, []).append(object_id)
    return done


def delete(
    tx: Tx, kind: str, object_id: str, *, by: Principal | None, cascade: bool, dry: bool = False
) -> list[tuple[str, str]]:
    """Forget an object, with ``cascade`` all that stands on it too; returns what was forgotten as (kind, id).

    Raises:
        NotFound: there is none.
        Conflict: code ``dependents``: others stand on it.
    """
    if not dry:
        tx.lock("vault model")
    model = load_model(tx)
    if object_id not in model.of(kind):
        raise NotFound(f"there is no {kind[:-1].replace('_', ' ')} {object_id}")
    standing = wiring.dependents(model, kind, object_id)
    if standing and not cascade:
        listed = [{"object_type": other, "object_id": name} for other, name in standing]
        raise Conflict(
            f"{len(standing)} objects depend on {object_id}; ?cascade=true deletes them too",
            code="dependents",
            details={"dependents": listed},
        )
    doomed = [*reversed(standing), (kind, object_id)]
    if kind == "systems" and wiring.default_job(object_id) in model.jobs:
        doomed.insert(0, ("jobs", wiring.default_job(object_id)))
    if dry:
        return doomed
    for each, name in doomed:
        store.remove(tx, each, name)
        events.record(tx, f"vault.{each[:-1]}.deleted", package="vault", by=by, of=name)
    return doomed


def source_of(one: Any) -> Table:
    """The landed table that a staging table reads."""
    return Table(getattr(one, "source_schema_name", ""), getattr(one, "source_table_name", ""))


def named_as(kind: str, object_id: str, one: Any) -> Any:
    """The object under the id of its path.

    Raises:
        Invalid: the body says another one, or the id has other characters than ids have.
    """
    field = ID_FIELDS[kind]
    inside = getattr(one, field)
    if inside and inside != object_id:
        raise Invalid(f"the body says {field} {inside!r}, the path {object_id!r}", field=field)
    named = replace(one, **{field: object_id})
    try:
        return msgspec.convert(msgspec.to_builtins(named), KINDS[kind])
    except msgspec.ValidationError:
        raise Invalid(f"an id has 1 to 120 of a-z, 0-9, _ and .; got {object_id[:130]!r}", field=field) from None


def default_id(kind: str, one: Any) -> str:
    """The id made of an object's parts, where one was left out.

    Raises:
        Invalid: this kind has none.
    """
    staging = getattr(one, "staging_table_id", "").removeprefix("staging.")
    match one:
        case HubLoad():
            return f"{one.hub_id}_s_{staging}"
        case LinkLoad():
            return f"{one.link_id}_s_{staging}"
        case Satellite():
            prefix = "ls" if one.parent_id.startswith("l_") else "s"
            return f"{prefix}_{one.parent_id.removeprefix('h_').removeprefix('l_')}_s_{staging}"
    raise Invalid(f"{ID_FIELDS[kind]} is missing", field=ID_FIELDS[kind])


def _keep_shape(tx: Tx, model: Model, kind: str, object_id: str, before: Object, after: Object) -> None:
    changed = [name for name in _SHAPE.get(kind, ()) if getattr(before, name) != getattr(after, name)]
    if not changed:
        return
    if isinstance(before, Satellite) and isinstance(after, Satellite) and changed == ["columns"]:
        is_longer = after.columns[: len(before.columns)] == before.columns
        if is_longer:
            return
    every: list[wiring.Load] = [*model.hub_loads.values(), *model.link_loads.values(), *model.satellites.values()]
    loads = [
        wiring.load_id_of(load) for load in every if object_id in (wiring.load_id_of(load), wiring.target_of(load))
    ]
    if loads and store.was_loaded(tx, loads):
        raise Conflict(
            f"{object_id} has been loaded: a change of {', '.join(changed)} would change hashes or columns that are "
            "stored; make a new object (columns may be added at a satellite's end)",
            code="needs_rehash",
        )


def _recheck(model: Model, kind: str, object_id: str) -> None:
    """What stands on a changed object must still fit it."""
    for other_kind, other_id in wiring.dependents(model, kind, object_id):
        other = model.of(other_kind)[other_id]
        if other_kind != "staging_tables":
            try:
                checked(model, other)
            except Invalid as problem:
                raise Conflict(f"{other_id} would no longer fit: {problem.message}", code="dependents") from None

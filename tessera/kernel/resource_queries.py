"""Reads declared resources: lists with filters and pages, and single rows. The database writes the JSON.

A statement is built and compiled once for each shape (which filters, which members, whose view) and kept; a request
then costs the driver's call and nothing a row.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from tessera.kernel import projection
from tessera.kernel.access import Principal
from tessera.kernel.db import Id, Instant, Prepared, Tx
from tessera.kernel.errors import Forbidden, Invalid, NotFound
from tessera.kernel.resource_values import as_id, compared
from tessera.kernel.resources import Field, Kind, Resource, Scope, View

PAGE_ROWS: Final = 100
"""Rows of a page, unless the client asks for another number."""
_MOST_STATEMENTS: Final = 2_000
"""Compiled statements kept; a shape costs about 20 kB. Beyond it, all are dropped and built anew as needed."""
_MOST_IN: Final = 500
"""Values of one list filter."""
_OWN: Final = {
    "id": Field("id", Kind.REFERENCE),
    "created_at": Field("created_at", Kind.INSTANT),
    "updated_at": Field("updated_at", Kind.INSTANT),
}
_RESERVED: Final = frozenset({"page", "limit", "relations", "fields", "force"})


class Filter(NamedTuple):
    """One condition: which member, how it is compared, with what."""

    name: str
    how: Literal["equal", "alike", "among", "linked"]
    values: tuple[Any, ...]


class ListQuery(NamedTuple):
    """What a list is asked for, checked."""

    filters: tuple[Filter, ...] = ()
    names: frozenset[str] | None = None
    relations: bool = False
    page: int | None = None
    limit: int = PAGE_ROWS


class Within(NamedTuple):
    """A part of a resource that a route of its own shows, and how.

    Args:
        name: tells this part's statements from others'.
        condition: on the resource's columns, with parameters; ``values`` are theirs.
        more: members besides the resource's own; one of the same name replaces it.
        order: of the list.
        is_open: the resource's own scopes do not apply, as the route has asked for itself.
    """

    name: str
    condition: Any
    values: Mapping[str, Any] = {}
    more: tuple[projection.Pair, ...] = ()
    order: tuple[Any, ...] = ()
    is_open: bool = False


def parse_list(resource: Resource, asked: Mapping[str, str], view: View | None = None) -> ListQuery:
    """Read a query string.

    Raises:
        Invalid: a page or limit that is no number, a value that is not of its column's type, a filter on something
            that the caller does not see.
    """
    if not asked:
        return ListQuery()
    names = frozenset(name for name in asked["fields"].split(",") if name) if asked.get("fields") else None
    page = _count("page", asked["page"]) if asked.get("page") else None
    limit = _count("limit", asked["limit"]) if asked.get("limit") else 0
    filters = []
    for name, value in asked.items():
        if name not in _RESERVED:
            found = _filter(resource, name, value, view)
            if found is not None:
                filters.append(found)
    filters.sort(key=lambda each: (each.name, each.how))
    return ListQuery(tuple(filters), names, is_yes(asked.get("relations")), page, limit or PAGE_ROWS)


def is_yes(word: str | None) -> bool:
    """Whether a switch of the query string is on."""
    return word is not None and word.lower() in ("true", "1", "yes", "y", "t", "on")


def _count(name: str, value: str) -> int:
    try:
        number = int(value)
    except ValueError:
        number = -1
    if not 0 <= number < 2**31:
        raise Invalid(f"{name} must be a whole number from 0 up; got {value[:40]!r}", field=name)
    return number


def _filter(resource: Resource, name: str, value: str, view: View | None) -> Filter | None:
    declared = _OWN.get(name) or resource.by_wire.get(name)
    allowed = view and (view.members if view.filters is None else view.filters)
    known = declared is not None or name in resource.links
    if name in resource.unfilterable or (known and allowed is not None and name not in allowed):
        raise Invalid(f"{name} is no filter that you may use here", field=name)
    if declared is None:
        if name in resource.links:
            return Filter(name, "linked", (_id_of(name, value),))
        computed = {each.name for each in resource.computed()} if resource.computed else set()
        return Filter(name, "equal", (value,)) if name in computed else None
    if declared.hidden:
        raise Invalid(f"{name} is no filter that you may use here", field=name)
    if name in resource.alike:
        return Filter(name, "alike", (value,))
    if value.startswith("["):
        try:
            listed = json.loads(value)
        except (ValueError, RecursionError):
            raise Invalid(f"{name} must be a value or a JSON list; got {value[:80]!r}", field=name) from None
        if len(listed) > _MOST_IN:
            raise Invalid(f"{name} takes at most {_MOST_IN} values; got {len(listed)}", field=name)
        return Filter(name, "among", tuple(compared(declared, each) for each in listed))
    return Filter(name, "equal", (compared(declared, value),))


def _id_of(name: str, value: str) -> str:
    try:
        return as_id(value)
    except ValueError:
        raise Invalid(f"{name} must be an id (a UUID); got {value[:80]!r}", field=name) from None


# -- statements ------------------------------------------------------------------------------------------------------

_statements: dict[Any, Prepared] = {}


def _prepared(key: Any, build: Callable[[], Any]) -> Prepared:
    """The statement for a shape; two threads may build the same one at once, which does no harm."""
    known = _statements.get(key)
    if known is None:
        if len(_statements) >= _MOST_STATEMENTS:
            _statements.clear()
        known = _statements[key] = Prepared(build())
    return known


def _conditions(resource: Resource, filters: tuple[Filter, ...], scope: Scope | None) -> list[Any]:
    conditions: list[Any] = []
    for number, (name, how, values) in enumerate(filters):
        if how == "linked":
            links = resource.links[name]
            pairs = resource.sa_table.metadata.tables[links.table]
            other = pairs.c[links.other] == sa.bindparam(f"f{number}_0", None, Id)
            conditions.append(resource.column("id").in_(sa.select(pairs.c[links.own]).where(other)))
            continue
        column = _column(resource, name)
        kind = Instant if name in ("created_at", "updated_at") else column.type
        marks = [sa.bindparam(f"f{number}_{index}", None, kind) for index in range(len(values))]
        if how == "alike":
            conditions.append(column.ilike(marks[0]))
        elif how == "equal":
            conditions.append(column == marks[0])
        else:
            conditions.append(sa.or_(*(column == mark for mark in marks)) if marks else sa.false())
    if scope is not None:
        conditions.append(scope.condition)
    return conditions


def _column(resource: Resource, wire: str) -> Any:
    declared = resource.by_wire.get(wire)
    if declared is not None:
        return resource.column(declared.name)
    for each in resource.computed() if resource.computed else ():
        if each.name == wire:
            return each.column
    return resource.column(wire)


def _members(
    resource: Resource, names: frozenset[str] | None, relations: bool, view: View | None, within: Within | None = None
) -> projection.Projection:
    if view is None:
        found = resource.projection(names=names, relations=relations)
    else:
        shown = view.members if names is None else names & view.members
        found = resource.projection(names=shown, relations=True)
    if within is None or not within.more:
        return found
    replaced = {each.name: each for each in within.more}
    kept = [replaced.pop(each.name, each) for each in found.pairs]
    return projection.Projection((*kept, *replaced.values()))


def _parameters(filters: tuple[Filter, ...], principal: Principal) -> dict[str, Any]:
    found: dict[str, Any] = {"caller_id": principal.id}
    for number, each in enumerate(filters):
        for index, value in enumerate(each.values):
            found[f"f{number}_{index}"] = value
    return found


# -- reading ---------------------------------------------------------------------------------------------------------


def read_list(
    tx: Tx, resource: Resource, principal: Principal, asked: Mapping[str, str], within: Within | None = None
) -> bytes:
    """The JSON of a list: an array, or with ``page`` an envelope around it, newest change first.

    Raises:
        Invalid: see ``parse_list``.
    """
    view = resource.view(principal, "list") if resource.view else None
    scope = resource.listed(principal, resource) if resource.listed and not (within and within.is_open) else None
    query = parse_list(resource, asked, view)
    shape = tuple((each.name, each.how, len(each.values)) for each in query.filters)
    named = (scope and scope.name, view and view.name, within and within.name)
    key = (tx.dialect, resource, shape, query.names, query.relations, query.page is not None, named)
    parameters = _parameters(query.filters, principal)
    if within is not None:
        parameters.update(within.values)

    def select() -> Any:
        rows = resource.select().where(*_conditions(resource, query.filters, scope))
        return rows if within is None else rows.where(within.condition)

    def build() -> Any:
        rows = select()
        if query.page is not None:
            order = (resource.column("updated_at").desc(), resource.column("created_at").desc(), resource.column("id"))
            rows = rows.order_by(*order)
            rows = rows.limit(sa.bindparam("page_rows", None, sa.Integer)).offset(
                sa.bindparam("skip", None, sa.Integer)
            )
        elif within is not None and within.order:
            rows = rows.order_by(*within.order)
        elif resource.most is not None:
            rows = rows.limit(sa.literal_column(str(resource.most)))
        return projection.rows(rows, _members(resource, query.names, query.relations, view, within), tx.dialect)

    if query.page is None:
        return _bytes(tx.run(_prepared(key, build), **parameters)[0][0])
    counting = _prepared((*key, "count"), lambda: sa.select(sa.func.count()).select_from(select().subquery()))
    total: int = tx.run(counting, **parameters)[0][0]
    skip = max(query.page - 1, 0) * query.limit
    shown = query.limit if query.page else 0
    data = _bytes(tx.run(_prepared(key, build), **parameters, page_rows=shown, skip=skip)[0][0])
    rest = {
        "total": total,
        "nb_pages": -(-total // query.limit),
        "limit": query.limit,
        "offset": skip,
        "page": query.page,
    }
    return b'{"data":' + data + b"," + json.dumps(rest).encode()[1:]


def read_one(
    tx: Tx,
    resource: Resource,
    principal: Principal,
    row_id: str,
    *,
    relations: bool,
    names: frozenset[str] | None = None,
    within: Within | None = None,
) -> bytes:
    """The JSON of one row; with ``within``, of one that belongs to that part.

    Raises:
        Forbidden: the row is there, but not for this caller.
        NotFound: there is none.
    """
    view = resource.view(principal, "read") if resource.view else None
    scope = resource.readable(principal, resource) if resource.readable else None
    found = _one(tx, resource, row_id, principal, scope, view, relations, names, within)
    if found is None:
        known = scope and _one(tx, resource, row_id, principal, None, None, False, frozenset(), within)
        if known is not None:
            raise Forbidden(f"you may not see this {_noun(resource)}")
        raise NotFound(f"there is no {_noun(resource)} with the id {row_id}")
    return found


def _one(
    tx: Tx,
    resource: Resource,
    row_id: str,
    principal: Principal | None,
    scope: Scope | None,
    view: View | None,
    relations: bool,
    names: frozenset[str] | None,
    within: Within | None = None,
) -> bytes | None:
    named = (scope and scope.name, view and view.name, within and within.name)
    key = (tx.dialect, resource, "one", named, relations, names)

    def build() -> Any:
        select = resource.select().where(resource.column("id") == sa.bindparam("row_id", None, Id))
        if scope is not None:
            select = select.where(scope.condition)
        if within is not None:
            select = select.where(within.condition)
        return projection.row(select, _members(resource, names, relations, view, within), tx.dialect)

    values = dict(within.values) if within is not None else {}
    rows = tx.run(_prepared(key, build), **values, row_id=row_id, caller_id=principal.id if principal else None)
    return _bytes(rows[0][0]) if rows else None


def answer_of(
    tx: Tx, resource: Resource, row_id: str, links: frozenset[str] = frozenset(), within: Within | None = None
) -> bytes:
    """The JSON of a row that is known to be there, with these relations; who may see it is the caller's matter."""
    names = frozenset(each.name for each in resource.members) | links if links else None
    found = _one(tx, resource, row_id, None, None, None, bool(links), names, within)
    if found is None:
        raise NotFound(f"there is no {_noun(resource)} with the id {row_id}")
    return found


def stored_row(tx: Tx, resource: Resource, row_id: str, *, lock: bool = False) -> dict[str, Any]:
    """The columns of one row as plain values, kept from other writers until the end of the transaction.

    Raises:
        NotFound: there is none.
    """

    names = ["id", *resource.by_name, "created_at", "updated_at"]

    def build() -> Any:
        columns = (resource.column(name).label(name) for name in names)
        select = resource.select().where(resource.column("id") == sa.bindparam("row_id", None, Id))
        select = select.with_only_columns(*columns, maintain_column_froms=True)
        return select.with_for_update() if lock and resource.storage is None else select

    rows = tx.run(_prepared((tx.dialect, resource, "stored", lock), build), row_id=row_id)
    if not rows:
        raise NotFound(f"there is no {_noun(resource)} with the id {row_id}")
    row = dict(zip(names, rows[0], strict=True))
    if tx.dialect == "sqlite":
        for name in resource.documents:
            row[name] = json.loads(row[name]) if row[name] is not None else None
        for each in resource.fields:
            if each.kind is Kind.FLAG and row[each.name] is not None:
                row[each.name] = bool(row[each.name])
    return row


def _bytes(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


def _noun(resource: Resource) -> str:
    return resource.wire if isinstance(resource.wire, str) else resource.path.replace("-", " ")

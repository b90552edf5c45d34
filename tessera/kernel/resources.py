"""Declared resources: a model is said once, and its table, routes, filters, checks and API reference follow from it.

This module owns the declaration and what can be read off it: columns, checks of single values, members of the answer.
Statements are in ``resource_queries`` and ``resource_changes``, HTTP is in ``resource_routes``. It knows no domain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from tessera.kernel.access import Least, Principal
from tessera.kernel.db import METADATA, Day, Document, Flag, Id, Instant, Tx
from tessera.kernel.projection import Form, One, Pair, Projection, Texts, Value

ALL: Final = frozenset({"create", "update"})
ONCE: Final = frozenset({"create"})
NEVER: Final[frozenset[str]] = frozenset()


class Kind(StrEnum):
    """What values a field takes."""

    TEXT = "text"
    INTEGER = "integer"
    BIG = "big integer"
    REAL = "real"
    FLAG = "flag"
    DAY = "day"
    INSTANT = "instant"
    REFERENCE = "reference"
    CHOICE = "choice"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Args:
        written: which of ``create`` and ``update`` a client may give it in; elsewhere it is refused or passed over.
        references: table whose ``id`` the value has to be.
        on_delete: what a deleted target does to this row.
        wire: name in JSON, where it is not the column's.
        hidden: never part of an answer, and not to be filtered by.
    """

    name: str
    kind: Kind
    nullable: bool = True
    default: Any = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    references: str | None = None
    on_delete: Literal["restrict", "cascade", "set null"] = "restrict"
    unique: bool = False
    written: frozenset[str] = ALL
    hidden: bool = False
    wire: str = ""
    clean: Callable[[Any], Any] | None = None
    """Puts a value right before it is read, for clients with habits."""
    check: Callable[[Any], str | None] | None = None
    """Judges a well-formed value; returns what would be right, or None."""

    @property
    def wire_name(self) -> str:
        """The field's name in JSON and in the query string."""
        return self.wire or self.name

    @property
    def required(self) -> bool:
        """Whether a new row cannot do without a value from the client."""
        return not self.nullable and self.default is None


def _maker(kind: Kind) -> Callable[..., Field]:
    def make(name: str, **options: Any) -> Field:
        return Field(name, kind, **options)

    make.__doc__ = f"A field of kind {kind.value}; see ``Field``."
    return make


text = _maker(Kind.TEXT)
integer = _maker(Kind.INTEGER)
big_integer = _maker(Kind.BIG)
real = _maker(Kind.REAL)
flag = _maker(Kind.FLAG)
day = _maker(Kind.DAY)
instant = _maker(Kind.INSTANT)
document = _maker(Kind.DOCUMENT)


def choice(name: str, *choices: str, **options: Any) -> Field:
    """A field that takes one of these words."""
    return Field(name, Kind.CHOICE, choices=choices, **options)


def reference(name: str, table: str | None, **options: Any) -> Field:
    """A field that takes the id of a row of ``table``; with None of no table in particular."""
    return Field(name, Kind.REFERENCE, references=table, **options)


@dataclass(frozen=True, slots=True)
class Links:
    """A list of ids kept in a table of pairs.

    Args:
        table: of the pairs; ``own`` is its column with this row's id, ``other`` the one with the linked row's.
        target: table of the linked rows; ids that it does not have are dropped without a word.
    """

    name: str
    table: str
    own: str
    other: str
    target: str
    written: frozenset[str] = ALL


@dataclass(frozen=True, slots=True)
class Backlinks:
    """Ids of the rows of another table that refer to this row. Read only."""

    name: str
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """The row that a reference of ours points to, as an object. Read only."""

    name: str
    column: str
    resource: "Resource"


Relation = Links | Backlinks | Embedded


class Scope(NamedTuple):
    """Which rows a caller sees: a condition on the resource's columns, with ``caller_id`` as its only parameter."""

    name: str
    condition: Any


class View(NamedTuple):
    """Which members of the answer a caller sees, relations included, and which he may filter by (default: those)."""

    name: str
    members: frozenset[str]
    filters: frozenset[str] | None = None


def caller_id() -> Any:
    """The parameter that a ``Scope`` compares with."""
    return sa.bindparam("caller_id", None, Id)


@dataclass(slots=True)
class Change:
    """One creation, update or removal on its way, as hooks see it.

    Args:
        row: the stored row before; empty for a creation.
        values: columns about to be written, well-formed; a hook completes them.
        links: ids for each relation that is about to be written.
        body: what the client sent, whole.
        force: the client asked to remove dependants too.
        answer: members that a hook adds to the answer.
        before: what a hook keeps of the state before, for one that runs after.
        is_done: a hook has dealt with the removal by other means; the row stays.
    """

    tx: Tx
    principal: Principal
    resource: "Resource"
    row: Mapping[str, Any]
    values: dict[str, Any]
    links: dict[str, list[str]]
    body: Mapping[str, Any]
    force: bool = False
    answer: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    is_done: bool = False

    @property
    def id(self) -> str:
        """Id of the row."""
        found: str = self.values["id"] if "id" in self.values else self.row["id"]
        return found

    def after(self, name: str) -> Any:
        """The value that a column will have."""
        return self.values[name] if name in self.values else self.row.get(name)


Hook = Callable[[Change], None]


@dataclass(frozen=True, slots=True)
class Verbs:
    """The least role for each route; None: there is no such route."""

    list: Least | None
    read: Least | None
    create: Least | None
    update: Least | None
    delete: Least | None


@dataclass(frozen=True, slots=True)
class Events:
    """Names and data of the events that changes of a resource write.

    Args:
        package: the room that the events belong to.
        kind: first half of the name; the second is ``created``, ``updated`` or ``deleted``.
        id_key: key of the row's id in the event's data.
        carries: columns that go along where the row has a value.
    """

    package: str
    kind: str
    id_key: str
    carries: tuple[str, ...] = ()
    created: str = "new"
    updated: str = "update"
    deleted: str = "delete"


@dataclass(frozen=True)
class Storage:
    """Where rows live that are not one table's: how to read them, and who writes them.

    ``insert``, ``update`` and ``delete`` get a ``Change`` whose hooks have run; ``condition`` holds for every row.
    """

    source: Callable[[], Any]
    column: Callable[[str], Any]
    insert: Hook
    update: Hook
    delete: Hook
    condition: Callable[[], Any] | None = None


@dataclass(frozen=True, eq=False)
class Resource:
    """One model.

    Args:
        path: last part of its routes, ``/<path>`` and ``/<path>/{id}``.
        table: name of its table, prefixed by the package.
        wire: its ``type`` in answers; an expression where that depends on the row.
        alike: fields whose filter matches a pattern without regard to case, never a list.
        unique: groups of columns that may not repeat.
        checks: conditions in SQL that the database keeps, by name.
        computed: members that are no columns.
        listed: rows of the list; readable: rows that may be read one by one (others are refused, not hidden).
        view: members shown to a caller, in the list and one by one.
        unfilterable: names that are refused as filters, instead of passed over.
        on_create, on_update, on_delete: authorise, check, complete, before the row is written.
        created, updated, deleted: effects, after it is written, in the same transaction.
        answer_links: relations that an update's answer shows.
        most: rows of a list without paging.
        accepts: members of a creation's body that are no columns and that hooks read.
    """

    path: str
    table: str
    wire: str | Callable[[], Any]
    fields: tuple[Field, ...]
    verbs: Verbs
    relations: tuple[Relation, ...] = ()
    events: Events | None = None
    alike: frozenset[str] = frozenset({"name"})
    unique: tuple[tuple[str, ...], ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    computed: Callable[[], tuple[Value, ...]] | None = None
    storage: Storage | None = None
    listed: "Callable[[Principal, Resource], Scope | None] | None" = None
    readable: "Callable[[Principal, Resource], Scope | None] | None" = None
    view: Callable[[Principal, Literal["list", "read"]], View | None] | None = None
    on_create: tuple[Hook, ...] = ()
    created: tuple[Hook, ...] = ()
    on_update: tuple[Hook, ...] = ()
    updated: tuple[Hook, ...] = ()
    on_delete: tuple[Hook, ...] = ()
    deleted: tuple[Hook, ...] = ()
    answer_links: frozenset[str] = frozenset()
    instant_form: Form = Form.INSTANT_SECONDS
    most: int | None = None
    accepts: frozenset[str] = frozenset()
    unfilterable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.table in _BY_TABLE:
            raise ValueError(f"two resources are declared on {self.table}")
        _BY_TABLE[self.table] = self
        if self.storage is None:
            declare_table(self)

    tags: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by the name of their column."""
        return {each.name: each for each in self.fields}

    @cached_property
    def documents(self) -> frozenset[str]:
        """Columns whose values are JSON."""
        return frozenset(each.name for each in self.fields if each.kind is Kind.DOCUMENT)

    @cached_property
    def by_wire(self) -> dict[str, Field]:
        """Fields by their name in JSON."""
        return {each.wire_name: each for each in self.fields}

    @cached_property
    def links(self) -> dict[str, Links]:
        """The relations that a client may write or filter by."""
        return {each.name: each for each in self.relations if isinstance(each, Links)}

    @property
    def sa_table(self) -> sa.Table:
        """The table on ``METADATA``."""
        return METADATA.tables[self.table]

    @property
    def source(self) -> Any:
        """What a SELECT reads from."""
        return self.storage.source() if self.storage else self.sa_table

    def select(self) -> sa.Select[Any]:
        """All of its rows, as a SELECT whose columns are still to be chosen."""
        select = sa.select(self.column("id")).select_from(self.source)
        bound = self.storage.condition if self.storage else None
        return select.where(bound()) if bound is not None else select

    def column(self, name: str) -> Any:
        """A column or expression by the name of its field."""
        return self.storage.column(name) if self.storage else self.sa_table.c[name]

    @cached_property
    def is_plain(self) -> bool:
        """Whether an answer is the row and nothing else, so that it can be built without reading the row again."""
        return self.storage is None and self.computed is None and isinstance(self.wire, str)

    @cached_property
    def members(self) -> tuple[Value, ...]:
        """The members of the answer without relations, as columns."""
        shown = [
            Value(each.wire_name, self.column(each.name), form_of(each.kind, self.instant_form))
            for each in self.fields
            if not each.hidden
        ]
        kind = sa.literal_column("'" + self.wire + "'", sa.Text) if isinstance(self.wire, str) else self.wire()
        own = [Value("id", self.column("id"), Form.TEXT)]
        times = [Value(name, self.column(name), self.instant_form) for name in ("created_at", "updated_at")]
        computed = self.computed() if self.computed else ()
        return (*own, *shown, *times, *computed, Value("type", kind, Form.TEXT))

    @cached_property
    def linked(self) -> tuple[Pair, ...]:
        """The members that relations add."""
        return tuple(self._linked(each) for each in self.relations)

    def _linked(self, relation: Relation) -> Pair:
        match relation:
            case Links(name=name, table=table, own=own, other=other):
                pairs = METADATA.tables[table]
                return Texts(name, sa.select(pairs.c[other]).where(pairs.c[own] == self.column("id")))
            case Backlinks(name=name, table=table, column=column):
                rows = METADATA.tables[table]
                return Texts(name, sa.select(rows.c.id).where(rows.c[column] == self.column("id")))
            case Embedded(name=name, column=column, resource=resource):
                condition = resource.column("id") == self.column(column)
                select = sa.select(resource.column("id")).select_from(resource.source).where(condition)
                return One(name, select, Projection(resource.members))

    def projection(self, *, names: frozenset[str] | None = None, relations: bool = False) -> Projection:
        """The answer's members: all, or those of ``names`` with ``id`` and ``type``."""
        pairs: tuple[Pair, ...] = (*self.members, *self.linked) if relations else self.members
        if names is not None:
            kept = names | {"id", "type"}
            pairs = tuple(pair for pair in pairs if pair.name in kept)
        return Projection(pairs)


_BY_TABLE: Final[dict[str, Resource]] = {}


def resource_of(table: str) -> Resource:
    """The resource that is declared on a table, for rules that would otherwise import their own declaration."""
    return _BY_TABLE[table]


def form_of(kind: Kind, instant_form: Form) -> Form:
    """How values of a kind look in JSON."""
    forms = {
        Kind.INTEGER: Form.NUMBER,
        Kind.BIG: Form.NUMBER,
        Kind.REAL: Form.REAL,
        Kind.FLAG: Form.FLAG,
        Kind.DOCUMENT: Form.DOCUMENT,
        Kind.INSTANT: instant_form,
    }
    return forms.get(kind, Form.TEXT)


def column_type(declared: Field) -> Any:
    """The column's type in the database."""
    types: dict[Kind, Any] = {
        Kind.INTEGER: sa.Integer(),
        Kind.BIG: sa.BigInteger(),
        Kind.REAL: sa.Double(),
        Kind.FLAG: Flag,
        Kind.DAY: Day,
        Kind.INSTANT: Instant,
        Kind.REFERENCE: Id,
        Kind.DOCUMENT: Document,
        Kind.CHOICE: sa.String(40),
    }
    found = types.get(declared.kind)
    return found if found is not None else (sa.String(declared.max_length) if declared.max_length else sa.Text())


def declare_table(resource: Resource) -> sa.Table:
    """The table of a resource: id, fields, the two times; keys, foreign keys with an index each, checks."""
    columns: list[Any] = [sa.Column("id", Id, primary_key=True)]
    for each in resource.fields:
        arguments: list[Any] = []
        if each.references:
            on_delete = {"cascade": "CASCADE", "set null": "SET NULL"}.get(each.on_delete)
            arguments.append(sa.ForeignKey(f"{each.references}.id", ondelete=on_delete))
        # Without an index on a foreign key, each removal of a target reads the whole table.
        index = each.kind is Kind.REFERENCE and not each.unique
        columns.append(
            sa.Column(
                each.name,
                column_type(each),
                *arguments,
                nullable=each.nullable,
                unique=each.unique or None,
                index=index or None,
            )
        )
    columns += [sa.Column("created_at", Instant, nullable=False), sa.Column("updated_at", Instant, nullable=False)]
    columns += [
        sa.UniqueConstraint(*names, name=f"uq_{resource.table}_{number}")
        for number, names in enumerate(resource.unique, 1)
    ]
    columns += [sa.CheckConstraint(condition, name=name) for name, condition in resource.checks.items()]
    return sa.Table(resource.table, METADATA, *columns)

"""The objects of a vault model as values: what a client sends, and how a name becomes a table and its columns.

Shapes follow the exported model of format 1; nothing here knows SQL, HTTP or the database.
Source: contracts/vault.md, 2.4, 2.5, 3.3 to 3.7 and 4.1
"""

import hashlib
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from tessera.warehouse import MART, VAULT, Table

Id = Annotated[str, Meta(pattern=r"^[a-z0-9_.]{1,120}$")]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=10_000)]
Tracking = Literal["full", "delta", "auto", "none"]
Mode = Literal["full", "delta", "cdc"]

LONGEST_NAME: Final = 63
"""Bytes that PostgreSQL keeps of a name; both engines get the same names."""


class KeyOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """How a hub reads its key parts. Only ASCII folding and U+0020 are offered: engines differ beyond them."""

    trim: bool = True
    case: Literal["preserve", "ascii_upper", "ascii_lower"] = "preserve"
    empty_is_null: bool = True


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the model."""


class Parameter(_Part, frozen=True, kw_only=True):
    """A parameter of a source system."""

    source_type_parameter_id: Name
    source_type_parameter_value: Any = None


class System(_Part, frozen=True, kw_only=True):
    """A source system. ``ingest_output``: tables that ingest has landed; ``push``: rows that clients send."""

    system_id: Id = ""
    system_name: Text = ""
    system_comment: Text = ""
    system_color: Text = ""
    source_type_id: Literal["ingest_output", "push"] = "ingest_output"
    source_type_name: Text = ""
    source_type_url: Text = ""
    source_type_parameters: list[Parameter] = []
    deployable: bool = True
    hidden_in_system_deployment: bool = False


class StagingColumn(_Part, frozen=True, kw_only=True):
    """A column of a staging table; its type is spelled alike on every engine."""

    column_name: Name
    complete_data_type: Name = "TEXT"
    column_id: Text = ""
    column_order: int = 0
    column_comment: Text = ""


class StagingTable(_Part, frozen=True, kw_only=True):
    """Where a source's rows stand, with their hashes, until the next batch."""

    staging_table_id: Id = ""
    system_id: Id
    columns: list[tuple[Name, Name] | StagingColumn] = []
    source_schema_name: Text = "landing"
    source_table_name: Text = ""
    staging_table_name: Text = ""
    staging_table_comment: Text = ""
    staging_table_display_string: Text = ""
    mode_default: Mode = "full"
    cdc_operation_column: Name | None = None

    @property
    def typed(self) -> dict[str, str]:
        """Types by column, in order."""
        pairs = [(c.column_name, c.complete_data_type) if isinstance(c, StagingColumn) else c for c in self.columns]
        return dict(pairs)


class Hub(_Part, frozen=True, kw_only=True):
    """A business concept by its key."""

    hub_id: Id = ""
    hub_name: Text = ""
    hub_comment: Text = ""
    hub_subject_area_name: Text = ""
    description: Text = ""
    key_options: KeyOptions = KeyOptions()


class ColumnRef(_Part, frozen=True, kw_only=True):
    """A column by its id, which is its name."""

    column_id: Name
    column_order: int = 0


class _Columns(_Part, frozen=True, kw_only=True):
    columns: list[Name] = []
    column_ids: list[ColumnRef] = []

    @property
    def names(self) -> list[str]:
        """The columns in their order, whichever of the two forms named them."""
        if self.columns:
            return list(self.columns)
        return [ref.column_id for ref in sorted(self.column_ids, key=lambda ref: ref.column_order)]


class HubLoad(_Columns, frozen=True, kw_only=True):
    """How one staging table's columns make a hub's key."""

    hub_load_id: Id = ""
    hub_load_display_name: Text = ""
    hub_id: Id
    staging_table_id: Id
    business_key_prefix: Text | None = None
    business_key_short: Text = ""
    keys_are_unique: bool = False
    tracking: Tracking = "auto"


class Link(_Part, frozen=True, kw_only=True):
    """A relation of hubs. Its participants are named by hub, or by role where a hub takes part twice."""

    link_id: Id = ""
    link_name: Text = ""
    link_comment: Text = ""
    link_subject_area_name: Text = ""
    hubs: list[Id] = []
    roles: list[Id] = []
    hub_a_id: Id | None = None
    hub_b_id: Id | None = None
    link_type: Literal["many_to_many", "many_to_one", "one_to_one", "hierarchical", "same_as"] = "many_to_many"
    child_keys: list[Name] = []
    driving_hubs: list[Id] = []

    @property
    def hub_ids(self) -> list[str]:
        """The hubs in order, whichever of the two forms named them."""
        return list(self.hubs) or [hub for hub in (self.hub_a_id, self.hub_b_id) if hub is not None]

    @property
    def participants(self) -> dict[str, str]:
        """Hub by participant: its role, or the hub's own id."""
        return dict(zip(self.roles or self.hub_ids, self.hub_ids, strict=False))

    @property
    def drivers(self) -> list[str]:
        """The participants whose batch says all about them; none unless the link is many to one."""
        if self.link_type != "many_to_one":
            return []
        return list(self.driving_hubs) or list(self.participants)[:1]


class LinkLoad(_Part, frozen=True, kw_only=True):
    """How one staging table fills a link. ``hub_loads``: the load that gives each participant's key."""

    link_load_id: Id = ""
    link_load_display_name: Text = ""
    link_id: Id
    staging_table_id: Id
    hub_loads: dict[str, Id] = {}
    tracking: Tracking = "auto"


class Satellite(_Columns, frozen=True, kw_only=True):
    """The history of a hub's or link's attributes out of one staging table."""

    satellite_id: Id = ""
    satellite_comment: Text = ""
    satellite_subject_area_name: Text = ""
    parent: Id = ""
    hub_id: Id | None = None
    parent_load_id: Id | None = None
    staging_table_id: Id
    multi_active_keys: list[Name] = []
    order_by: list[Name] = []
    conflict_policy: Literal["error", "last_row", "sequence"] = "error"

    @property
    def parent_id(self) -> str:
        """The hub or link that it describes."""
        return self.parent or self.hub_id or ""

    @property
    def payload(self) -> list[str]:
        """The described columns, without the multi-active keys."""
        return [name for name in self.names if name not in self.multi_active_keys]


class Output(_Part, frozen=True, kw_only=True):
    """A table or view of `mart`: a hub as a dimension, or a link as a fact, with its satellites."""

    output_id: Id = ""
    output_name: Text = ""
    output_comment: Text = ""
    kind: Literal["dimension", "fact"] = "dimension"
    source: Id
    satellites: list[Id] | None = None
    history: Literal["current", "historised"] = "current"
    include_deleted: bool = False
    materialisation: Literal["view", "table"] = "view"


class Job(_Part, frozen=True, kw_only=True):
    """A package of loads of one system. ``auto`` follows the model; ``manual`` names its loads."""

    job_id: Id = ""
    job_name: Text = ""
    job_comment: Text = ""
    system_id: Id
    job_type: Literal["auto", "manual"] = "auto"
    job_loads: list[Id] = []
    job_enabled: bool = True
    parallel_loads: int = -1


Object = System | StagingTable | Hub | HubLoad | Link | LinkLoad | Satellite | Output | Job

KINDS: Final[dict[str, type[Struct]]] = {
    "systems": System,
    "staging_tables": StagingTable,
    "hubs": Hub,
    "hub_loads": HubLoad,
    "links": Link,
    "link_loads": LinkLoad,
    "satellites": Satellite,
    "outputs": Output,
    "jobs": Job,
}
"""Kinds of object in the order in which they build on each other; also the members of a bundle."""

ID_FIELDS: Final = {
    "systems": "system_id",
    "staging_tables": "staging_table_id",
    "hubs": "hub_id",
    "hub_loads": "hub_load_id",
    "links": "link_id",
    "link_loads": "link_load_id",
    "satellites": "satellite_id",
    "outputs": "output_id",
    "jobs": "job_id",
}


class Model(Struct):
    """Every object of the model, by id."""

    systems: dict[str, System] = field(default_factory=dict)
    staging_tables: dict[str, StagingTable] = field(default_factory=dict)
    hubs: dict[str, Hub] = field(default_factory=dict)
    hub_loads: dict[str, HubLoad] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    link_loads: dict[str, LinkLoad] = field(default_factory=dict)
    satellites: dict[str, Satellite] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Any]:
        """The objects of one kind."""
        found: dict[str, Any] = getattr(self, kind)
        return found


def short(name: str) -> str:
    """A name that every engine keeps whole; a longer one ends in a digest of itself."""
    name = name.replace(".", "_")
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{name[:54]}_{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:8]}"


def bare(object_id: str) -> str:
    """``<x>``: an id without the prefix of its type."""
    for prefix in ("staging.", "ls_", "h_", "l_", "s_"):
        if object_id.startswith(prefix):
            return object_id.removeprefix(prefix)
    return object_id


def own(object_id: str, suffix: str) -> str:
    """A technical column of an object: ``<x>_h``, ``<x>_bk``, ``<x>_lt``, ``<x>_lth``, ``<x>_s``, ``<x>_hd``, …"""
    return short(f"{bare(object_id)}_{suffix}")


def stage_table(staging_table_id: str) -> Table:
    """Where the present batch of a staging table stands."""
    return Table(VAULT, short(f"st_{bare(staging_table_id)}"))


def stage_column(owner_id: str, suffix: str) -> str:
    """A hash column of a load in its staging table."""
    return short(f"_dvb_{owner_id}_{suffix}")


def parent_table(object_id: str) -> Table:
    """The table of a hub or link."""
    return Table(VAULT, short(object_id))


def satellite_table(satellite_id: str) -> Table:
    """The history of a satellite; ``_c`` beside it is the current state."""
    return Table(VAULT, short(f"{satellite_id}_h"))


def current_view(satellite_id: str) -> Table:
    """The view of a satellite's current state."""
    return Table(VAULT, short(f"{satellite_id}_c"))


def tracking_table(load_id: str) -> Table:
    """When each key of a load was present and when not."""
    return Table(VAULT, short(f"{load_id}_w_trkf"))


def output_table(output_id: str) -> Table:
    """What is delivered."""
    return Table(MART, short(output_id.removeprefix("businessobjects.")))

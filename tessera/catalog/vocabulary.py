"""Owns the catalogue's words: data types, object types, who may stand under whom, and what links join.

One table drives the checks and the ``/types`` routes. Source: contracts/catalog.md, 8.1 and 14.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Role(StrEnum):
    """The licence levels, from least to most powerful. Source: contracts/catalog.md, 17."""

    READER = "Reader"
    EXPLORER = "Explorer"
    STEWARD = "Steward"
    ADMIN = "Admin"


class Kind(Struct, frozen=True):
    """One data type: the route that it is served on, the module that it belongs to, its object types."""

    data_type: str
    route: str
    module: str
    types: tuple[str, ...]


SOURCE: Final = Kind("Source", "sources", "catalog", ("Relational", "NonRelational", "NoSql", "TagBase"))
CONTAINER: Final = Kind("Container", "containers", "catalog", ("Model", "Directory", "Equipment"))
STRUCTURE: Final = Kind(
    "Structure", "structures", "catalog", ("Table", "View", "File", "Document", "Tag", "SubStructure")
)
FIELD: Final = Kind("Field", "fields", "catalog", ("Column", "Field"))
PROPERTY: Final = Kind(
    "Property",
    "properties",
    "glossary",
    (
        "Universe",
        "BusinessDomain",
        "BusinessDomainGroup",
        "ReferenceData",
        "ReferenceDataValue",
        "Dimension",
        "DimensionGroup",
        "Concept",
        "IndicatorGroup",
        "Indicator",
        "BusinessTerm",
    ),
)
PROCESSING: Final = Kind("DataProcessing", "dataProcessing", "dataprocessing", ("DataFlow", "DataProcessing"))
ITEM: Final = Kind(
    "DataProcessingItem",
    "dataProcessingItem",
    "dataprocessing",
    (
        "Undefined",
        "Copy",
        "Concatenate",
        "Substring",
        "Formula",
        "Agregate",
        "Convert",
        "Lookup",
        "InnerJoin",
        "OuterJoin",
        "Variable",
        "Custom",
        "Filter",
        "AnalyticalCalculation",
    ),
)
USAGE: Final = Kind(
    "Usage",
    "usages",
    "uses",
    (
        "Application",
        "Algorithm",
        "Dashboard",
        "Feature",
        "DataSet",
        "OpenDataSet",
        "Screen",
        "Process",
        "Report",
        "Usage",
        "UsageField",
        "UsageComponent",
    ),
)
KINDS: Final = (SOURCE, CONTAINER, STRUCTURE, FIELD, PROPERTY, PROCESSING, ITEM, USAGE)
KIND_OF_DATA_TYPE: Final[Mapping[str, Kind]] = MappingProxyType({kind.data_type: kind for kind in KINDS})
DICTIONARY: Final = (SOURCE, CONTAINER, STRUCTURE, FIELD)

ITEM_TYPE_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    # The original reads the first and accepts the second; a client that copies sends back what it read.
    {"Search": "Lookup", "ConstantVariable": "Variable", "Calculation": "AnalyticalCalculation"}
)

# Where a type may stand. A root stands under nothing (sources) or under the workspace (the other modules).
_ROOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Source": SOURCE.types,
    "Property": tuple(word for word in PROPERTY.types if word != "ReferenceDataValue"),
    "DataProcessing": PROCESSING.types,
    "Usage": tuple(word for word in USAGE.types if word not in ("UsageComponent", "UsageField")),
}
_FILES: Final = (("Structure", "File"), ("Structure", "Document"))
_TABLES: Final = (("Structure", "Table"), ("Structure", "View"))
_DIRECTORY: Final = ("Container", "Directory")
_MODEL: Final = ("Container", "Model")
_EQUIPMENT: Final = ("Container", "Equipment")
_TAG: Final = ("Structure", "Tag")
_ANY_USAGE: Final = tuple(("Usage", word) for word in USAGE.types)
_ANY_PROPERTY: Final = tuple(("Property", word) for word in PROPERTY.types)

# (data type, type) -> the (data type, type) pairs that it may hold. Keyed by both, since "DataProcessing" and "Field"
# are words of two levels.
_CHILDREN: Final[Mapping[tuple[str, str], tuple[tuple[str, str], ...]]] = {
    ("Source", "Relational"): (_MODEL, *_TABLES),
    ("Source", "NonRelational"): (_DIRECTORY, *_FILES),
    ("Source", "NoSql"): (_MODEL, _DIRECTORY, *_TABLES, *_FILES),
    ("Source", "TagBase"): (_EQUIPMENT, _TAG),
    _MODEL: (*_TABLES, _MODEL),
    _DIRECTORY: (_DIRECTORY, *_FILES),
    _EQUIPMENT: (_TAG, _EQUIPMENT),
    ("Structure", "Table"): (("Field", "Column"),),
    ("Structure", "View"): (("Field", "Column"),),
    ("Structure", "File"): (("Structure", "SubStructure"), ("Field", "Field")),
    ("Structure", "Document"): (("Structure", "SubStructure"), ("Field", "Field")),
    ("Structure", "SubStructure"): (("Structure", "SubStructure"), ("Field", "Field")),
    _TAG: (("Field", "Field"),),
    ("Property", "Universe"): _ANY_PROPERTY,
    ("Property", "Concept"): (("Property", "BusinessTerm"), ("Property", "Concept"), ("Property", "Indicator")),
    ("Property", "IndicatorGroup"): (("Property", "Indicator"), ("Property", "IndicatorGroup")),
    ("Property", "DimensionGroup"): (("Property", "Dimension"), ("Property", "DimensionGroup")),
    ("Property", "BusinessDomainGroup"): (("Property", "BusinessDomain"), ("Property", "BusinessDomainGroup")),
    ("Property", "ReferenceData"): (("Property", "ReferenceDataValue"),),
    ("DataProcessing", "DataFlow"): (("DataProcessing", "DataFlow"), ("DataProcessing", "DataProcessing")),
    ("DataProcessing", "DataProcessing"): tuple(("DataProcessingItem", word) for word in ITEM.types),
    **{("Usage", word): _ANY_USAGE for word in USAGE.types if word not in ("UsageComponent", "UsageField")},
    ("Usage", "UsageComponent"): (("Usage", "UsageField"), ("Usage", "UsageComponent")),
}


def root_types(data_type: str) -> tuple[str, ...]:
    """Types that may stand without a parent object; empty for data types that never do."""
    return _ROOTS.get(data_type, ())


def child_types(data_type: str, type_: str, child_data_type: str | None = None) -> tuple[str, ...]:
    """Types that an object of ``type_`` may hold, all of them or those of one data type."""
    held = _CHILDREN.get((data_type, type_), ())
    return tuple(word for kind, word in held if child_data_type in (None, kind))


def child_kind(data_type: str, type_: str, child_type: str) -> Kind | None:
    """The data type that ``child_type`` has under such a parent; None where it may not stand there."""
    for kind, word in _CHILDREN.get((data_type, type_), ()):
        if word == child_type:
            return KIND_OF_DATA_TYPE[kind]
    return None


class LinkType(Struct, frozen=True):
    """One type of link in the direction in which it is stored, and the name that its far end shows.

    ``lineage`` says which way data flows along it: ``forward`` from its start to its end, ``backward`` the other way.
    """

    name: str
    inverse: str
    starts: frozenset[tuple[str, str]]
    ends: frozenset[tuple[str, str]]
    lineage: str | None = None


def _all(*kinds: Kind) -> frozenset[tuple[str, str]]:
    return frozenset((kind.data_type, word) for kind in kinds for word in kind.types)


def _only(kind: Kind, *words: str) -> frozenset[tuple[str, str]]:
    return frozenset((kind.data_type, word) for word in words)


_DATA: Final = _all(*DICTIONARY)
_WORK: Final = _all(PROCESSING, ITEM)
_USE: Final = _all(USAGE)
_MEANING: Final = _all(PROPERTY)
_ANY: Final = _DATA | _WORK | _USE | _MEANING

LINK_TYPES: Final = (
    LinkType("Implements", "IsImplementedBy", _DATA, _MEANING, lineage="forward"),
    LinkType("Uses", "IsUsedBy", _USE, _MEANING | _DATA, lineage="backward"),
    LinkType("Calls", "IsCalledBy", _USE, _USE, lineage="backward"),
    LinkType("IsInputOf", "HasInput", _DATA, _WORK, lineage="forward"),
    LinkType("IsOutputOf", "HasOutput", _DATA, _WORK, lineage="backward"),
    LinkType("IsUsageSourceFor", "HasUsageSource", _USE, _USE, lineage="forward"),
    LinkType("IsUsageDestinationFor", "HasUsageDestination", _USE, _USE, lineage="backward"),
    LinkType("IsSourceOf", "HasForSource", _DATA, _USE),
    LinkType("IsRecordingSystemFor", "HasForRecordingSystem", _only(USAGE, "Application") | _all(SOURCE), _MEANING),
    LinkType(
        "IsUniverseOf",
        "HasForUniverse",
        _only(PROPERTY, "Universe"),
        _only(PROPERTY, "Dimension", "DimensionGroup")
        | _DATA
        | _all(PROCESSING)
        | (_USE - _only(USAGE, "UsageField", "UsageComponent")),
    ),
    LinkType("IsDomainOf", "HasForDomain", _only(PROPERTY, "BusinessDomain"), _ANY),
    LinkType(
        "IsSynonymOf",
        "IsSynonymOf",
        _only(PROPERTY, "Concept", "BusinessTerm", "Indicator"),
        _only(PROPERTY, "Concept", "BusinessTerm", "Indicator"),
    ),
    LinkType("Generalizes", "Specializes", _only(PROPERTY, "Concept"), _only(PROPERTY, "Concept")),
    LinkType("IsPartOfDimension", "Regroups", _only(PROPERTY, "Concept", "BusinessTerm"), _only(PROPERTY, "Dimension")),
    LinkType(
        "IsUsedForComputationOf",
        "IsComputedBy",
        _only(PROPERTY, "BusinessTerm", "Indicator"),
        _only(PROPERTY, "Indicator"),
    ),
    LinkType("IsNeededBy", "Needs", _only(PROPERTY, "Concept"), _only(PROPERTY, "Concept")),
    LinkType(
        "HasForReferenceData", "ListsValuesFor", _only(PROPERTY, "BusinessTerm"), _only(PROPERTY, "ReferenceData")
    ),
    LinkType(
        "IsDeclinedAccordingToDimension",
        "IsDimensionOf",
        _only(PROPERTY, "Indicator"),
        _only(PROPERTY, "Dimension"),
    ),
    LinkType("IsLinkedTo", "IsLinkedTo", _ANY, _ANY),
)
_BY_NAME: Final[Mapping[str, tuple[LinkType, bool]]] = {
    **{link.inverse: (link, True) for link in LINK_TYPES},
    **{link.name: (link, False) for link in LINK_TYPES},
}


def find_link_type(name: str) -> tuple[LinkType, bool] | None:
    """The stored type that ``name`` belongs to, and whether ``name`` is its inverse."""
    return _BY_NAME.get(name)


def shown_type(stored: str, *, is_inward: bool) -> str:
    """The name under which an end shows a link of the type ``stored``."""
    return _BY_NAME[stored][0].inverse if is_inward else stored


def link_type_names() -> tuple[str, ...]:
    """Every name that a client may send, types and inverses."""
    return tuple(_BY_NAME)


def joins(link: LinkType, start: tuple[str, str], end: tuple[str, str]) -> bool:
    """Whether this link may join these (data type, type) pairs."""
    return start in link.starts and end in link.ends


class CompatibleLink(Struct, frozen=True):
    """What ``GET /{route}/types`` says of one link."""

    type: str
    targets: list[str]


class TypeEntry(Struct, frozen=True, rename="camel"):
    """One element of ``GET /{route}/types``."""

    type: str
    compatible_children: list[str]
    links: list[CompatibleLink]


def describe_types(kind: Kind) -> list[TypeEntry]:
    """The answer of ``GET /{route}/types``. Source: contracts/catalog.md, 8.1."""
    entries = []
    for word in kind.types:
        here = (kind.data_type, word)
        links: dict[str, list[str]] = {}
        for link in LINK_TYPES:
            for name, starts, ends in ((link.name, link.starts, link.ends), (link.inverse, link.ends, link.starts)):
                if here in starts:
                    known = links.setdefault(name, [])
                    known.extend(sorted({target for _, target in ends} - set(known)))
        children = [child for _, child in _CHILDREN.get(here, ())]
        if kind is PROCESSING and word == "DataProcessing":
            children = []  # items have a route of their own and are no child objects on the wire
        entries.append(TypeEntry(word, children, [CompatibleLink(name, targets) for name, targets in links.items()]))
    return entries


STATUSES: Final = ("Proposed", "InRevision", "InValidation", "Validated", "Obsolete")
DEFAULT_STATUS: Final = "Proposed"
MODULES: Final = ("glossary", "dataprocessing", "uses", "catalog")

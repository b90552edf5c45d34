"""Owns what an object may carry beside its identity: the system attributes, their formats, and how a payload is read.

Pure: it knows neither the database nor who exists. Source: contracts/catalog.md, 9.1 and 10.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from tessera.catalog import paths
from tessera.catalog.vocabulary import DEFAULT_STATUS, ITEM, ITEM_TYPE_ALIASES, STATUSES, Kind
from tessera.kernel.errors import Invalid

TEXT_MAX_CHARACTERS: Final = 1_000_000
"""Longest text value; a description with embedded markup stays far below."""
VALUES_SHOWN: Final = 30
LIST_MAX: Final = 1_000
"""Most owners, stewards or tags of one object."""

Format = Literal[
    "Text",
    "FormattedText",
    "HtmlLink",
    "Boolean",
    "Number",
    "Date",
    "ValueList",
    "MultiValueList",
    "Hierarchy",
    "ManagedTag",
    "ClientTag",
    "UserReference",
    "PersonReference",
    "TimeSeriesObject",
]
COLUMN_DATA_TYPES: Final = (
    "VariableString",
    "FixedString",
    "Integer",
    "DateTime",
    "Decimal",
    "Boolean",
    "Binary",
    "Numeric",
    "Date",
    "TimeStamp",
    "LongText",
    "String",
)
PEOPLE_ROLES: Final = ("owners", "stewards", "cdo", "ciso", "dpo", "expert")
"""Attributes that are lists of people; the first two are those of the seed."""


class Attribute(Struct, frozen=True, rename="camel", omit_defaults=False):
    """One attribute as ``GET /attributes`` shows it."""

    name: str
    attribute_key: str
    format: Format
    data_type: str
    description: str = ""
    default_value: Any = None
    is_custom: bool = False
    is_mandatory: bool = False
    is_editable: bool = True
    values: list[dict[str, Any]] | UnsetType = UNSET


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NUMBERS: Final = frozenset(
    _words(
        """
        size order pkOrder dataTypePrecisionSize externalAccessCount externalReadAccessCount
        externalWriteAccessCount externalDeniedAccessCount externalUserAccessCount
        externalUserReadAccessCount externalUserWriteAccessCount externalUserDeniedAccessCount
        currentNumberOfRecords historicalNumberOfRecords currentStorageSize historicalStorageSize
        currentDistinctValueCount historicalDistinctValueCount currentEmptyValueCount
        historicalEmptyValueCount
        """
    )
)
_BOOLEANS: Final = frozenset(
    _words(
        """
        isMandatory isPrimaryKey isForeignKey isTechnicalData isIndexed isPartitioned isPartitionKey
        isRequiredFilter isCalculated isAggregatable containsPersonalData containsSensitiveData
        gdprIsPersonalData gdprIsSensitiveData
        """
    )
)
_DATES: Final = frozenset(
    _words(
        """
        startDate endDate gdprUsageStartDate externalCreationTime externalModificationTime
        externalDeletionTime externalExpirationTime externalDataRefreshTime externalExecutionTime
        externalLastAccessTime
        """
    )
)
_RICH: Final = frozenset(["description", "technicalComments"])
_LINKS: Final = frozenset(["externalUrl", "gdprImpactAnalysisUrl"])

_COMMON: Final = _words(
    """
    summary description technicalComments code externalId componentType startDate endDate technologyCode
    externalTechnologyType externalSourceConnection externalUrl containsPersonalData containsSensitiveData
    gdprIsPersonalData gdprIsSensitiveData gdprPersonalDataType gdprSensitiveDataType gdprPhysicalPersonType
    gdprPersonInformationType gdprPersonConsentType gdprConsentExceptionType gdprRiskLevel
    gdprImpactAnalysisType gdprImpactAnalysisUrl gdprMainPurpose gdprSecondaryPurpose gdprUsageNature
    gdprUsageDuration gdprUsageStartDate gdprDataRetentionPolicy gdprPersonalDataAccessPolicy
    gdprPersonalDataPortabilityPolicy geographicalLocation externalCreationTime externalModificationTime
    externalModificationUser externalDeletionTime externalExpirationTime externalDataRefreshTime
    externalExecutionTime externalLastExecutionStatus externalLastAccessTime externalTopUsers
    externalAccessCount externalReadAccessCount externalWriteAccessCount externalDeniedAccessCount
    externalUserAccessCount externalUserReadAccessCount externalUserWriteAccessCount
    externalUserDeniedAccessCount
    """
)
_STRUCTURE: Final = _words(
    """
    schema isPartitioned currentNumberOfRecords historicalNumberOfRecords currentStorageSize
    historicalStorageSize storageSizeUnit expression query
    """
)
_FIELD: Final = _words(
    """
    columnDataType dataTypePrecisionSize size order isMandatory isTechnicalData isIndexed isPartitionKey
    isRequiredFilter isCalculated isAggregatable dataSample currentDistinctValueCount
    historicalDistinctValueCount currentEmptyValueCount historicalEmptyValueCount userValue1 userValue2
    """
)
_USAGE: Final = ["usageFieldFormat", "expression", "query", "userValue1", "userValue2", "order"]
_PROCESSING: Final = ["expression", "query"]

READ_ONLY: Final = frozenset(
    # What a client may send back as it was read; it changes nothing.
    _words(
        """
        id displayName versionId path pathString typePath functionalPath location objectUrl attributes links
        parent accessData dataType itemType childrenCount allLevelChildrenCount creationTime
        lastModificationTime lastSynchronizationTime logicalParentData currentTechnology isPrimaryKey
        isForeignKey pkOrder primaryKeyTechnicalName tableTechnicalName tableDisplayName
        linkShortcutDomainIds linkShortcutUniverseId linkShortcutReferenceDataId linkShortcutDimensionIds
        linkShortcutRecordingSystemIds linkShortcutDataSourceIds linkShortcutUsageIds dpItems entityPath
        inputs outputs addInputs removeInputs addOutputs removeOutputs
        """
    )
)
CONTROL: Final = frozenset({"name", "technicalName", "type", "upsert", "children", "dataProcessingItems"})


def _format_of(key: str) -> Format:
    if key in _NUMBERS:
        return "Number"
    if key in _BOOLEANS:
        return "Boolean"
    if key in _DATES:
        return "Date"
    if key in _RICH:
        return "FormattedText"
    if key in _LINKS:
        return "HtmlLink"
    return "ValueList" if key == "columnDataType" else "Text"


def _system() -> dict[str, tuple[Attribute, ...]]:
    common = [
        Attribute("status", "status", "ValueList", "Common", "Governance status", DEFAULT_STATUS, is_mandatory=True),
        Attribute("tags", "Domains", "ClientTag", "Common", "Tags of the client space"),
        *(Attribute(role, role, "UserReference", "Common") for role in PEOPLE_ROLES),
        *(Attribute(key, key, _format_of(key), "Common") for key in _COMMON),
    ]
    groups = {
        "Source": (),
        "Container": (),
        "Structure": _STRUCTURE,
        "Field": _FIELD,
        "Property": (),
        "DataProcessing": _PROCESSING,
        "DataProcessingItem": _PROCESSING,
        "Usage": _USAGE,
    }
    own = {kind: tuple(Attribute(key, key, _format_of(key), kind) for key in keys) for kind, keys in groups.items()}
    return {"Common": tuple(common), **own}


SYSTEM: Final[Mapping[str, tuple[Attribute, ...]]] = MappingProxyType(_system())
"""Built-in attributes a data type, and under ``Common`` those that all have."""

_STORED: Final[Mapping[str, Format]] = MappingProxyType(
    # Each is accepted on every data type: imports from elsewhere put them where they have them.
    {
        attribute.attribute_key: attribute.format
        for group in SYSTEM.values()
        for attribute in group
        if attribute.attribute_key not in {"status", "Domains", "summary", "description", *PEOPLE_ROLES}
    }
)
ALIASES: Final[Mapping[str, str]] = MappingProxyType({"technology": "technologyCode", "Domains": "tags"})


class Draft(Struct):
    """What one payload says about one object. ``UNSET`` = not sent; None = sent to be cleared."""

    name: str | UnsetType = UNSET
    technical_name: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    upsert: bool = False
    status: str | UnsetType | None = UNSET
    summary: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    people: dict[str, list[str]] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def read_payload(payload: Any, kind: Kind, custom: Mapping[str, Attribute] = MappingProxyType({})) -> Draft:
    """Read one object's payload; the values are well-formed afterwards, and nothing is known of who or what exists.

    Args:
        custom: custom attributes by the display name under which they are sent.

    Raises:
        Invalid: a value has the wrong type, is not one of its list, or is too long; ``field`` names it.
    """
    if not isinstance(payload, dict):
        raise Invalid(f"the body must be a JSON object that describes the object; got {_json_type(payload)}")
    draft = Draft()
    nested = payload.get("attributes")
    values = {**nested, **payload} if isinstance(nested, dict) else payload
    if isinstance(nested, dict) and "attributes" in nested:
        values = {key: value for key, value in values.items() if key != "attributes"}
    for sent, value in values.items():
        key = ALIASES.get(sent, sent)
        if key != sent and key in values:
            continue
        _read_value(draft, kind, key, sent, value, custom)
    return draft


def _read_value(draft: Draft, kind: Kind, key: str, sent: str, value: Any, custom: Mapping[str, Attribute]) -> None:
    if key == "name":
        draft.name = paths.check_name(_text(value, sent), "name")
    elif key == "technicalName":
        if value is not None and value != "":
            draft.technical_name = paths.check_technical_name(_text(value, sent))
    elif key == "type":
        draft.type = check_type(value, kind)
    elif key == "upsert":
        draft.upsert = bool(check_value("Boolean", value, sent))
    elif key == "status":
        draft.status = check_status(value)
    elif key == "summary":
        draft.summary = _text_or_none(value, sent)
    elif key == "description":
        draft.description = rich_text(value, sent)
    elif key == "tags":
        draft.tags = _names(value, sent, "tag names")
    elif key in PEOPLE_ROLES:
        draft.people[key] = _names(value, sent, "e-mail addresses")
    elif key in CONTROL:
        pass
    elif key in _STORED:
        draft.attributes[key] = check_value(_STORED[key], value, sent)
    elif key in READ_ONLY:
        pass
    elif sent in custom:
        draft.attributes[custom[sent].attribute_key] = check_custom(custom[sent], value)
    else:
        draft.ignored.append(sent)


def check_custom(attribute: Attribute, value: Any) -> Any:
    """A value of a custom attribute; one of a list must be in the list.

    Raises:
        Invalid: the value does not have the attribute's format.
    """
    checked = check_value(attribute.format, value, attribute.name)
    if checked is not None and not isinstance(attribute.values, UnsetType):
        keys = [str(each["key"]) for each in attribute.values]
        if checked not in keys:
            listed = ", ".join(keys[:VALUES_SHOWN]) or "none yet"
            raise Invalid(
                f"{attribute.name}: {_shown(value)} is not one of its values ({listed})", field=attribute.name
            )
    return checked


def check_type(value: Any, kind: Kind) -> str:
    """One of the kind's types.

    Raises:
        Invalid: another value; the message lists what would be right.
    """
    if kind is ITEM and isinstance(value, str):
        value = ITEM_TYPE_ALIASES.get(value, value)
    if value not in kind.types:
        raise Invalid(f"type: {_shown(value)} is not one of {', '.join(kind.types)}", field="type")
    return str(value)


def check_status(value: Any) -> str | None:
    """One of the five statuses, or None to go back to the first.

    Raises:
        Invalid: another value.
    """
    if value is None or value == "":
        return None
    if value not in STATUSES:
        raise Invalid(f"status: {_shown(value)} is not one of {', '.join(STATUSES)}", field="status")
    return str(value)


def rich_text(value: Any, sent: str) -> str | None:
    """A formatted text: a string, or ``{"text": string}``.

    Raises:
        Invalid: neither.
    """
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        value = value["text"]
    return _text_or_none(value, sent)


def check_value(kind: Format, value: Any, sent: str) -> Any:
    """A value in one of the formats; None clears.

    Raises:
        Invalid: the value does not have the format.
    """
    if value is None or value == "" or value == []:
        return None
    if kind in ("Text", "TimeSeriesObject"):
        return _text(value, sent)
    if kind == "FormattedText":
        return rich_text(value, sent)
    if kind == "Boolean":
        if not isinstance(value, bool):
            raise Invalid(f"{sent}: must be true or false; got {_shown(value)}", field=sent)
        return value
    if kind == "Number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid(f"{sent}: must be a number; got {_shown(value)}", field=sent)
        return value
    if kind == "Date":
        if not isinstance(value, str) or _DATE.fullmatch(value) is None:
            raise Invalid(f"{sent}: must be an ISO 8601 date such as 2026-03-01; got {_shown(value)}", field=sent)
        return value
    if kind == "HtmlLink":
        return _link(value, sent)
    if kind == "ValueList":
        text = _text(value, sent)
        if sent == "columnDataType" and text not in COLUMN_DATA_TYPES:
            raise Invalid(f"{sent}: {_shown(value)} is not one of {', '.join(COLUMN_DATA_TYPES)}", field=sent)
        return text
    return _names(value, sent, "texts")


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?")


def _link(value: Any, sent: str) -> Any:
    if isinstance(value, str):
        return _text(value, sent)
    if isinstance(value, dict) and isinstance(value.get("url"), str):
        link = {"name": _text(value.get("name") or value["url"], sent), "url": _text(value["url"], sent)}
        if not re.match(r"(?i)(https?|mailto|ftp|file):", link["url"]):
            raise Invalid(f"{sent}: the url must begin with http://, https:// or mailto:", field=sent)
        return link
    raise Invalid(f'{sent}: must be {{"name": text, "url": text}}; got {_shown(value)}', field=sent)


def _text(value: Any, sent: str) -> str:
    if not isinstance(value, str):
        raise Invalid(f"{sent}: must be a text; got {_shown(value)}", field=sent)
    if len(value) > TEXT_MAX_CHARACTERS:
        raise Invalid(f"{sent}: at most {TEXT_MAX_CHARACTERS} characters; got {len(value)}", field=sent)
    if "\x00" in value:
        raise Invalid(f"{sent}: the character U+0000 is not allowed", field=sent)
    return value


def _text_or_none(value: Any, sent: str) -> str | None:
    return None if value is None else _text(value, sent)


def _names(value: Any, sent: str, what: str) -> list[str]:
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid(f"{sent}: must be a list of {what}; got {_shown(value)}", field=sent)
    if len(value) > LIST_MAX:
        raise Invalid(f"{sent}: at most {LIST_MAX} entries; got {len(value)}", field=sent)
    return list(dict.fromkeys(_text(each, sent) for each in value))


def _shown(value: Any) -> str:
    """A value in a message: short, and unmistakable as to its type."""
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else value[:77] + "...")
    if isinstance(value, dict | list):
        return _json_type(value)
    return msgspec.json.encode(value).decode()


def _json_type(value: Any) -> str:
    names: Sequence[tuple[type, str]] = ((dict, "an object"), (list, "a list"), (str, "a text"), (bool, "a boolean"))
    for type_, name in names:
        if isinstance(value, type_):
            return name
    return "null" if value is None else "a number"

"""Makes the wire form of objects out of rows: list elements and details, with attributes and links where asked for.

A page costs a fixed number of statements, whatever its length. Source: contracts/catalog.md, 8.2.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from tessera.catalog import governance_store, links_store, objects_store
from tessera.catalog.attributes import PEOPLE_ROLES, Attribute
from tessera.catalog.custom_attributes import attributes_by_name
from tessera.catalog.vocabulary import KIND_OF_DATA_TYPE, Kind, Role, shown_type
from tessera.kernel.access import Principal
from tessera.kernel.db import Tx


class Include(Struct, frozen=True):
    """Which optional parts each element carries."""

    attributes: bool = False
    links: bool = False
    access_data: bool = False


ACCESS_FLAGS: Final = (
    ("hasReadAccess", Role.READER),
    ("hasWriteAccess", Role.STEWARD),
    ("hasCreateAccess", Role.STEWARD),
    ("hasDeleteAccess", Role.STEWARD),
    ("hasImportAccess", Role.STEWARD),
    ("hasExportAccess", Role.READER),
    ("hasManagementAccess", Role.ADMIN),
    ("hasAdministratorAccess", Role.ADMIN),
    ("hasTaskWriteAccess", Role.EXPLORER),
    ("hasEntityStatusWriteAccess", Role.STEWARD),
    ("hasOfficialRoleAttributesWriteAccess", Role.STEWARD),
    ("hasSuggestionModeWriteAccess", Role.EXPLORER),
)
_RANK: Final = {str(role): rank for rank, role in enumerate(Role)}


def access_data(principal: Principal) -> dict[str, bool]:
    """What the caller may do with objects; rights do not differ between them."""
    held = _RANK.get(principal.role("catalog") or "", -1)
    writes = principal.may("catalog", "write")
    return {
        flag: (principal.is_administrator or held >= _RANK[least]) and (writes or least is Role.READER)
        for flag, least in ACCESS_FLAGS
    }


def offset_time(text: str) -> str:
    """An instant in the contract's form, with a numeric offset."""
    return text.removesuffix("Z") + "+00:00"


def elements(
    tx: Tx, rows: Sequence[Any], kind: Kind, origin: str, include: Include, principal: Principal
) -> list[dict[str, Any]]:
    """List elements in the order of ``rows``.

    Args:
        origin: scheme and host that the caller used, for the page of each object in the console.
    """
    ids = [row.id for row in rows]
    shown = [_element(row, kind, origin) for row in rows]
    if include.attributes:
        for element, attributes in zip(shown, _attributes(tx, rows, kind), strict=True):
            element["attributes"] = attributes
    if include.links:
        links: dict[str, dict[str, list[dict[str, Any]]]] = {each: {} for each in ids}
        for end in links_store.ends_of(tx, ids):
            links[end.here].setdefault(shown_type(end.type, is_inward=end.is_inward), []).append(_link_end(end))
        for element in shown:
            element["links"] = links[element["id"]]
    if include.access_data:
        rights = access_data(principal)
        for element in shown:
            element["accessData"] = rights
    return shown


def detail(tx: Tx, row: Any, kind: Kind, origin: str, principal: Principal) -> dict[str, Any]:
    """Everything about one object; ``childrenCount`` counts all levels."""
    include = Include(attributes=True, links=True)
    shown = elements(tx, [row], kind, origin, include, principal)[0]
    attributes, links = shown.pop("attributes"), shown.pop("links")
    count = 0 if kind.data_type == "Field" else objects_store.descendant_count(tx, row)
    attributes["allLevelChildrenCount"] = count
    return {**shown, "childrenCount": count, "attributes": attributes, "links": links}


def _element(row: Any, kind: Kind, origin: str) -> dict[str, Any]:
    element = {
        "id": row.id,
        "name": row.name,
        "technicalName": row.technical_name,
        "type": row.type,
        "dataType": row.data_type,
        "versionId": row.version_id,
        "path": row.path,
        "typePath": row.type_path,
        "functionalPath": row.functional_path,
        "location": f"{kind.route}/{row.version_id}/{row.id}",
        "objectUrl": f"{origin}/console/catalog/{row.version_id}/{kind.route}/{row.id}",
    }
    if row.parent_id is not None:
        element["parent"] = {
            "id": row.parent_id,
            "name": row.parent_name,
            "technicalName": row.parent_technical_name,
            "type": row.parent_type,
            "dataType": row.parent_data_type,
        }
    return element


def _link_end(end: links_store.End) -> dict[str, Any]:
    route = KIND_OF_DATA_TYPE[end.data_type].route
    return {
        "id": end.id,
        "name": end.name,
        "technicalName": end.technical_name,
        "type": end.object_type,
        "dataType": end.data_type,
        "location": f"{route}/{end.version_id}/{end.id}",
        "path": end.path,
        "typePath": end.type_path,
    }


def _attributes(tx: Tx, rows: Sequence[Any], kind: Kind) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    people = governance_store.people_of(tx, ids)
    tags = governance_store.tags_of(tx, ids)
    counts = {} if kind.data_type == "Field" else objects_store.child_counts(tx, ids)
    custom = attributes_by_name(tx, kind)
    return [
        _attributes_of(row, kind, people.get(row.id, {}), tags.get(row.id, ()), counts.get(row.id, 0), custom)
        for row in rows
    ]


def _attributes_of(
    row: Any,
    kind: Kind,
    people: dict[str, list[tuple[str, str]]],
    tags: Sequence[tuple[str, str]],
    child_count: int,
    custom: dict[str, Attribute],
) -> dict[str, Any]:
    stored = dict(row.attributes)
    by_role = {role: [email for _, email in pairs] for role, pairs in people.items()}
    shown: dict[str, Any] = {
        "technicalName": row.technical_name,
        "status": row.status,
        "tags": [name for _, name in tags],
        "owners": by_role.get("owners", []),
        "stewards": by_role.get("stewards", []),
        **{role: by_role[role] for role in PEOPLE_ROLES[2:] if role in by_role},
        "summary": row.summary,
        "description": row.description,
        "childrenCount": child_count,
        "creationTime": offset_time(row.created_at),
        "lastModificationTime": offset_time(row.updated_at),
    }
    if kind.data_type == "Field":
        shown["columnDataType"] = stored.pop("columnDataType", None)
        shown["isPrimaryKey"] = False
    if row.parent_id is not None:
        above = row.ancestors.split("/")
        shown["logicalParentData"] = {
            "name": row.parent_name,
            "technicalName": row.parent_technical_name,
            "type": row.parent_type,
            "id": row.parent_id,
            "parentList": above[:-1],
        }
    for name, attribute in custom.items():
        # Custom attributes are read and written under the name that people see.
        shown[name] = stored.pop(attribute.attribute_key, attribute.default_value)
    return {**stored, **shown}


def to_raw(value: Any) -> Raw:
    """JSON made in the database's thread, so that a page of 5,000 does not hold the event loop."""
    return Raw(msgspec.json.encode(value))

"""Rules and SQL of attributes: the built-in ones and those that a client space defines for itself.

Source: contracts/catalog.md, 10.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

import sqlalchemy as sa
from msgspec import UNSET

from tessera.catalog import paths, tags
from tessera.catalog.attributes import (
    ALIASES,
    COLUMN_DATA_TYPES,
    CONTROL,
    READ_ONLY,
    SYSTEM,
    Attribute,
    Format,
    check_custom,
)
from tessera.catalog.model import CUSTOM_ATTRIBUTES, OBJECTS
from tessera.catalog.vocabulary import KINDS, STATUSES, Kind
from tessera.kernel import events
from tessera.kernel.access import Principal
from tessera.kernel.clock import now
from tessera.kernel.db import Tx
from tessera.kernel.errors import Conflict, Invalid, NotFound

BULK_MAX: Final = 50
VALUES_MAX: Final = 100
NAME_MAX_CHARACTERS: Final = 200
# Time series have a form of their own on reading, which nothing here keeps yet.
FORMATS: Final = tuple(word for word in get_args(Format) if word not in ("TimeSeriesObject", "ClientTag"))
TAGS_KEY: Final = "Domains"
_DATA_TYPES: Final[Mapping[str, str]] = {
    "common": "Common",
    **{kind.data_type.lower(): kind.data_type for kind in KINDS},
}
_SYSTEM_KEYS: Final = frozenset(
    {*CONTROL, *READ_ONLY, *ALIASES, *(a.attribute_key for group in SYSTEM.values() for a in group), "tags"}
)
_a = CUSTOM_ATTRIBUTES.c


def read_data_type(text: Any, field: str = "dataType") -> str:
    """A data type in any case, or ``Common``.

    Raises:
        Invalid: another word.
    """
    found = _DATA_TYPES.get(text.lower()) if isinstance(text, str) else None
    if found is None:
        raise Invalid(f"{field}: {text!r} is not one of {', '.join(_DATA_TYPES.values())}", field=field)
    return found


def attributes_by_name(tx: Tx, kind: Kind) -> dict[str, Attribute]:
    """Custom attributes of a data type and the common ones, by the display name under which payloads carry them."""
    return {attribute.name: attribute for attribute in _custom(tx, ("Common", kind.data_type))}


def _custom(tx: Tx, data_types: tuple[str, ...]) -> list[Attribute]:
    query = sa.select(CUSTOM_ATTRIBUTES).where(_a.data_type.in_(data_types)).order_by(_a.number)
    return [_attribute(row) for row in tx.all(query)]


def _attribute(row: Any) -> Attribute:
    return Attribute(
        name=row.name,
        attribute_key=row.key,
        format=row.format,
        data_type=row.data_type,
        description=row.description,
        default_value=row.default_value,
        is_custom=True,
        values=row.choices if row.format == "ValueList" else UNSET,
    )


def list_all(tx: Tx, data_type: str | None) -> list[Attribute]:
    """A data type's own attributes and the common ones, which are the same in every list; without one, all."""
    if data_type is None:
        wanted = tuple(_DATA_TYPES.values())
    else:
        wanted = tuple(dict.fromkeys((read_data_type(data_type), "Common")))
    return [*_custom(tx, wanted), *(attribute for word in wanted for attribute in SYSTEM[word])]


def create(tx: Tx, principal: Principal, data_type: str, body: Any) -> Attribute:
    """Make a custom attribute; keys of a read attribute that come along are ignored.

    Raises:
        Invalid: no name, a built-in one's name, or an unknown format.
        Conflict: the name is taken for this data type.
    """
    word = read_data_type(data_type)
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise Invalid("name: a text is required", field="name")
    name = _checked_name(body["name"])
    if body.get("format") not in FORMATS:
        raise Invalid(f"format: {body.get('format')!r} is not one of {', '.join(FORMATS)}", field="format")
    tx.lock("catalog attributes")
    _check_free(tx, word, name)
    number = int(tx.scalar(sa.select(sa.func.coalesce(sa.func.max(_a.number), 0)))) + 1
    key = f"{word[0].lower()}{word[1:]}Custom{number}"
    attribute = Attribute(name=name, attribute_key=key, format=body["format"], data_type=word)
    description = _checked_description(body.get("description"))
    tx.execute(
        CUSTOM_ATTRIBUTES.insert().values(
            key=key,
            number=number,
            data_type=word,
            name=name,
            format=body["format"],
            description=description,
            default_value=check_custom(attribute, body.get("defaultValue")),
            choices=[],
            created_at=now(),
        )
    )
    events.record(tx, "catalog.attribute.created", package="catalog", by=principal, of=key, data={"name": name})
    return _read(tx, word, key)


def create_many(tx: Tx, principal: Principal, body: Any) -> list[Attribute]:
    """``create`` for up to fifty, each with its ``dataType``; all or none.

    Raises:
        Invalid, Conflict: as for one.
    """
    return [create(tx, principal, str(row.get("dataType")), row) for row in _rows(body)]


def _rows(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise Invalid("the body must be a list of attributes")
    if len(body) > BULK_MAX:
        raise Invalid(f"at most {BULK_MAX} attributes; got {len(body)}")
    return body


def change(tx: Tx, principal: Principal, data_type: str, key: str, body: Any) -> Attribute:
    """Change name, description or default value of a custom attribute.

    Raises:
        NotFound: no such custom attribute.
        Invalid: a value that cannot be.
        Conflict: the new name is taken.
    """
    word = read_data_type(data_type)
    tx.lock("catalog attributes")
    attribute = _read(tx, word, key)
    if not isinstance(body, dict):
        raise Invalid("the body must be an object")
    values: dict[str, Any] = {}
    if body.get("name") is not None and body["name"] != attribute.name:
        values["name"] = _checked_name(body["name"])
        _check_free(tx, word, values["name"])
    if "description" in body:
        values["description"] = _checked_description(body["description"])
    if "defaultValue" in body:
        values["default_value"] = check_custom(attribute, body["defaultValue"])
    if values:
        tx.execute(CUSTOM_ATTRIBUTES.update().where(_a.key == key).values(**values))
        events.record(
            tx, "catalog.attribute.updated", package="catalog", by=principal, of=key, data={"changed": [*values]}
        )
    return _read(tx, word, key)


def change_many(tx: Tx, principal: Principal, body: Any) -> list[Attribute]:
    """``change`` for up to fifty, each with ``dataType`` and ``attributeKey``; all or none.

    Raises:
        NotFound, Invalid, Conflict: as for one.
    """
    return [change(tx, principal, str(row.get("dataType")), str(row.get("attributeKey")), row) for row in _rows(body)]


def delete(tx: Tx, principal: Principal, data_type: str, key: str) -> Attribute:
    """Delete a custom attribute, with its values on every object.

    Raises:
        NotFound: no such custom attribute.
    """
    word = read_data_type(data_type)
    tx.lock("catalog attributes")
    attribute = _read(tx, word, key)
    tx.execute(CUSTOM_ATTRIBUTES.delete().where(_a.key == key))
    column = OBJECTS.c.attributes
    if tx.dialect == "postgresql":
        has = column.op("?")(sa.literal(key, sa.Text))
        without: Any = sa.type_coerce(column, sa.Text).op("-")(sa.literal(key, sa.Text))
    else:
        has = sa.func.json_type(column, f"$.{key}").is_not(None)
        without = sa.func.json_remove(column, f"$.{key}", type_=sa.Text)
    tx.execute(OBJECTS.update().where(has).values(attributes=sa.type_coerce(without, column.type)))
    events.record(
        tx, "catalog.attribute.deleted", package="catalog", by=principal, of=key, data={"name": attribute.name}
    )
    return attribute


def _read(tx: Tx, data_type: str, key: str) -> Attribute:
    query = sa.select(CUSTOM_ATTRIBUTES).where(_a.key == key, _a.data_type == data_type)
    row = None if "\x00" in key else tx.one(query)
    if row is None:
        raise NotFound(f"there is no custom attribute {key!r} for {data_type}")
    return _attribute(row)


def _check_free(tx: Tx, data_type: str, name: str) -> None:
    """A name is one attribute's in each list: a common one's nowhere else, one of a data type's not a common one's."""
    others = tuple(_DATA_TYPES.values()) if data_type == "Common" else ("Common", data_type)
    if tx.scalar(sa.select(_a.key).where(_a.name == name, _a.data_type.in_(others)).limit(1)) is not None:
        raise Conflict(f"name: there is an attribute {name!r} already", field="name")


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        raise Invalid("name: must be a text", field="name")
    checked = paths.check_name(name, longest=NAME_MAX_CHARACTERS)
    if checked in _SYSTEM_KEYS:
        raise Invalid(f"name: {checked!r} is a built-in attribute", field="name")
    return checked


def _checked_description(text: Any) -> str:
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > 10_000 or "\x00" in text:
        raise Invalid("description: must be a text of at most 10000 characters", field="description")
    return text


# -- values ----------------------------------------------------------------------------------------------------------


def list_values(tx: Tx, data_type: str | None, key: str | None) -> list[dict[str, Any]]:
    """The values that an attribute may have.

    Raises:
        NotFound: no such attribute.
        Invalid: ``dataType`` or ``attributeKey`` is missing.
    """
    if key in (TAGS_KEY, "tags"):
        return tags.list_labels(tx)
    if key == "status":
        return [{"key": word, "value": word} for word in STATUSES]
    if key == "columnDataType":
        return [{"key": word, "value": word} for word in COLUMN_DATA_TYPES]
    return list(_choices(tx, data_type, key).choices)


def _choices(tx: Tx, data_type: str | None, key: str | None) -> Any:
    if key is None:
        raise Invalid("attributeKey: required", field="attributeKey")
    attribute = _read(tx, read_data_type(data_type), key)
    row = tx.one(sa.select(CUSTOM_ATTRIBUTES).where(_a.key == attribute.attribute_key))
    if row is None:
        raise NotFound(f"there is no custom attribute {key!r}")
    return row


def add_values(tx: Tx, principal: Principal, data_type: str | None, key: str | None, body: Any) -> list[dict[str, Any]]:
    """Add values to an attribute's list, existing ones are left alone; answers with all of them.

    Args:
        body: texts for a ``ValueList``, else objects with ``label``.

    Raises:
        NotFound: no such attribute.
        Invalid: over a hundred values, or of the wrong shape.
    """
    if not isinstance(body, list) or len(body) > VALUES_MAX:
        raise Invalid(f"the body must be a list of at most {VALUES_MAX} values")
    if key in (TAGS_KEY, "tags"):
        known = {each["label"] for each in tags.list_labels(tx)}
        new = [row for row in body if not isinstance(row, dict) or row.get("label") not in known]
        tags.add(tx, principal, new)
        return tags.list_labels(tx)
    tx.lock("catalog attributes")
    row = _choices(tx, data_type, key)
    choices = list(row.choices)
    if row.format == "ValueList":
        present = {each["key"] for each in choices}
        for text in body:
            if not isinstance(text, str):
                raise Invalid("each value must be a text")
            paths.check_name(text, "value", longest=NAME_MAX_CHARACTERS)
            if text not in present:
                choices.append({"key": text, "value": text})
                present.add(text)
    else:
        labels = {each["label"] for each in choices}
        for entry in body:
            made = tags.label_of(entry)
            if made["label"] not in labels:
                choices.append(made)
                labels.add(made["label"])
    tx.execute(CUSTOM_ATTRIBUTES.update().where(_a.key == row.key).values(choices=choices))
    events.record(
        tx, "catalog.attribute.updated", package="catalog", by=principal, of=row.key, data={"changed": ["values"]}
    )
    return choices

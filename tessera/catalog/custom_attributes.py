"""Rules and SQL of attributes: the built-in ones and those that a client space defines for itself.

Source: contracts/catalog.md, 10.
"""

import sqlalchemy as sa

from tessera.catalog.attributes import Attribute
from tessera.catalog.model import CUSTOM_ATTRIBUTES
from tessera.catalog.vocabulary import Kind
from tessera.kernel.db import Tx

_a = CUSTOM_ATTRIBUTES.c


def attributes_by_name(tx: Tx, kind: Kind) -> dict[str, Attribute]:
    """Custom attributes of a data type and the common ones, by the display name under which payloads carry them."""
    query = sa.select(CUSTOM_ATTRIBUTES).where(_a.data_type.in_(("Common", kind.data_type))).order_by(_a.number)
    return {row.name: _attribute(row) for row in tx.all(query)}


def _attribute(row: sa.Row[tuple[object, ...]]) -> Attribute:
    return Attribute(
        name=row.name,
        attribute_key=row.key,
        format=row.format,
        data_type=row.data_type,
        description=row.description,
        default_value=row.default_value,
        is_custom=True,
    )

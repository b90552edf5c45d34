"""PostgreSQL's own catalogue, as the warehouse asks it. The texts are constants and become trees once."""

from sqlglot import exp, parse_one


def _tree(text: str) -> exp.Expr:
    return parse_one(text, read="postgres")


#: Held until the transaction ends.
LOCK = _tree("SELECT PG_ADVISORY_XACT_LOCK(HASHTEXTEXTENDED(:name, 0))")

SCHEMAS = _tree('SELECT nspname FROM pg_catalog.pg_namespace ORDER BY nspname COLLATE "C"')

TABLES = _tree(
    """
    SELECT n.nspname, c.relname, c.relkind IN ('v', 'm'), GREATEST(c.reltuples, s.n_live_tup)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_stat_all_tables AS s ON s.relid = c.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
    """
)

COLUMNS = _tree(
    """
    SELECT a.attname, FORMAT_TYPE(a.atttypid, a.atttypmod), NOT a.attnotnull
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = :name AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
    """
)

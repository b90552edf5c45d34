"""A user's SELECT, from its text to a tree that the warehouse may run. Source: contracts/ingest.md, 4.3, 5.1, 5.10."""

from collections.abc import Callable, Mapping
from typing import Final

import sqlglot
from msgspec import Struct
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from tessera.ingest import system_tables
from tessera.ingest.column_types import SHOWN_SYSTEM_COLUMNS, SYSTEM_COLUMNS
from tessera.ingest.sql.statements import CATALOG, DEFAULT_SCHEMA
from tessera.kernel.errors import Invalid
from tessera.warehouse import Column, Table, Warehouse, check_select, column, identifier

_RENAMED: Final = {
    "TO_LOWER": "LOWER",
    "TO_UPPER": "UPPER",
    "STRING_LENGTH": "LENGTH",
    "NULL_IF": "NULLIF",
    "ARBITRARY": "ANY_VALUE",
    "STD_DEV": "STDDEV",
    "STRING_MIN": "MIN",
    "STRING_MAX": "MAX",
}
"""Functions of the contract (5.9) that the engines know under another name."""


class Catalogue(Struct, frozen=True):
    """The warehouse's tables as statements may name them, and their columns when asked."""

    tables: dict[tuple[str, str], Table]
    columns: Callable[[Table], list[Column]]


def catalogue(warehouse: Warehouse) -> Catalogue:
    """What is there at this moment."""
    known = {(info.table.schema.lower(), info.table.name.lower()): info.table for info in warehouse.tables()}
    return Catalogue(known, warehouse.columns)


def parse_select(sql: str) -> exp.Query:
    """The tree of one SELECT.

    Raises:
        Invalid: the text is no single query; the message has the place.
    """
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        where = f"line {first['line']}, column {first['col']}: " if first.get("line") else ""
        near = f" near '{first['highlight']}'" if first.get("highlight") else ""
        raise Invalid(f"{where}{first.get('description') or 'cannot be read'}{near}", field="sql") from None
    except (TokenError, RecursionError) as error:
        raise Invalid(f"the query cannot be read: {str(error).splitlines()[0]}", field="sql") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise Invalid("expected one query (SELECT …)", field="sql")
    return trees[0]


def prepare(sql: str, asked: system_tables.Asked) -> exp.Query:
    """The checked tree, ready to run.

    Raises:
        Invalid: the text is no query, names a table that does not exist, or holds what users' SQL may not say.
    """
    known = catalogue(asked.warehouse)
    tree = _words(parse_select(sql))
    _resolve_tables(tree, known)
    checked = check_select(
        tree,
        engine=asked.warehouse.dialect,
        tables=lambda table: table in system_tables.COLUMNS or table in known.tables.values(),
        default_schema=DEFAULT_SCHEMA,
    )
    _Shaper(known).shape(checked)
    for node in list(checked.find_all(exp.Table)):
        system = Table(node.db, node.name)
        if system in system_tables.COLUMNS:
            alias = node.alias or node.name
            node.replace(system_tables.relation(asked, system).subquery(identifier(alias)))
    return checked


def _words(tree: exp.Query) -> exp.Query:
    """System columns stand bare (`$commit_time`), and some functions have other names in the engines."""

    def change(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder) and node.name:
            return exp.Column(this=identifier(f"${node.name}"))
        if isinstance(node, exp.Anonymous) and node.name.upper() in _RENAMED:
            return exp.func(_RENAMED[node.name.upper()], *node.expressions, dialect="duckdb")
        return node

    changed: exp.Query = tree.transform(change)  # type: ignore[assignment]
    return changed


def _resolve_tables(tree: exp.Query, known: Catalogue) -> None:
    """Give each table its stored name; ``default_glue_catalog`` is the warehouse itself."""
    common = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier):
            continue
        catalog, schema, name = node.catalog, node.db, node.name
        if not schema and name.lower() in common:
            continue
        shown = ".".join(part for part in (catalog, schema, name) if part)
        system = system_tables.find([catalog, schema, name]) if catalog else None
        if system is None:
            if catalog and catalog.lower() != CATALOG:
                raise Invalid(f"there is no catalog {catalog} (in {shown}); use {CATALOG} or leave it out", field="sql")
            found = known.tables.get(((schema or DEFAULT_SCHEMA).lower(), name.lower()))
            if found is None:
                raise Invalid(f"there is no table {shown}", field="sql")
            system = found
        if not node.alias:
            node.set("alias", exp.TableAlias(this=identifier(name)))
        node.set("this", identifier(system.name))
        node.set("db", identifier(system.schema))
        node.set("catalog", None)


class _Shaper:
    """Writes out stars, spells columns as they are stored, and names the result's columns."""

    def __init__(self, known: Catalogue) -> None:
        self._known = known

    def shape(self, tree: exp.Query) -> None:
        """The whole query."""
        names = self._query(tree, {})
        self._name_columns(tree, names)

    def _query(self, tree: exp.Expr, outer: Mapping[str, list[str] | None]) -> list[str] | None:
        """Write out the stars of a query and those inside it; the names of its columns, None where unknown."""
        common = dict(outer)
        for cte in tree.ctes if isinstance(tree, exp.Query) else ():
            common[cte.alias.lower()] = self._query(cte.this, common)
        if isinstance(tree, exp.SetOperation):
            left = self._query(tree.left, common)
            self._query(tree.right, common)
            return left
        if isinstance(tree, exp.Subquery):
            return self._query(tree.this, common)
        if not isinstance(tree, exp.Select):
            return None
        sources = self._sources(tree, common)
        self._expand(tree, sources)
        self._spell(tree, sources)
        for inner in self._inner_queries(tree):
            self._query(inner, common)
        names: list[str] = []
        for number, item in enumerate(tree.expressions):
            if item.is_star:
                return None
            names.append(_own_name(item) or f"_col{number}")
        return names

    def _inner_queries(self, tree: exp.Select) -> list[exp.Expr]:
        """Queries inside expressions (not those in FROM, which were done with the sources)."""
        parts = [
            part for name in ("expressions", "where", "having", "order", "qualify") for part in _listed(tree, name)
        ]
        return [query for part in parts for query in part.find_all(exp.Select) if query.parent_select is tree]

    def _sources(self, tree: exp.Select, common: Mapping[str, list[str] | None]) -> dict[str, list[str] | None]:
        """The names of FROM and JOIN with their columns, in order; None where unknown."""
        sources: dict[str, list[str] | None] = {}
        start = tree.args.get("from_") or tree.args.get("from")
        nodes = ([start.this] if start is not None else []) + [join.this for join in tree.args.get("joins") or ()]
        for node in nodes:
            sources[(node.alias_or_name or "").lower()] = self._columns_of(node, common)
        return sources

    def _columns_of(self, node: exp.Expr, common: Mapping[str, list[str] | None]) -> list[str] | None:
        if isinstance(node, exp.Subquery):
            names = self._query(node.this, common)
            renamed = node.alias_column_names
            return renamed or names
        if not isinstance(node, exp.Table):
            return None
        if not node.db:
            return common.get(node.name.lower())
        table = Table(node.db, node.name)
        if table in system_tables.COLUMNS:
            return list(system_tables.COLUMNS[table])
        return [one.name for one in self._known.columns(table)]

    def _expand(self, tree: exp.Select, sources: Mapping[str, list[str] | None]) -> None:
        """``*`` is the user's own columns, then ``$event_time`` and ``$commit_time``. Source: contract, 5.10."""
        if not any(item.is_star for item in tree.expressions) or any(
            join.args.get("using") or join.method for join in tree.args.get("joins") or ()
        ):
            return
        items: list[exp.Expr] = []
        for item in tree.expressions:
            plain = isinstance(item, exp.Star) and not any(
                item.args.get(word) for word in ("except_", "replace", "rename")
            )
            qualified = isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            chosen = list(sources) if plain else [item.table.lower()] if qualified else []
            if not chosen or any(sources.get(name) is None for name in chosen):
                items.append(item)
                continue
            for name in chosen:
                alias = name if len(sources) > 1 or qualified else None
                items.extend(self._star_columns(tree, alias, sources[name] or []))
        tree.set("expressions", items)

    def _star_columns(self, tree: exp.Select, alias: str | None, names: list[str]) -> list[exp.Expr]:
        own = [name for name in names if name not in SYSTEM_COLUMNS]
        system = [name for name in SHOWN_SYSTEM_COLUMNS if name in names]
        spelled = alias and next(
            (
                node.alias_or_name
                for node in tree.find_all(exp.Table, exp.Subquery)
                if node.alias_or_name.lower() == alias
            ),
            alias,
        )
        return [column(name, of=spelled or None) for name in own + system]

    def _spell(self, tree: exp.Select, sources: Mapping[str, list[str] | None]) -> None:
        """Columns as they are stored: names do not tell upper from lower case, but PostgreSQL does."""
        known = {name.lower(): name for names in sources.values() for name in names or ()}
        exact = set(known.values())
        for node in tree.find_all(exp.Column):
            if node.parent_select is not tree or not isinstance(node.this, exp.Identifier):
                continue
            stored = known.get(node.name.lower())
            if stored is not None and node.name not in exact:
                node.this.set("this", stored)
                node.this.set("quoted", True)

    @staticmethod
    def _name_columns(tree: exp.Query, names: list[str] | None) -> None:
        """Every column of the result has a name of its own: ``_col0`` without an alias, ``a_1`` for a second ``a``."""
        select = tree
        while isinstance(select, exp.SetOperation | exp.Subquery):
            select = select.this
        if names is None or not isinstance(select, exp.Select):
            return
        used: set[str] = set()
        items: list[exp.Expr] = []
        for item, name in zip(select.expressions, names, strict=True):
            unique, number = name, 0
            while unique.lower() in used:
                number += 1
                unique = f"{name}_{number}"
            used.add(unique.lower())
            bare = item.this if isinstance(item, exp.Alias) else item
            needs = unique != name or not _own_name(item)
            items.append(exp.alias_(bare, unique, quoted=True) if needs else item)
        select.set("expressions", items)


def _own_name(item: exp.Expr) -> str:
    """The name that an item of a SELECT has without our help: its alias, or that of a plain column or field."""
    return item.alias_or_name if isinstance(item, exp.Alias | exp.Column | exp.Dot) else ""


def _listed(tree: exp.Select, name: str) -> list[exp.Expr]:
    part = tree.args.get(name)
    if part is None:
        return []
    return list(part) if isinstance(part, list) else [part]

"""The ontology `sky` of the contract, in memory and in an engine, for tests of rewriting."""

import re
from pathlib import Path

from sqlglot import exp

from tessera.semantic.define import apply
from tessera.semantic.expressions import TesseraSQL
from tessera.semantic.lexer import statements_of
from tessera.semantic.ontology_model import Ontology, Selected
from tessera.semantic.relations import Relations
from tessera.semantic.rewrite import Caller, Rewriter
from tessera.semantic.statements import Create, CreateOntology, parse_definition
from tessera.warehouse import Table, Warehouse, check_select, safe_select

FOLDER = Path(__file__).parents[2] / "sql" / "semantic"
ONTOLOGY = (FOLDER / "ontology.sql").read_text()


def cases(name: str) -> list[tuple[str, str, str]]:
    """Pairs of a file: name, query over the ontology, plain SQL."""
    pattern = re.compile(r"^-- case (\S+)\n(.+?);\n-- same as\n(.+?);$", re.MULTILINE | re.DOTALL)
    found = pattern.findall((FOLDER / name).read_text())
    assert found
    return found


class Sky:
    """The ontology over a warehouse that holds its tables."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.engine = warehouse.dialect
        self.tables = {info.table for info in warehouse.tables()}
        self.ontology = Ontology("sky")
        for text in statements_of(ONTOLOGY):
            self.define(text)

    def define(self, text: str) -> None:
        statement = parse_definition(text)
        if isinstance(statement, CreateOntology):
            return
        changes = apply(self.ontology, statement, self)  # type: ignore[arg-type]
        self.ontology = self.ontology.with_changes(add=changes.add, drop=changes.drop)
        assert isinstance(statement, Create)

    def physical(self, query: str) -> exp.Query:
        return safe_select(query, dialect=TesseraSQL, tables=self.tables, default_schema="landing", engine=self.engine)

    def mapping(self, query: str) -> tuple[list[Selected], list[str]]:
        tree = self.physical(query)
        with self.warehouse.reading() as reader:
            return [Selected(name=one.name, type=one.type) for one in reader.describe(tree)], []

    def view(self, ontology: Ontology, query: str) -> list[Selected]:
        tree = self.tree(query, ontology)
        with self.warehouse.reading() as reader:
            return [Selected(name=one.name, type=one.type) for one in reader.describe(tree)]

    def tree(self, query: str, ontology: Ontology | None = None) -> exp.Query:
        relations = Relations(ontology or self.ontology, self.physical, engine=self.engine)
        tree, _ = Rewriter(relations, Caller("ana"), engine=self.engine).query(query)
        return check_select(tree, engine=self.engine, tables=self.tables)

    def rows(self, query: str) -> list[dict[str, object]]:
        """Rows of a query over the ontology."""
        return self._run(self.tree(query))

    def plain(self, query: str) -> list[dict[str, object]]:
        """Rows of plain SQL over the tables."""
        return self._run(self.physical(query))

    def _run(self, tree: exp.Query) -> list[dict[str, object]]:
        with self.warehouse.reading() as reader:
            rows = reader.rows(tree)
            names = [one.name for one in reader.columns]
        return [dict(zip(names, row, strict=True)) for row in rows]


def make_tables(warehouse: Warehouse) -> None:
    """The six tables, in `landing`."""
    import sqlglot

    targets = [Table("landing", f"p_{name}") for name in ("airport", "carrier", "flight", "ferry", "crew", "roster")]
    with warehouse.writing(*targets) as writer:
        for statement in sqlglot.parse((FOLDER / "tables.sql").read_text(), dialect="duckdb"):
            if statement is not None:
                writer.execute(statement)

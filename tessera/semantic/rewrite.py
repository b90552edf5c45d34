"""A user's query over concepts into a query over the warehouse: rules W1 to W4.

The outer query stays as it was written; each `FROM dtimbr.concept` becomes a derived table (see `relations`). Every
table name must be a concept, a view, a system table or a name of the query's own; nothing else gets through.
Source: contracts/semantic.md, 6 and 9
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct, field
from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.semantic import measures
from tessera.semantic.expressions import TesseraSQL, column_text, columns_of, parse_query
from tessera.semantic.ontology_model import ENTITY_COLUMNS, Concept, Ontology, Property, View
from tessera.semantic.paths import TYPE_FLAG, Path, parse_path
from tessera.semantic.relations import Relations
from tessera.warehouse import column, identifier, value

SCHEMAS = ("timbr", "dtimbr", "etimbr", "vtimbr")
MAXIMUM_VIEW_DEPTH = 10
SystemTable = Callable[[str], "tuple[exp.Query, list[str]] | None"]


class Caller(Struct, frozen=True):
    """Who asks, as far as a query can tell."""

    username: str
    roles: tuple[str, ...] = ()


class _Source(Struct, kw_only=True):
    """What one name in FROM means. `columns` None: unknown, the engine decides."""

    alias: str
    node: exp.Expr
    columns: list[str] | None = None
    concept: Concept | None = None
    schema: str = ""
    is_cube: bool = False
    needed: dict[str, None] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    flags: dict[str, None] = field(default_factory=dict)
    pending: list[tuple[exp.Column, str]] = field(default_factory=list)
    """Path columns of the query, to get their short name when the joins are known."""


class _Scope(Struct, kw_only=True):
    sources: list[_Source]
    aliases: dict[str, str] = field(default_factory=dict)
    outer: _Scope | None = None


class Rewriter:
    """Rewrites queries for one ontology and one caller."""

    def __init__(
        self,
        relations: Relations,
        caller: Caller,
        *,
        engine: str = "duckdb",
        system_table: SystemTable = lambda name: None,
        view_depth: int = 0,
    ) -> None:
        self._relations = relations
        self._ontology: Ontology = relations.ontology
        self._caller = caller
        self._engine = engine
        self._system_table = system_table
        self._view_depth = view_depth
        self._cte_names: dict[str, str] = {}
        self.reads_concepts = False
        """Whether a query so far named a concept or view, and not only system tables."""

    def query(self, query: str | exp.Query) -> tuple[exp.Query, list[str]]:
        """The query over the warehouse, and the names of its columns. A tree is changed in place.

        Raises:
            Invalid: no query; an unknown name, which the message says.
        """
        tree = parse_query(query) if isinstance(query, str) else query
        holder = exp.Subquery(this=tree)
        names = self._query(tree, None, {})
        found = holder.this
        # Names are as they were written, on engines that would fold bare ones to lower case too.
        for name in found.find_all(exp.Identifier):
            name.set("quoted", True)
        if names is None:
            names = [one.alias_or_name for one in found.selects]
        return found, names

    # -- queries -----------------------------------------------------------------------------------------------------

    def _query(self, tree: exp.Expr, outer: _Scope | None, ctes: dict[str, list[str] | None]) -> list[str] | None:
        """Rewrite in place; the names of the columns, None where only the engine knows them."""
        with_ = tree.args.get("with_")
        if with_ is not None:
            ctes = dict(ctes)
            for cte in with_.expressions:
                self._cte_names[cte.alias.lower()] = cte.alias
                given = [one.name for one in cte.args["alias"].columns]
                inside = ctes
                if with_.args.get("recursive"):
                    inside = {**ctes, cte.alias.lower(): given or _first_names(cte.this)}
                found = self._query(cte.this, outer, inside)
                ctes[cte.alias.lower()] = given or found
        if isinstance(tree, exp.SetOperation):
            left = self._query(tree.left, outer, ctes)
            self._query(tree.right, outer, ctes)
            for nested in self._nested(tree, skip=(tree.left, tree.right)):
                self._query(nested, outer, ctes)
            return left
        if isinstance(tree, exp.Subquery):
            return self._query(tree.this, outer, ctes)
        if isinstance(tree, exp.Select):
            return self._select(tree, outer, ctes)
        if isinstance(tree, exp.Values):
            return None
        raise Invalid(f"{tree.key.upper()} is not possible in a query", code="syntax")

    def _select(self, tree: exp.Select, outer: _Scope | None, ctes: dict[str, list[str] | None]) -> list[str] | None:
        texts = [one.sql(dialect=TesseraSQL, comments=False) for one in tree.expressions]
        self._replace_functions(tree)
        scope = _Scope(sources=[], outer=outer)
        for node in self._from_nodes(tree):
            self._add_source(tree, scope, node, ctes)
        aliases = [source.alias.lower() for source in scope.sources]
        repeated = next((one for one in aliases if one and aliases.count(one) > 1), None)
        if repeated:
            raise Invalid(f'two sources of the query are called "{repeated}"; give one an alias', code="column")
        is_cube_query = any(source.is_cube for source in scope.sources)
        self._expand_stars(tree, scope, texts)
        # Names that the query gives itself may be used in it; those that it leaves to us may not.
        scope.aliases = {one.alias.lower(): one.alias for one in tree.expressions if isinstance(one, exp.Alias)}
        names = self._name_outputs(tree, texts)
        has_measure = self._expand_measures(tree, scope)
        if is_cube_query and has_measure and not tree.args.get("group"):
            self._complete_group(tree)
        self._use_columns(tree, scope)
        for nested in self._nested(tree, skip=tuple(source.node for source in scope.sources)):
            self._query(nested, scope, ctes)
        for source in scope.sources:
            if source.concept is not None:
                self._build(source)
        return None if any(name == "*" for name in names) else names

    # -- sources -----------------------------------------------------------------------------------------------------

    def _from_nodes(self, tree: exp.Expr) -> Iterator[exp.Expr]:
        from_ = tree.args.get("from_")
        if from_ is not None:
            yield from self._with_joins(from_.this)
        for join in tree.args.get("joins") or []:
            yield from self._with_joins(join.this)
        yield from tree.args.get("laterals") or []

    def _with_joins(self, node: exp.Expr) -> Iterator[exp.Expr]:
        """A source and what is joined to it inside parentheses."""
        is_group = isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query | exp.Values)
        is_group = is_group or (isinstance(node, exp.Subquery) and isinstance(node.this, exp.Subquery))
        if is_group and not node.alias:
            yield from self._with_joins(node.this)
        else:
            yield node
        for join in node.args.get("joins") or []:
            yield from self._with_joins(join.this)

    def _add_source(self, tree: exp.Select, scope: _Scope, node: exp.Expr, ctes: dict[str, list[str] | None]) -> None:
        if node.args.get("pivots"):
            raise Invalid("PIVOT is not possible over concepts", code="syntax")
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            scope.sources.append(self._table_source(tree, node, ctes))
            return
        columns: list[str] | None = [one.name for one in (node.args["alias"].columns if node.args.get("alias") else [])]
        if isinstance(node, exp.Subquery):
            found = self._query(node.this, scope.outer, ctes)
            columns = columns or found
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            found = self._query(node.this.this, scope, ctes)
            columns = columns or found
        scope.sources.append(_Source(alias=node.alias, node=node, columns=columns or None))

    def _table_source(self, tree: exp.Select, node: exp.Table, ctes: dict[str, list[str] | None]) -> _Source:
        name, schema = node.name, node.db.lower()
        alias = node.alias or name
        if node.args.get("catalog"):
            raise Invalid(f'"{node.catalog}.{node.db}.{name}": a name has at most a schema and a table', code="table")
        if not schema and name.lower() in ctes:
            name = self._cte_names.get(name.lower(), name)
            node.set("this", identifier(name))
            given = [one.name for one in (node.args["alias"].columns if node.args.get("alias") else [])]
            return _Source(alias=node.alias or name, node=node, columns=given or ctes[name.lower()])
        if schema and schema not in SCHEMAS:
            raise Invalid(
                f'"{node.db}.{name}" cannot be read: a query names concepts and views, in one of the schemas '
                f"{', '.join(SCHEMAS)}",
                code="table",
                status=403,
            )
        if schema in ("", "timbr"):
            system = self._system_table(name)
            if system is not None:
                query, columns = system
                return self._put(node, alias, query, columns)
        self.reads_concepts = True
        if schema == "vtimbr":
            return self._view_source(tree, node, alias)
        concept = self._ontology.find(Concept, name)
        if concept is None:
            raise Invalid(f'unknown concept "{name}" in ontology "{self._ontology.name}"', code="concept")
        return _Source(alias=alias, node=node, concept=concept, schema=schema or "timbr")

    @staticmethod
    def _put(node: exp.Expr, alias: str, query: exp.Query, columns: list[str]) -> _Source:
        """A derived table in the place of a name; what is joined inside its parentheses stays there."""
        joins = node.args.get("joins")
        derived = exp.Subquery(this=query, alias=exp.TableAlias(this=identifier(alias)), joins=joins)
        if sample := node.args.get("sample"):
            derived.set("sample", sample)
        node.replace(derived)
        return _Source(alias=alias, node=derived, columns=columns)

    def _view_source(self, tree: exp.Select, node: exp.Table, alias: str) -> _Source:
        view = self._ontology.find(View, node.name)
        if view is None:
            raise Invalid(f'unknown view "{node.name}" in ontology "{self._ontology.name}"', code="view")
        if self._view_depth >= MAXIMUM_VIEW_DEPTH:
            raise Invalid(f'view "{view.name}": views are nested more than {MAXIMUM_VIEW_DEPTH} deep', code="view")
        if view.is_cube:
            return self._cube_source(tree, node, alias, view)
        inner = Rewriter(
            self._relations,
            self._caller,
            engine=self._engine,
            system_table=self._system_table,
            view_depth=self._view_depth + 1,
        )
        query, columns = inner.query(view.query)
        return self._put(node, alias, query, columns)

    def _cube_source(self, tree: exp.Select, node: exp.Table, alias: str, view: View) -> _Source:
        """Put the cube's definitions in the place of its columns and its concept in the place of its name."""
        definition = parse_query(view.query)
        source = cube_concept(view, definition)
        members = {one.alias_or_name.lower(): one.unalias() for one in definition.selects}

        def bound(expression: exp.Expr) -> exp.Expr:
            holder = exp.Paren(this=expression.copy())
            for one in list(columns_of(holder)):
                one.replace(column(column_text(one), alias))
            return holder.this if isinstance(holder.this, exp.Column) else holder

        for one in list(self._own_columns(tree)):
            text = column_text(one)
            of = one.table.lower() if text == one.name else ""
            if of not in ("", alias.lower()) or text.lower() not in members:
                continue
            made = bound(members[text.lower()])
            if isinstance(one.parent, exp.Select) and one.arg_key == "expressions":
                made = exp.alias_(made, text, quoted=True)
            one.replace(made)
        where = definition.args.get("where")
        if where is not None:
            tree.where(bound(where.this), copy=False)
        target = exp.Table(this=source.this.copy(), db=source.args["db"].copy(), joins=node.args.get("joins"))
        target.set("alias", exp.TableAlias(this=identifier(alias)))
        node.replace(target)
        concept = self._relations.concept(target.name)
        return _Source(alias=alias, node=target, concept=concept, schema=target.db.lower(), is_cube=True)

    # -- select lists ------------------------------------------------------------------------------------------------

    def _expand_stars(self, tree: exp.Select, scope: _Scope, texts: list[str]) -> None:
        """`*` over concepts becomes a list: engines disagree on names that differ in case only."""
        projections: list[exp.Expr] = []
        new_texts: list[str] = []
        for one, text in zip(tree.expressions, texts, strict=True):
            star = one if isinstance(one, exp.Star) else one.this if isinstance(one, exp.Column) else None
            of = one.table.lower() if isinstance(one, exp.Column) else ""
            chosen = [source for source in scope.sources if not of or source.alias.lower() == of]
            if not isinstance(star, exp.Star) or all(source.concept is None for source in chosen):
                projections.append(one)
                new_texts.append(text)
                continue
            if star.args.get("replace") or star.args.get("rename"):
                raise Invalid("* with REPLACE or RENAME is not possible over concepts: list the columns", code="syntax")
            hidden = {part.name.lower() for part in star.args.get("except_") or star.args.get("except") or []}
            for source in chosen:
                if source.concept is None:
                    projections.append(exp.Column(this=exp.Star(), table=identifier(source.alias)))
                    new_texts.append("*")
                    continue
                listed = [name for name in self._star_columns(source) if name.lower() not in hidden]
                projections += [column(name, source.alias) for name in listed]
                new_texts += listed
        tree.set("expressions", projections)
        texts[:] = new_texts

    def _star_columns(self, source: _Source) -> list[str]:
        assert source.concept is not None
        return [*ENTITY_COLUMNS, *(one.name for one in self._properties(source).values())]

    def _name_outputs(self, tree: exp.Select, texts: list[str]) -> list[str]:
        names: list[str] = []
        for one, text in zip(list(tree.expressions), texts, strict=True):
            if isinstance(one, exp.Alias):
                names.append(one.alias)
            elif isinstance(one, exp.Star) or (isinstance(one, exp.Column) and isinstance(one.this, exp.Star)):
                names.append("*")
            else:
                name = column_text(one) if isinstance(one, exp.Column) else one.meta.get("name") or text
                one.replace(exp.alias_(one.copy(), name, quoted=True))
                names.append(name)
        return names

    def _replace_functions(self, tree: exp.Select) -> None:
        """`timbr_username()` and its like become literals; without an alias the column is named after the value."""
        for node in list(self._own(tree)):
            if isinstance(node, exp.Anonymous):
                word = str(node.this).lower()
                if word == "timbr_username":
                    made = value(self._caller.username)
                    made.meta["name"] = self._caller.username
                elif word == "timbr_has_role" and len(node.expressions) == 1 and node.expressions[0].is_string:
                    made = value(node.expressions[0].name in self._caller.roles)
                else:
                    continue
                node.replace(made)

    # -- measures ----------------------------------------------------------------------------------------------------

    def _expand_measures(self, tree: exp.Select, scope: _Scope) -> bool:
        found = False
        for node in list(self._own_columns(tree)):
            text = column_text(node)
            if not text.lower().startswith("measure."):
                continue
            qualifier = node.table.lower() if node.name == text else ""
            source = self._source_of_measure(scope, qualifier, text)
            if source is None:
                continue
            found = True
            path = parse_path(text)
            assert source.concept is not None
            end = self._relations.end_of(source.concept, path)
            target: exp.Expr = node
            condition: exp.Expr | None = None
            parent = node.parent
            if isinstance(parent, exp.Distinct):
                raise Invalid(f'COUNT(DISTINCT "{text}"): a measure takes no DISTINCT', code="measure")
            if isinstance(parent, exp.AggFunc):
                target = parent
                if isinstance(parent.parent, exp.Filter):
                    target = parent.parent
                    condition = target.expression.this.copy()
            made = measures.expand(
                self._ontology,
                end,
                path.name,
                prefix=f"{path.prefix}." if path.segments else "",
                alias=source.alias,
                engine=self._engine,
                condition=condition,
            )
            target.replace(made)
        return found

    def _source_of_measure(self, scope: _Scope, qualifier: str, text: str) -> _Source | None:
        derived = [one for one in scope.sources if one.columns and text.lower() in {c.lower() for c in one.columns}]
        candidates = [
            one
            for one in scope.sources
            if one.concept is not None and (not qualifier or one.alias.lower() == qualifier)
        ]
        if derived and not qualifier:
            return None
        if not candidates:
            raise Invalid(f'"{text}": no concept in this FROM has measures', code="measure")
        reaching = []
        problem: Invalid | None = None
        for one in candidates:
            try:
                path = parse_path(text)
                assert one.concept is not None
                end = self._relations.end_of(one.concept, path)
                if path.name.lower() in self._ontology.measures(end):
                    reaching.append(one)
                else:
                    problem = Invalid(f'concept "{end.name}" has no measure "{path.name}"', code="measure")
            except Invalid as error:
                problem = error
        if not reaching:
            assert problem is not None
            raise problem
        if len(reaching) > 1:
            raise Invalid(f'"{text}" is ambiguous: put the alias of one concept before it', code="measure")
        if reaching[0].schema != "dtimbr":
            raise Invalid(f'"{text}": measures are read from schema dtimbr, not {reaching[0].schema}', code="measure")
        return reaching[0]

    @staticmethod
    def _complete_group(tree: exp.Select) -> None:
        """A cube query without GROUP BY is grouped by its plain columns."""
        plain = [one.unalias().copy() for one in tree.expressions if not one.find(exp.AggFunc)]
        if plain:
            tree.set("group", exp.Group(expressions=plain))

    # -- columns -----------------------------------------------------------------------------------------------------

    def _own(self, tree: exp.Select) -> Iterator[exp.Expr]:
        """Nodes of this select, without those of queries inside it."""
        stack: list[exp.Expr] = [child for child in tree.iter_expressions() if not isinstance(child, exp.With)]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Query | exp.Values) and not self._is_join_group(node):
                # What is joined to a derived table stands beside it, not in it.
                stack.extend(node.args.get("joins") or [])
                continue
            yield node
            stack.extend(node.iter_expressions())

    @staticmethod
    def _is_join_group(node: exp.Expr) -> bool:
        return isinstance(node, exp.Subquery) and not node.alias and isinstance(node.this, exp.Table | exp.Subquery)

    def _own_columns(self, tree: exp.Select) -> Iterator[exp.Column]:
        for node in self._own(tree):
            if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
                yield node

    def _nested(self, tree: exp.Expr, skip: tuple[exp.Expr, ...]) -> list[exp.Expr]:
        """Outermost queries inside, other than the sources and CTEs, which are done already."""
        found: list[exp.Expr] = []
        stack = [child for child in tree.iter_expressions() if not isinstance(child, exp.With)]
        while stack:
            node = stack.pop()
            if any(node is one for one in skip):
                stack.extend(node.args.get("joins") or [])
            elif isinstance(node, exp.Query) and not self._is_join_group(node):
                found.append(node)
            else:
                stack.extend(node.iter_expressions())
        return found

    def _use_columns(self, tree: exp.Select, scope: _Scope) -> None:
        for join in tree.find_all(exp.Join):
            if join.parent_select is tree:
                for shared in join.args.get("using") or []:
                    self._use_everywhere(scope, shared)
        for node in list(self._own_columns(tree)):
            if node.meta.get("shared"):
                continue
            self._use(node, scope, is_order=_is_plain_order(node))

    def _use_everywhere(self, scope: _Scope, shared: exp.Expr) -> None:
        for source in scope.sources:
            if source.concept is not None:
                key = shared.name.lower()
                if key in ENTITY_COLUMNS or key in self._properties(source):
                    source.needed[key] = None

    def _use(self, node: exp.Column, scope: _Scope, *, is_order: bool) -> None:
        text = column_text(node)
        qualifier = node.table if text == node.name else ""
        if qualifier:
            self._use_qualified(node, scope, qualifier, text)
            return
        if is_order and text.lower() in scope.aliases and not node.meta.get("ready"):
            node.replace(exp.column(exp.to_identifier(scope.aliases[text.lower()], quoted=True)))
            return
        around: _Scope | None = scope
        problem: Invalid | None = None
        while around is not None:
            found, told = self._candidates(around, text)
            problem = problem or told
            if len(found) > 1 and not self._is_shared(around, text):
                names = ", ".join(source.alias for source in found)
                raise Invalid(f'column "{text}" is ambiguous: {names} have it; put an alias before it', code="column")
            if found:
                self._bind(node, found[0], text)
                return
            if around is scope and text.lower() in scope.aliases:
                node.replace(exp.column(exp.to_identifier(scope.aliases[text.lower()], quoted=True)))
                return
            if any(source.concept is None and source.columns is None for source in around.sources):
                return
            around = around.outer
        raise problem or Invalid(f'unknown column "{text}"', code="column")

    @staticmethod
    def _is_shared(scope: _Scope, text: str) -> bool:
        for source in scope.sources:
            join = source.node.find_ancestor(exp.Join)
            names = [one.name.lower() for one in (join.args.get("using") or [])] if join is not None else []
            if text.lower() in names:
                return True
        return False

    def _use_qualified(self, node: exp.Column, scope: _Scope, qualifier: str, text: str) -> None:
        around: _Scope | None = scope
        while around is not None:
            for source in around.sources:
                if source.alias.lower() == qualifier.lower():
                    if source.concept is None and source.columns is None:
                        node.set("table", identifier(source.alias))
                        return
                    found, problem = self._candidates(_Scope(sources=[source]), text)
                    if not found:
                        raise problem or Invalid(f'"{source.alias}" has no column "{text}"', code="column")
                    self._bind(node, source, text)
                    return
            around = around.outer
        raise Invalid(f'"{qualifier}.{text}": the query has no source called "{qualifier}"', code="column")

    def _candidates(self, scope: _Scope, text: str) -> tuple[list[_Source], Invalid | None]:
        found: list[_Source] = []
        problem: Invalid | None = None
        for source in scope.sources:
            if source.concept is None:
                if source.columns is not None and text.lower() in {name.lower() for name in source.columns}:
                    found.append(source)
                continue
            try:
                self._meaning(source, text)
                found.append(source)
            except Invalid as error:
                problem = error
        return found, problem

    def _properties(self, source: _Source) -> dict[str, Property]:
        assert source.concept is not None
        if source.schema == "etimbr":
            return self._ontology.extended_properties(source.concept)
        return self._ontology.properties(source.concept)

    def _meaning(self, source: _Source, text: str) -> tuple[Literal["column", "path", "flag"], str]:
        """What a name is in a concept's table.

        Raises:
            Invalid: nothing; the message names the part that is unknown.
        """
        assert source.concept is not None
        key = text.lower()
        if key in ENTITY_COLUMNS:
            return "column", key
        if key in self._properties(source):
            return "column", self._properties(source)[key].name
        if key.startswith(TYPE_FLAG) and source.schema == "dtimbr":
            concept = self._relations.concept(text[len(TYPE_FLAG) :])
            return "flag", concept.key
        path = parse_path(text)
        if not path.segments:
            raise Invalid(f'concept "{source.concept.name}" has no property "{text}"', code="column")
        if source.schema != "dtimbr":
            raise Invalid(
                f'"{text}": relationships are followed in schema dtimbr, not in {source.schema}', code="column"
            )
        self._relations.check_path(source.concept, path)
        return "path", text

    def _bind(self, node: exp.Column, source: _Source, text: str) -> None:
        """Let the node name its source's column, and note that the source needs it."""
        if source.concept is None:
            assert source.columns is not None
            name = next(one for one in source.columns if one.lower() == text.lower())
            node.replace(column(name, source.alias) if source.alias else exp.column(identifier(name)))
            return
        kind, name = self._meaning(source, text)
        if kind == "column":
            source.needed[name.lower()] = None
            node.replace(column(name, source.alias))
        elif kind == "flag":
            source.flags[name] = None
            node.replace(column(f"f.{name}", source.alias))
        else:
            path = parse_path(text)
            made = column(text, source.alias)
            node.replace(made)
            source.paths[text] = path
            source.pending.append((made, f"{path.prefix}{'_' if path.is_edge else '.'}{path.name}"))

    def _build(self, source: _Source) -> None:
        """Put the concept's derived table in the place of its name."""
        assert source.concept is not None
        if source.paths or source.flags:
            joined = self._relations.joined(
                source.concept, source.needed, list(source.paths.values()), flags=source.flags
            )
            for node, text in source.pending:
                node.set("this", identifier(joined.names[text]))
            tree = joined.tree
        else:
            tree = self._relations.rows(source.concept, source.needed, extended=source.schema == "etimbr")
        self._put(source.node, source.alias, tree, [])


def cube_concept(view: View, definition: exp.Query) -> exp.Table:
    """The one concept that a cube stands on.

    Raises:
        Invalid: not of the form SELECT … FROM dtimbr.concept [WHERE …].
    """
    source = definition.args["from_"].this if definition.args.get("from_") else None
    is_plain = isinstance(definition, exp.Select) and isinstance(source, exp.Table) and source.args.get("db")
    refused = [key for key in ("group", "having", "joins", "limit", "order", "with_") if definition.args.get(key)]
    if not is_plain or refused:
        raise Invalid(
            f'cube "{view.name}": a cube has the form SELECT … FROM dtimbr.concept [WHERE …] and nothing else',  # noqa: S608
            code="cube",
        )
    assert isinstance(source, exp.Table)
    return source


def _first_names(tree: exp.Expr) -> list[str] | None:
    selects = tree.selects if isinstance(tree, exp.Query) else []
    names = [one.alias_or_name for one in selects]
    return names if names and all(names) and "*" not in names else None


def _is_plain_order(node: exp.Column) -> bool:
    return (
        isinstance(node.parent, exp.Ordered)
        and isinstance(node.parent.parent, exp.Order)
        and isinstance(node.parent.parent.parent, exp.Select)
    )

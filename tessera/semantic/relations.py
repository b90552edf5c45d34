"""Concepts as SQL: the rows of a concept, and the joins along relationship paths, as sqlglot trees over the warehouse.

Rules W5 to W8. Result columns of a concept carry the names of its properties; columns of a path get short names
(`p.1`), since PostgreSQL cuts names at 63 bytes. No property can be called so.
Source: contracts/semantic.md, 9
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, field
from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.semantic.expressions import and_all, column_text, columns_of, parse_expression
from tessera.semantic.ontology_model import (
    ENTITY_COLUMNS,
    THING,
    Bridge,
    Concept,
    ConceptMapping,
    Edge,
    Ontology,
    Property,
    Selected,
)
from tessera.semantic.paths import Path, Segment, parse_path
from tessera.semantic.statements import TYPES
from tessera.warehouse import column, identifier, type_of, value

MAXIMUM_JOINS = 64
MAXIMUM_BRANCHES = 500
MAXIMUM_TRANSITIVITY = 20
_LEVEL = "l"
_MAPPED = "m"
_BASE = "b"

#: Types that need no cast between each other: a cast would cost the engine its statistics and change nothing.
_FAMILIES: tuple[tuple[str, ...], ...] = (
    ("TEXT", "VARCHAR", "CHAR", "BPCHAR", "UUID"),
    ("SMALLINT", "INTEGER", "INT", "BIGINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT"),
    ("DOUBLE", "DECIMAL", "REAL", "FLOAT", "NUMERIC"),
    ("BOOLEAN",),
    ("DATE",),
    ("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"),
    ("TIME",),
    ("BLOB",),
)


def engine_type(declared: str) -> str:
    """The warehouse's spelling of a property's type: `string` is TEXT, `decimal(10,2)` is DECIMAL(10,2)."""
    word, _, sizes = declared.partition("(")
    base = TYPES[word]
    return f"DECIMAL({sizes}" if sizes and word == "decimal" else base


def _family(type_: str) -> str:
    word = type_.upper().partition("(")[0].strip()
    return next((family[0] for family in _FAMILIES if word in family), word)


def cast_to(expression: exp.Expr, declared: str, actual: str | None) -> exp.Expr:
    """The expression as the declared type; as it is, where the engine's own type is of that family."""
    wanted = engine_type(declared)
    if actual is not None and _family(actual) == _family(wanted):
        return expression
    return exp.cast(expression, type_of(wanted))


class Joined(Struct):
    """A concept with what hangs on its paths; `names` are the short names of path columns by their text."""

    tree: exp.Query
    names: dict[str, str]


class _Node(Struct, kw_only=True):
    """One path prefix: one join. `columns` are needed properties, `edge_columns` those of the relationship."""

    alias: str
    concept: Concept
    edge: Edge | None = None
    depth: int | None = None
    text: str = ""
    columns: set[str] = field(default_factory=set)
    edge_columns: set[str] = field(default_factory=set)
    children: dict[tuple[str, str, int | None], _Node] = field(default_factory=dict)


class Relations:
    """Builds trees for one ontology.

    Args:
        query_of: the checked tree of a mapping's text, its tables with their schemas.
    """

    def __init__(self, ontology: Ontology, query_of: Callable[[str], exp.Query], *, engine: str = "duckdb") -> None:
        self.ontology = ontology
        self._engine = engine
        self._query_of = query_of

    def concept(self, name: str) -> Concept:
        """A concept by its name.

        Raises:
            Invalid: there is none.
        """
        found = self.ontology.find(Concept, name)
        if found is None:
            raise Invalid(f'unknown concept "{name}" in ontology "{self.ontology.name}"', code="concept")
        return found

    # -- W5: the rows of a concept -----------------------------------------------------------------------------------

    def rows(self, concept: Concept, needed: Iterable[str], *, extended: bool = False) -> exp.Query:
        """The concept's rows with the needed columns (keys of properties, entity columns), in their order.

        Row policies have their place here, around the union, so that they hold for every way to reach the concept.
        """
        return self._rows(concept, list(dict.fromkeys(needed)), extended, ())

    def _rows(self, concept: Concept, needed: list[str], extended: bool, inside: tuple[str, ...]) -> exp.Query:
        if concept.key in inside:
            raise Invalid(f'the definition of concept "{concept.name}" leads back to itself', code="concept")
        if concept.logic is not None:
            return self._logic_rows(concept, needed, inside)
        types = self.ontology.extended_properties(concept) if extended else self.ontology.properties(concept)
        branches = [
            self._branch(owner, mapping, needed, types)
            for owner in self.ontology.descendants(concept)
            if owner.logic is None
            for mapping in self.ontology.own_mappings(owner)
        ]
        if len(branches) > MAXIMUM_BRANCHES:
            raise Invalid(f'"{concept.name}" is filled by more than {MAXIMUM_BRANCHES} mappings', code="limit")
        if branches:
            return _union(branches)
        return self._inherited_rows(concept, concept, needed, types, inside) or self._no_rows(needed, types)

    def _inherited_rows(
        self, asked: Concept, concept: Concept, needed: list[str], types: dict[str, Property], inside: tuple[str, ...]
    ) -> exp.Query | None:
        """Rows of the nearest ancestor that has some: a child needs no mapping of its own."""
        for parent in self.ontology.parents(concept):
            if parent.key == THING:
                continue
            if parent.logic is not None:
                return self._rows(parent, needed, False, (*inside, asked.key))
            mappings = self.ontology.own_mappings(parent)
            if mappings:
                return _union([self._branch(parent, one, needed, types, key_of=asked) for one in mappings])
            found = self._inherited_rows(asked, parent, needed, types, inside)
            if found is not None:
                return found
        return None

    def _no_rows(self, needed: list[str], types: dict[str, Property]) -> exp.Select:
        columns = [
            exp.alias_(
                exp.cast(exp.null(), type_of("TEXT" if key in ENTITY_COLUMNS else engine_type(types[key].type))),
                key if key in ENTITY_COLUMNS else types[key].name,
                quoted=True,
            )
            for key in needed
        ]
        return exp.select(*(columns or [_one()])).where(exp.false())

    def _branch(
        self,
        owner: Concept,
        mapping: ConceptMapping,
        needed: list[str],
        types: dict[str, Property],
        key_of: Concept | None = None,
    ) -> exp.Select:
        delivered = {one.name.lower(): one for one in mapping.columns}
        made = [
            exp.alias_(self._entity(key, owner, delivered, key_of), key, quoted=True)
            if key in ENTITY_COLUMNS
            else exp.alias_(self._property(types[key], delivered, ()), types[key].name, quoted=True)
            for key in needed
        ]
        source = exp.Subquery(this=self._query_of(mapping.query), alias=exp.TableAlias(this=identifier(_MAPPED)))
        return exp.select(*(made or [_one()]), copy=False).from_(source, copy=False)

    def _entity(self, name: str, owner: Concept, delivered: dict[str, Selected], key_of: Concept | None) -> exp.Expr:
        if name == "entity_type":
            return exp.cast(value(owner.name), type_of("TEXT"))
        names = self.ontology.label(owner) if name == "entity_label" else self.ontology.primary_key(owner)
        if not names and key_of is not None:
            names = self.ontology.label(key_of) if name == "entity_label" else self.ontology.primary_key(key_of)
        parts = []
        for one in names:
            declared = self.ontology.find(Property, one)
            if declared is not None:
                parts.append(exp.cast(self._property(declared, delivered, ()), type_of("TEXT")))
        if not parts:
            return exp.cast(exp.null(), type_of("TEXT"))
        if len(parts) == 1:
            return parts[0]
        if name == "entity_label":
            return exp.ConcatWs(expressions=[value(" "), *parts])
        glued: exp.Expr = parts[0]
        for part in parts[1:]:
            glued = exp.DPipe(this=exp.DPipe(this=glued, expression=value("_")), expression=part)
        return glued

    def _property(self, wanted: Property, delivered: dict[str, Selected], inside: tuple[str, ...]) -> exp.Expr:
        """A mapped column, else the property's own formula over others, else NULL."""
        if wanted.key in inside:
            raise Invalid(f'the formula of property "{wanted.name}" leads back to itself', code="property")
        found = delivered.get(wanted.key)
        if found is not None:
            return cast_to(column(found.name, _MAPPED), wanted.type, found.type)
        if wanted.logic is None:
            return exp.cast(exp.null(), type_of(engine_type(wanted.type)))
        tree = exp.Paren(this=parse_expression(wanted.logic, f'property "{wanted.name}"', engine=self._engine))
        for node in list(columns_of(tree)):
            part = self.ontology.find(Property, column_text(node))
            if part is None:
                raise Invalid(
                    f'the formula of property "{wanted.name}" names "{column_text(node)}", which is no property',
                    code="property",
                )
            node.replace(self._property(part, delivered, (*inside, wanted.key)))
        return cast_to(tree, wanted.type, None)

    # -- logic concepts ----------------------------------------------------------------------------------------------

    def _logic_rows(self, concept: Concept, needed: list[str], inside: tuple[str, ...]) -> exp.Query:
        """Rows of the base that meet the condition.

        A condition along a to-many path is asked as a semi-join, so that it does not multiply rows.
        """
        logic = concept.logic
        assert logic is not None
        base = self.concept(logic.base)
        condition = self.condition(concept)
        texts = {column_text(node) for node in columns_of(condition)}
        paths = [path for path in map(parse_path, texts) if path.segments]
        plain = [self.property_key(base, text) for text in texts if not parse_path(text).segments]
        within = (*inside, concept.key)
        if not paths:
            inner = self._rows(base, list(dict.fromkeys([*needed, *plain])), False, within)
            return self._filtered(inner, base, needed, self._bound(condition, base, {}))
        if all(self._is_to_one(base, path) for path in paths):
            joined = self.joined(base, [*needed, *plain], paths, inside=within)
            return self._filtered(joined.tree, base, needed, self._bound(condition, base, joined.names))
        same = ["entity_id", "entity_type"]
        joined = self.joined(base, [*same, *plain], paths, inside=within)
        matching = self._filtered(joined.tree, base, same, self._bound(condition, base, joined.names))
        inner = self._rows(base, list(dict.fromkeys([*needed, *same])), False, within)
        exists = exp.Exists(
            this=exp.select(_one())
            .from_(exp.Subquery(this=matching, alias=exp.TableAlias(this=identifier("k"))))
            .where(and_all([exp.EQ(this=column(name, "k"), expression=column(name, _BASE)) for name in same]))
        )
        return self._filtered(inner, base, needed, exists)

    def condition(self, concept: Concept) -> exp.Expr:
        """The condition of a logic concept, as written."""
        assert concept.logic is not None
        return parse_expression(
            concept.logic.condition, f'the condition of concept "{concept.name}"', engine=self._engine
        )

    def property_key(self, concept: Concept, name: str) -> str:
        """The key of a property or entity column that the concept has.

        Raises:
            Invalid: it has none of that name.
        """
        key = name.lower()
        if key in ENTITY_COLUMNS or key in self.ontology.properties(concept):
            return key
        raise Invalid(f'concept "{concept.name}" has no property "{name}"', code="column")

    def _bound(self, condition: exp.Expr, base: Concept, names: dict[str, str]) -> exp.Expr:
        """The condition over the columns of the base's relation."""
        tree = exp.Paren(this=condition.copy())
        for node in list(columns_of(tree)):
            text = column_text(node)
            node.replace(column(names.get(text) or self._result_name(base, text), _BASE))
        return tree

    def _result_name(self, concept: Concept, name: str) -> str:
        key = self.property_key(concept, name)
        return key if key in ENTITY_COLUMNS else self.ontology.properties(concept)[key].name

    def _filtered(self, inner: exp.Query, base: Concept, needed: list[str], condition: exp.Expr) -> exp.Select:
        known = self.ontology.extended_properties(base)
        names = [key if key in ENTITY_COLUMNS else known[key].name for key in needed]
        made = [exp.alias_(column(name, _BASE), name, quoted=True) for name in names]
        source = exp.Subquery(this=inner, alias=exp.TableAlias(this=identifier(_BASE)))
        return exp.select(*(made or [_one()]), copy=False).from_(source, copy=False).where(condition, copy=False)

    def _is_to_one(self, start: Concept, path: Path) -> bool:
        concept = start
        for segment in path.segments:
            edge, concept, depth = self.step(concept, segment)
            if depth is not None or not self.ontology.is_to_one(edge, concept):
                return False
        return True

    # -- paths -------------------------------------------------------------------------------------------------------

    def step(self, concept: Concept, segment: Segment) -> tuple[Edge, Concept, int | None]:
        """The relationship, target and depth that a segment means.

        Raises:
            Invalid: no such relationship or target; the message names it.
        """
        target = self.concept(segment.concept)
        edges = self.ontology.edges_named(concept, segment.relationship)
        if not edges:
            raise Invalid(
                f'concept "{concept.name}" has no relationship "{segment.relationship}" (in "{segment.text}")',
                code="relationship",
            )
        for edge in edges:
            declared = self.ontology.find(Concept, edge.target)
            if declared is None:
                raise Invalid(
                    f'relationship "{edge.name}" leads to concept "{edge.target}", which is not defined',
                    code="relationship",
                )
            if self.ontology.is_a(target, declared):
                return edge, target, self._depth(edge, segment)
        raise Invalid(
            f'relationship "{segment.relationship}" leads to "{edges[0].target}"; "{segment.concept}" is neither that '
            f'concept nor below it (in "{segment.text}")',
            code="relationship",
        )

    def _depth(self, edge: Edge, segment: Segment) -> int | None:
        if segment.depth is None:
            return None
        source, target = self.concept(edge.source), self.concept(edge.target)
        if not (self.ontology.is_a(source, target) or self.ontology.is_a(target, source)):
            raise Invalid(
                f'"{segment.text}": only a relationship between a concept and itself has several steps', code="depth"
            )
        depth = segment.depth or self.ontology.depth(edge.transitivity or 0)
        if depth > MAXIMUM_TRANSITIVITY:
            raise Invalid(f'"{segment.text}": at most {MAXIMUM_TRANSITIVITY} steps are followed', code="depth")
        return depth

    def end_of(self, start: Concept, path: Path) -> Concept:
        """The concept at the end of a path."""
        concept = start
        for segment in path.segments:
            _, concept, _ = self.step(concept, segment)
        return concept

    def check_path(self, start: Concept, path: Path) -> None:
        """Refuse a path whose hops or last name do not exist.

        Raises:
            Invalid: with the part that is unknown.
        """
        concept = start
        edge: Edge | None = None
        depth: int | None = None
        for segment in path.segments:
            edge, concept, depth = self.step(concept, segment)
        if not path.is_edge:
            self.property_key(concept, path.name)
            return
        assert edge is not None
        if path.is_level:
            if depth is None:
                raise Invalid(
                    f'"{path.prefix}" has no {path.name}: write the number of steps, as in '
                    f'"{edge.name}[{concept.name}*3]_{path.name}"',
                    code="column",
                )
        elif self._edge_column(edge, path.name) is None:
            raise Invalid(f'relationship "{edge.name}" has no property "{path.name}"', code="column")

    def edge_columns(self, edge: Edge) -> list[Selected]:
        """Properties of a many-to-many relationship: what its mappings select beyond the keys."""
        found: dict[str, Selected] = {}
        for bridge in self._bridges(edge):
            keys = {name.lower() for end in bridge.ends for name in end.columns}
            for one in bridge.columns:
                if one.name.lower() not in keys:
                    found.setdefault(one.name.lower(), one)
        return list(found.values())

    def _edge_column(self, edge: Edge, name: str) -> Selected | None:
        if not edge.is_mtm:
            return None
        # A key column can be read as a property of the relationship too.
        columns = {one.name.lower(): one for bridge in self._bridges(edge) for one in bridge.columns}
        return columns.get(name.lower())

    def _bridges(self, edge: Edge) -> list[Bridge]:
        found = self.ontology.bridges(edge.declared)
        other = edge.inverse if not edge.is_inverse else edge.name
        return found or (self.ontology.bridges(other) if other else [])

    # -- W6: joins ---------------------------------------------------------------------------------------------------

    def joined(
        self,
        concept: Concept,
        needed: Iterable[str],
        paths: Sequence[Path],
        *,
        flags: Iterable[str] = (),
        inside: tuple[str, ...] = (),
    ) -> Joined:
        """A concept's needed columns, outer-joined along paths; one join a prefix. `flags` are logic sub-concepts."""
        needed = list(dict.fromkeys(needed))
        root = _Node(alias=_BASE, concept=concept, columns=set(needed))
        count = 0
        ends: list[tuple[_Node, Path]] = []
        for path in dict.fromkeys(paths):
            node = root
            for segment in path.segments:
                edge, target, depth = self.step(node.concept, segment)
                key = (segment.relationship.lower(), target.key, depth)
                child = node.children.get(key)
                if child is None:
                    count += 1
                    child = _Node(alias=f"j{count}", concept=target, edge=edge, depth=depth, text=segment.text)
                    node.children[key] = child
                    self._need_keys(node, child)
                node = child
            if path.is_edge:
                node.edge_columns.add(path.name.lower())
            else:
                node.columns.add(self.property_key(node.concept, path.name))
            ends.append((node, path))
        if count > MAXIMUM_JOINS:
            raise Invalid(f"the query follows more than {MAXIMUM_JOINS} different paths", code="limit")
        type_flags = [self._flag_concept(concept, name) for name in dict.fromkeys(flags)]
        if type_flags:
            root.columns |= {"entity_id", "entity_type"}
        names = {
            f"{path.prefix}{'_' if path.is_edge else '.'}{path.name}": f"p.{n}" for n, (_, path) in enumerate(ends)
        }
        made = [
            exp.alias_(column(name, _BASE), name, quoted=True)
            for name in (self._result_name(concept, key) for key in needed)
        ]
        made += [
            exp.alias_(self._end_column(node, path), f"p.{number}", quoted=True)
            for number, (node, path) in enumerate(ends)
        ]
        made += [exp.alias_(self._flag(flag), f"f.{flag.key}", quoted=True) for flag in type_flags]
        base = self._rows(concept, sorted(root.columns), False, inside)
        query = exp.select(*(made or [_one()]), copy=False).from_(_as(base, _BASE), copy=False)
        self._join_children(query, root)
        return Joined(query, names)

    def _need_keys(self, parent: _Node, child: _Node) -> None:
        edge = child.edge
        assert edge is not None
        if child.depth is not None:
            parent.columns |= set(self._key_of(edge.source))
            child.columns |= set(self._key_of(edge.source))
        elif edge.is_mtm:
            source, target = self._ends(edge)
            parent.columns |= {self.property_key(parent.concept, name) for name in source}
            child.columns |= {self.property_key(child.concept, name) for name in target}
        else:
            parent.columns |= {self.property_key(parent.concept, name) for name in edge.source_properties}
            child.columns |= {self.property_key(child.concept, name) for name in edge.target_properties}

    def _key_of(self, name: str) -> list[str]:
        concept = self.concept(name)
        key = self.ontology.primary_key(concept)
        if not key:
            raise Invalid(f'concept "{concept.name}" has no primary key, so its steps cannot be followed', code="depth")
        return [one.lower() for one in key]

    def _ends(self, edge: Edge) -> tuple[list[str], list[str]]:
        """Properties on the source's and on the target's side of a many-to-many relationship."""
        bridges = self._bridges(edge)
        if not bridges:
            raise Invalid(f'relationship "{edge.name}" has no mapping yet', code="relationship")
        source, target = _sides(bridges[0], edge)
        return list(bridges[0].ends[source].properties), list(bridges[0].ends[target].properties)

    def _join_children(self, query: exp.Select, parent: _Node) -> None:
        for child in parent.children.values():
            edge = child.edge
            assert edge is not None
            target = self._rows(child.concept, sorted(child.columns), False, ())
            if child.depth is None and not edge.is_mtm:
                conditions = [
                    exp.EQ(this=self._of(parent, source), expression=self._of(child, goal))
                    for source, goal in zip(edge.source_properties, edge.target_properties, strict=True)
                ]
                _left_join(query, _as(target, child.alias), conditions)
            else:
                self._join_through(query, parent, child, edge, target)
            self._join_children(query, child)

    def _join_through(self, query: exp.Select, parent: _Node, child: _Node, edge: Edge, target: exp.Query) -> None:
        """Join by a table of pairs: the closure of a transitive relationship, or a many-to-many mapping."""
        if child.depth is not None:
            pairs = self._closure(edge, child.depth)
            sources = goals = self._key_of(edge.source)
        else:
            pairs = self._pairs(edge, sorted(child.edge_columns))
            sources, goals = self._ends(edge)
        middle = f"{child.alias}.via"
        starts = [
            exp.EQ(this=self._of(parent, name), expression=column(f"a{number}", middle))
            for number, name in enumerate(sources)
        ]
        ends = [
            exp.EQ(this=column(f"z{number}", middle), expression=self._of(child, name))
            for number, name in enumerate(goals)
        ]
        is_filtered = child.concept.logic is not None or child.concept.key != edge.target.lower()
        if not is_filtered:
            _left_join(query, _as(pairs, middle), starts)
            _left_join(query, _as(target, child.alias), ends)
            return
        # A narrowed target takes its pairs away with it, so both are joined first.
        both = _as(pairs, middle)
        both.append("joins", exp.Join(this=_as(target, child.alias), kind="INNER", on=and_all(ends)))
        _left_join(query, exp.Subquery(this=both), starts)

    def _of(self, node: _Node, name: str) -> exp.Column:
        return column(self._result_name(node.concept, name), node.alias)

    def _end_column(self, node: _Node, path: Path) -> exp.Expr:
        if not path.is_edge:
            return self._of(node, path.name)
        if path.is_level:
            if node.depth is None:
                self._refuse_level(node, path)
            return column(_LEVEL, f"{node.alias}.via")
        assert node.edge is not None
        if self._edge_column(node.edge, path.name) is None:
            raise Invalid(f'relationship "{node.edge.name}" has no property "{path.name}"', code="column")
        return column(f"e.{path.name.lower()}", f"{node.alias}.via")

    @staticmethod
    def _refuse_level(node: _Node, path: Path) -> None:
        raise Invalid(f'"{path.prefix}" has no {path.name}: it is followed for one step only', code="column")

    def _pairs(self, edge: Edge, extra: list[str]) -> exp.Query:
        """Rows of the many-to-many mappings: keys of the start (`a0`…), of the end (`z0`…), relationship properties."""
        branches = []
        for bridge in self._bridges(edge):
            source, target = _sides(bridge, edge)
            delivered = {one.name.lower(): one for one in bridge.columns}
            made = [
                exp.alias_(column(delivered[name.lower()].name, _MAPPED), f"{letter}{number}", quoted=True)
                for letter, end in (("a", source), ("z", target))
                for number, name in enumerate(bridge.ends[end].columns)
            ]
            for name in extra:
                found = delivered.get(name)
                expression = column(found.name, _MAPPED) if found is not None else exp.null()
                made.append(exp.alias_(expression, f"e.{name}", quoted=True))
            branches.append(exp.select(*made, copy=False).from_(_as(self._query_of(bridge.query), _MAPPED), copy=False))
        return _union(branches)

    # -- W7: transitive relationships --------------------------------------------------------------------------------

    def _closure(self, edge: Edge, depth: int) -> exp.Query:
        """Pairs of keys reachable in 1 to `depth` steps, each with its smallest number of steps; never the start."""
        keys = self._key_of(edge.source)
        starts, ends = [f"a{n}" for n in range(len(keys))], [f"z{n}" for n in range(len(keys))]
        ctes = [("e", exp.select(*_columns([*starts, *ends], "x")).distinct().from_(_as(self._steps(edge, keys), "x")))]
        for level in range(2, depth + 1):
            before = "e" if level == 2 else f"w{level - 1}"
            made = [exp.alias_(column(name, "w"), name, quoted=True) for name in starts]
            made += [exp.alias_(column(name, "s"), name, quoted=True) for name in ends]
            step = exp.select(*made).distinct().from_(_named(before, "w"))
            step = step.join(
                _named("e", "s"),
                on=and_all(
                    [exp.EQ(this=column(a, "s"), expression=column(z, "w")) for a, z in zip(starts, ends, strict=True)]
                ),
            )
            ctes.append((f"w{level}", step))
        levels: list[exp.Select] = [
            exp.select(*_columns([*starts, *ends], "x"), exp.alias_(value(level), _LEVEL, quoted=True)).from_(
                _named(name, "x")
            )
            for level, (name, _) in enumerate(ctes, 1)
        ]
        all_levels = _as(_union(levels), "u")
        is_start = and_all(
            [exp.EQ(this=column(a, "u"), expression=column(z, "u")) for a, z in zip(starts, ends, strict=True)]
        )
        query = (
            exp.select(
                *_columns([*starts, *ends], "u"), exp.alias_(exp.Min(this=column(_LEVEL, "u")), _LEVEL, quoted=True)
            )
            .from_(all_levels)
            .where(exp.Not(this=exp.Paren(this=is_start)))
            .group_by(*[column(name, "u") for name in [*starts, *ends]])
        )
        for name, tree in ctes:
            query = query.with_(name, as_=tree)
        return query

    def _steps(self, edge: Edge, keys: list[str]) -> exp.Query:
        """Pairs of keys one step apart."""
        source, target = self.concept(edge.source), self.concept(edge.target)
        made = [
            exp.alias_(column(self._result_name(source, key), "s"), f"a{number}", quoted=True)
            for number, key in enumerate(keys)
        ] + [
            exp.alias_(column(self._result_name(target, key), "t"), f"z{number}", quoted=True)
            for number, key in enumerate(keys)
        ]
        if edge.is_mtm:
            near, far = self._ends(edge)
        else:
            near, far = list(edge.source_properties), list(edge.target_properties)

        def rows(concept: Concept, names: list[str]) -> exp.Query:
            return self._rows(concept, sorted({*keys, *(name.lower() for name in names)}), False, ())

        query = exp.select(*made).from_(_as(rows(source, near), "s"))
        ons = [column(self._result_name(source, name), "s") for name in near]
        goals = [column(self._result_name(target, name), "t") for name in far]
        if not edge.is_mtm:
            pairs = [exp.EQ(this=a, expression=b) for a, b in zip(ons, goals, strict=True)]
            return query.join(_as(rows(target, far), "t"), on=and_all(pairs))
        first = [exp.EQ(this=a, expression=column(f"a{n}", "v")) for n, a in enumerate(ons)]
        second = [exp.EQ(this=column(f"z{n}", "v"), expression=b) for n, b in enumerate(goals)]
        query = query.join(_as(self._pairs(edge, []), "v"), on=and_all(first))
        return query.join(_as(rows(target, far), "t"), on=and_all(second))

    # -- flags -------------------------------------------------------------------------------------------------------

    def _flag_concept(self, concept: Concept, name: str) -> Concept:
        found = self.concept(name)
        if not self.ontology.is_a(found, concept):
            raise Invalid(f'"{found.name}" is not below concept "{concept.name}"', code="column")
        return found

    def _flag(self, flag: Concept) -> exp.Expr:
        """1 where the row is one of the sub-concept's, else 0."""
        same = ["entity_id", "entity_type"]
        members = exp.select(_one()).from_(_as(self._rows(flag, same, False, ()), "z"))
        members = members.where(
            and_all([exp.EQ(this=column(name, "z"), expression=column(name, _BASE)) for name in same])
        )
        return exp.Case(ifs=[exp.If(this=exp.Exists(this=members), true=value(1))], default=value(0))


def _sides(bridge: Bridge, edge: Edge) -> tuple[int, int]:
    """Which end of the mapping is the start and which the target, seen along the edge.

    The constraint named like the relationship refers to its target, the other to its source.
    """
    forward = [edge.declared.lower()]
    names = [end.relationship.lower() for end in bridge.ends]
    to_target = names.index(forward[0]) if forward[0] in names else 1 - names.index(str(edge.inverse).lower())
    return (to_target, 1 - to_target) if edge.is_inverse else (1 - to_target, to_target)


def _columns(names: list[str], alias: str) -> list[exp.Column]:
    return [column(name, alias) for name in names]


def _one() -> exp.Expr:
    return exp.alias_(exp.Literal.number(1), "one", quoted=True)


def _as(query: exp.Query, alias: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=identifier(alias)))


def _named(name: str, alias: str) -> exp.Table:
    return exp.Table(this=identifier(name), alias=exp.TableAlias(this=identifier(alias)))


def _left_join(query: exp.Select, source: exp.Expr, conditions: list[exp.EQ]) -> None:
    query.append("joins", exp.Join(this=source, side="LEFT", on=and_all(list(conditions))))


def _union(branches: Sequence[exp.Query]) -> exp.Query:
    found = branches[0]
    for branch in branches[1:]:
        found = exp.Union(this=found, expression=branch, distinct=False)
    return found

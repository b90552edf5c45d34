"""Measures: a named aggregate expression put in the place of `AGG(measure.m)`, along a path, with filters pushed in.

Source: contracts/semantic.md, 5 (Measure), 6.3 and rule W3
"""

from __future__ import annotations

from sqlglot import exp

from tessera.kernel.errors import Invalid
from tessera.semantic.expressions import column_text, columns_of, parse_expression
from tessera.semantic.ontology_model import Concept, Measure, Ontology
from tessera.warehouse import column


def expand(
    ontology: Ontology,
    concept: Concept,
    name: str,
    *,
    prefix: str,
    alias: str,
    engine: str,
    condition: exp.Expr | None = None,
    inside: tuple[str, ...] = (),
) -> exp.Expr:
    """The measure's expression over columns of the source `alias`.

    Args:
        concept: the concept at the end of the path, which must have the measure.
        prefix: the path with its closing dot, or empty; every property is read along it.
        condition: filters inside each aggregate.

    Raises:
        Invalid: the concept has no such measure; measures that lead back to themselves.
    """
    measure = ontology.measures(concept).get(name.lower())
    if measure is None:
        raise Invalid(f'concept "{concept.name}" has no measure "{name}"', code="measure")
    if measure.key in inside:
        raise Invalid(f'the formula of measure "{measure.name}" leads back to itself', code="measure")
    if measure.where is not None:
        own = _along(parse_expression(measure.where, f'measure "{measure.name}"', engine=engine), prefix, alias)
        condition = own if condition is None else exp.and_(own, condition)
    tree = exp.Paren(
        this=parse_expression(measure.logic, f'measure "{measure.name}"', engine=engine, aggregates=True).copy()
    )
    if condition is not None:
        for aggregate in list(tree.find_all(exp.AggFunc)):
            _filter(aggregate, _Marked(condition))
    for node in list(columns_of(tree)):
        if node.meta.get("ready") or _is_inside_ready(node):
            continue
        text = column_text(node).removeprefix("measure.")
        if text.lower() in ontology.measures(concept):
            target: exp.Expr = node
            # `SUM(other_measure)`: a reference takes no aggregate around it, so one that is there only marks it.
            if isinstance(node.parent, exp.AggFunc) and node.parent.this is node:
                target = node.parent
            target.replace(
                expand(
                    ontology, concept, text, prefix=prefix, alias=alias, engine=engine, condition=condition,
                    inside=(*inside, measure.key),
                )
            )  # fmt: skip
        else:
            node.replace(_ready(column(prefix + text, alias)))
    return tree.this if isinstance(tree.this, exp.AggFunc | exp.Paren) else tree


class _Marked:
    """Makes copies of a condition whose columns are bound already."""

    def __init__(self, condition: exp.Expr) -> None:
        self._condition = condition

    def copy(self) -> exp.Expr:
        made = self._condition.copy()
        for node in columns_of(made):
            _ready(node)
        return made


def _ready(node: exp.Column) -> exp.Column:
    node.meta["ready"] = True
    return node


def _is_inside_ready(node: exp.Expr) -> bool:
    return False if node.parent is None else bool(node.parent.meta.get("ready"))


def _along(tree: exp.Expr, prefix: str, alias: str) -> exp.Expr:
    holder = exp.Paren(this=tree.copy())
    for node in list(columns_of(holder)):
        node.replace(_ready(column(prefix + column_text(node), alias)))
    return holder


def _filter(aggregate: exp.Expr, condition: _Marked) -> None:
    """`AGG(x)` becomes `AGG(CASE WHEN condition THEN x END)`."""

    def cased(value: exp.Expr) -> exp.Expr:
        return exp.Case(ifs=[exp.If(this=condition.copy(), true=value)])

    inner = aggregate.this
    if isinstance(inner, exp.Distinct):
        first, *others = inner.expressions
        inner.set("expressions", [cased(first.copy()), *others])
    elif isinstance(inner, exp.Star) or inner is None:
        aggregate.set("this", cased(exp.Literal.number(1)))
    elif not _names_measure_only(inner):
        aggregate.set("this", cased(inner.copy()))


def _names_measure_only(inner: exp.Expr) -> bool:
    return isinstance(inner, exp.Column) and column_text(inner).lower().startswith("measure.")


def check_measure(ontology: Ontology, measure: Measure, engine: str) -> None:
    """Refuse a measure that names itself through others, or what is neither property nor measure.

    Raises:
        Invalid
    """
    holder = Concept(name="measure", measures=[one.name for one in ontology.all(Measure)])
    expand(ontology, holder, measure.name, prefix="", alias="x", engine=engine)

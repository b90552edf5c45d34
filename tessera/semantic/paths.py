"""The grammar of column names: `rel[concept*2].other[concept].property`, relationship properties, measures.

One quoted identifier holds the whole path. Relationship names may hold blanks, so a path is read from its brackets.
Source: contracts/semantic.md, 6.2
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from tessera.kernel.errors import Invalid

MAXIMUM_HOPS = 10
MEASURE_PREFIX = "measure."
LEVEL = "_transitivity_level"
TYPE_FLAG = "_type_of_"
_SEGMENT = re.compile(r"(?P<rel>~?[^.\[\]*~][^.\[\]*]*)\[(?P<concept>[^.\[\]*]+)(?P<star>\*(?P<depth>\d*))?\]")


class Segment(Struct, frozen=True):
    """One hop. `depth`: None is one step, 0 the declared depth (`*` alone)."""

    relationship: str
    concept: str
    depth: int | None
    text: str


class Path(Struct, frozen=True):
    """A column name. Without segments it is a property of the concept itself.

    `name` is the property at the end; with `is_edge` it is one of the last relationship (`_role` is written here
    without its leading underscore), or `transitivity_level`.
    """

    segments: tuple[Segment, ...]
    name: str
    is_measure: bool = False
    is_edge: bool = False

    @property
    def is_level(self) -> bool:
        return self.is_edge and self.name.lower() == LEVEL[1:]

    @property
    def prefix(self) -> str:
        """The text of all hops."""
        return ".".join(segment.text for segment in self.segments)


@lru_cache(maxsize=8192)
def parse_path(text: str) -> Path:
    """A column name taken apart.

    Raises:
        Invalid: not of the grammar, more than ten hops.
    """
    is_measure = text.lower().startswith(MEASURE_PREFIX)
    at = len(MEASURE_PREFIX) if is_measure else 0
    segments: list[Segment] = []
    while "[" in text[at:]:
        match = _SEGMENT.match(text, at)
        if match is None:
            raise _wrong(text)
        depth = None if match["star"] is None else int(match["depth"] or 0)
        if depth == 0 and match["depth"]:
            raise Invalid(f'"{text}": the depth after * has to be 1 or more', code="column")
        segments.append(Segment(match["rel"], match["concept"], depth, match.group()))
        at = match.end()
        if len(segments) > MAXIMUM_HOPS:
            raise Invalid(f'"{text[:200]}" has more than {MAXIMUM_HOPS} hops', code="column")
        if text[at : at + 1] == "_" and not is_measure:
            name = text[at + 1 :]
            if not name or set(name) & set(".[]*"):
                raise _wrong(text)
            return Path(tuple(segments), name, is_edge=True)
        if text[at : at + 1] != ".":
            raise _wrong(text)
        at += 1
    name = text[at:]
    if not name or set(name) & set("[]*") or (segments and "." in name):
        raise _wrong(text)
    return Path(tuple(segments), name, is_measure=is_measure)


def is_path(text: str) -> bool:
    """Whether an output column of this name is a relationship path (for nesting)."""
    if "[" not in text or text.lower().startswith(MEASURE_PREFIX):
        return False
    try:
        return bool(parse_path(text).segments)
    except Invalid:
        return False


def _wrong(text: str) -> Invalid:
    return Invalid(
        f'"{text[:200]}" is no column: a path is written `relationship[concept].property`, '
        "`relationship[concept]_property` for the relationship's own, with `*n` after a concept for n steps",
        code="column",
    )

"""Finds the endpoint of a path. Static segments beat patterns, patterns beat the rest of a path."""

import re
from typing import Generic, TypeVar
from urllib.parse import unquote

E = TypeVar("E")

_PATTERN = re.compile(r"^([^{}]*)\{([a-z_]+)(?::(rest|uuid))?\}([^{}]*)$")


class DuplicateRoute(Exception):
    """Two routes answer the same method and path."""


class _Node(Generic[E]):
    __slots__ = ("endpoints", "patterns", "rest", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node[E]] = {}
        self.patterns: list[tuple[str, str, _Node[E]]] = []  # prefix, suffix; the longest first
        self.rest: _Node[E] | None = None
        self.endpoints: dict[str, tuple[E, tuple[str, ...]]] = {}


class Trie(Generic[E]):
    """A tree of path segments."""

    def __init__(self) -> None:
        self._root: _Node[E] = _Node()

    def add(self, method: str, path: str, endpoint: E) -> None:
        """Register an endpoint.

        Raises:
            DuplicateRoute: method and path are taken.
            ValueError: a segment that can not be read.
        """
        node = self._root
        names: list[str] = []
        for segment in split(path):
            if "{" not in segment:
                node = node.static.setdefault(segment, _Node())
                continue
            match = _PATTERN.match(segment)
            if match is None:
                raise ValueError(f"{path}: segment {segment!r} is neither text nor one pattern")
            prefix, name, kind, suffix = match.groups()
            names.append(name)
            if kind == "rest":
                node.rest = node.rest or _Node()
                node = node.rest
                continue
            for known_prefix, known_suffix, child in node.patterns:
                if (known_prefix, known_suffix) == (prefix, suffix):
                    node = child
                    break
            else:
                child = _Node()
                node.patterns.append((prefix, suffix, child))
                node.patterns.sort(key=lambda one: -len(one[0]) - len(one[1]))
                node = child
        if method in node.endpoints:
            raise DuplicateRoute(f"{method} {path} is declared twice")
        node.endpoints[method] = (endpoint, tuple(names))

    def find(self, path: str, method: str) -> tuple[E, dict[str, str]] | list[str] | None:
        """The endpoint and the path's parameters; the allowed methods where only the method is wrong; or None."""
        segments = split(path)
        allowed: set[str] = set()
        values: list[str] = []
        found = _walk(self._root, segments, 0, method, values, allowed)
        if found is not None:
            endpoint, names = found
            return endpoint, dict(zip(names, values, strict=True))
        return sorted(allowed) or None


def split(path: str) -> list[str]:
    """Decoded segments; repeated and trailing slashes count as none."""
    if "%" in path:
        return [unquote(segment) for segment in path.split("/") if segment]
    return [segment for segment in path.split("/") if segment]


def _walk(
    node: _Node[E], segments: list[str], at: int, method: str, values: list[str], allowed: set[str]
) -> tuple[E, tuple[str, ...]] | None:
    if at == len(segments):
        found = node.endpoints.get(method)
        if found is None:
            allowed.update(node.endpoints)
        return found
    segment = segments[at]
    child = node.static.get(segment)
    if child is not None:
        found = _walk(child, segments, at + 1, method, values, allowed)
        if found is not None:
            return found
    mark = len(values)
    for prefix, suffix, pattern in node.patterns:
        if segment.startswith(prefix) and segment.endswith(suffix) and len(segment) > len(prefix) + len(suffix):
            values.append(segment[len(prefix) : len(segment) - len(suffix) or None])
            found = _walk(pattern, segments, at + 1, method, values, allowed)
            if found is not None:
                return found
            del values[mark:]
    if node.rest is not None:
        values.append("/".join(segments[at:]))
        found = node.rest.endpoints.get(method)
        if found is not None:
            return found
        allowed.update(node.rest.endpoints)
        del values[mark:]
    return None

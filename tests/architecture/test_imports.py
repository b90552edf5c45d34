"""Who may import whom, as `docs/explanation/architecture.md` draws it. An import inside a function counts too: it hides
a cycle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "tessera").rglob("*.py"))
PACKAGES = {"production", "catalog", "semantic", "ingest", "vault"}
FOUNDATIONS: dict[str, set[str]] = {
    "kernel": set(),
    "identity": {"kernel"},
    "warehouse": {"kernel"},
    **{package: {"kernel", "identity", "warehouse"} for package in PACKAGES},
}
"""What each room may import wholly. `tessera.settings` and `tessera` itself are open to all but the kernel."""
COMPOSERS = {"tessera/app.py", "tessera/__main__.py"}
"""They know every package; nobody imports them (the command line's `serve` does)."""
LAYERS = ("model", "store", "rules", "routes")


def module_name(file: Path) -> str:
    parts = list(file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Every module of ours that the file imports, at any depth, with its line."""
    known = {module_name(source) for source in SOURCES}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "tessera":
                    yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: write the whole name"
            if node.module and node.module.split(".")[0] == "tessera":
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield (whole if whole in known else node.module), node.lineno


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def layer(module: str) -> int:
    """0 model, 1 store, 2 rules, 3 routes; by the name of the file or folder."""
    parts = module.split(".")[2:]
    if not parts:
        return 2
    if parts[0] in ("routes", "cli", "errors") or parts[0].startswith("cli_"):
        return 3
    last = parts[-1]
    if last == "model" or last.endswith("_model"):
        return 0
    if last == "store" or last.endswith("_store"):
        return 1
    return 2


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_imports_only_what_its_room_may(file: Path) -> None:
    name = module_name(file)
    mine = room(name)
    for imported, line in imports(file):
        theirs = room(imported)
        where = f"{file.relative_to(ROOT)}:{line}: {imported}"
        if str(file.relative_to(ROOT)) in COMPOSERS:
            continue
        assert theirs not in ("app", "__main__"), f"{where}: only the composition knows every package"
        if mine not in FOUNDATIONS or theirs in ("", mine):
            continue
        if theirs == "settings":
            assert mine != "kernel", f"{where}: the kernel knows no setting of ours; hand the value in"
            continue
        if theirs in FOUNDATIONS[mine]:
            continue
        assert mine in PACKAGES, f"{where}: {mine} may import {FOUNDATIONS[mine] or 'no room'}"
        assert theirs in PACKAGES, f"{where}: not a room that a package may import"
        assert imported == f"tessera.{theirs}", f"{where}: of another package, its public module alone"


@pytest.mark.parametrize("package", sorted(PACKAGES | {"identity"}))
def test_inside_a_package_imports_go_from_routes_to_rules_to_store_to_model(package: str) -> None:
    for file in SOURCES:
        name = module_name(file)
        if room(name) != package or name == f"tessera.{package}":
            continue
        for imported, line in imports(file):
            if room(imported) == package and imported != f"tessera.{package}":
                assert layer(imported) <= layer(name), f"{file.relative_to(ROOT)}:{line} reaches up to {imported}"


def test_no_two_modules_import_each_other() -> None:
    graph = {module_name(file): {target for target, _ in imports(file)} for file in SOURCES}
    state: dict[str, int] = {}

    def visit(module: str, path: list[str]) -> None:
        if state.get(module) == 2:
            return
        assert state.get(module) != 1, " -> ".join([*path[path.index(module) :], module])
        state[module] = 1
        for target in sorted(graph.get(module, ())):
            if target != module:
                visit(target, [*path, module])
        state[module] = 2

    for module in sorted(graph):
        visit(module, [])


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_says_first_what_it_owns(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text())), "a module begins with a line that says what it owns"


def test_files_are_named_for_what_they_know() -> None:
    vague = {"utils", "util", "helpers", "common", "misc", "manager", "base2"}
    assert not [str(file) for file in SOURCES if file.stem in vague]

"""Writes the generated pages below `docs/reference`; `make docs` runs it and a test compares."""

import typing
from pathlib import Path
from typing import Annotated, Any

import msgspec

from tessera.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def settings_page() -> str:
    """Every setting as a table: name, environment variable, type, default, meaning."""
    lines = [
        "# Settings",
        "",
        "Made from `tessera/settings.py` by `make docs`. A setting is read from the environment, else `tessera.toml`",
        "(in the data folder, or the file that `TESSERA_CONFIG` names), else it has its default. Lists there",
        "are separated by commas.",
        "",
        "| `tessera.toml` | environment | type | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for field in msgspec.structs.fields(Settings):
        hint, meta = _parts(field.type)
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        shown = str(default).lower() if isinstance(default, bool) else repr(default).replace("'", '"')
        lines.append(
            f"| `{field.name}` | `TESSERA_{field.name.upper()}` | {_type_name(hint)} | `{shown}` | {_meaning(meta)} |"
        )
    return "\n".join(lines) + "\n"


def _parts(hint: Any) -> tuple[Any, msgspec.Meta | None]:
    if typing.get_origin(hint) is Annotated:
        inner, *notes = typing.get_args(hint)
        return inner, next((note for note in notes if isinstance(note, msgspec.Meta)), None)
    return hint, None


def _type_name(hint: Any) -> str:
    name = hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
    words = {"int": "whole number", "str": "text", "bool": "true or false", "float": "number"}
    return words.get(name, name.replace("list[str]", "list of texts").replace("|", "or"))


def _meaning(meta: msgspec.Meta | None) -> str:
    text = (meta.description if meta else None) or ""
    return text.replace("|", "\\|")


PAGES = {"settings.md": settings_page}


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make())


if __name__ == "__main__":
    main()

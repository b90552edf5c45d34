"""Rows of delimited text. Source: contracts/ingest.md, 5.5 and 6.9.

Arrow's reader takes the file as long as every row has the header's width; from the first that has not, Python's reader
goes on: short rows get nulls, what is beyond the header goes to ``overflow``.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from tessera.ingest.reading.batches import BLOCK_BYTES, Batch, Rejected, Unreadable, rejected
from tessera.ingest.reading.shapes import BOOL, DOUBLE, INT, TEXT, without_columns
from tessera.ingest.sql.statements import ContentType

OVERFLOW: Final = "overflow"
ROWS_AT_ONCE: Final = 100_000
"""Rows in one batch of the slow reader."""
FIELD_LIMIT: Final = 16 << 20
"""Characters in one field; a longer one is a quote that was never closed."""
_INTEGER: Final = r"^[+-]?(0|[1-9][0-9]{0,18})$"
_NUMBER: Final = r"^[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_TRUTH: Final = r"^(?i:true|false)$"


def read_csv(stream: BinaryIO, content: ContentType) -> Iterator[Batch]:
    """Batches of the rows in ``stream``.

    Raises:
        Unreadable: the header is missing, has a name twice, or has more columns than MAX_COLUMNS allows.
    """
    data = _Counted(stream)
    first = data.peek_line()
    names = _header(first, content)
    if content.header is None:
        data.skip_line(content)
    start = data.position
    done = 0
    try:
        for table in _by_arrow(data, names, content):
            done += table.num_rows
            yield Batch(_typed(table, content), [], data.taken())
    except pa.ArrowInvalid:
        data.rewind(start)
        yield from _by_python(data, names, content, skip=done)


class _Counted:
    """The stream in memory-sized steps, able to begin again: readers of compressed text cannot seek cheaply."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.position = 0
        self._counted = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self.stream.read(size)
        self.position += len(chunk)
        return chunk

    def peek_line(self) -> bytes:
        self.stream.seek(0)
        line = self.stream.readline(FIELD_LIMIT)
        self.stream.seek(0)
        return line

    def skip_line(self, content: ContentType) -> None:
        """Pass the header by; it may hold line breaks inside quotes."""
        line = self.stream.readline()
        quote = content.quote.encode()
        while line.count(quote) % 2 and (more := self.stream.readline()):
            line += more
        self.position = len(line)

    def rewind(self, position: int) -> None:
        self.stream.seek(position)
        self.position = position

    def taken(self) -> int:
        """Bytes read since the last call."""
        taken = self.position - self._counted
        self._counted = max(self.position, self._counted)
        return max(taken, 0)


def _header(line: bytes, content: ContentType) -> list[str]:
    if content.header is not None:
        names = list(content.header)
    else:
        if not line.strip():
            raise Unreadable("the file has no header row; give HEADER = ('a', 'b') if the first row is data")
        text = line.decode("utf-8-sig", "replace")
        names = next(csv.reader([text], delimiter=content.delimiter, quotechar=content.quote), [])
    if content.max_columns is not None and len(names) > content.max_columns:
        raise Unreadable(f"the header has {len(names)} columns; MAX_COLUMNS is {content.max_columns}")
    unique: list[str] = []
    seen: dict[str, int] = {}
    for number, raw in enumerate(names):
        name = raw.strip() or f"_col{number}"
        key = name.lower()
        if key in seen and not content.allow_duplicate_headers:
            raise Unreadable(f"the header has {name} twice; ALLOW_DUPLICATE_HEADERS = TRUE numbers them")
        seen[key] = seen.get(key, -1) + 1
        unique.append(f"{name}_{seen[key]}" if seen[key] else name)
    return unique


def _by_arrow(data: _Counted, names: list[str], content: ContentType) -> Iterator[pa.Table]:
    nulls = [""] + ([content.null_value] if content.null_value is not None else [])
    # An empty body is no error; Arrow's reader says it is.
    head = data.read(1)
    if not head:
        return
    data.rewind(data.position - 1)
    reader = pcsv.open_csv(
        pa.PythonFile(_ReadOnly(data), mode="r"),
        read_options=pcsv.ReadOptions(column_names=names, block_size=BLOCK_BYTES // 4, use_threads=True),
        parse_options=pcsv.ParseOptions(
            delimiter=content.delimiter, quote_char=content.quote, newlines_in_values=True, ignore_empty_lines=True
        ),
        convert_options=pcsv.ConvertOptions(
            column_types=dict.fromkeys(names, TEXT),
            null_values=nulls,
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


class _ReadOnly(io.RawIOBase):
    def __init__(self, data: _Counted) -> None:
        super().__init__()
        self._data = data

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(size)


def _by_python(data: _Counted, names: list[str], content: ContentType, *, skip: int) -> Iterator[Batch]:
    # Bytes that are no UTF-8 come through as lone surrogates, so that their row alone is rejected.
    text = io.TextIOWrapper(io.BufferedReader(_Kept(data)), encoding="utf-8", errors="surrogateescape", newline="")
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(text, delimiter=content.delimiter, quotechar=content.quote)
    extra_line = 0 if content.header is not None else 1
    rows: list[list[str | None]] = []
    bad: list[Rejected] = []
    width = len(names)
    while True:
        line = reader.line_num + 1 + extra_line
        try:
            row = next(reader, None)
        except csv.Error as error:
            bad.append(rejected(line, -1, str(error), b""))
            continue
        if row is None:
            break
        if not row:
            continue
        if skip:
            skip -= 1
            continue
        joined = content.delimiter.join(row)
        if not joined.isascii() and _has_surrogate(joined):
            bad.append(rejected(line, -1, "not UTF-8", joined.encode("utf-8", "surrogateescape")))
            continue
        values: list[str | None] = [None if v in ("", content.null_value) else v for v in row[:width]]
        values.extend([None] * (width - len(values)))
        values.append(content.delimiter.join(row[width:]) if len(row) > width else None)
        rows.append(values)
        if len(rows) >= ROWS_AT_ONCE:
            yield Batch(_typed(_table(rows, names), content), bad, data.taken())
            rows, bad = [], []
    if rows or bad:
        yield Batch(_typed(_table(rows, names), content), bad, data.taken())


class _Kept(io.RawIOBase):
    """Raw bytes for a text reader; closing it leaves the stream open."""

    def __init__(self, data: _Counted) -> None:
        super().__init__()
        self._data = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._data.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _table(rows: list[list[str | None]], names: list[str]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(names) + 1)
    table = pa.table({name: pa.array(columns[number], TEXT) for number, name in enumerate(names)})
    overflow = pa.array(columns[-1], TEXT)
    return table.append_column(OVERFLOW, overflow) if overflow.null_count < len(overflow) else table


def _typed(table: pa.Table, content: ContentType) -> pa.Table:
    """Columns in the types that their values show, where that was asked for; columns of nothing but nulls left out."""
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count == len(column):
            continue
        columns[name] = _inferred(column) if content.infer_types and name != OVERFLOW else column
    return pa.table(columns) if columns else without_columns(table.num_rows)


def _inferred(column: Any) -> Any:
    """INFER_TYPES knows string, integer, double, boolean. A number with leading zeros is no number: 007 stays 007."""
    for pattern, shape in ((_INTEGER, INT), (_NUMBER, DOUBLE), (_TRUTH, BOOL)):
        if pc.all(pc.match_substring_regex(column, pattern)).as_py():
            text = pc.utf8_lower(column) if shape == BOOL else pc.utf8_ltrim(column, "+")
            try:
                return pc.cast(text, shape)
            except pa.ArrowInvalid:
                continue
    return column

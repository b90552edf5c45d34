"""JSON documents one after the other, as a rule one a line. Source: contracts/ingest.md, 3.3 and 6.9.

Two readers with one meaning: Arrow's parser takes whole blocks; a block that it refuses is read document by document,
which finds each bad line. DuckDB's ``read_json(ignore_errors=true)`` would turn bad lines into rows of nulls without a
word (contract, 7.1), so it is no part of this.
"""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from tessera.ingest.reading.batches import BLOCK_BYTES, Batch, Rejected, Unreadable, rejected
from tessera.ingest.reading.shapes import TEXT, normalise, table_of

DOCUMENT_LIMIT: Final = 64 << 20
"""Bytes of one document; a longer one makes the file unreadable."""
PARSE_BYTES: Final = 2 << 20
"""Bytes that one of the parser's threads takes."""
FIRST_BYTES: Final = 256 << 10
"""Bytes of the first block: what is learnt from it saves parsing a large one twice."""
WINDOW_LINES: Final = 2
HUGE: Final = 2.0**63
_BLANKS: Final = b" \t\r\n"


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)
_decode_line: Final = msgspec.json.Decoder().decode


class Found:
    """What one block gave: documents in order, rejected rows, and how many bytes were used up."""

    def __init__(self, line: int, offset: int) -> None:
        self.documents: list[dict[str, Any]] = []
        self.rejected: list[Rejected] = []
        self.line = line
        self.offset = offset


def read_json(stream: BinaryIO, *, split_root_array: bool = True, block_bytes: int = BLOCK_BYTES) -> Iterator[Batch]:
    """Batches of the documents in ``stream``, in its order.

    Raises:
        Unreadable: one document is over the limit.
    """
    parser = _BlockParser()
    rest = b""
    line, offset = 1, 0
    final = False
    while not final:
        chunk = stream.read(block_bytes if offset else min(block_bytes, FIRST_BYTES))
        final = not chunk
        data = rest + chunk if rest else chunk
        if offset == 0 and data.startswith(b"\xef\xbb\xbf"):
            data = data[3:]
        cut = len(data) if final else data.rfind(b"\n") + 1
        block, rest = data[:cut], data[cut:]
        if len(rest) > DOCUMENT_LIMIT:
            raise Unreadable(f"the document at byte {offset + cut} is over {DOCUMENT_LIMIT} bytes")
        if not block:
            continue
        table = parser.parse(block)
        if table is not None:
            yield Batch(table, [], len(block))
        else:
            found = Found(line, offset)
            used = _by_document(block, found, final=final, split_root_array=split_root_array)
            if used < len(block):
                # The last document goes on beyond this block.
                block, rest = block[:used], block[used:] + rest
                if len(rest) > DOCUMENT_LIMIT:
                    raise Unreadable(f"the document at byte {offset + used} is over {DOCUMENT_LIMIT} bytes")
            yield Batch(table_of(found.documents), found.rejected, len(block))
        line += block.count(b"\n")
        offset += len(block)


class _BlockParser:
    """Arrow's parser, with what it has learnt from the blocks so far.

    ``explicit`` holds the columns in which it would see timestamps: JSON strings stay strings (contract, 5.8).
    """

    def __init__(self) -> None:
        self.explicit: dict[str, pa.DataType] = {}
        self.order: list[str] = []

    def parse(self, block: bytes) -> pa.Table | None:
        """The rows of a block; None where it has to be read by document."""
        if not block.strip(_BLANKS):
            return table_of([])
        if not block.isascii() and not _is_utf8(block):
            return None
        for _ in range(3):
            try:
                table = pj.read_json(
                    pa.BufferReader(block),
                    read_options=pj.ReadOptions(block_size=PARSE_BYTES),
                    parse_options=pj.ParseOptions(
                        explicit_schema=pa.schema(list(self.explicit.items())) if self.explicit else None,
                        newlines_in_values=False,
                    ),
                )
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                if not self.explicit:
                    return None
                self.explicit.clear()
                continue
            timed = {field.name: _as_text(field.type) for field in table.schema if _has_timestamp(field.type)}
            if not timed:
                if _differs_in_case(table.schema) or any(_has_huge(column) for column in table.columns):
                    return None
                return normalise(self._in_order(table))
            self.order = self.order or table.column_names
            self.explicit |= timed
        return None

    def _in_order(self, table: pa.Table) -> pa.Table:
        """Columns as the documents have them; the parser puts those with an explicit type first."""
        names = set(table.column_names)
        first = [name for name in self.order if name in names]
        return table.select(first + [name for name in table.column_names if name not in set(first)])


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _differs_in_case(shape: Any) -> bool:
    """Whether names in it differ in case only: which value is last is known by document alone."""
    names = [field.name.lower() for field in shape]
    if len(set(names)) != len(names):
        return True
    return any(_differs_in_case(inner) for field in shape if (inner := _struct_in(field.type)) is not None)


def _has_huge(column: Any) -> bool:
    """Whether a column of doubles may hold an integer beyond 64 bits, which the parser has rounded without a word."""
    shape = column.type
    if pa.types.is_floating(shape):
        bounds = pc.min_max(column).as_py()
        return bounds["min"] is not None and max(-bounds["min"], bounds["max"]) >= HUGE
    if pa.types.is_struct(shape):
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        return any(_has_huge(inner) for chunk in chunks for inner in chunk.flatten())
    if pa.types.is_list(shape):
        return _has_huge(pc.list_flatten(column))
    return False


def _struct_in(shape: pa.DataType) -> pa.DataType | None:
    while pa.types.is_list(shape):
        shape = shape.value_type
    return shape if pa.types.is_struct(shape) else None


def _has_timestamp(shape: pa.DataType) -> bool:
    if pa.types.is_struct(shape):
        return any(_has_timestamp(field.type) for field in shape)
    if pa.types.is_list(shape):
        return _has_timestamp(shape.value_type)
    return bool(pa.types.is_timestamp(shape))


def _as_text(shape: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(shape):
        return pa.struct([(field.name, _as_text(field.type)) for field in shape])
    if pa.types.is_list(shape):
        return pa.list_(_as_text(shape.value_type))
    return TEXT if pa.types.is_timestamp(shape) else shape


def _by_document(block: bytes, found: Found, *, final: bool, split_root_array: bool) -> int:
    """Read document by document; the number of bytes used up (all of them but an unfinished last document)."""
    at = 0
    size = len(block)
    while at < size:
        end = block.find(b"\n", at)
        end = size if end < 0 else end
        text = block[at:end]
        if text.strip(_BLANKS):
            try:
                value = _decode_line(text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                reached = _documents_from(block, at, found, final=final, split_root_array=split_root_array)
                if reached is None:
                    return at
                at = reached
                continue
            _accept(value, block, at, end, found, split_root_array=split_root_array)
        at = end + 1
    return size


def _place(block: bytes, at: int, found: Found) -> tuple[int, int]:
    return found.line + block.count(b"\n", 0, at), found.offset + at


def _reject(block: bytes, start: int, end: int, error: str, found: Found) -> None:
    line, offset = _place(block, start, found)
    found.rejected.append(rejected(line, offset, error, block[start:end].rstrip(b"\r")))


def _accept(value: Any, block: bytes, start: int, end: int, found: Found, *, split_root_array: bool) -> None:
    """Take a top-level value: an object is a row, an array of objects several, all else is an error (contract, 6.9)."""
    if isinstance(value, dict):
        values = [value]
    elif isinstance(value, list) and split_root_array and all(isinstance(item, dict) for item in value):
        values = value
    elif isinstance(value, list) and not split_root_array:
        values = [{"data": value}]
    else:
        _reject(block, start, end, "the top-level value is no object and no array of objects", found)
        return
    try:
        # A lone surrogate is legal in a JSON escape but no text that a database can keep.
        msgspec.json.encode(values)
    except (UnicodeEncodeError, RecursionError):
        _reject(block, start, end, "the document has half a surrogate pair, or is nested too deep", found)
        return
    found.documents.extend(values)


def _documents_from(block: bytes, start: int, found: Found, *, final: bool, split_root_array: bool) -> int | None:
    """Documents from ``start`` to the end of a line: several on one line, or one over several lines.

    Returns where the next line begins; None where the last document goes on beyond the block.
    """
    at = start
    while True:
        while at < len(block) and block[at] in b" \t\r":
            at += 1
        if at >= len(block) or block[at : at + 1] == b"\n":
            return at + 1
        line_end = block.find(b"\n", at)
        line_end = len(block) if line_end < 0 else line_end
        outcome = _one_document(block, at, line_end, final=final)
        if outcome is None:
            return None
        value, end, error = outcome
        if error is not None:
            _reject(block, at, line_end, error, found)
            return line_end + 1
        _accept(value, block, at, end, found, split_root_array=split_root_array)
        at = end


def _one_document(block: bytes, at: int, line_end: int, *, final: bool) -> tuple[Any, int, str | None] | None:
    """One document from ``at``: its value, where it ends, what is wrong with it; None if the block ends inside it."""
    lines = WINDOW_LINES
    end = line_end
    while True:
        try:
            text = block[at:end].decode()
        except UnicodeDecodeError as error:
            return None, line_end, f"not UTF-8: {error.reason} at byte {error.start} of the row"
        try:
            value, length = _DECODER.raw_decode(text)
        except json.JSONDecodeError as error:
            if error.pos < len(text.rstrip()):
                return None, line_end, f"{error.msg} at character {error.pos + 1} of the row"
            if end >= len(block):
                return (None, line_end, f"the document ends too early: {error.msg}") if final else None
            # Unfinished, not wrong: look at twice as many lines.
            for _ in range(lines):
                following = block.find(b"\n", end + 1)
                end = len(block) if following < 0 else following
            lines *= 2
            continue
        except ValueError as error:
            return None, line_end, str(error)
        except RecursionError:
            return None, line_end, "the document is nested too deep"
        return value, at + len(text[:length].encode()), None

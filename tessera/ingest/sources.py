"""Where files are: folders of this machine that an administrator allowed, and stores that speak S3.

Source: contracts/ingest.md, 5.3 (LOCAL), 5.4 (LOCATION) and 6.2 (what counts as a file, and when).
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from tessera.kernel.errors import Invalid

QUIET_SECONDS: Final = 2.0
"""A file that has not changed for so long is complete. Source: contract, 6.2."""


class SourceFile(Struct, frozen=True):
    """One file. ``unit`` is its canonical path, by which the ledger knows it; ``path`` is the part below LOCATION."""

    unit: str
    path: str
    size: int
    etag: str
    modified: float
    is_complete: bool


class Source(Protocol):
    """A place that can be listed, read and cleared."""

    def files(self) -> Iterator[SourceFile]:
        """All files below LOCATION, in no order.

        Raises:
            SourceAway: the place does not answer.
        """

    def open(self, file: SourceFile) -> BinaryIO:
        """The bytes of a file, from which one can read and seek.

        Raises:
            SourceAway: the file is gone or the place does not answer.
        """

    def delete(self, file: SourceFile) -> None:
        """Remove a file; nothing happens if it is gone already."""


class SourceAway(Exception):
    """The source does not answer; it may later."""


def check_root(root: str, allowed: Sequence[str]) -> Path:
    """The folder of a LOCAL connection, links resolved.

    Raises:
        Invalid: it is not absolute, does not exist, or lies outside the folders that the settings allow.
    """
    if not os.path.isabs(root) or "\x00" in root:
        raise Invalid(f"ROOT must be an absolute folder; got {root!r}", field="ROOT")
    resolved = Path(os.path.realpath(root))
    # Whether a folder exists is told of allowed places only.
    if not _is_inside(resolved, allowed):
        raise Invalid(
            f"ROOT {root} is not inside a folder that this server may read; an administrator lists those in the "
            "setting ingest_local_folders",
            field="ROOT",
        )
    if not resolved.is_dir():
        raise Invalid(f"ROOT {root} is no folder on this server", field="ROOT")
    return resolved


def _is_inside(path: Path, folders: Iterable[str | Path]) -> bool:
    return any(path.is_relative_to(os.path.realpath(folder)) for folder in folders)


class LocalSource:
    """Files in a folder and all folders below it.

    Args:
        root: the connection's ROOT.
        location: LOCATION of the job: relative to ROOT, or absolute inside it.
        allowed: the folders of the setting ``ingest_local_folders``.

    Raises:
        Invalid: the place is not allowed or no folder.
    """

    def __init__(self, root: str, location: str, allowed: Sequence[str]) -> None:
        self._allowed = [os.path.realpath(folder) for folder in allowed]
        base = check_root(root, allowed)
        place = Path(os.path.realpath(base / location))
        if not place.is_relative_to(base):
            raise Invalid(f"LOCATION {location!r} is not inside the connection's ROOT", field="LOCATION")
        if not place.is_dir():
            raise Invalid(f"LOCATION {location!r} is no folder below the connection's ROOT", field="LOCATION")
        self._place = place
        self._seen: dict[str, tuple[int, int]] = {}

    def files(self) -> Iterator[SourceFile]:
        """A file is complete once two listings saw the same size and time, or it is two seconds old."""
        now = time.time()
        seen: dict[str, tuple[int, int]] = {}
        prefix = len(str(self._place).rstrip("/")) + 1
        for entry in self._walk():
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            unit = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            mark = (status.st_size, status.st_mtime_ns)
            is_old = now - status.st_mtime > QUIET_SECONDS
            if not is_old:
                seen[unit] = mark
            yield SourceFile(
                unit=unit,
                path=entry.path[prefix:],
                size=status.st_size,
                etag=str(status.st_mtime_ns),
                modified=status.st_mtime,
                is_complete=is_old or self._seen.get(unit) == mark,
            )
        self._seen = seen

    def _walk(self) -> "Iterator[os.DirEntry[str]]":
        folders = [str(self._place)]
        while folders:
            folder = folders.pop()
            try:
                entries = list(os.scandir(folder))
            except FileNotFoundError as error:
                if folder == str(self._place):
                    raise SourceAway("the folder is gone") from error
                continue
            except OSError as error:
                raise SourceAway(f"the folder cannot be read: {error.strerror}") from error
            for entry in entries:
                # Names with a surrogate are no text that a table could keep.
                if entry.name.startswith((".", "_")) or not _is_text(entry.name):
                    continue
                if entry.is_symlink() and not _is_inside(Path(os.path.realpath(entry.path)), self._allowed):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file():
                    yield entry

    def open(self, file: SourceFile) -> BinaryIO:
        """Where the file really is, is checked again on what was opened: a link may have been changed meanwhile."""
        try:
            stream = Path(file.unit).open("rb")  # noqa: SIM115 - the caller closes it
        except OSError as error:
            raise SourceAway(f"{file.path} cannot be opened: {error.strerror}") from error
        real = os.path.realpath(f"/proc/self/fd/{stream.fileno()}") if Path("/proc/self/fd").is_dir() else file.unit
        if not _is_inside(Path(real), self._allowed):
            stream.close()
            raise SourceAway(f"{file.path} is not inside an allowed folder")
        return stream

    def delete(self, file: SourceFile) -> None:
        """Remove the file."""
        with contextlib.suppress(FileNotFoundError):
            Path(file.unit).unlink()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class ObjectSource:
    """Objects below a prefix of a bucket, by obstore's interface. What is visible is complete (contract, 6.2)."""

    def __init__(self, store: Any, bucket: str, prefix: str) -> None:
        self._store = store
        self._bucket = bucket
        self._prefix = prefix.strip("/")

    def files(self) -> Iterator[SourceFile]:
        """Names that begin with a dot or an underscore are left out, as in folders."""
        import obstore
        from obstore.exceptions import BaseError

        start = len(self._prefix) + 1 if self._prefix else 0
        try:
            for page in obstore.list(self._store, self._prefix or None, chunk_size=1000):
                for item in page:
                    path = str(item["path"])[start:]
                    if any(part.startswith((".", "_")) for part in path.split("/")) or not path:
                        continue
                    modified = item["last_modified"].timestamp()
                    unit = f"s3://{self._bucket}/{item['path']}"
                    etag = str(item["e_tag"] or "")
                    yield SourceFile(unit, path, int(item["size"]), etag, modified, is_complete=True)
        except (BaseError, OSError) as error:
            raise SourceAway(f"the bucket {self._bucket} cannot be listed") from error

    def open(self, file: SourceFile) -> BinaryIO:
        """The object's bytes in memory-sized pieces."""
        import io

        import obstore
        from obstore.exceptions import BaseError

        try:
            return io.BytesIO(bytes(obstore.get(self._store, self._key(file)).bytes()))
        except (BaseError, OSError) as error:
            raise SourceAway(f"{file.path} cannot be read") from error

    def delete(self, file: SourceFile) -> None:
        """Remove the object."""
        import obstore
        from obstore.exceptions import NotFoundError

        with contextlib.suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._store, self._key(file))

    def _key(self, file: SourceFile) -> str:
        return file.unit.removeprefix(f"s3://{self._bucket}/")


def s3_source(options: dict[str, str], location: str) -> ObjectSource:
    """A source over a bucket that speaks S3. ``options``: values of the connection's options.

    Raises:
        Invalid: LOCATION is no ``s3://bucket/prefix/``.
    """
    from obstore.store import S3Store

    parts = urlsplit(location)
    if parts.scheme != "s3" or not parts.netloc:
        raise Invalid(f"LOCATION must look like s3://bucket/prefix/; got {location!r}", field="LOCATION")
    endpoint = options.get("ENDPOINT_URL")
    config: dict[str, Any] = {
        "access_key_id": options.get("AWS_ACCESS_KEY_ID"),
        "secret_access_key": options.get("AWS_SECRET_ACCESS_KEY"),
        "region": options.get("REGION") or "us-east-1",
        "endpoint": endpoint,
        "virtual_hosted_style_request": options.get("PATH_STYLE", "TRUE" if endpoint else "FALSE").upper() != "TRUE",
    }
    client: Any = {"allow_http": bool(endpoint and endpoint.startswith("http://")), "timeout": "60s"}
    given: Any = {name: value for name, value in config.items() if value is not None}
    if "access_key_id" not in given:
        given["skip_signature"] = True
    store = S3Store(parts.netloc, config=given, client_options=client)
    return ObjectSource(store, parts.netloc, parts.path)

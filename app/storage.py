"""Where the bytes of attachments are: a folder of this machine, or a bucket that speaks S3.

What is stored is never changed: each upload has a name of its own.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import uuid4

from app.errors import InsufficientStorage, Unavailable
from app.extensions import settings

CHUNK = 256 * 1024  # bytes in memory at a time
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Store(Protocol):
    """What both kinds do. Errors: 507 when it is full, 503 when it is away."""

    def put(self, name: str, content: BinaryIO) -> None:
        """Keep all of ``content``; it is safe when this returns."""

    def open(self, name: str) -> BinaryIO:
        """What was put, to be read and sought in."""

    def delete(self, name: str) -> None:
        """Let it go; it may have gone already."""

    def names(self, before: datetime) -> Iterator[list[str]]:
        """All that was put before this instant, in batches."""


@contextmanager
def told() -> Iterator[None]:
    """Tell a disk that is full or away in the application's words."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise InsufficientStorage from error
        raise Unavailable("almacenamiento_no_disponible", retry_after=30) from error


class Folder:
    """A folder of this machine, or one that all machines mount."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        return self.root / name[:2] / name

    @told()
    def put(self, name: str, content: BinaryIO) -> None:
        path = self.path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_suffix(".parte")
        try:
            with half.open("xb") as file:
                shutil.copyfileobj(content, file, CHUNK)
                file.flush()
                os.fsync(file.fileno())
            half.rename(path)
        except OSError:
            half.unlink(missing_ok=True)
            raise
        for folder in (path.parent, self.root):  # The name must be as safe as the bytes.
            sync(folder)

    @told()
    def open(self, name: str) -> BinaryIO:
        return self.path(name).open("rb")

    @told()
    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def names(self, before: datetime) -> Iterator[list[str]]:
        for folder in sorted(self.root.glob("??")):
            with told():
                yield [path.name for path in folder.iterdir() if changed(path) < before]


def changed(path: Path) -> datetime:
    """When a file was written, naive and in UTC; one that is gone is as new as can be."""
    with suppress(FileNotFoundError):
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    return datetime.max


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Bucket:
    """A bucket, by obstore; or with ``memory:///`` this process's memory, for tests."""

    def __init__(self, url: str, options: dict[str, str]) -> None:
        import obstore  # Its 16 MB are for those who use it.
        from obstore.store import from_url

        s3: dict[str, Any] = {
            "config": options,
            "client_options": {"connect_timeout": "2s", "timeout": "60s", "allow_http": True},
            "retry_config": {"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        }
        self.obstore = obstore
        self.store = from_url(url, **(s3 if url.startswith("s3:") else {}))

    @contextmanager
    def told(self) -> Iterator[None]:
        try:
            with told():
                yield
        except self.obstore.exceptions.BaseError as error:
            raise Unavailable("almacenamiento_no_disponible", retry_after=30) from error

    def put(self, name: str, content: BinaryIO) -> None:
        with self.told():
            self.obstore.put(self.store, name, content)

    def open(self, name: str) -> BinaryIO:
        with self.told():
            return Reader(self.obstore.open_reader(self.store, name, buffer_size=CHUNK))  # type: ignore[return-value]

    def delete(self, name: str) -> None:
        with self.told(), suppress(FileNotFoundError):
            self.obstore.delete(self.store, name)

    def names(self, before: datetime) -> Iterator[list[str]]:
        limit = before.replace(tzinfo=UTC)
        with self.told():
            for batch in self.obstore.list(self.store, chunk_size=500):
                yield [one["path"] for one in batch if one["last_modified"] < limit]


class Reader:
    """obstore's reader as a file: it gives ``bytes``, as a server wants them."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.seek, self.tell, self.seekable = reader.seek, reader.tell, reader.seekable
        self.close = reader.close

    def read(self, size: int = -1) -> bytes:
        return bytes(self.reader.readall() if size < 0 else self.reader.read(size))


@lru_cache(maxsize=8)
def store_at(url: str, options: tuple[tuple[str, str], ...]) -> Store:
    if url.startswith("file:"):
        return Folder(Path(url.removeprefix("file://")))
    return Bucket(url, dict(options))


def store() -> Store:
    """The store that the settings name."""
    return store_at(settings().storage_url, settings().storage_options)


def folders() -> list[Path]:
    """The folders of this machine that the store needs."""
    kept = store()
    return [kept.root] if isinstance(kept, Folder) else []


def new_name() -> str:
    """A name that nothing was stored under."""
    return uuid4().hex

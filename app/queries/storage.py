"""The folders that have to take what we write."""

import os
import shutil
import tempfile
from pathlib import Path

from app import database, storage
from app.errors import Unavailable
from app.extensions import settings

LEAST = 20 * 1024**2  # bytes that must be free for a request to be let in


def folders() -> list[Path]:
    """Where bodies are spooled, where attachments go, and where SQLite keeps its file."""
    url = settings().database_url
    needed = {Path(tempfile.gettempdir()), *storage.folders()}
    if url.get_backend_name() == "sqlite" and database.in_file(url):
        needed.add(Path(url.database or "").resolve().parent)
    return sorted(needed)


def is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def free(folder: Path) -> int:
    """Bytes that still fit."""
    return shutil.disk_usage(folder).free


def check() -> None:
    """Raise 503 unless each of them takes more."""
    if not all(is_writable(folder) and free(folder) >= LEAST for folder in folders()):
        raise Unavailable("almacenamiento_no_disponible", retry_after=30)

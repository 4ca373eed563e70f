"""Requests that wait: few enough that others are served, and no longer than the process goes on."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from time import monotonic, sleep

from app.errors import Unavailable

# Two of a worker's threads, of which gunicorn.conf.py tells, are left for requests that do not wait.
PLAZAS = BoundedSemaphore(max(0, int(os.environ.get("HILOS", "4")) - 2))
EVERY = 0.5  # seconds between two looks
RETRY_AFTER = 5


def never() -> bool:
    return False


stopping: Callable[[], bool] = never  # Whether this worker is to end: set by gunicorn.conf.py.


def take_place() -> None:
    """Be one of those who wait; ``PLAZAS.release`` ends it."""
    if not PLAZAS.acquire(blocking=False):
        raise Unavailable("demasiadas_esperas", retry_after=RETRY_AFTER)


@contextmanager
def place() -> Iterator[None]:
    take_place()
    try:
        yield
    finally:
        PLAZAS.release()


def until(ready: Callable[[], bool], end: float) -> bool:
    """Wait until it is ``ready``; False when that is not before ``end``, or before the process stops."""
    while not stopping():
        if ready():
            return True
        left = end - monotonic()
        if left <= 0:
            return False
        sleep(min(EVERY, left))
    return False

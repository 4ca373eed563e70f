"""Requests that wait: few enough that others are served, and no longer than the process goes on."""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from time import monotonic, sleep

from flask import request

from app.errors import Unavailable

# Two of a worker's threads, of which gunicorn.conf.py tells, are left for requests that do not wait.
PLAZAS = BoundedSemaphore(max(0, int(os.environ.get("HILOS", "4")) - 2))
EVERY = 0.5  # seconds between two looks
RETRY_AFTER = 5


def never() -> bool:
    return False


stopping: Callable[[], bool] = never  # Whether this worker is to end: set by gunicorn.conf.py.


def is_over() -> bool:
    """Whether there is nobody to answer any more, or no time."""
    return stopping() or has_hung_up(request.environ.get("gunicorn.socket"))


def has_hung_up(client: socket.socket | None) -> bool:
    """Whether whoever asked has gone: it would keep its place until somebody wrote to it, twice."""
    if client is None or isinstance(client, ssl.SSLSocket):  # Behind TLS of its own one cannot peek.
        return False
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


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
    """Wait until it is ``ready``; False when that is not before ``end``, or when the wait ``is_over``."""
    while not is_over():
        if ready():
            return True
        left = end - monotonic()
        if left <= 0:
            return False
        sleep(min(EVERY, left))
    return False

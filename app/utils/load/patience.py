"""Waiting no longer for an answer than the one who asks does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import TypeVar

from flask import copy_current_request_context

from app.errors import Unavailable

T = TypeVar("T")

# One, so that probes of a database that hangs wait in line instead of taking its last connections.
WORKER = ThreadPoolExecutor(1, "comprobaciones")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` answers in a thread with a session of its own; 503 if not after ``seconds``."""
    waiting = WORKER.submit(copy_current_request_context(work))
    try:
        return waiting.result(seconds)
    except TooLate as error:
        waiting.cancel()
        raise Unavailable("base_de_datos_no_disponible") from error

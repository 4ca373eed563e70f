"""Counts of requests in the memory of this process, for the library `limits`."""

from threading import Lock
from time import time

from limits.storage import Storage

CLEANING = 60.0  # seconds


class Counts(Storage):
    """Fixed windows of time.

    The library's own memory starts a thread for nearly every request, which looks through all it holds.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self.lock = Lock()
        self.windows: dict[str, tuple[int, float]] = {}  # what was counted, and until when it counts
        self.cleaned = time()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time()
        with self.lock:
            if now - self.cleaned >= CLEANING:
                self.windows = {key: window for key, window in self.windows.items() if window[1] > now}
                self.cleaned = now
            counted, until = self.windows.get(key, (0, 0.0))
            if until <= now:
                counted, until = 0, now + expiry
            self.windows[key] = counted + amount, until
        return counted + amount

    def get(self, key: str) -> int:
        counted, until = self.windows.get(key, (0, 0.0))
        return counted if until > time() else 0

    def get_expiry(self, key: str) -> float:
        return self.windows.get(key, (0, time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        forgotten = len(self.windows)
        self.windows = {}
        return forgotten

    def clear(self, key: str) -> None:
        self.windows.pop(key, None)

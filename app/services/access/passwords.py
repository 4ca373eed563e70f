"""Password hashes: argon2id by OWASP's parameters, and what an older database left."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hmac import compare_digest
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Unavailable

# OWASP's minimum: 19 MiB, two passes, one lane; about 25 ms of CPU.
hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# A hash takes a processor for its time, and whoever waits for one a thread: of the four that a worker has
# (gunicorn.conf.py), one stays for other requests.
AT_ONCE = BoundedSemaphore(2)
ADMITTED = BoundedSemaphore(3)
PATIENCE = 2.0  # seconds

SHA256_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
WRAPPED = "v1w"  # stands before the argon2id of an unsalted SHA-256
# What Werkzeug's generate_password_hash has made over the years; the bounds keep a sign-in within a second.
WERKZEUG = re.compile(
    r"(scrypt:(?P<n>16384|32768|65536|131072):(?P<r>[1-8]):(?P<p>[1-4])"
    r"|pbkdf2:(?P<digest_of>sha256|sha512|sha1):(?P<rounds>1?\d{1,6}))"
    r"\$(?P<salt>[A-Za-z0-9]{1,64})\$(?P<digest>([0-9a-f]{2}){20,64})",
    re.ASCII,
)


@contextmanager
def turn() -> Iterator[None]:
    """A turn to hash passwords while requests are served; 503 when too many want one."""
    if not ADMITTED.acquire(blocking=False):
        raise Unavailable("servicio_ocupado")
    try:
        if not AT_ONCE.acquire(timeout=PATIENCE):
            raise Unavailable("servicio_ocupado")
        try:
            yield
        finally:
            AT_ONCE.release()
    finally:
        ADMITTED.release()


def hash_password(password: str) -> str:
    return hasher.hash(password)


@cache
def hash_of_nobody() -> str:
    """What a password is checked against when there is no such user, so that it takes as long."""
    return hasher.hash("nobody has this password")


def verify(stored: str | None, password: str) -> tuple[bool, str | None]:
    """Whether ``password`` is the one, and a new hash to store when the old one is outdated.

    Takes the time of one argon2 in every case but an outdated hash, which takes two or its own and one.
    """
    if stored is not None and SHA256_HEX.fullmatch(stored):
        right = compare_digest(hashlib.sha256(password.encode()).hexdigest(), stored)
        return renewed(right, password)
    if stored is not None and (werkzeug := WERKZEUG.fullmatch(stored)):
        return renewed(is_werkzeug(werkzeug, password), password)
    if stored is not None and stored.startswith(WRAPPED):
        digest = hashlib.sha256(password.encode()).hexdigest()
        return renewed(matches(stored.removeprefix(WRAPPED), digest), password)
    right = matches(stored or hash_of_nobody(), password)
    if stored is None or not right:
        return False, None
    return True, hash_password(password) if hasher.check_needs_rehash(stored) else None


def matches(stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def renewed(right: bool, password: str) -> tuple[bool, str | None]:
    modern = hash_password(password)
    return right, modern if right else None


def wrap(sha256_hex: str) -> str:
    """What is stored in place of a bare SHA-256: an argon2id over its digits."""
    return WRAPPED + hasher.hash(sha256_hex)


def is_werkzeug(stored: re.Match[str], password: str) -> bool:
    """Whether ``password`` gives a hash that Werkzeug made."""
    salt, secret = stored["salt"].encode(), password.encode()
    if stored["rounds"]:
        derived = hashlib.pbkdf2_hmac(stored["digest_of"], secret, salt, int(stored["rounds"]))
    else:
        n, r, p = (int(stored[name]) for name in "nrp")
        derived = hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=132 * n * r * p)
    return compare_digest(derived.hex(), stored["digest"])


def is_known(stored: str) -> bool:
    """Whether somebody can sign in by this hash of an older database."""
    return bool(SHA256_HEX.fullmatch(stored) or WERKZEUG.fullmatch(stored))

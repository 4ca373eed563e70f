"""Password hashes: argon2id by OWASP's parameters, and what an older database left."""

import hashlib
import re
from functools import cache
from hmac import compare_digest

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's minimum: 19 MiB, two passes, one lane; about 25 ms of CPU.
hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

SHA256_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


def hash_password(password: str) -> str:
    return hasher.hash(password)


@cache
def hash_of_nobody() -> str:
    """What a password is checked against when there is no such user, so that it takes as long."""
    return hasher.hash("nobody has this password")


def verify(stored: str | None, password: str) -> tuple[bool, str | None]:
    """Whether ``password`` is the one, and a new hash to store when the old one is outdated.

    Takes the time of one argon2 in every case but an outdated argon2 hash, which takes two.
    """
    if stored is not None and SHA256_HEX.fullmatch(stored):
        right = compare_digest(hashlib.sha256(password.encode()).hexdigest(), stored)
        modern = hash_password(password)
        return right, modern if right else None
    try:
        hasher.verify(stored or hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False, None
    if stored is None:
        return False, None
    return True, hash_password(password) if hasher.check_needs_rehash(stored) else None

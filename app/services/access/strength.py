"""Passwords that anybody would try first: known words with something around them, patterns, one's own name.

No rule asks for kinds of characters: several words in a row are a good password.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, product
from pathlib import Path

from app.errors import Falla
from app.models import fold

# Words of lists of passwords, and names: letters only, folded, one a line; common ones of five languages.
WORDS = Path(__file__).with_name("common_words.txt")
SHORTEST = 4  # letters of a word or name that count; shorter ones are in many a good password
SHORT_BLOCK = 6  # characters that are no longer a password when they come again and again
TRIVIAL = 0.4  # of its length: as many pieces of patterns, or fewer, make a pattern of the whole

DIGITS, SIGNS = "0123456789", "!@#$%^&*?+=,.;:/-_ "
LEET = [str.maketrans("013457@$!|8", f"o{one}east" + "as" + f"{one}{one}b") for one in "il"]
ROWS = ("01234567890", "abcdefghijklmnopqrstuvwxyz")
KEYS = ("qwertyuiop", "asdfghjkln", "asdfghjkl;", "zxcvbnm", "azertyuiop", "qwertz", "qazwsxedcrfvtgbyhnujm")
COLUMNS = ("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik", "9ol", "147", "258", "369")
LINES = [line[::step] for line in (*ROWS, *KEYS, *COLUMNS) for step in (1, -1)]


@cache
def common_words() -> frozenset[str]:
    """Read when the first password is set, not at the start."""
    return frozenset(WORDS.read_text(encoding="ascii").split())


def faults(password: str, about: Iterable[str]) -> Iterator[Falla]:
    """What is wrong with a password of somebody whose e-mail and names are ``about`` it."""
    text = plain(password)
    if is_pattern(text) or any(is_common(form) for form in forms(text)):
        yield Falla("clave_comun")
    own = parts_of(about)
    if any(part in form for part in own for form in chain(forms(text), forms(text[::-1]))):
        yield Falla("clave_parecida")


def plain(text: str) -> str:
    """Folded, and with the ñ as keyboards without one write it."""
    return fold(text).replace("ñ", "n")


def forms(text: str) -> Iterator[str]:
    """The text, and with the letters that its digits and signs may stand for.

    Those at its ends are taken for what they are, too, all of them or all but the innermost: of
    ``4dm1n1str4d0r123`` the 123 are no letters, of ``s0p0rt3123`` only the 3 is one.
    """
    yield text
    first = len(text) - len(text.lstrip(DIGITS + SIGNS))
    last = len(text.rstrip(DIGITS + SIGNS))
    for start, end in product({0, first, max(0, first - 1)}, {len(text), last, last + 1}):
        yield from (text[start:end].translate(table) for table in LEET)


def is_common(text: str) -> bool:
    """Whether nothing but one common word is in it, once or several times, and what is no letter."""
    letters = set(re.findall(r"[^\W\d_]+", text))
    spelled = re.sub(r"[\s._-]", "", text)  # p.a.s.s.w.o.r.d
    words = letters if len(letters) == 1 else {spelled}
    return any({word, once(word)} & common_words() for word in words)


def once(text: str) -> str:
    """``abc`` of ``abcabc``."""
    repeated = re.fullmatch(r"(.+?)\1+", text)
    return repeated[1] if repeated else text


def is_pattern(text: str) -> bool:
    """Whether it is a short block again and again, or runs along the alphabet, the digits or the keyboard."""
    blocks = (text[:size] * len(text) for size in range(1, SHORT_BLOCK + 1))
    if any(block.startswith(text) for block in blocks):
        return True
    zipped = text[::2] + text[1::2]  # 1q2w3e4r5t
    return any(pieces(one) <= TRIVIAL * len(one) for one in (text, zipped))


def pieces(text: str) -> int:
    """In how many runs of ``LINES``, or of one character, a text is typed."""
    count, start = 0, 0
    while start < len(text):
        end = start + 1
        while end < len(text) and is_run(text[start : end + 1]):
            end += 1
        count, start = count + 1, end
    return count


def is_run(text: str) -> bool:
    return text == text[0] * len(text) or any(text in line for line in LINES)


def parts_of(about: Iterable[str]) -> set[str]:
    """The words of an e-mail and of names, less the last part of the e-mail's domain."""
    found: set[str] = set()
    for text in map(plain, about):
        local, _, domain = text.partition("@")
        found |= {local, *re.split(r"[\W_]+", f"{local} {domain.rpartition('.')[0]}")}
    return {part for part in found if len(part) >= SHORTEST}

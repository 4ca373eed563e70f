"""The forms of texts, for the parser and the document: Python and ECMA 262 read them alike."""

import re
from typing import Any

# C0 and C1 controls, and what turns the direction of text around.
FORBIDDEN = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
BREAKS = r"\t\n\r\u2028\u2029"  # For long texts only.
# What shows nothing, and therefore does not count at the ends of a text.
BLANK = r"\s\xad\u180e\u200b-\u200d\u2060-\u2064\ufff9-\ufffb"
BLANKS = "".join(re.findall(f"[{BLANK}]", "".join(map(chr, range(0x10000)))))

CODIGO = "[a-z][a-z0-9_]*"
NUMERO = "SP-[0-9]{6,10}"
COLOR = "#[0-9A-Fa-f]{6}"
EMAIL = r'[^\s@<>,;:"()\[\]\\]{1,64}@[^\s@<>,;:"()\[\]\\.]+(\.[^\s@<>,;:"()\[\]\\.]+)+'


def found(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def allowed(lines: bool) -> str:
    """Any text without forbidden characters, in several ``lines`` or in one."""
    return f"^[^{FORBIDDEN}{'' if lines else BREAKS}]*$"


def ends(min: int) -> str:
    """Found where ``min`` or more characters are left when blanks at the ends are cut off."""
    shown = f"[^{BLANK}]"
    return shown if min < 2 else rf"{shown}[\s\S]{{{min - 2},}}{shown}"


def around(form: str, optional: bool) -> str:
    """``form``, with blanks around it, which may be all there is if it is ``optional``."""
    return f"^[{BLANK}]*({form}[{BLANK}]*){'?' if optional else ''}$"


def keywords(pattern: str, more: str | None) -> dict[str, Any]:
    """One or two patterns, both to be met, as the keywords of a JSON schema."""
    return {"pattern": pattern, **({"allOf": [{"pattern": more}]} if more else {})}

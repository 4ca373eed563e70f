"""What somebody wrote in a mail: without markup, without what was quoted, in characters that harm nobody.

Careful on the side of keeping: whatever is not known as a quotation stays, and so does all of a mail of
which nothing else would be left. Forwarded mail is kept whole, since it is what is told.
"""

import re
import unicodedata
from html import unescape

from app.patterns import BLANKS, FORBIDDEN

HTML_MAX = 500_000  # characters that are looked at
TEXT_MAX = 100_000  # in which quotations are looked for
SKIPPED = {"script", "style", "title", "template"}
BLOCKS = {
    *("p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "pre", "hr", "section", "article"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "footer"),
}
DEEPEST_QUOTE = 20

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
UNWANTED = re.compile(f"[{FORBIDDEN}\ud800-\udfff]")
BREAK = re.compile("\r\n|[\r\u2028\u2029\x0b\x0c\x85]")

REPLY = re.compile(r"^\s*((re|rv|fwd?|fw|aw|wg|sv|res|enc)(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
FORWARD = re.compile(r"^\s*(re\s*:\s*)*(rv|fwd?|fw|wg|enc|reenv)\s*:", re.IGNORECASE)

# "El lun, 3 nov 2026 a las 10:00, Ana <ana@example.org> escribió:", in one line or broken into up to four.
INTRODUCES = re.compile(r"[ \t]*(El|On|Le|Em|Am)\b")
WROTE = re.compile(r"\b(escribió|wrote|a écrit|escreveu|schrieb)\b.{0,100}:\s*\Z", re.DOTALL)
INTRODUCTION_LINES, INTRODUCTION_MAX = 4, 600
ORIGINAL = re.compile(
    r"^[ \t]*-{2,}[ \t]*(Mensaje original|Original Message|Message d'origine|Mensagem original"
    r"|Ursprüngliche Nachricht)[ \t]*-{2,}[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# The header block of Outlook: three of its four lines, whatever their language, one after the other.
OUTLOOK = re.compile(
    r"^(?:_{10,}[ \t]*\n\s*)?\*?(?:De|From|Von)\s?:\*?[^\n]+\n"
    r"\*?(?:Enviado(?: el)?|Sent|Fecha|Date|Gesendet|Envoyé)\s?:\*?[^\n]+\n"
    r"\*?(?:Para|To|An|À|CC|Cc)\s?:\*?[^\n]+",
    re.MULTILINE,
)
FORWARDED = re.compile(
    r"^[ \t]*(-{2,}[ \t]*(Mensaje reenviado|Forwarded message)|(Inicio del mensaje reenviado|Begin forwarded"
    r" message):)",
    re.IGNORECASE | re.MULTILINE,
)
SIGNATURE = re.compile(r"^-- $.*\Z", re.MULTILINE | re.DOTALL)
SENT_FROM = re.compile(
    r"^(Enviado desde (mi|Outlook)|Sent from (my|Outlook)|Obtener Outlook para|Get Outlook for)"
    r"[^\n]{0,80}\s*\Z",
    re.IGNORECASE | re.MULTILINE,
)
QUOTED = re.compile(r"^[ \t]*>.*$\n?", re.MULTILINE)


class Page:
    """The text of a page, in lines; what is quoted has ``>`` before it, as in plain mail.

    Not by ``html.parser``, which takes the square of the time for half a megabyte of ``<!--``.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.quotes = 0

    def read(self, page: str) -> None:
        """Once from beginning to end, whatever is in it; the rest of what does not end is left out."""
        lower, place = re.sub("[A-Z]+", lambda found: found[0].lower(), page), 0
        while (start := page.find("<", place)) >= 0:
            self.say(page[place:start])
            if page.startswith("<!--", start):
                place = after(page, "-->", start)
            elif found := TAG.match(page, start):
                closing, name = found[1], found[2].lower()
                place = found.end()
                if name in SKIPPED and not closing:
                    place = after(lower, f"</{name}", place)
                else:
                    self.meet(name, closing=bool(closing))
            else:
                self.say("<")
                place = start + 1
        self.say(page[place:])

    def say(self, text: str) -> None:
        self.pieces.append(re.sub(r"[ \t\r\n]+", " ", unescape(text)))

    def meet(self, name: str, *, closing: bool) -> None:
        if name == "blockquote":
            self.quotes = max(0, self.quotes + (-1 if closing else 1))
        if name in BLOCKS:
            self.pieces.append("\n" + ">" * min(self.quotes, DEEPEST_QUOTE) + (" " if self.quotes else ""))
        elif name in ("td", "th"):
            self.pieces.append(" ")


def after(page: str, end: str, start: int) -> int:
    """Behind the next ``end``, or where everything ends."""
    found = page.find(end, start)
    return len(page) if found < 0 else found + len(end)


def of_html(html: str) -> str:
    """What a page says."""
    page = Page()
    page.read(html[:HTML_MAX])
    lines = [re.sub(" {2,}", " ", line).strip() for line in "".join(page.pieces).split("\n")]
    return re.sub(r"\n(?:>* *\n){2,}", "\n\n", "\n".join(lines)).strip()


def clean(text: str) -> str:
    """Text as the API would take it: NFC, without controls and without what turns its direction around."""
    text = UNWANTED.sub("", BREAK.sub("\n", text).replace("\xa0", " "))
    lines = [
        line if line == "-- " else line.rstrip() for line in unicodedata.normalize("NFC", text).split("\n")
    ]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip(BLANKS)


def one_line(text: str) -> str:
    return clean(" ".join(text.split()))


def own(text: str, subject: str) -> str:
    """What the sender adds: the text without what it quotes; all of it when nothing would be left."""
    text = text[:TEXT_MAX]
    if FORWARD.match(subject) or FORWARDED.search(text):
        return text
    left = text
    for start in (ORIGINAL, OUTLOOK):
        if found := start.search(left):
            left = left[: found.start()]
    if place := introduction(left):
        before, after = left[: place[0]], left[place[1] :].lstrip("\n")
        # Who answers below what is quoted goes on after the quotation; others leave nothing of their own.
        left = before + (after if QUOTED.match(after) else "")
    left = QUOTED.sub("", left)
    left = SENT_FROM.sub("", SIGNATURE.sub("", left).rstrip())
    return clean(left) or text


def introduction(text: str) -> tuple[int, int] | None:
    """Where the lines begin and end that introduce a quotation."""
    lines = text.splitlines(keepends=True)
    start = 0
    for number, line in enumerate(lines):
        if INTRODUCES.match(line):
            end = start
            for more in lines[number : number + INTRODUCTION_LINES]:
                end += len(more)
                said = text[start:end]
                if len(said) > INTRODUCTION_MAX:
                    break
                if re.search(r"\d", said) and WROTE.search(said):
                    return start, end
        start += len(line)
    return None


def title(subject: str) -> str:
    """A subject without what mail programs put before it."""
    return REPLY.sub("", subject).strip(BLANKS)

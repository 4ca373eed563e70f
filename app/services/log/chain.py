"""The chain of the log: how an event is sealed, and whether what is kept is what was written.

``hash`` is the SHA-256 of the hash before it and of what never changes of the event. Of the changes it covers
a salted digest only, so that salt and text can be emptied, and what is left lets nobody guess the text.
"""

import hashlib
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

from app.errors import Gone
from app.models import as_json
from app.queries.log import chain as queries
from app.services.log import audit
from app.transaction import read

EMPTIED = "[]"  # The text of ``cambios`` once it has been erased, with its salt.
EN_UNA_PETICION = 100_000  # events that one request verifies

Errores = dict[str, Any]


def seal(row: Any, previous: str, sal: str) -> dict[str, str]:
    """What is written beside an event when it is numbered."""
    digesto = digest(sal, row.texto)
    return {
        "sal": sal,
        "digesto": digesto,
        "hash_anterior": previous,
        "hash": link(previous, {**row._mapping, "digesto": digesto}),
    }


def digest(sal: str, texto: str) -> str:
    return hashlib.sha256(f"{sal}{texto}".encode()).hexdigest()


def link(previous: str, event: Any) -> str:
    immutable = as_json({name: event[name] for name in queries.INMUTABLES})
    return hashlib.sha256(previous.encode() + immutable).hexdigest()


def is_genuine(row: Any) -> bool:
    """Whether an event is, by itself, as it was when it was sealed."""
    says_the_same = row.texto == EMPTIED if row.sal is None else digest(row.sal, row.texto) == row.digesto
    return bool(says_the_same and link(row.hash_anterior or "", row._mapping) == row.hash)


def verify(desde: int | None = None, hasta: int | None = None, most: int | None = None) -> dict[str, Any]:
    """Whether the events from one number to another are all there, as they were written and in their order.

    Of more than ``most`` events only the first are looked at; ``siguiente`` says where to go on.
    """
    ends = read(queries.ends)
    found = examine(ends, desde, hasta, most)
    while not found["integra"] and (now := read(queries.ends)).base != ends.base:
        ends = now  # It was purged meanwhile.
        found = examine(ends, desde, hasta, most)
    return found


def examine(cabeza: Any, desde: int | None, hasta: int | None, most: int | None) -> dict[str, Any]:
    first = desde or cabeza.base + 1
    if first <= cabeza.base:
        raise Gone("eventos_purgados", hasta=cabeza.base)
    wanted = min(hasta or cabeza.secuencia, cabeza.secuencia)
    last = wanted if most is None else min(wanted, first + most - 1)
    found = Recorrido(first)
    error = (
        found.start(cabeza) or found.walk(last) or (found.tail(cabeza) if last == cabeza.secuencia else None)
    )
    if error:
        return {"integra": False, "primer_error": error}
    return {
        "integra": True,
        "desde": first,
        "eventos": found.eventos,
        "vaciados": found.vaciados,
        "cabeza": found.previous if found.eventos else cabeza.hash,
        "siguiente": last + 1 if last < wanted else None,
    }


class Recorrido:
    """A walk along the chain, from one number on."""

    def __init__(self, desde: int) -> None:
        self.desde = self.expected = desde
        self.previous = ""
        self.vaciados = 0

    @property
    def eventos(self) -> int:
        return self.expected - self.desde

    def start(self, cabeza: Any) -> Errores | None:
        """Take up the chain where the log begins, or in the middle of it."""
        if self.desde == cabeza.base + 1:
            self.previous = cabeza.hash_base
            return wrong(cabeza.resto, "insertado") if cabeza.resto else None
        if self.desde <= cabeza.secuencia:
            before = read(lambda: queries.at(self.desde - 1))
            if before is None:
                return wrong(self.desde - 1, "ausente")
            self.previous = before.hash
        return None

    def walk(self, last: int) -> Errores | None:
        """Go to the event numbered ``last``; answers the first that is wrong."""
        if last < self.desde:
            return None
        ahead: Iterator[Any] = chain(queries.numbered(self.desde, last + 1), [None])
        for row, following in pairwise(ahead):
            if row is None or row.secuencia > last:
                break
            motivo = "ausente" if row.secuencia != self.expected else fault(row, following, self.previous)
            if motivo:
                return wrong(self.expected, motivo)
            self.previous, self.expected = row.hash, self.expected + 1
            self.vaciados += row.sal is None
        return wrong(self.expected, "ausente") if self.expected <= last else None

    def tail(self, cabeza: Any) -> Errores | None:
        """What is wrong where the chain ends, once this walk has come there."""
        if self.eventos and self.previous != cabeza.hash:
            return wrong(cabeza.secuencia, "alterado")
        return wrong(cabeza.ajeno, "insertado") if cabeza.ajeno else None


def fault(row: Any, following: Any, previous: str) -> str | None:
    """What is wrong with an event, as far as it and the one behind it tell."""
    genuine = is_genuine(row)
    goes_on = following.hash_anterior if following else None
    if genuine and following and row.hash_anterior == following.hash:
        return "reordenado"
    if goes_on == previous:
        return "insertado"
    if genuine and row.hash_anterior == previous:
        return None
    if not genuine:
        return "alterado"
    return "ausente" if goes_on in (None, row.hash) else "reordenado"


def head() -> dict[str, Any]:
    """How far the log is numbered: number, hash and date of the last event that is, if there is one."""
    cabeza = read(queries.ends)
    last = read(lambda: queries.at(cabeza.secuencia))
    return {"secuencia": cabeza.secuencia, "hash": cabeza.hash, "fecha": last and audit.plain(last.fecha)}


def matches(secuencia: int, hash: str) -> Errores | None:
    """What is wrong if the event of this number does not have this hash, as it had when it was exported."""
    ends = read(queries.ends)
    if secuencia < ends.base:
        raise Gone("eventos_purgados", hasta=ends.base)
    if secuencia == ends.base:
        return None if hash == ends.hash_base else wrong(secuencia, "alterado")
    row = read(lambda: queries.at(secuencia))
    if row is None:
        return wrong(secuencia, "ausente")
    return None if row.hash == hash else wrong(secuencia, "alterado")


def wrong(secuencia: int, motivo: str) -> Errores:
    return {"secuencia": secuencia, "motivo": motivo}

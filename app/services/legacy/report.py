"""What became of the rows of the older database: one line for each that was changed or not taken."""

import json
from collections import Counter
from typing import Any, TextIO

TOMADAS, YA_ESTABAN, CAMBIADAS, NO_TOMADAS = "tomadas", "ya estaban", "cambiadas", "no tomadas"
SIN_LUGAR = "el id no se puede usar o lo ocupa otra fila"
SHOWN = 200  # characters of a value


class NotTaken(Exception):
    """A row that cannot be brought over; says why, in Spanish."""


class Report:
    """Lines of JSON ``{"tabla", "id", "campo", "suceso", "motivo", "antes", "ahora"}``, and their counts."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.counts: dict[str, Counter[str]] = {}
        self.changed: set[tuple[str, int]] = set()

    def count(self, tabla: str, what: str, how_many: int = 1) -> None:
        self.counts.setdefault(tabla, Counter())[what] += how_many

    def change(
        self, tabla: str, id: int, campo: str, motivo: str, antes: Any = None, ahora: Any = None
    ) -> None:
        """A row was taken, but not as it was."""
        if (tabla, id) not in self.changed:
            self.changed = {(tabla, id)}  # Rows come one after the other.
            self.count(tabla, CAMBIADAS)
        self.write(tabla, id, campo, "cambiada", motivo, antes, ahora)

    def refuse(self, tabla: str, id: int, motivo: str, antes: Any = None) -> None:
        """A row was not taken."""
        self.count(tabla, NO_TOMADAS)
        self.write(tabla, id, None, "no tomada", motivo, antes, None)

    def write(
        self, tabla: str, id: int, campo: str | None, suceso: str, motivo: str, antes: Any, ahora: Any
    ) -> None:
        line = {"tabla": tabla, "id": id, "campo": campo, "suceso": suceso, "motivo": motivo}
        line |= {"antes": brief(antes), "ahora": brief(ahora)}
        self.file.write(json.dumps(line, ensure_ascii=False) + "\n")


def brief(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"

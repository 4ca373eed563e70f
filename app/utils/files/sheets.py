"""Tickets out of a file, one row at a time: NDJSON or CSV, as ``exports.py`` writes them."""

import csv
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
from marshmallow import ValidationError

from app.errors import BadRequest, Falla, Invalid
from app.schemas.desk.imports import FilaArgs
from app.schemas.fields import Entero
from app.services.desk.imports import Fila
from app.services.references import Errores
from app.utils.files.exports import original
from app.utils.parser import flatten, load_json

MAX_FILA = 256 * 1024  # bytes of a line
BOM = b"\xef\xbb\xbf"
FILA = FilaArgs()
ENTEROS = {name for name, field in FILA.fields.items() if isinstance(field, Entero)}
WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
ENTERA = "fila"  # in the place of a field: the row as a whole


def opened(file: BinaryIO) -> Iterator[Fila]:
    """The rows of a file; 422 if it has none, or is headed by what no ticket has."""
    start = len(BOM) if file.read(len(BOM)) == BOM else 0
    file.seek(start)
    first = file.read(MAX_FILA).lstrip()
    file.seek(start)
    if not first:
        raise Invalid({"archivo": [Falla("archivo_vacio")]})
    return ndjson(file) if first.startswith(b"{") else table(file)


def loaded(linea: int, datos: dict[str, Any]) -> Fila:
    try:
        return Fila(linea, FILA.load(datos))
    except ValidationError as error:
        return Fila(linea, errores=flatten(error.messages))


def broken(linea: int, falla: Falla) -> Fila:
    return Fila(linea, errores={ENTERA: [falla]})


# NDJSON


def ndjson(file: BinaryIO) -> Iterator[Fila]:
    """One object a line. The last line of an export counts them, and must be right."""
    rows = linea = 0
    while piece := file.readline(MAX_FILA + 1):
        linea += 1
        if len(piece) > MAX_FILA:
            while piece and not piece.endswith(b"\n"):
                piece = file.readline(MAX_FILA)
            rows += 1
            yield broken(linea, Falla("demasiado_grande", max=MAX_FILA))
        elif piece.strip():
            fila, total = json_row(linea, piece)
            if total is None:
                rows += 1
                yield fila
            elif total != rows:
                yield broken(linea, Falla("total_distinto", total=total, hay=rows))


def json_row(linea: int, piece: bytes) -> tuple[Fila, int | None]:
    """A line as a row, or as the number of those before it."""
    try:
        value = load_json(piece)
    except BadRequest as error:
        return broken(linea, Falla(error.codigo, **error.datos)), None
    if not isinstance(value, dict):
        return broken(linea, Falla("tipo", esperado="un objeto")), None
    if value.keys() == {"total"} and isinstance(value["total"], int):
        return Fila(linea), value["total"]
    return loaded(linea, value), None


# CSV


def table(file: BinaryIO) -> Iterator[Fila]:
    reader = csv.reader(lines(file), strict=True)
    try:
        columns = [name.strip() for name in next(reader)]
    except (csv.Error, StopIteration) as error:
        raise Invalid({"archivo": [Falla("csv_invalido")]}) from error
    refuse_columns(columns)
    return table_rows(reader, columns)


def lines(file: BinaryIO) -> Iterator[str]:
    while line := file.readline(MAX_FILA):
        if len(line) == MAX_FILA:
            raise csv.Error
        yield line.decode("utf-8", "surrogateescape")  # What is none is then told of its own row.


def refuse_columns(columns: list[str]) -> None:
    """Refuse a header that names what no ticket has, or anything twice."""
    errores: Errores = {}
    for name in columns:
        if not is_utf8(name):
            errores["archivo"] = [Falla("codificacion")]
        elif name not in FILA.fields:
            errores[name[:40]] = [Falla("columna_desconocida")]
        elif columns.count(name) > 1:
            errores[name] = [Falla("columna_repetida")]
    if errores:
        raise Invalid(errores)


def table_rows(reader: Any, columns: list[str]) -> Iterator[Fila]:
    while True:
        linea = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # Where its quotes begin and end, nobody knows any more.
            yield broken(linea, Falla("csv_invalido"))
            return
        if not cells:
            continue
        if len(cells) != len(columns):
            yield broken(linea, Falla("columnas", hay=len(cells), esperadas=len(columns)))
        elif not is_utf8("".join(cells)):
            yield broken(linea, Falla("codificacion"))
        else:
            row = zip(columns, cells, strict=True)
            yield loaded(linea, {name: value_of(name, cell) for name, cell in row if cell})


def is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def value_of(name: str, cell: str) -> Any:
    """A cell as JSON has it; what is of another kind stays text, and is refused as such."""
    text = original(cell)
    if name in ENTEROS and WHOLE.fullmatch(text):
        return int(text)
    if name == "etiquetas":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text

"""Tickets as a file: CSV, NDJSON or XLSX, made piece by piece."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import orjson
from flask import Response, send_file, stream_with_context

from app.errors import Falla, Invalid
from app.models import utcnow
from app.services.log.audit import plain
from app.storage import told
from app.utils.json import dumps

Piezas = Iterable[list[dict[str, Any]]]

MAX_FILAS_XLSX = 100_000
TIPOS = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# A cell that begins so may be taken for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
CON_NOMBRE = (
    *("categoria", "problema", "criticidad", "prioridad", "ubicacion", "estado"),
    *("cliente", "empleado", "usuario_creador", "usuario_asignado"),
)
COLUMNAS = (
    *("id", "numero", "titulo", "descripcion"),
    *(name for nested in CON_NOMBRE for name in (f"id_{nested}", nested)),
    *("canal", "etiquetas", "telefono_contacto", "resolucion", "motivo_cierre", "id_tiquet_padre"),
    *("origen_externo", "id_externo", "fecha_creacion", "fecha_actualizacion", "fecha_asignacion"),
    *("fecha_primera_respuesta", "fecha_resolucion", "fecha_cierre", "veces_reabierto"),
    *("numero_comentarios", "numero_adjuntos", "version"),
)


def exported(piezas: Piezas, formato: str, bom: bool) -> Response:
    """All tickets of ``piezas`` as a download."""
    name = f"tiquets-{utcnow():%Y%m%d-%H%M%S}.{formato}"
    if formato == "xlsx":
        about = {"mimetype": TIPOS[formato], "as_attachment": True, "download_name": name}
        return send_file(as_xlsx(piezas), **about, conditional=False, etag=False)  # type: ignore[arg-type]
    lines = as_csv(piezas, bom) if formato == "csv" else as_ndjson(piezas)
    response = Response(stream_with_context(lines), content_type=TIPOS[formato])
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def as_ndjson(piezas: Piezas) -> Iterator[bytes]:
    """One ticket a line; the last line counts them, and is missing from a stream that broke."""
    total = 0
    for pieza in piezas:
        total += len(pieza)
        yield b"".join(dumps(tiquet) + b"\n" for tiquet in pieza)
    yield orjson.dumps({"total": total}) + b"\n"


def as_csv(piezas: Piezas, bom: bool) -> Iterator[bytes]:
    """Comma-separated, by RFC 4180; ``bom`` is for programs that take UTF-8 for something else without it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNAS)
    yield (b"\xef\xbb\xbf" if bom else b"") + taken(text)
    for pieza in piezas:
        writer.writerows([harmless(value) for value in flat(tiquet)] for tiquet in pieza)
        yield taken(text)


def taken(text: io.StringIO) -> bytes:
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return written


def as_xlsx(piezas: Piezas) -> Any:
    """A workbook in a temporary file, which is all that grows with it."""
    import xlsxwriter  # Only here: it is slow to load.

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with ExitStack() as unless_whole, told():
        file = unless_whole.enter_context(tempfile.TemporaryFile())
        with xlsxwriter.Workbook(file, options) as book:
            write_rows(book.add_worksheet("Tiquets"), piezas)
        file.seek(0)
        unless_whole.pop_all()  # The response closes it.
    return file


def write_rows(sheet: Any, piezas: Piezas) -> None:
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, COLUMNAS)
    row = 0
    for pieza in piezas:
        for tiquet in pieza:
            row += 1
            if row > MAX_FILAS_XLSX:
                raise Invalid({"formato": [Falla("demasiadas_filas", max=MAX_FILAS_XLSX)]})
            sheet.write_row(row, 0, flat(tiquet))


def flat(tiquet: dict[str, Any]) -> list[Any]:
    """A ticket as one row: names beside ids, labels as a JSON list, instants as on the wire."""
    return [cell(tiquet[column]) for column in COLUMNAS]


def cell(value: Any) -> Any:
    if isinstance(value, dict):
        return value["nombre"]
    if isinstance(value, list):
        return orjson.dumps(value).decode()
    return plain(value)


def harmless(value: Any) -> Any:
    """Text that no spreadsheet takes for a formula.

    What looks as if this had been done to it gets another apostrophe, so that ``original`` knows.
    """
    return f"'{value}" if isinstance(value, str) and value.lstrip("'").startswith(FORMULA) else value


def original(cell: str) -> str:
    """What ``harmless`` made this cell of."""
    guarded = cell.startswith("'") and cell.lstrip("'").startswith(FORMULA)
    return cell[1:] if guarded else cell

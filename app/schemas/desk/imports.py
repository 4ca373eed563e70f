"""Tickets that come in as a file, and the form of each of its rows."""

from typing import Any

from marshmallow import fields

from app import patterns
from app.errors import Falla
from app.schemas.desk.attachments import Archivo
from app.schemas.desk.tickets import Etiqueta, TiquetFields
from app.schemas.fields import SHARED, Entero, Instante, Lista, Opcion, Schema, Texto, requires

EJEMPLO = {
    "archivo": "titulo,descripcion,categoria,criticidad,ubicacion,origen_externo,id_externo,fecha_creacion\n"
    "Problema con impresora,La impresora no responde,Hardware,Media,Sede central,"
    "mesa anterior,A-17,2026-01-31T10:00:00Z\n"
}


class ImportarArgs(Schema):
    """Un archivo de tiquets."""

    SIZES = ("importacion_max_mb", "importacion_max_mb")

    archivo = Archivo(
        required=True,
        metadata={"description": "NDJSON o CSV, como los escribe `exportar`, en una parte `archivo`."},
    )


class Nombre(fields.Field[str]):
    """What stands beside an id in an export: ``{"id", "nombre"}``, or the name alone."""

    default_error_messages = {**SHARED, "invalid": Falla("tipo", esperado="un texto")}  # noqa: RUF012

    def __init__(self) -> None:
        self.text = Texto(max=254)
        super().__init__(allow_none=True)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return self.text.deserialize(value.get("nombre") if isinstance(value, dict) else value, attr, data)


class Numero(Texto):
    """The number of a ticket where it was exported."""

    default_error_messages = {"form": Falla("numero")}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(max=20, form=patterns.NUMERO, allow_none=True)


def read_past() -> fields.Raw:
    """What an export tells and an import does not take: this desk knows it, or cannot."""
    return fields.Raw(allow_none=True)


@requires("titulo", "descripcion")
class FilaArgs(TiquetFields):
    """A ticket as a row of an export; what is not there or null gets what it would have by itself."""

    id_categoria = Entero(allow_none=True)
    id_criticidad = Entero(allow_none=True)
    id_prioridad = Entero(allow_none=True)
    id_ubicacion = Entero(allow_none=True)
    id_estado = Entero(allow_none=True)
    id_usuario_creador = Entero(allow_none=True)
    etiquetas = Lista(Etiqueta(max=40), max=20, allow_none=True)
    canal = Opcion("api", "web", "correo", "telefono", "importacion", allow_none=True)
    motivo_cierre = Opcion("resuelto", "duplicado", "cancelado", "fusionado", allow_none=True)
    fecha_creacion = Instante(allow_none=True)
    fecha_actualizacion = Instante(allow_none=True)
    fecha_asignacion = Instante(allow_none=True)
    fecha_primera_respuesta = Instante(allow_none=True)
    fecha_resolucion = Instante(allow_none=True)
    fecha_cierre = Instante(allow_none=True)
    veces_reabierto = Entero(min=0, allow_none=True)
    # By these the row is known again, or what it points at is found.
    numero = Numero()
    categoria = Nombre()
    problema = Nombre()
    criticidad = Nombre()
    prioridad = Nombre()
    ubicacion = Nombre()
    estado = Nombre()
    cliente = Nombre()
    empleado = Nombre()
    usuario_creador = Nombre()
    usuario_asignado = Nombre()
    id = read_past()
    id_tiquet_padre = read_past()
    id_tiquet_fusionado = read_past()
    fecha_eliminacion = read_past()
    numero_comentarios = read_past()
    numero_adjuntos = read_past()
    version = read_past()
    transiciones_permitidas = read_past()
    permisos = read_past()

"""The change feed: from where it is asked for, and how it is told."""

from marshmallow import fields

from app.schemas.fields import Entero, Out, Schema, Texto
from app.schemas.log.audit import CambioSchema

CURSOR_FORM = "^[A-Za-z0-9_.-]+$"


class DesdeArgs(Schema):
    """Desde dónde."""

    desde = Texto(
        max=2000,
        metadata={
            "description": "El `siguiente` de la respuesta anterior; si falta, desde el principio, y con"
            " `ahora`, desde el final.",
            "pattern": CURSOR_FORM,
        },
    )


class CambiosArgs(DesdeArgs):
    """Qué parte de los cambios."""

    limite = Entero(max=200, query=True, load_default=100, metadata={"description": "Eventos como mucho."})
    espera = Entero(
        min=0,
        max=30,
        query=True,
        load_default=0,
        metadata={"description": "Segundos que se espera a que haya alguno, si no lo hay."},
    )


class EventosArgs(DesdeArgs):
    """Desde dónde, y con qué pase."""

    pase = Texto(
        max=2000,
        metadata={
            "description": "Un pase, en lugar de la cabecera `Authorization`.",
            "pattern": CURSOR_FORM,
        },
    )


class PaseSchema(Out):
    """Un pase para abrir el flujo de eventos una vez."""

    pase = fields.String(required=True)
    vence = fields.DateTime(required=True)


class CambioDelFlujoSchema(Out):
    """Algo que cambió, y la cosa como está ahora."""

    secuencia = fields.Integer(required=True)
    id_evento = fields.String(required=True)
    accion = fields.String(required=True)
    entidad = fields.String(required=True)
    id_entidad = fields.Integer(required=True, allow_none=True)
    id_tiquet = fields.Integer(required=True, allow_none=True)
    fecha = fields.DateTime(required=True)
    cambios = fields.List(
        fields.Nested(CambioSchema),
        required=True,
        metadata={"description": "Vacía para quien no ve el tiquet: está en la papelera o se borró."},
    )
    objeto = fields.Raw(
        required=True,
        allow_none=True,
        metadata={
            "description": "El tiquet o el comentario como está ahora. `null` si está en la papelera, se"
            " borró o es otra cosa."
        },
    )


class CambiosSchema(Out):
    """Los cambios que siguen a un cursor."""

    data = fields.List(fields.Nested(CambioDelFlujoSchema), required=True)
    siguiente = fields.String(
        required=True, metadata={"description": "El cursor con el que se pide lo que sigue; no caduca."}
    )

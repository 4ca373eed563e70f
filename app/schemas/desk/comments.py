"""Comments on tickets."""

from marshmallow import fields

from app.schemas.desk.attachments import AdjuntoSchema
from app.schemas.fields import Booleano, Cambios, Opcion, Out, Schema, Texto, changes_of
from app.schemas.pages import BreveSchema, PaginaArgs, pagina_de


class ComentariosArgs(PaginaArgs):
    """Orden de una conversación."""

    orden = Opcion(
        "fecha_creacion",
        "-fecha_creacion",
        load_default="fecha_creacion",
        metadata={"description": "El guion pone lo más reciente primero."},
    )


class ComentarioCreateArgs(Schema):
    """Un comentario nuevo."""

    mensaje = Texto(
        max=10_000,
        lines=True,
        required=True,
        metadata={"description": "Lo que se dice, en una o más líneas."},
    )
    es_interno = Booleano(
        metadata={
            "description": "Solo para el personal, que comenta así si no dice nada; `false`, también para"
            " quien pide, que siempre comenta así."
        },
    )


class ComentarioSchema(Out):
    """Un comentario de un tiquet."""

    id = fields.Integer(required=True)
    id_tiquet = fields.Integer(required=True)
    autor = fields.Nested(BreveSchema, required=True)
    id_cliente = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "De quién son las palabras, si llegaron por correo y no tiene usuario."},
    )
    cliente = fields.Nested(BreveSchema, required=True, allow_none=True)
    id_empleado = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Lo mismo, si es un empleado."}
    )
    empleado = fields.Nested(BreveSchema, required=True, allow_none=True)
    mensaje = fields.String(required=True)
    es_interno = fields.Boolean(required=True)
    fecha_creacion = fields.DateTime(required=True)
    fecha_edicion = fields.DateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)
    adjuntos = fields.List(fields.Nested(AdjuntoSchema), required=True)


@changes_of(ComentarioSchema)
class ComentarioUpdateArgs(Cambios):
    """Lo que dice un comentario. Los campos de solo lectura se admiten si no cambian."""

    mensaje = Texto(max=10_000, lines=True, metadata={"description": "El texto corregido."})


ComentariosPaginaSchema = pagina_de(ComentarioSchema)

"""The event log: what it can be asked for, and how it is told."""

from typing import Any

from marshmallow import ValidationError, fields, post_load

from app import patterns
from app.errors import Falla
from app.schemas.desk.tickets import Varios
from app.schemas.fields import Codigo, Entero, Instante, Opcion, Out, Schema, Texto
from app.schemas.pages import BreveSchema, PaginaArgs, pagina_de

MAX_SECUENCIA = 10**15


class Accion(Texto):
    """What was done, by its name in the log."""

    default_error_messages = {"form": Falla("accion")}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(max=60, form=rf"{patterns.CODIGO}\.{patterns.CODIGO}")


class AuditoriaArgs(PaginaArgs):
    """Filtros del registro; los repetibles se cumplen con cualquiera de sus valores."""

    id_usuario = Varios(Entero(query=True), metadata={"description": "Quién lo hizo."})
    tipo_actor = Varios(
        Opcion("usuario", "token", "sistema", "anonimo"), metadata={"description": "Qué clase de actor."}
    )
    entidad = Varios(Codigo(), metadata={"description": "Qué clase de cosa, como `tiquet`."})
    id_entidad = Entero(query=True, metadata={"description": "Qué cosa; con `entidad`."})
    id_tiquet = Entero(query=True, metadata={"description": "De qué tiquet."})
    accion = Varios(Accion(), metadata={"description": "Qué se hizo, como `tiquet.eliminado`."})
    desde = Instante(metadata={"description": "En este instante o después."})
    hasta = Instante(metadata={"description": "Antes de este instante, sin incluirlo."})
    orden = Opcion(
        "-fecha",
        "fecha",
        load_default="-fecha",
        metadata={"description": "Lo más reciente primero; sin guion, lo más antiguo."},
    )

    @post_load
    def of_a_kind(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        if "id_entidad" in data and "entidad" not in data:
            raise ValidationError({"id_entidad": [Falla("con_entidad")]})
        return data


class CambioSchema(Out):
    """Un campo que cambió."""

    campo = fields.String(required=True)
    anterior = fields.Raw(required=True, allow_none=True)
    nuevo = fields.Raw(required=True, allow_none=True)


class EventoSchema(Out):
    """Algo que pasó. `secuencia` y `hash` se ponen poco después de confirmarse."""

    id_evento = fields.String(required=True)
    secuencia = fields.Integer(required=True, allow_none=True)
    fecha = fields.DateTime(required=True)
    tipo_actor = fields.String(required=True)
    id_usuario = fields.Integer(required=True, allow_none=True)
    usuario = fields.Nested(BreveSchema, required=True, allow_none=True)
    accion = fields.String(required=True)
    entidad = fields.String(required=True)
    id_entidad = fields.Integer(required=True, allow_none=True)
    id_tiquet = fields.Integer(required=True, allow_none=True)
    version_resultante = fields.Integer(required=True, allow_none=True)
    cambios = fields.List(fields.Nested(CambioSchema), required=True)
    vaciado = fields.Boolean(
        required=True,
        metadata={"description": "Si sus `cambios` se borraron con los datos personales que tenían."},
    )
    origen = fields.String(
        required=True,
        metadata={"description": "Por dónde se hizo; `token <id>`: con qué token de servicio."},
    )
    id_solicitud = fields.String(required=True, allow_none=True)
    ip = fields.String(required=True, allow_none=True)
    hash_anterior = fields.String(required=True, allow_none=True)
    hash = fields.String(required=True, allow_none=True)


EventosPaginaSchema = pagina_de(EventoSchema)


class VerificarArgs(Schema):
    """Qué parte del registro se verifica, por `secuencia`."""

    desde = Entero(
        max=MAX_SECUENCIA,
        query=True,
        metadata={"description": "La primera secuencia; si falta, la primera que no se purgó."},
    )
    hasta = Entero(
        max=MAX_SECUENCIA,
        query=True,
        metadata={"description": "La última, incluida; si falta, hasta el final."},
    )


class PrimerErrorSchema(Out):
    """El primer evento que no es como se escribió."""

    secuencia = fields.Integer(required=True)
    motivo = fields.String(
        required=True, metadata={"enum": ["alterado", "ausente", "insertado", "reordenado"]}
    )


class VerificacionSchema(Out):
    """Si el registro está como se escribió. Lo demás solo está si `integra`; `primer_error`, si no."""

    integra = fields.Boolean(required=True)
    desde = fields.Integer(metadata={"description": "La secuencia del primero verificado."})
    eventos = fields.Integer(metadata={"description": "Cuántos se verificaron."})
    vaciados = fields.Integer(metadata={"description": "De cuántos se borró el texto de los cambios."})
    cabeza = fields.String(metadata={"description": "El hash del último verificado."})
    siguiente = fields.Integer(
        allow_none=True,
        metadata={"description": "Por dónde seguir, con `desde`, si no cupo en una petición."},
    )
    primer_error = fields.Nested(PrimerErrorSchema)

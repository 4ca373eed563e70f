"""Tickets: what goes in, what comes out, and what a list can be asked for."""

import unicodedata
from typing import Any

from marshmallow import ValidationError, fields, post_load

from app.errors import Falla
from app.schemas.fields import (
    Booleano,
    Cambios,
    Entero,
    IdOPalabra,
    Instante,
    Lista,
    Opcion,
    Out,
    Schema,
    Texto,
    changes_of,
    requires,
)
from app.schemas.pages import BreveSchema, PaginaArgs, pagina_de

ORDENES = tuple(s + o for o in ("fecha_creacion", "fecha_actualizacion", "prioridad") for s in ("-", ""))
ORDENES_DE_PAPELERA = ("-fecha_eliminacion", "fecha_eliminacion")
MAX_VALUES = 8
EJEMPLO = {
    "titulo": "Problema con impresora",
    "descripcion": "La impresora no responde",
    "id_categoria": 1,
    "id_criticidad": 2,
    "id_ubicacion": 1,
}


class Etiqueta(Texto):
    """A label, folded to lower case."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return unicodedata.normalize("NFC", str(super()._deserialize(value, attr, data, **kwargs)).lower())


class TiquetFields(Schema):
    """The fields of a ticket that may be written at any time, none of them required."""

    titulo = Texto(min=3, max=200, metadata={"description": "El problema en una línea."})
    descripcion = Texto(max=10_000, lines=True, metadata={"description": "El problema con sus detalles."})
    id_categoria = Entero(metadata={"description": "De qué clase es."})
    id_problema = Entero(
        allow_none=True, metadata={"description": "El problema frecuente, de esa categoría o de ninguna."}
    )
    id_criticidad = Entero(metadata={"description": "Cuánto daño hace."})
    id_prioridad = Entero(metadata={"description": "Cuánta prisa corre; si falta, la predeterminada."})
    id_ubicacion = Entero(metadata={"description": "Dónde ocurre."})
    id_estado = Entero(metadata={"description": "En qué punto está; sigue las reglas del ciclo de vida."})
    id_cliente = Entero(
        allow_none=True, metadata={"description": "El cliente que lo pide; no junto a `id_empleado`."}
    )
    id_empleado = Entero(
        allow_none=True, metadata={"description": "El empleado que lo pide; no junto a `id_cliente`."}
    )
    id_usuario_asignado = Entero(allow_none=True, metadata={"description": "Quién lo atiende."})
    etiquetas = Lista(
        Etiqueta(max=40), max=20, metadata={"description": "Palabras para encontrarlo; pasan a minúsculas."}
    )
    telefono_contacto = Texto(
        max=40, allow_none=True, metadata={"description": "A qué teléfono llamar por este tiquet."}
    )
    resolucion = Texto(max=10_000, lines=True, allow_none=True, metadata={"description": "Cómo se resolvió."})
    motivo_cierre = Opcion(
        *("resuelto", "duplicado", "cancelado"),
        allow_none=True,
        metadata={"description": "Por qué se cerró; solo lo tiene un tiquet cerrado."},
    )
    origen_externo = Texto(max=40, allow_none=True, metadata={"description": "De qué otro sistema viene."})
    id_externo = Texto(
        max=120, allow_none=True, metadata={"description": "Su id allí; único con `origen_externo`."}
    )


@requires("titulo", "descripcion", "id_categoria", "id_criticidad", "id_ubicacion")
class TiquetCreateArgs(TiquetFields):
    """Un tiquet nuevo."""

    canal = Opcion("api", "web", "correo", "telefono", metadata={"description": "Por dónde llegó."})


class EstadoBreveSchema(BreveSchema):
    """Un estado, nombrado junto a su id."""

    tipo = fields.String(required=True)
    color = fields.String(required=True, allow_none=True)


class TiquetSchema(Out):
    """Un tiquet, con los nombres junto a los ids y lo que quien pregunta puede hacer con él."""

    id = fields.Integer(required=True)
    numero = fields.String(required=True, metadata={"example": "SP-000123"})
    titulo = fields.String(required=True)
    descripcion = fields.String(required=True)
    id_categoria = fields.Integer(required=True)
    id_problema = fields.Integer(required=True, allow_none=True)
    id_criticidad = fields.Integer(required=True)
    id_prioridad = fields.Integer(required=True)
    id_ubicacion = fields.Integer(required=True)
    id_estado = fields.Integer(required=True)
    id_cliente = fields.Integer(required=True, allow_none=True)
    id_empleado = fields.Integer(required=True, allow_none=True)
    id_usuario_creador = fields.Integer(required=True)
    id_usuario_asignado = fields.Integer(required=True, allow_none=True)
    canal = fields.String(required=True)
    etiquetas = fields.List(fields.String(), required=True)
    telefono_contacto = fields.String(required=True, allow_none=True)
    resolucion = fields.String(required=True, allow_none=True)
    motivo_cierre = fields.String(required=True, allow_none=True)
    id_tiquet_padre = fields.Integer(required=True, allow_none=True)
    id_tiquet_fusionado = fields.Integer(
        required=True, allow_none=True, metadata={"description": "El tiquet en que sigue, si se fusionó."}
    )
    origen_externo = fields.String(required=True, allow_none=True)
    id_externo = fields.String(required=True, allow_none=True)
    fecha_creacion = fields.DateTime(required=True)
    fecha_actualizacion = fields.DateTime(required=True)
    fecha_asignacion = fields.DateTime(required=True, allow_none=True)
    fecha_primera_respuesta = fields.DateTime(required=True, allow_none=True)
    fecha_resolucion = fields.DateTime(required=True, allow_none=True)
    fecha_cierre = fields.DateTime(required=True, allow_none=True)
    fecha_eliminacion = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Solo en la papelera."}
    )
    veces_reabierto = fields.Integer(required=True)
    numero_comentarios = fields.Integer(required=True)
    numero_adjuntos = fields.Integer(required=True)
    version = fields.Integer(required=True)
    categoria = fields.Nested(BreveSchema, required=True)
    problema = fields.Nested(BreveSchema, required=True, allow_none=True)
    criticidad = fields.Nested(BreveSchema, required=True)
    prioridad = fields.Nested(BreveSchema, required=True)
    ubicacion = fields.Nested(BreveSchema, required=True)
    estado = fields.Nested(EstadoBreveSchema, required=True)
    usuario_creador = fields.Nested(BreveSchema, required=True)
    usuario_asignado = fields.Nested(BreveSchema, required=True, allow_none=True)
    cliente = fields.Nested(BreveSchema, required=True, allow_none=True)
    empleado = fields.Nested(BreveSchema, required=True, allow_none=True)
    transiciones_permitidas = fields.List(fields.String(), required=True)
    permisos = fields.List(fields.String(), required=True)


TiquetPaginaSchema = pagina_de(TiquetSchema)


@changes_of(TiquetSchema)
class TiquetUpdateArgs(TiquetFields, Cambios):
    """Los campos que cambian. Los de solo lectura se admiten si no cambian."""

    motivo_cierre = Opcion(
        *("resuelto", "duplicado", "cancelado", "fusionado"),
        allow_none=True,
        metadata={"description": "Por qué se cerró; `fusionado` se admite si no cambia."},
    )


class TiquetArgs(Schema):
    """De cuándo se quiere."""

    al = Instante(metadata={"description": "Un instante pasado: el tiquet como estaba entonces."})


class Varios(Lista):
    """A parameter that may be given several times: any of its values."""

    def __init__(self, inner: fields.Field[Any], **options: Any) -> None:
        super().__init__(inner, max=MAX_VALUES, **options)


class TiquetsArgs(PaginaArgs):
    """Filtros y orden de la lista de tiquets; los repetibles se cumplen con cualquiera de sus valores."""

    id_estado = Varios(Entero(query=True), metadata={"description": "Ids de estado."})
    tipo_estado = Varios(
        Opcion("nuevo", "en_proceso", "en_espera", "resuelto", "cerrado"),
        metadata={"description": "Tipos de estado."},
    )
    id_categoria = Varios(Entero(query=True), metadata={"description": "Ids de categoría."})
    id_criticidad = Varios(Entero(query=True), metadata={"description": "Ids de criticidad."})
    id_prioridad = Varios(Entero(query=True), metadata={"description": "Ids de prioridad."})
    id_ubicacion = Varios(Entero(query=True), metadata={"description": "Ids de ubicación."})
    id_usuario_asignado = Varios(
        IdOPalabra("ninguno", "yo"), metadata={"description": "Un id, `yo` o `ninguno`."}
    )
    id_usuario_creador = Varios(IdOPalabra("yo"), metadata={"description": "Un id o `yo`."})
    id_cliente = Varios(Entero(query=True), metadata={"description": "Ids de cliente."})
    id_empleado = Varios(Entero(query=True), metadata={"description": "Ids de empleado."})
    etiqueta = Varios(Etiqueta(max=40), metadata={"description": "Etiquetas, sin distinguir mayúsculas."})
    creado_desde = Instante(metadata={"description": "Creados en este instante o después."})
    creado_hasta = Instante(metadata={"description": "Creados antes de este instante, sin incluirlo."})
    actualizado_desde = Instante(metadata={"description": "Cambiados en este instante o después."})
    q = Texto(
        min=2,
        max=100,
        metadata={
            "description": "Palabras del número, el título, la descripción, la resolución o los comentarios"
            " que ve quien pregunta: todas. Sin distinguir mayúsculas ni acentos; la ñ es su propia letra."
            " Basta el principio de cada una; lo que va entre comillas se busca tal cual, en ese orden."
        },
    )
    papelera = Booleano(
        query=True, metadata={"description": "`true`: los de la papelera; solo un Administrador."}
    )
    orden = Opcion(
        *ORDENES,
        *ORDENES_DE_PAPELERA,
        metadata={
            "description": "Por defecto `-fecha_creacion`, y en la papelera `-fecha_eliminacion`;"
            " el guion invierte el orden."
        },
    )

    @post_load
    def in_natural_order(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        papelera = data.get("papelera", False)
        if not papelera and data.get("orden") in ORDENES_DE_PAPELERA:
            raise ValidationError({"orden": [Falla("solo_en_la_papelera")]})
        return {"orden": ORDENES_DE_PAPELERA[0] if papelera else ORDENES[0], **data}


class ExportarArgs(TiquetsArgs):
    """Los filtros de la lista y la forma del archivo."""

    class Meta(TiquetsArgs.Meta):
        exclude = ("limite", "cursor", "orden", "papelera")

    formato = Opcion("csv", "ndjson", "xlsx", load_default="csv", metadata={"description": "La forma."})
    bom = Booleano(
        query=True,
        load_default=False,
        metadata={"description": "`true`: el CSV empieza con la marca que Excel espera de UTF-8."},
    )


class CantidadSchema(BreveSchema):
    """Cuántos tiquets tiene una fila de un catálogo."""

    color = fields.String(allow_none=True)
    cantidad = fields.Integer(required=True)


class DiaSchema(Out):
    """Lo creado y lo resuelto en un día, en UTC."""

    fecha = fields.Date(required=True)
    creados = fields.Integer(required=True)
    resueltos = fields.Integer(required=True)


class StatsSchema(Out):
    """Las cifras del tablero."""

    total = fields.Integer(required=True)
    abiertos = fields.Integer(required=True)
    cerrados = fields.Integer(required=True)
    sin_asignar = fields.Integer(required=True)
    por_estado = fields.List(fields.Nested(CantidadSchema), required=True)
    por_criticidad = fields.List(fields.Nested(CantidadSchema), required=True)
    por_prioridad = fields.List(fields.Nested(CantidadSchema), required=True)
    por_categoria = fields.List(fields.Nested(CantidadSchema), required=True)
    por_ubicacion = fields.List(fields.Nested(CantidadSchema), required=True)
    por_tecnico = fields.List(fields.Nested(CantidadSchema), required=True)
    por_dia = fields.List(fields.Nested(DiaSchema), required=True)

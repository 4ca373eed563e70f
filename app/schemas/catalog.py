"""Catalogs."""

from typing import Any

from marshmallow import Schema as Out
from marshmallow import fields

from app.schemas.pages import pagina_de


class FilaSchema(Out):
    """Una fila de cualquier catálogo."""

    id = fields.Integer(required=True)
    codigo = fields.String(required=True, metadata={"description": "Estable, para integraciones."})
    nombre = fields.String(required=True)
    descripcion = fields.String(required=True, allow_none=True)
    orden = fields.Integer(required=True)
    color = fields.String(required=True, allow_none=True)
    activo = fields.Boolean(required=True)
    predeterminado = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class CategoriaSchema(FilaSchema):
    unidad_corresponde = fields.String(required=True, allow_none=True)


class EstadoSchema(FilaSchema):
    tipo = fields.String(required=True)


class CriticidadSchema(FilaSchema):
    nivel = fields.Integer(required=True)


class PrioridadSchema(FilaSchema):
    nivel = fields.Integer(required=True)


class UbicacionSchema(FilaSchema):
    id_padre = fields.Integer(required=True, allow_none=True)


class ProblemaFrecuenteSchema(FilaSchema):
    id_categoria = fields.Integer(required=True, allow_none=True)


SCHEMAS: dict[str, type[Out]] = {
    "categorias": CategoriaSchema,
    "estados": EstadoSchema,
    "criticidades": CriticidadSchema,
    "prioridades": PrioridadSchema,
    "ubicaciones": UbicacionSchema,
    "problemas": ProblemaFrecuenteSchema,
}
PAGINAS = {name: pagina_de(schema) for name, schema in SCHEMAS.items()}

LISTAS: dict[str, Any] = {name: fields.List(fields.Nested(s), required=True) for name, s in SCHEMAS.items()}
CatalogosSchema: type[Out] = type("CatalogosSchema", (Out,), LISTAS)

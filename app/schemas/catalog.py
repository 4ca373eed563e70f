"""Catalogs: what a row shows, what of it can be written, and what its list can be asked for."""

from typing import Any

from marshmallow import Schema as Out
from marshmallow import fields

from app.schemas.fields import Booleano, Cambios, Codigo, Color, Entero, Opcion, Schema, Texto, changes_of
from app.schemas.pages import pagina_de
from app.services.catalog import MAX_ORDEN

TIPOS = ("nuevo", "en_proceso", "en_espera", "resuelto", "cerrado")
TEXTOS = {"description": "Si falta, se forma con el nombre. Después no cambia."}
ORDEN = {"description": "Lugar en la lista, de menor a mayor. Si falta, al final."}
SIN_CICLOS = {"description": "La ubicación que la contiene."}


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


class FilaFields(Schema):
    """What may be written of any row at any time."""

    nombre = Texto(max=120)
    descripcion = Texto(max=500, lines=True, allow_none=True)
    orden = Entero(min=0, max=MAX_ORDEN, metadata=ORDEN)
    color = Color(allow_none=True, metadata={"description": "`#RRGGBB`"})
    activo = Booleano()
    predeterminado = Booleano(metadata={"description": "La que se toma si no se nombra ninguna."})


class NuevaFields(FilaFields):
    """What may be written of a new row besides."""

    nombre = Texto(max=120, required=True)
    codigo = Codigo(metadata=TEXTOS)


# Of each catalog: the fields that only it has, as they are when a row is new and when it changes.
PROPIAS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "categorias": (
        {"unidad_corresponde": Texto(max=120, allow_none=True)},
        {"unidad_corresponde": Texto(max=120, allow_none=True)},
    ),
    "estados": ({"tipo": Opcion(*TIPOS, required=True)}, {}),
    "criticidades": ({"nivel": Entero(required=True)}, {"nivel": Entero()}),
    "prioridades": ({"nivel": Entero(required=True)}, {"nivel": Entero()}),
    "ubicaciones": (
        {"id_padre": Entero(allow_none=True, metadata=SIN_CICLOS)},
        {"id_padre": Entero(allow_none=True, metadata=SIN_CICLOS)},
    ),
    "problemas": ({"id_categoria": Entero(allow_none=True)}, {"id_categoria": Entero(allow_none=True)}),
}
SCHEMAS: dict[str, type[Out]] = {
    "categorias": CategoriaSchema,
    "estados": EstadoSchema,
    "criticidades": CriticidadSchema,
    "prioridades": PrioridadSchema,
    "ubicaciones": UbicacionSchema,
    "problemas": ProblemaFrecuenteSchema,
}
PAGINAS = {name: pagina_de(schema) for name, schema in SCHEMAS.items()}


def args_of(name: str) -> tuple[type[Schema], type[Schema]]:
    """The bodies that create and that change a row of the catalog ``name``."""
    new, later = PROPIAS[name]
    title = SCHEMAS[name].__name__.removesuffix("Schema")
    create = type(f"{title}CreateArgs", (NuevaFields,), {**new, "__doc__": "Una fila nueva."})
    about = "Los campos que cambian. Los de solo lectura se admiten si no cambian."
    update = type(f"{title}UpdateArgs", (FilaFields, Cambios), {**later, "__doc__": about})
    return create, changes_of(SCHEMAS[name])(update)


ARGS = {name: args_of(name) for name in SCHEMAS}


class FilasArgs(Schema):
    """Filtros de un catálogo."""

    activo = Booleano(query=True, metadata={"description": "Solo lo que está en uso, o solo lo que no."})


class ProblemasArgs(FilasArgs):
    """Filtros de los problemas frecuentes."""

    id_categoria = Entero(
        query=True, metadata={"description": "Los de esta categoría y los que son de cualquiera."}
    )


FILTROS: dict[str, type[FilasArgs]] = {**dict.fromkeys(SCHEMAS, FilasArgs), "problemas": ProblemasArgs}

LISTAS: dict[str, Any] = {name: fields.List(fields.Nested(s), required=True) for name, s in SCHEMAS.items()}
CatalogosSchema: type[Out] = type(
    "CatalogosSchema", (Out,), {**LISTAS, "__doc__": "Todas las filas de todos los catálogos."}
)

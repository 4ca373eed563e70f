"""Catalogs: what a row shows, what of it can be written, and what its list can be asked for."""

from typing import Any

from marshmallow import fields

from app.schemas.fields import (
    Booleano,
    Cambios,
    Codigo,
    Color,
    Entero,
    Opcion,
    Out,
    Schema,
    Texto,
    changes_of,
    requires,
)
from app.schemas.pages import pagina_de
from app.services.catalog import MAX_ORDEN

TIPOS = ("nuevo", "en_proceso", "en_espera", "resuelto", "cerrado")
TEXTOS = {"description": "Si falta, se forma con el nombre. Después no cambia."}
ORDEN = {"description": "Lugar en la lista, de menor a mayor. Si falta, al final."}
SIN_CICLOS = {"description": "La ubicación que la contiene."}
UNIDAD = {"description": "Qué unidad la atiende."}
ASIGNACIONES = ("ninguna", "rotativa", "menos_carga")
ASIGNACION = {
    "description": "A quién va un tiquet que se abre sin asignar y en un estado del tipo `nuevo`, entre el"
    " personal activo y disponible que atiende la categoría: `rotativa`, a quien hace más que no le toca;"
    " `menos_carga`, a quien tiene menos tiquets sin resolver; `ninguna`, a nadie. Solo al abrirlo: mover un"
    " tiquet a la categoría no lo asigna."
}
TIPO = {"description": "Qué significa en el ciclo de vida; no cambia."}
NIVEL = {"description": "De menor a mayor."}
CATEGORIA = {"description": "La categoría a la que pertenece; si es null, a cualquiera."}


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
    """De qué clase es un tiquet."""

    unidad_corresponde = fields.String(required=True, allow_none=True)
    asignacion = fields.String(
        required=True, metadata={"description": "A quién va un tiquet que se abre sin asignar."}
    )


class EstadoSchema(FilaSchema):
    """En qué punto está un tiquet."""

    tipo = fields.String(required=True)


class CriticidadSchema(FilaSchema):
    """Cuánto daño hace un problema."""

    nivel = fields.Integer(required=True)


class PrioridadSchema(FilaSchema):
    """Cuánta prisa corre un tiquet."""

    nivel = fields.Integer(required=True)


class UbicacionSchema(FilaSchema):
    """Un lugar, que puede estar en otro."""

    id_padre = fields.Integer(required=True, allow_none=True)


class ProblemaFrecuenteSchema(FilaSchema):
    """Un problema que se repite."""

    id_categoria = fields.Integer(required=True, allow_none=True)


class FilaFields(Schema):
    """What may be written of any row at any time."""

    nombre = Texto(max=120, metadata={"description": "Cómo se lee; único en su catálogo."})
    descripcion = Texto(max=500, lines=True, allow_none=True, metadata={"description": "Cuándo se elige."})
    orden = Entero(min=0, max=MAX_ORDEN, metadata=ORDEN)
    color = Color(allow_none=True, metadata={"description": "`#RRGGBB`"})
    activo = Booleano(metadata={"description": "Si se puede elegir."})
    predeterminado = Booleano(metadata={"description": "La que se toma si no se nombra ninguna."})


@requires("nombre")
class NuevaFields(FilaFields):
    """What may be written of a new row besides."""

    codigo = Codigo(metadata=TEXTOS)


# Of each catalog: the fields that only it has, as they are when a row is new and when it changes.
PROPIAS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "categorias": (
        {
            "unidad_corresponde": Texto(max=120, allow_none=True, metadata=UNIDAD),
            "asignacion": Opcion(*ASIGNACIONES, metadata=ASIGNACION),
        },
        {
            "unidad_corresponde": Texto(max=120, allow_none=True, metadata=UNIDAD),
            "asignacion": Opcion(*ASIGNACIONES, metadata=ASIGNACION),
        },
    ),
    "estados": ({"tipo": Opcion(*TIPOS, required=True, metadata=TIPO)}, {}),
    "criticidades": (
        {"nivel": Entero(required=True, metadata=NIVEL)},
        {"nivel": Entero(metadata=NIVEL)},
    ),
    "prioridades": (
        {"nivel": Entero(required=True, metadata=NIVEL)},
        {"nivel": Entero(metadata=NIVEL)},
    ),
    "ubicaciones": (
        {"id_padre": Entero(allow_none=True, metadata=SIN_CICLOS)},
        {"id_padre": Entero(allow_none=True, metadata=SIN_CICLOS)},
    ),
    "problemas": (
        {"id_categoria": Entero(allow_none=True, metadata=CATEGORIA)},
        {"id_categoria": Entero(allow_none=True, metadata=CATEGORIA)},
    ),
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

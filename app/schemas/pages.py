"""What lists have in common."""

from typing import Any

from marshmallow import fields

from app.schemas.fields import Entero, Out, Schema, Texto


class PaginaArgs(Schema):
    """Qué página de una lista."""

    limite = Entero(max=200, query=True, load_default=50, metadata={"description": "Filas por página."})
    cursor = Texto(
        max=2000,
        metadata={
            "description": "El `siguiente` de la página anterior, con los mismos filtros.",
            "pattern": "^[A-Za-z0-9_.-]+$",
        },
    )


class PaginacionSchema(Out):
    """Dónde está una página en su lista."""

    limite = fields.Integer(required=True)
    siguiente = fields.String(required=True, allow_none=True)
    total = fields.Integer(required=True, metadata={"description": "Se cuenta hasta 1000."})
    total_exacto = fields.Boolean(required=True)


def pagina_de(schema: type[Out]) -> type[Out]:
    """The schema of a page of ``schema``."""
    members: dict[str, Any] = {
        "data": fields.List(fields.Nested(schema), required=True),
        "paginacion": fields.Nested(PaginacionSchema, required=True),
    }
    return type(f"Pagina{schema.__name__}", (Out,), {**members, "__doc__": "Una página de una lista."})


class BreveSchema(Out):
    """Una fila de otra tabla, nombrada junto a su id."""

    id = fields.Integer(required=True)
    nombre = fields.String(required=True)

"""Views: filters of the list of tickets that somebody keeps."""

from typing import Any

from marshmallow import ValidationError, fields

from app.errors import Falla
from app.schemas.desk.tickets import TiquetsArgs
from app.schemas.fields import Booleano, Cambios, Objeto, Out, Schema, Texto, changes_of, requires
from app.schemas.pages import BreveSchema, PaginaArgs, pagina_de

MAX_FILTROS = 4000  # bytes of JSON
# Where a page begins, how long it is and what is searched belongs to whoever asks; the trash is no view.
AJENOS = ("limite", "cursor", "papelera", "q")


def filters() -> TiquetsArgs:
    """What a view may ask for."""
    return TiquetsArgs(exclude=AJENOS)


def filters_of(filtros: dict[str, Any]) -> dict[str, Any]:
    """The filters of a view as those of a request are; raises ``ValidationError``."""
    schema = filters()
    wrong = {name: [Falla("tipo", esperado="un valor")] for name, v in filtros.items() if not is_plain(v)}
    if wrong:
        raise ValidationError(wrong)
    texts = {name: as_texts(value) for name, value in filtros.items()}
    several = {name for name, field in schema.fields.items() if isinstance(field, fields.List)}
    repeated = {name: [Falla("repetido")] for name in texts if name not in several and len(texts[name]) != 1}
    if repeated:
        raise ValidationError(repeated)
    loaded: dict[str, Any] = schema.load({n: t if n in several else t[0] for n, t in texts.items()})
    return loaded


def is_plain(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(isinstance(one, str | int) or (isinstance(one, float) and one.is_integer()) for one in values)


def as_texts(value: Any) -> list[str]:
    """A value as a query string has it, where it can be repeated."""
    values = value if isinstance(value, list) else [value]
    return [str(int(one)) if isinstance(one, float) else str(one) for one in values]


class Filtros(Objeto):
    """Filters as an object: the names of the list's parameters, with one value or a list of them."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        filters_of(found)
        return found


class VistasArgs(PaginaArgs):
    """Qué página de las vistas."""

    conteos = Booleano(
        query=True,
        load_default=False,
        metadata={"description": "`true`: con la `cantidad` de tiquets de cada una, contados hasta 1000."},
    )


class VistaFields(Schema):
    """What may be written of a view at any time."""

    nombre = Texto(max=120, metadata={"description": "Único entre las propias."})
    compartida = Booleano(metadata={"description": "`true`: la ve todo el personal."})
    filtros = Filtros(
        max=MAX_FILTROS,
        metadata={
            "description": "Parámetros de la lista de tiquets, y su `orden`: cada uno, un valor o una lista."
        },
    )


@requires("nombre", "filtros")
class VistaCreateArgs(VistaFields):
    """Una vista nueva."""


class VistaSchema(Out):
    """Unos filtros de la lista de tiquets, guardados con un nombre."""

    id = fields.Integer(required=True)
    id_usuario = fields.Integer(required=True, metadata={"description": "De quién es."})
    nombre = fields.String(required=True)
    compartida = fields.Boolean(required=True)
    filtros = fields.Dict(required=True)
    fecha_creacion = fields.DateTime(required=True)
    version = fields.Integer(required=True)
    usuario = fields.Nested(BreveSchema, required=True)


class VistaContadaSchema(VistaSchema):
    """Una vista y, si se pidió, cuántos tiquets tiene."""

    cantidad = fields.Integer(metadata={"description": "Con `conteos=true`; se cuenta hasta 1000."})
    cantidad_exacta = fields.Boolean(metadata={"description": "`false`: hay más."})


@changes_of(VistaSchema)
class VistaUpdateArgs(VistaFields, Cambios):
    """Los campos que cambian. Los de solo lectura se admiten si no cambian."""


VistasPaginaSchema = pagina_de(VistaContadaSchema)

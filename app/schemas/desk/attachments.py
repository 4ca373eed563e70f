"""Files on tickets and comments."""

from typing import Any, ClassVar

from marshmallow import fields

from app.errors import Falla
from app.schemas.fields import SHARED, Entero, Lista, Out, Schema
from app.schemas.pages import BreveSchema, pagina_de

MAX_ARCHIVOS = 10


class Archivo(fields.Field[Any]):
    """An uploaded file: its content and the name that was sent with it."""

    default_error_messages = {**SHARED, "invalid": Falla("tipo", esperado="un archivo")}  # noqa: RUF012
    constraints: ClassVar[dict[str, Any]] = {"type": "string", "format": "binary", "minLength": 1}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not hasattr(value, "stream"):
            raise self.make_error("invalid")
        return value.stream, value.filename or ""


class AdjuntosCreateArgs(Schema):
    """Uno o más archivos, y de qué comentario son si son de alguno."""

    SIZES = ("adjunto_max_mb", "adjuntos_max_mb")  # The settings that say how large one is, and all of them.

    archivo = Lista(
        Archivo(),
        min=1,
        max=MAX_ARCHIVOS,
        required=True,
        metadata={"description": "Cada archivo en una parte `archivo`, con su nombre."},
    )
    id_comentario = Entero(
        query=True, metadata={"description": "Un comentario propio de este tiquet, que los mostrará."}
    )


class AdjuntoSchema(Out):
    """Un archivo de un tiquet o de uno de sus comentarios. Su contenido está en `contenido`."""

    id = fields.Integer(required=True)
    id_tiquet = fields.Integer(required=True)
    id_comentario = fields.Integer(required=True, allow_none=True)
    nombre = fields.String(required=True)
    tipo_mime = fields.String(required=True, metadata={"description": "Según su contenido."})
    bytes = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    autor = fields.Nested(BreveSchema, required=True)
    fecha_creacion = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class AdjuntosCreadosSchema(Out):
    """Los archivos que se subieron."""

    data = fields.List(fields.Nested(AdjuntoSchema), required=True)


AdjuntosPaginaSchema = pagina_de(AdjuntoSchema)

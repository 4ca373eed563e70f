"""The files of a ticket."""

from typing import Any

from flask import Response, url_for

from app.permissions import Permiso
from app.queries.desk import attachments as queries
from app.schemas.desk.attachments import (
    AdjuntoSchema,
    AdjuntosCreadosSchema,
    AdjuntosCreateArgs,
    AdjuntosPaginaSchema,
)
from app.schemas.pages import PaginaArgs
from app.services.desk import attachments, tickets
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint, prepare
from app.utils.etag import if_match, listed, shown
from app.utils.files.uploads import download

blp = Blueprint("adjuntos", __name__, description="Archivos de un tiquet y de sus comentarios.")

MISSING = ("tiquet_no_encontrado", "adjunto_no_encontrado")
BINARIO = {"type": "string", "format": "binary"}


@blp.get("/<id:id>/adjuntos", permiso=Permiso.VER_ADJUNTO)
@blp.arguments(PaginaArgs, location="query")
@blp.response(200, AdjuntosPaginaSchema)
@blp.problems("tiquet_no_encontrado")
def list_attachments(args: dict[str, Any], id: int) -> Response:
    """Listar los adjuntos de un tiquet

    Los suyos y los de sus comentarios, del más antiguo al más reciente.
    """
    actor, corte = current_actor(), cursors.read(args.get("cursor"))
    tickets.shown(actor, id)
    return listed(cursors.envelope(queries.page(actor, id, args["limite"], corte), args["limite"]))


@blp.post("/<id:id>/adjuntos", permiso=Permiso.CREAR_ADJUNTO)
@blp.arguments(AdjuntosCreateArgs, location="multipart")
@prepare(attachments.keep, timed=False)
@blp.response(201, AdjuntosCreadosSchema)
@blp.several
@blp.problems(
    *("tiquet_no_encontrado", "comentario_no_encontrado", "archivo_no_admitido", "sin_sitio_en_el_tiquet"),
    *("almacenamiento_no_disponible", "permiso_denegado"),
)
def create_attachments(datos: dict[str, Any], id: int) -> Response:
    """Adjuntar archivos a un tiquet

    De 1 a 10, o todos o ninguno. El tipo se decide por el contenido; del nombre se quita la carpeta.
    Con `id_comentario` son de ese comentario, y quien no lo vea tampoco los verá. `Location` es el adjunto,
    o la lista si son varios.
    """
    actor = current_actor()
    ids = attachments.create(actor, id, datos)
    answer = listed({"data": queries.several(actor, id, ids)})
    answer.status_code, answer.headers["Location"] = 201, address_of(id, ids)
    return answer


def address_of(id: int, ids: list[int]) -> str:
    """Where to find what was created."""
    if len(ids) == 1:
        return url_for("adjuntos.get_attachment", id=id, id_adjunto=ids[0])
    return url_for("adjuntos.list_attachments", id=id)


@blp.get("/<id:id>/adjuntos/<id:id_adjunto>", permiso=Permiso.VER_ADJUNTO)
@blp.response(200, AdjuntoSchema)
@blp.tagged
@blp.problems(*MISSING)
def get_attachment(id: int, id_adjunto: int) -> Response:
    """Ver qué es un adjunto"""
    return shown(attachments.shown(current_actor(), id, id_adjunto))


@blp.get("/<id:id>/adjuntos/<id:id_adjunto>/contenido", permiso=Permiso.VER_ADJUNTO)
@blp.response(200, BINARIO, content_type="*/*")
@blp.tagged
@blp.ranged
@blp.problems(*MISSING)
def download_attachment(id: int, id_adjunto: int) -> Response:
    """Descargar un adjunto

    Siempre como `attachment`. Admite `Range` e `If-Range`; el ETag es el SHA-256 del contenido.
    """
    adjunto = attachments.shown(current_actor(), id, id_adjunto)
    about = {"nombre": adjunto["nombre"], "tipo_mime": adjunto["tipo_mime"], "sha256": adjunto["sha256"]}
    return download(attachments.content(adjunto), size=adjunto["bytes"], **about)


@blp.delete("/<id:id>/adjuntos/<id:id_adjunto>", permiso=Permiso.ELIMINAR_ADJUNTO)
@blp.response(204)
@blp.problems(*MISSING, "version_obsoleta")
def delete_attachment(id: int, id_adjunto: int) -> Response:
    """Borrar un adjunto

    Quien lo subió o un Administrador. Quién lo borró y qué era quedan en el registro.
    """
    attachments.erase(current_actor(), id, id_adjunto, if_match())
    return Response(status=204)

"""Webhooks, and their deliveries."""

from typing import Any

from flask import Response, url_for

from app.permissions import Permiso
from app.queries.log import deliveries as delivery_queries
from app.queries.log import webhooks as queries
from app.schemas.fields import VacioArgs
from app.schemas.log.webhooks import (
    EntregasArgs,
    EntregaSchema,
    EntregasPaginaSchema,
    ReenviadasSchema,
    ReenviarArgs,
    RotarArgs,
    WebhookCreateArgs,
    WebhookNuevoSchema,
    WebhookSchema,
    WebhooksPaginaSchema,
    WebhookUpdateArgs,
)
from app.schemas.pages import PaginaArgs
from app.services.log import webhooks
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import if_match, listed, shown, with_secret

blp = Blueprint("webhooks", __name__, description="Avisos de lo que pasa, por HTTP, a otros programas.")

EJEMPLO = {
    "url": "https://avisos.example.org/soporte",
    "eventos": ["tiquet.*", "comentario.creado"],
    "filtros": {"id_categoria": [1, 2]},
}


@blp.get("", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(PaginaArgs, location="query")
@blp.response(200, WebhooksPaginaSchema)
def list_webhooks(args: dict[str, Any]) -> Response:
    """Listar los webhooks

    El más antiguo primero.
    """
    pagina = queries.page(args["limite"], cursors.read(args.get("cursor")))
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.post("", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(WebhookCreateArgs, example=EJEMPLO)
@blp.response(201, WebhookNuevoSchema)
def create_webhook(datos: dict[str, Any]) -> Response:
    """Crear un webhook

    Cada evento que pasa desde ahora se envía con POST, firmado según Standard Webhooks, al menos una vez y en
    orden dentro de cada tiquet. El `secreto` solo se muestra en esta respuesta.
    """
    id, secreto = webhooks.create(current_actor(), datos)
    address = url_for("webhooks.get_webhook", id=id)
    return with_secret(shown(webhooks.shown(id), status=201, location=address), secreto=secreto)


@blp.get("/<id:id>", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.response(200, WebhookSchema)
@blp.tagged
@blp.problems("webhook_no_encontrado")
def get_webhook(id: int) -> Response:
    """Ver un webhook"""
    return shown(webhooks.shown(id))


@blp.put("/<id:id>", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(WebhookUpdateArgs, example={"eventos": ["tiquet.creado", "tiquet.actualizado"]})
@blp.response(200, WebhookSchema)
@blp.problems("webhook_no_encontrado", "version_obsoleta")
def update_webhook(cambios: dict[str, Any], id: int) -> Response:
    """Cambiar un webhook

    Cambia los campos que se envían y deja los demás como están. Uno en pausa vuelve con `{"activo": true}`.
    """
    return shown(webhooks.shown(webhooks.update_webhook(current_actor(), id, cambios, if_match())))


@blp.patch("/<id:id>", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(WebhookUpdateArgs, example={"activo": False})
@blp.response(200, WebhookSchema)
@blp.problems("webhook_no_encontrado", "version_obsoleta")
def patch_webhook(cambios: dict[str, Any], id: int) -> Response:
    """Cambiar parte de un webhook

    Lo mismo que PUT.
    """
    return shown(webhooks.shown(webhooks.update_webhook(current_actor(), id, cambios, if_match())))


@blp.delete("/<id:id>", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.response(204)
@blp.problems("webhook_no_encontrado", "version_obsoleta")
def delete_webhook(id: int) -> Response:
    """Borrar un webhook

    Lo pendiente ya no se envía, y sus entregas se borran en la hora siguiente.
    """
    webhooks.erase(current_actor(), id, if_match())
    return Response(status=204)


@blp.post("/<id:id>/rotar", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(RotarArgs, required=False, example={"horas": 24})
@blp.response(200, WebhookNuevoSchema)
@blp.problems("webhook_no_encontrado")
def rotate_secret(datos: dict[str, Any], id: int) -> Response:
    """Cambiar el secreto de un webhook

    El nuevo solo se muestra en esta respuesta. Durante `horas` se firma con los dos: `webhook-signature`
    lleva las dos firmas.
    """
    secreto = webhooks.rotate(current_actor(), id, datos["horas"])
    return with_secret(listed(webhooks.shown(id)), secreto=secreto)


@blp.post("/<id:id>/probar", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, EntregaSchema)
@blp.problems("webhook_no_encontrado")
def try_webhook(_datos: dict[str, Any], id: int) -> Response:
    """Probar un webhook

    Envía una vez `webhook.prueba`, aunque no esté activo. Cómo fue lo dice la entrega, al poco.
    """
    return listed(webhooks.delivery(id, webhooks.try_out(current_actor(), id)))


@blp.get("/<id:id>/entregas", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(EntregasArgs, location="query")
@blp.response(200, EntregasPaginaSchema)
@blp.problems("webhook_no_encontrado")
def list_deliveries(args: dict[str, Any], id: int) -> Response:
    """Listar las entregas de un webhook

    La más reciente primero. Se guardan `DIAS_ENTREGAS`.
    """
    webhooks.shown(id)
    pagina = delivery_queries.page(id, args.get("estado"), args["limite"], cursors.read(args.get("cursor")))
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.get("/<id:id>/entregas/<id:id_entrega>", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.response(200, EntregaSchema)
@blp.problems("webhook_no_encontrado", "entrega_no_encontrada")
def get_delivery(id: int, id_entrega: int) -> Response:
    """Ver una entrega

    Lo que se envió la última vez y lo que respondió.
    """
    return listed(webhooks.delivery(id, id_entrega))


@blp.post("/<id:id>/entregas/<id:id_entrega>/reenviar", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, EntregaSchema)
@blp.problems("webhook_no_encontrado", "entrega_no_encontrada")
def resend_delivery(_datos: dict[str, Any], id: int, id_entrega: int) -> Response:
    """Reenviar una entrega

    Con el mismo `webhook-id` y el mismo cuerpo. Una pendiente se intenta ya.
    """
    webhooks.resend(current_actor(), id, id_entrega)
    return listed(webhooks.delivery(id, id_entrega))


@blp.post("/<id:id>/entregas/reenviar", permiso=Permiso.ADMINISTRAR_WEBHOOK)
@blp.arguments(ReenviarArgs, example={"estado": "muerta"})
@blp.response(200, ReenviadasSchema)
@blp.problems("webhook_no_encontrado")
def resend_deliveries(rango: dict[str, Any], id: int) -> Response:
    """Reenviar un intervalo de entregas

    Por `secuencia`, por fecha o por estado; las pendientes no cuentan. Hasta 500 por llamada: mientras
    `siguiente_secuencia` no sea `null` se repite con ella en `desde_secuencia`.
    """
    return listed(webhooks.resend_range(current_actor(), id, rango))

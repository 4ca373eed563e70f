"""Webhooks: who is told of what, and telling it again."""

import base64
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import case, update

from app.errors import Falla, Invalid, NotFound
from app.extensions import db
from app.models import EN_FILA, ENTIDADES, PENDIENTE, PRUEBA, YA, Entregas, Webhooks, utcnow
from app.permissions import Actor, Permiso, require
from app.queries.log import deliveries as delivery_queries
from app.queries.log import feed
from app.queries.log import webhooks as queries
from app.services import changes
from app.services.log import audit, deliveries, outgoing
from app.services.versions import Precondicion, check_version
from app.transaction import new_operation

PREFIJO = "whsec_"
BYTES = 32
REENVIOS = 500  # deliveries that one request sends again
BATCH = 500  # events whose deliveries are emptied in one statement
# Whose events there are.
TEMAS = (
    *("acceso", "adjunto", "auditoria", "cliente", "comentario", "empleado", "legado", "relacion"),
    *("seguidor", "sesion", "tiquet", "token", "usuario", "vista", "webhook"),
    *ENTIDADES.values(),
)


def create(actor: Actor, datos: dict[str, Any]) -> tuple[int, str]:
    """Tell an address of what happens from now on; answers its id and the secret, which is shown only now."""
    require(Permiso.ADMINISTRAR_WEBHOOK, actor)
    check_url(datos["url"])
    secreto = new_secret()
    place = {"hasta_secuencia": feed.ends().ultima, "fallos_seguidos": 0}
    webhook = Webhooks(**{"filtros": {}, "activo": True} | datos, secreto=secreto, **place)
    db.session.add(webhook)
    audit.record("webhook.creado", actor, webhook, {})
    return webhook.id, secreto


def new_secret() -> str:
    return PREFIJO + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def check_url(url: str) -> None:
    """Refuse an address that tells by itself that nothing may be sent there; a name is judged when it is."""
    try:
        outgoing.check(url)
    except outgoing.Refused as refused:
        raise Invalid({"url": [Falla(refused.codigo)]}) from refused


def update_webhook(actor: Actor, id: int, cambios: dict[str, Any], precondicion: Precondicion) -> int:
    """Change the given fields of a webhook; answers its id. One that is active again goes on at once."""
    webhook = find(actor, id)
    check_version("webhook", webhook, precondicion)
    cambios = changes.wanted(webhook, cambios, lambda: shown(id), queries.MOVIBLES)
    before = audit.snapshot(webhook)
    if "url" in cambios:
        check_url(cambios["url"])
    for campo, value in cambios.items():
        setattr(webhook, campo, value)
    if cambios.get("activo"):
        webhook.motivo_pausa = webhook.fecha_pausa = webhook.fallos_desde = None
        webhook.fallos_seguidos = 0
        hurry(id)
    audit.record("webhook.actualizado", actor, webhook, before)
    return id


def hurry(id: int) -> None:
    """Let what waits for a further try have it now."""
    now = utcnow()
    waits = Entregas.proximo_intento > now, Entregas.proximo_intento < EN_FILA, Entregas.tomado_por.is_(None)
    mine = update(Entregas).where(Entregas.id_webhook == id, Entregas.estado == PENDIENTE, *waits)
    db.session.execute(mine.values(proximo_intento=now))


def erase(actor: Actor, id: int, precondicion: Precondicion) -> None:
    """Forget a webhook; maintenance erases its deliveries."""
    webhook = find(actor, id)
    check_version("webhook", webhook, precondicion)
    audit.record_erasure("webhook.eliminado", actor, webhook)


def rotate(actor: Actor, id: int, horas: int) -> str:
    """Sign with a new secret, which is answered, and for some hours with the old one too."""
    webhook = find(actor, id)
    before = audit.snapshot(webhook)
    webhook.secreto_anterior = webhook.secreto if horas else None
    webhook.secreto_anterior_vence = utcnow() + timedelta(hours=horas) if horas else None
    webhook.secreto = new_secret()
    audit.record("webhook.secreto_rotado", actor, webhook, before, always=True)
    return webhook.secreto


def try_out(actor: Actor, id: int) -> int:
    """Send what no event caused, even while the webhook is not active; answers the delivery's id."""
    webhook = find(actor, id)
    now = utcnow()
    cuerpo = deliveries.message(PRUEBA, now, {"id_webhook": id})
    about = {"id_evento": new_operation(), "accion": PRUEBA, "cuerpo": cuerpo, "proximo_intento": YA}
    entrega = Entregas(id_webhook=id, **about, fecha_creacion=now)
    db.session.add(entrega)
    audit.record("webhook.probado", actor, webhook, audit.snapshot(webhook), always=True)
    return entrega.id


def resend(actor: Actor, id: int, id_entrega: int) -> None:
    """Send one delivery again, or the first time at once."""
    webhook = find(actor, id)
    entrega = delivery_queries.locked(id, id_entrega)
    if entrega is None:
        raise NotFound("entrega_no_encontrada")
    if entrega.estado != PENDIENTE:
        requeue(id, [entrega.id], {entrega.id_tiquet} - {None})
    elif entrega.tomado_por is None and entrega.proximo_intento != EN_FILA:
        entrega.proximo_intento = YA if entrega.accion == PRUEBA else utcnow()
    audit.record("webhook.reenviado", actor, webhook, audit.snapshot(webhook), always=True)


def resend_range(actor: Actor, id: int, rango: dict[str, Any]) -> dict[str, Any]:
    """Send the first deliveries of a range again; answers how many, and where the rest begins."""
    webhook = find(actor, id)
    if not any(value is not None for value in rango.values()):
        raise Invalid({"desde_secuencia": [Falla("requerido")]})
    rows = delivery_queries.told(id, rango, REENVIOS + 1)
    rest = rows[REENVIOS].secuencia if len(rows) > REENVIOS else None
    rows = rows[:REENVIOS]
    if rows:
        requeue(id, [row.id for row in rows], {row.id_tiquet for row in rows} - {None})
        audit.record("webhook.reenviado", actor, webhook, audit.snapshot(webhook), always=True)
    return {"reenviadas": len(rows), "siguiente_secuencia": rest}


def requeue(id_webhook: int, ids: list[int], ids_tiquet: Iterable[Any]) -> None:
    """Let deliveries begin anew, each in its place among those of its ticket."""
    now = utcnow()
    due = case((Entregas.accion == PRUEBA, YA), (Entregas.id_tiquet.is_(None), now), else_=EN_FILA)
    state = {"estado": PENDIENTE, "intentos": 0, "tomado_por": None, "proximo_intento": due}
    anew = update(Entregas).where(Entregas.id.in_(ids)).values(state)
    db.session.execute(anew, execution_options={"synchronize_session": False})
    deliveries.arrange(id_webhook, ids_tiquet, demote=True)


def forget_ticket(ids: Iterable[int]) -> int:
    """Empty what deliveries hold of tickets and of what belongs to them; answers how many were emptied."""
    return forget("tiquet", ids)


def forget(entidad: str, ids: Iterable[int]) -> int:
    """Empty the bodies of the deliveries about some things, in the unit of work that anonymises them.

    What happened before and has no deliveries yet gets them behind it. One that was not sent yet is told
    with what is left of its event.
    """
    queries.lock_all()
    return forget_events(delivery_queries.numbers_of(entidad, list(ids)))


def forget_events(numbers: list[int]) -> int:
    """The same for those of some events, by their numbers."""
    queries.lock_all()
    done = 0
    webhooks = delivery_queries.told_webhooks()
    for start in range(0, len(numbers), BATCH):
        some = Entregas.secuencia.in_(numbers[start : start + BATCH])
        emptied = update(Entregas).where(Entregas.id_webhook.in_(webhooks), some)
        found: Any = db.session.execute(emptied.values(cuerpo=None, respuesta_cuerpo=None))
        done += found.rowcount
    return done


def find(actor: Actor, id: int) -> Webhooks:
    """A webhook to be changed, locked."""
    require(Permiso.ADMINISTRAR_WEBHOOK, actor)
    webhook = queries.locked(id)
    if webhook is None:
        raise NotFound("webhook_no_encontrado")
    return webhook


def shown(id: int) -> dict[str, Any]:
    """A webhook as a client gets it, or 404."""
    found = queries.get(id)
    if found is None:
        raise NotFound("webhook_no_encontrado")
    return found


def delivery(id: int, id_entrega: int) -> dict[str, Any]:
    """A delivery as a client gets it, or 404."""
    shown(id)
    found = delivery_queries.get(id, id_entrega)
    if found is None:
        raise NotFound("entrega_no_encontrada")
    return found

"""Telling webhooks: the numbered log becomes deliveries, and deliveries become requests.

At least once, and in the order of the log for each ticket: of one webhook and ticket only the first delivery
is ever due, and only when it was taken or given up the next one is. Any number of workers may send; whoever
changes deliveries of a webhook holds its row, and a claim ends by itself when its worker was killed.
"""

import base64
import hmac
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, update

from app.extensions import db, settings
from app.models import (
    ADMINISTRADOR,
    EN_FILA,
    ENTREGADA,
    MUERTA,
    PENDIENTE,
    PRUEBA,
    Entregas,
    Webhooks,
    as_json,
    utcnow,
)
from app.permissions import SISTEMA, Actor
from app.queries.log import deliveries as queries
from app.queries.log import feed
from app.queries.log import webhooks as webhook_queries
from app.services.log import audit, outgoing, sequencer
from app.transaction import LIMIT, TryAgain, read, run

LOTE = 200  # events that are looked at in one transaction
TURNO = 2.0  # seconds after which a thread takes no further delivery, to see whether it is to stop
# Of a claim: sending, noting how it went, and some to spare. Until it ends, a killed worker's deliveries
# count among those that are being sent, and a few of them keep the whole webhook waiting.
PLAZO = timedelta(seconds=outgoing.LIMIT + LIMIT + 5)
SIMULTANEAS = 4  # deliveries that are sent to one webhook at a time, by all workers together …
DUDOSO = 5  # … and one alone after so many failures in a row
REINTENTOS = (1, 5, 30)  # seconds until the first tries after the first; then it doubles, with chance, …
MINUTO, DIA = 60, 86_400  # … from the one to the other
INTENTOS = 18  # that a delivery has, over three days or so, before it is given up
FALLOS, MUDO = 100, timedelta(days=1)  # in a row and for so long: then nobody is there
YA_NO_EXISTE = 410
DE_WEBHOOKS = "webhook"  # The entity of which only those hear who ask for it by name.

# Payloads are what an Administrador sees.
LECTOR = Actor(id=None, tipo_usuario=ADMINISTRADOR, tipo="sistema")


@dataclass(frozen=True)
class Turno:
    """A delivery that is ours to send."""

    id: int
    id_webhook: int
    id_evento: str
    id_tiquet: int | None
    es_prueba: bool
    intentos: int  # with this one
    url: str
    secretos: tuple[str, ...]
    cuerpo: str | None
    tomado_por: str


# From the log to deliveries.


def fan_out() -> int:
    """Make deliveries of what was committed; answers how many events were looked at for some webhook."""
    if not read(webhook_queries.any_active):
        return 0
    sequencer.number_events(sequencer.EN_UNA_PETICION)
    behind = read(webhook_queries.behind)
    return sum(run(lambda id=id: advance(id)) for id in behind)  # type: ignore[misc]


def advance(id: int) -> int:
    """Give one webhook deliveries of the next events; answers how many events that were. A unit of work."""
    webhook = webhook_queries.locked(id)
    if webhook is None or not webhook.activo:
        return 0
    seen, ultima = webhook.hasta_secuencia, feed.ends().ultima
    rows = feed.between(LECTOR, seen, ultima, LOTE)
    matching = select_for(webhook, rows)
    if matching:
        db.session.execute(insert(Entregas), in_line(id, matching))
    hasta = rows[-1]["secuencia"] if len(rows) == LOTE else max(ultima, seen)
    mine = update(Webhooks).where(Webhooks.id == id, Webhooks.hasta_secuencia == seen)
    moved: Any = db.session.execute(mine.values(hasta_secuencia=hasta))
    if moved.rowcount != 1:
        raise TryAgain  # The nodes of a cluster do not see each other's locks.
    return len(rows)


def select_for(webhook: Webhooks, rows: Iterable[Any]) -> list[Any]:
    """Those events that a webhook asked for, since it is there, and that its deliveries may still hold."""
    since = max(webhook.fecha_creacion, utcnow() - timedelta(days=settings().dias_entregas))
    asked = [row for row in rows if row["fecha"] >= since and matches(webhook.eventos, row["accion"])]
    if not webhook.filtros or not asked:
        return asked
    tiquets = queries.filtered({row["id_tiquet"] for row in asked} - {None})
    return [row for row in asked if passes(webhook.filtros, row, tiquets.get(row["id_tiquet"]))]


def matches(patterns: list[str], accion: str) -> bool:
    """Whether a pattern names this action. ``*`` leaves out webhooks, whose news are about telling news."""
    entidad = accion.partition(".")[0]
    everything = "*" in patterns and entidad != DE_WEBHOOKS
    return everything or accion in patterns or f"{entidad}.*" in patterns


def passes(filtros: dict[str, list[int]], row: Any, tiquet: dict[str, int] | None) -> bool:
    """Whether the ticket is, or was before this event, as each filter wants it."""
    if tiquet is None:
        return False

    def values(name: str) -> set[Any]:
        changed = [change for change in row["cambios"] if change["campo"] == name]
        return {tiquet[name], *(change["anterior"] for change in changed if row["entidad"] == "tiquet")}

    return all(values(name) & set(wanted) for name, wanted in filtros.items())


def in_line(id: int, rows: list[Any]) -> list[dict[str, Any]]:
    """Deliveries of these events, each due at once unless it waits for an earlier one of its ticket."""
    now = utcnow()
    waiting = set(queries.heads(id, {row["id_tiquet"] for row in rows} - {None}))
    lines = []
    for row, cuerpo in zip(rows, payloads(rows), strict=True):
        due = EN_FILA if row["id_tiquet"] in waiting else now
        if row["id_tiquet"] is not None:
            waiting.add(row["id_tiquet"])
        about = {key: row[key] for key in ("secuencia", "id_evento", "accion", "id_tiquet")}
        state = {"estado": PENDIENTE, "intentos": 0, "proximo_intento": due, "fecha_creacion": now}
        lines.append({"id_webhook": id, "cuerpo": cuerpo, **about, **state})
    return lines


def payloads(rows: list[Any]) -> list[str]:
    """What is sent of each event: as the feed shows it to an Administrador."""
    return [message(evento["accion"], evento["fecha"], evento) for evento in feed.with_things(LECTOR, rows)]


def message(accion: str, fecha: datetime, data: dict[str, Any]) -> str:
    return as_json({"type": accion, "timestamp": fecha, "data": data}).decode()


# From deliveries to requests.


def deliver() -> int:
    """Send what is due, one after the other, for some seconds; answers how many were sent."""
    done, end = 0, monotonic() + TURNO
    due = read(lambda: queries.due_webhooks(utcnow()))
    random.shuffle(due)  # So that several threads begin with different ones.
    for id in due:
        turno = run(lambda id=id: claim(id, uuid4().hex))  # type: ignore[misc]
        while turno:
            done += 1
            tried = attempt(turno)
            more = monotonic() < end
            turno = run(lambda turno=turno, tried=tried, more=more: settle(turno, tried, more))  # type: ignore[misc]
        if monotonic() >= end:
            break
    return done


def claim(id_webhook: int, tomado_por: str) -> Turno | None:
    """Take what is due next, if not too many are sending to this webhook already. A unit of work."""
    webhook = webhook_queries.locked(id_webhook)
    return taken(webhook, tomado_por) if webhook else None


def taken(webhook: Webhooks, tomado_por: str) -> Turno | None:
    now = utcnow()
    most = SIMULTANEAS if webhook.fallos_seguidos < DUDOSO else 1
    if queries.in_flight(webhook.id, now, PLAZO) >= most:
        return None
    entrega = queries.next_due(webhook, now)
    if entrega is None:
        return None
    free = Entregas.id == entrega.id, Entregas.proximo_intento == entrega.proximo_intento
    cuerpo = entrega.cuerpo or told_anew(entrega)
    values = {"tomado_por": tomado_por, "proximo_intento": now + PLAZO, "intentos": entrega.intentos + 1}
    if entrega.cuerpo is None:  # Else it is not written again: it may be emptied while it is being sent.
        values["cuerpo"] = cuerpo
    ours: Any = db.session.execute(
        update(Entregas).where(*free).values(values).execution_options(synchronize_session=False)
    )
    if ours.rowcount != 1:
        raise TryAgain
    return Turno(
        id=entrega.id,
        id_webhook=webhook.id,
        id_evento=entrega.id_evento,
        id_tiquet=entrega.id_tiquet,
        es_prueba=entrega.accion == PRUEBA,
        intentos=entrega.intentos + 1,
        url=webhook.url,
        secretos=secrets_of(webhook, now),
        cuerpo=cuerpo,
        tomado_por=tomado_por,
    )


def told_anew(entrega: Entregas) -> str | None:
    """The body of a delivery that was emptied before it was sent, with what is left of its event."""
    row = None if entrega.secuencia is None else queries.event(entrega.secuencia)
    return None if row is None else payloads([row])[0]


def secrets_of(webhook: Webhooks, now: datetime) -> tuple[str, ...]:
    """Those that sign: the present one, and the one before while it is good."""
    lives = webhook.secreto_anterior and (webhook.secreto_anterior_vence or now) > now
    return (webhook.secreto, webhook.secreto_anterior) if lives else (webhook.secreto,)  # type: ignore[return-value]


def attempt(turno: Turno) -> dict[str, Any]:
    """Send a delivery, outside any transaction; answers what is to be noted of it."""
    start, now = monotonic(), utcnow()
    cuerpo = (turno.cuerpo or "").encode()
    headers = headers_of(turno, now, cuerpo)
    noted = {"fecha_intento": now, "url": turno.url, "cabeceras": headers}
    try:
        if turno.cuerpo is None:
            raise outgoing.Refused("evento_purgado")
        answer = outgoing.post(turno.url, headers, cuerpo)
    except outgoing.Refused as refused:
        told = {"error": refused.codigo} | answered(None)
    else:
        told = {"error": None} | answered(answer)
    return noted | told | {"milisegundos": int((monotonic() - start) * 1000)}


def answered(answer: outgoing.Answer | None) -> dict[str, Any]:
    return {
        "respuesta_estado": answer and answer.estado,
        "respuesta_cabeceras": answer and answer.cabeceras,
        "respuesta_cuerpo": answer and answer.cuerpo,
    }


def headers_of(turno: Turno, now: datetime, cuerpo: bytes) -> dict[str, str]:
    """Those of Standard Webhooks; the id is the event's, the same however often it is sent."""
    timestamp = str(int(now.replace(tzinfo=UTC).timestamp()))
    signed = f"{turno.id_evento}.{timestamp}.".encode() + cuerpo
    return {
        "Content-Type": "application/json",
        "User-Agent": "SoportePlus",
        "webhook-id": turno.id_evento,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{sign(secret, signed)}" for secret in turno.secretos),
    }


def sign(secreto: str, signed: bytes) -> str:
    key = base64.b64decode(secreto.partition("_")[2])
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def settle(turno: Turno, tried: dict[str, Any], more: bool) -> Turno | None:
    """Note how a delivery went, let the next of its ticket go, take another if ``more``. A unit of work."""
    webhook = webhook_queries.locked(turno.id_webhook)
    if webhook is None:
        return None  # It was erased meanwhile; what is left of it is purged.
    good = 200 <= (tried["respuesta_estado"] or 0) < 300
    state = state_after(turno, good, utcnow())
    mine = update(Entregas).where(Entregas.id == turno.id, Entregas.tomado_por == turno.tomado_por)
    ours: Any = db.session.execute(
        mine.values(**tried, **state, tomado_por=None).execution_options(synchronize_session=False)
    )
    if ours.rowcount:
        if turno.id_tiquet is not None:
            arrange(webhook.id, [turno.id_tiquet], demote=not good)
        note(webhook, turno, tried["respuesta_estado"], good)
    return taken(webhook, uuid4().hex) if more else None


def state_after(turno: Turno, good: bool, now: datetime) -> dict[str, Any]:
    if good:
        return {"estado": ENTREGADA, "proximo_intento": None}
    if turno.es_prueba or turno.intentos >= INTENTOS or turno.cuerpo is None:
        return {"estado": MUERTA, "proximo_intento": None}
    return {"proximo_intento": now + timedelta(seconds=pause(turno.intentos))}


def pause(intentos: int) -> float:
    """Seconds until the next try after so many."""
    if intentos <= len(REINTENTOS):
        return REINTENTOS[intentos - 1]
    return random.uniform(0, min(DIA, MINUTO * 2 ** (intentos - len(REINTENTOS) - 1)))


def arrange(id_webhook: int, ids_tiquet: Iterable[int], *, demote: bool) -> None:
    """Let the first delivery of each of these tickets be due, and with ``demote`` no other of them."""
    ids = list(ids_tiquet)
    if not ids:
        return
    heads = list(queries.heads(id_webhook, ids).values())
    first = Entregas.id_webhook == id_webhook, Entregas.secuencia.in_(heads)
    unseen = {"synchronize_session": False}
    due = update(Entregas).where(*first, Entregas.proximo_intento == EN_FILA)
    db.session.execute(due.values(proximo_intento=utcnow()), execution_options=unseen)
    if demote:
        others = queries.pending_of(id_webhook, ids), Entregas.secuencia.not_in(heads)
        behind = update(Entregas).where(*others, Entregas.tomado_por.is_(None))
        db.session.execute(behind.values(proximo_intento=EN_FILA), execution_options=unseen)


def note(webhook: Webhooks, turno: Turno, estado: int | None, good: bool) -> None:
    """Note of a webhook how a delivery went; one where nobody is any more is paused."""
    now = utcnow()
    this = update(Webhooks).where(Webhooks.id == webhook.id)
    if good:
        fresh = {"fallos_seguidos": 0, "fallos_desde": None, "fecha_ultima_entrega": now}
        db.session.execute(this.values(fresh), execution_options={"synchronize_session": "evaluate"})
    elif not turno.es_prueba:
        since = webhook.fallos_desde or now
        failed = {"fallos_seguidos": webhook.fallos_seguidos + 1, "fallos_desde": since}
        db.session.execute(this.values(failed), execution_options={"synchronize_session": "evaluate"})
        mute = webhook.fallos_seguidos >= FALLOS and now - since >= MUDO
        if webhook.activo and (mute or estado == YA_NO_EXISTE):
            stop(webhook, "ya_no_existe" if estado == YA_NO_EXISTE else "fallos")


def stop(webhook: Webhooks, motivo: str) -> None:
    before = audit.snapshot(webhook)
    webhook.activo, webhook.motivo_pausa, webhook.fecha_pausa = False, motivo, utcnow()
    audit.record("webhook.pausado", SISTEMA, webhook, before)

"""Sending what waits: each mail is claimed, made, handed over and settled, one after the other.

Any number of workers may do it. One that is killed leaves at most the mail that it had in hand, which
another sends when the claim ends: it arrives once, or twice if it had just been handed over.
"""

from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, or_, update

from app import transaction
from app.extensions import db, settings
from app.models import ENVIADO, FALLIDO, OMITIDO, PENDIENTE, RECUPERACION, Correos, utcnow
from app.queries import mail as queries
from app.services.access import recovery
from app.services.mail import writing
from app.services.mail.letters import Carta, message
from app.services.mail.smtp import Refused, Send, ServerDown, outgoing

ROUND = 50  # mails that are looked up at once
PIECE = 5.0  # seconds, after which a round ends and with it the connection
CLAIM = timedelta(minutes=5)  # More than any mail takes to be handed over.
PAUSES = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, 180, 360))  # after each try that failed


def send_due() -> int:
    """Send what is due for a few seconds; answers how many were looked at, or raises ``ServerDown``."""
    if not settings().sends_mail or not transaction.read(lambda: queries.due(1)):
        return 0
    done, end = 0, monotonic() + PIECE
    with outgoing() as send:
        while monotonic() < end and (ids := transaction.read(lambda: queries.due(ROUND))):
            for id in ids:
                done += send_one(id, send)
                if monotonic() >= end:
                    break
    return done


def send_one(id: int, send: Send) -> bool:
    """Send one mail, if it is not another's; answers whether it was ours."""
    marca = uuid4().hex
    correo = transaction.run(lambda: claimed(id, marca))
    if correo is None:
        return False
    carta = write(correo)
    if carta is None:
        settle(correo, marca, OMITIDO)
        return True
    try:
        send(message(carta))
    except Refused as refused:
        settle_failure(correo, marca, str(refused), refused.for_good)
    except ServerDown as down:
        settle_failure(correo, marca, str(down), for_good=False)
        raise
    else:
        settle(correo, marca, ENVIADO, fecha_envio=utcnow(), error=None)
    return True


def claimed(id: int, marca: str) -> Any | None:
    """The mail, ours until the claim ends; None when another has it or it is settled. A unit of work."""
    now = utcnow()
    # A second try of this unit finds its own mark where the first was committed.
    free = or_(Correos.proximo <= now, Correos.marca == marca)
    mine = update(Correos).where(Correos.id == id, Correos.estado == PENDIENTE, free)
    stale: Any = db.session.execute(mine.where(Correos.vence <= now).values(estado=FALLIDO))
    if stale.rowcount:
        return None
    tries = Correos.intentos + 1
    ours: Any = db.session.execute(mine.values(marca=marca, proximo=now + CLAIM, intentos=tries))
    return queries.get(id) if ours.rowcount else None


def write(correo: Any) -> Carta | None:
    """What a mail says now, or None where there is nothing to say to that person any more."""
    if correo.tipo == RECUPERACION:
        return recovery.letter(correo.direccion)
    return transaction.read(lambda: writing.letter(correo))


def settle_failure(correo: Any, marca: str, error: str, for_good: bool) -> None:
    """Try again after a pause, unless that is of no use or would come too late."""
    again = utcnow() + PAUSES[min(correo.intentos, len(PAUSES)) - 1]
    over = for_good or again >= correo.vence
    outcome = {"estado": FALLIDO} if over else {"estado": PENDIENTE, "proximo": again}
    settle(correo, marca, error=error[:200], **outcome)


def settle(correo: Any, marca: str, estado: str, **values: Any) -> None:
    """Write down what became of a mail, if it is still ours. Nobody's wrong e-mail is kept."""
    ours = (Correos.id == correo.id, Correos.marca == marca)
    outcome: Any = update(Correos).where(*ours).values(estado=estado, marca=None, **values)
    if correo.tipo == RECUPERACION and estado == OMITIDO:
        outcome = delete(Correos).where(*ours)
    transaction.run(lambda: db.session.execute(outcome))


def forget_person(direcciones: Iterable[str] = (), **ids: Iterable[int]) -> int:
    """Erase what was sent to these addresses, and to each ``id_usuario``, ``id_cliente``, ``id_empleado``."""
    gone = erase(Correos.direccion.in_(list(direcciones)))
    return gone + sum(erase(getattr(Correos, campo).in_(list(some))) for campo, some in ids.items())


def forget_ticket(id_tiquet: int) -> int:
    """Erase what was written about a ticket."""
    return erase(Correos.id_tiquet == id_tiquet)


def erase(which: Any) -> int:
    gone: Any = db.session.execute(delete(Correos).where(which))
    return int(gone.rowcount)

"""What walks over all operations need: a thing of each kind to act on, and what the database holds."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, select, update

from app.extensions import db
from app.models import CATALOGOS, Base, Intento, LogTransaccional, Sesion
from app.services.access.passwords import hash_password
from app.services.access.sessions import digest
from app.services.access.users import CLAVE_DE_DEMO
from app.utils.access import tokens
from tests import factories
from tests.factories import Quien

UNKNOWN = 2147483647  # the id of nothing
STALE = '"999.0"'  # the tag of no version
VISTAS = "/api/tickets/vistas"
WEBHOOKS = "/api/webhooks"
UNKNOWN_SESSION = "f" * 32
AUTH, TIQUETS, USERS = "/api/auth/", "/api/tickets/tickets", "/api/users"
LOG = LogTransaccional.__tablename__
TRIED = Intento.__tablename__  # A password that was wrong counts, whatever it is refused with.
# The password in the examples of the document.
HASH_DE_EJEMPLO = hash_password(CLAVE_DE_DEMO)

# Catalog -> the field by which a ticket names a row of it.
CAMPO_DE = {
    "categorias": "id_categoria",
    "estados": "id_estado",
    "criticidades": "id_criticidad",
    "prioridades": "id_prioridad",
    "ubicaciones": "id_ubicacion",
    "problemas": "id_problema",
}
PERSONAS = {"cliente": factories.ClienteFactory, "empleado": factories.EmpleadoFactory}

Ids = tuple[int | str, ...]
Make = Callable[..., Ids]


def maker(factory: Any) -> Make:
    return lambda **fields: (factory(**fields).id,)


def person_maker(factory: Any) -> Make:
    """With the e-mail by which the example confirms whose data are to be erased."""
    return lambda **fields: (factory(**{"email": "lucia@example.org"} | fields).id,)


def row_maker(name: str) -> Make:
    return lambda **fields: (factories.fila(name, **fields),)


def make_session(id_usuario: int | None = None, **fields: Any) -> tuple[str]:
    sid, _ = factories.signed_in(id_usuario or factories.UsuarioFactory().id, **fields)
    return (sid,)


def make_comment(**fields: Any) -> Ids:
    comment = factories.ComentarioFactory(**fields)
    return comment.id_tiquet, comment.id


def make_file(**fields: Any) -> Ids:
    file = factories.adjunto(**fields)
    return file.id_tiquet, file.id


def make_view(**fields: Any) -> Ids:
    return (factories.VistaFactory(**fields).id,)


def make_relation(**fields: Any) -> Ids:
    relation = factories.RelacionFactory(**fields)
    return relation.id_tiquet, relation.id


def make_delivery(**fields: Any) -> Ids:
    delivery = factories.EntregaFactory(**fields)
    return delivery.id_webhook, delivery.id


def make_follower(**fields: Any) -> Ids:
    follower = factories.SeguidorFactory(**fields)
    return follower.id_tiquet, follower.id_usuario


# Path -> how a thing is made that stands there, given its fields; answers the ids in the path.
MAKERS: dict[str, Make] = {
    f"{TIQUETS}/{{id}}": maker(factories.TiquetFactory),
    f"{TIQUETS}/{{id}}/comentarios/{{id_comentario}}": make_comment,
    f"{TIQUETS}/{{id}}/adjuntos/{{id_adjunto}}": make_file,
    f"{VISTAS}/{{id}}": make_view,
    f"{TIQUETS}/{{id}}/relaciones/{{id_relacion}}": make_relation,
    f"{TIQUETS}/{{id}}/seguidores/{{id_usuario}}": make_follower,
    f"{WEBHOOKS}/{{id}}": maker(factories.WebhookFactory),
    f"{WEBHOOKS}/{{id}}/entregas/{{id_entrega}}": make_delivery,
    f"{USERS}/{{id}}": maker(factories.UsuarioFactory),
    f"{AUTH}sesiones/{{id}}": make_session,
    f"{AUTH}tokens/{{id}}": maker(factories.TokenFactory),
    **{f"/api/{entidad}s/{{id}}": person_maker(factory) for entidad, factory in PERSONAS.items()},
    **{f"/api/tickets/{name}/{{id}}": row_maker(name) for name in CATALOGOS},
}


def item_of(path: str) -> str | None:
    """What a path is about, itself or something below it: the path of that thing, if it names one."""
    return next((item for item in sorted(MAKERS, reverse=True) if path.startswith(item)), None)


def filled(path: str, ids: Ids) -> str:
    """A path with these ids in its holes."""
    for id in ids:
        path = re.sub(r"{\w+}", str(id), path, count=1)
    return path


# The same path -> the field by which a ticket names such a thing.
POINTERS = {
    **{f"/api/{entidad}s/{{id}}": f"id_{entidad}" for entidad in PERSONAS},
    **{f"/api/tickets/{name}/{{id}}": campo for name, campo in CAMPO_DE.items()},
}


def caller(tipo_usuario: str, **fields: Any) -> Quien:
    """Somebody signed in whose password is that of the examples."""
    return factories.quien(tipo_usuario, password_hash=HASH_DE_EJEMPLO, **fields)


def refresh_token(quien: Quien) -> str:
    """The refresh token that is good now for this session."""
    token: str = tokens.pair(quien.id, quien.sid)["refresh_token"]
    db.session.execute(update(Sesion).where(Sesion.id == quien.sid).values(refresco=digest(token)))
    db.session.commit()
    return token


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def parameters_of(operation: dict[str, Any]) -> set[str]:
    """The names of what an operation takes beside its body."""
    return {parameter["name"] for parameter in operation["parameters"]}


def success_of(operation: dict[str, Any]) -> int:
    """The status that says that it was done: all of it, not a part, nor what would be done (``simular``)."""
    done = [s for s in operation["responses"] if s.startswith("2") and s != "206"]
    return max(map(int, done or ["302"]))


@contextmanager
def between_requests() -> Iterator[None]:
    """Where the database may be looked at.

    A session that stayed open would undo what requests write meanwhile: their savepoints lie within its own.
    """
    db.session.remove()
    yield
    db.session.remove()


def snapshot(*but: str) -> dict[str, list[str]]:
    """All rows of all tables ``but`` these."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in but]
    with between_requests():
        return {table.name: sorted(map(repr, db.session.execute(select(table)))) for table in tables}


def last_event() -> int:
    """The mark behind which the event log goes on."""
    with between_requests():
        return db.session.scalar(select(func.max(LogTransaccional.id))) or 0


def events_after(mark: int) -> list[dict[str, Any]]:
    """The event log behind ``mark``, oldest first."""
    log = LogTransaccional.__table__
    with between_requests():
        found = db.session.execute(select(log).where(log.c.id > mark).order_by(log.c.id))
        return [dict(row) for row in found.mappings()]


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written in here is gone afterwards."""
    db.session.remove()
    changes = db.engine.begin_nested()  # type: ignore[attr-defined]  # the fixture's connection
    try:
        yield
    finally:
        db.session.remove()
        changes.rollback()

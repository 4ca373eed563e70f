"""Reading all that is stored of a customer or an employee, in pieces: each a short read, none kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from app.extensions import db
from app.models import (
    Adjuntos,
    Comentarios,
    Correos,
    IdentidadExterna,
    LogTransaccional,
    Seguidores,
    Sesion,
    Tiquet,
    TokenServicio,
    Usuario,
    Vistas,
    list_index_name,
)
from app.queries import people
from app.queries.access import tokens, users
from app.queries.desk import attachments, tickets
from app.queries.pagination import after
from app.transaction import read

PIECE = 100  # rows that are in memory at a time; a text may have 10 000 characters
IDS = 500

log = LogTransaccional
EVENTO = (
    *("id", "id_evento", "secuencia", "fecha", "tipo_actor", "id_usuario", "accion", "entidad"),
    *("id_entidad", "id_tiquet", "version_resultante", "cambios", "origen", "id_solicitud", "ip"),
)
COMENTARIO = (
    *("id", "id_tiquet", "id_autor", "mensaje", "es_interno", "fecha_creacion", "fecha_edicion"),
    "version",
)
SESION = ("id", "id_usuario", "fecha_creacion", "ultimo_uso", "vence", "fin", "agente", "ip")
IDENTIDAD = ("id", "id_usuario", "emisor", "sujeto", "fecha_creacion")
VISTA = ("id", "id_usuario", "nombre", "compartida", "filtros", "fecha_creacion", "version")
SEGUIDOR = ("id_tiquet", "id_usuario", "motivo", "fecha_creacion")
CORREO = (
    *("id", "id_evento", "tipo", "direccion", "id_usuario", "id_tiquet", "id_comentario", "estado"),
    *("intentos", "error", "fecha_creacion", "fecha_envio"),
)
DE_CUENTA = ("usuario", "sesion")  # Their events are about a user, by its id.

Filas = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Titular:
    """Whose data they are: a person, and the users that sign in for it."""

    entidad: str
    id: int
    usuarios: tuple[int, ...]
    correos: tuple[str, ...]  # of the person and of its users


def titular(entidad: str, id: int) -> Titular | None:
    model = people.PERSONAS[entidad]
    persona = db.session.execute(select(model.email).where(model.id == id)).one_or_none()
    if persona is None:
        return None
    own = select(Usuario.id, Usuario.email).where(getattr(Usuario, f"id_{entidad}") == id)
    rows = db.session.execute(own.order_by(Usuario.id)).all()
    correos = dict.fromkeys(one for one in (persona.email, *(row.email for row in rows)) if one)
    return Titular(entidad, id, tuple(row.id for row in rows), tuple(correos))


def by_mail(who: Titular) -> ColumnElement[bool]:
    """Comments that hold the person's own words, which somebody else wrote down."""
    mine: ColumnElement[bool] = getattr(Comentarios, f"id_{who.entidad}") == who.id
    return mine


def words_of(who: Titular) -> ColumnElement[bool]:
    """Comments that the person, or its users, wrote."""
    return or_(Comentarios.id_autor.in_(who.usuarios), by_mail(who))


def files_by_mail(who: Titular) -> ColumnElement[bool]:
    """Files that came with the person's words."""
    return Adjuntos.id_comentario.in_(select(Comentarios.id).where(by_mail(who)))


def files_of(who: Titular) -> ColumnElement[bool]:
    """Files that the person, or its users, sent."""
    return or_(Adjuntos.id_autor.in_(who.usuarios), files_by_mail(who))


def asked_by(who: Titular) -> ColumnElement[bool]:
    """The tickets of a person, wherever they are.

    Those that name it, and those that its users opened for nobody else.
    """
    nobody = and_(Tiquet.id_cliente.is_(None), Tiquet.id_empleado.is_(None))
    opened = and_(Tiquet.id_usuario_creador.in_(who.usuarios), nobody)
    return or_(getattr(Tiquet, f"id_{who.entidad}") == who.id, opened)


def ticket_ids(who: Titular) -> Iterator[list[int]]:
    """The ids of its tickets, those that name it first."""
    nobody = (Tiquet.id_cliente.is_(None), Tiquet.id_empleado.is_(None))
    yield from tickets_with(f"id_{who.entidad}", who.id)
    for id in who.usuarios:
        yield from tickets_with("id_usuario_creador", id, *nobody)


def tickets_with(column: str, id: int, *where: ColumnElement[bool]) -> Iterator[list[int]]:
    """The ids of the tickets in which a column names this."""
    # Left alone, MariaDB may walk all tickets by their ids.
    index = f"FORCE INDEX ({list_index_name(column)})"
    found = select(Tiquet.id).where(getattr(Tiquet, column) == id, *where).with_hint(Tiquet, index, "mysql")
    for rows in pieces(found, Tiquet.id, size=IDS):
        yield [row["id"] for row in rows]


def pieces(query: Select[Any], *keys: Any, size: int = PIECE) -> Iterator[Filas]:
    """The rows of ``query`` in the total order of ``keys``, which are among its columns and never NULL."""
    last: list[Any] | None = None
    while True:
        behind = query if last is None else query.where(after(list(keys), last, descending=False))
        ordered = behind.order_by(*keys).limit(size)
        rows = read(lambda ordered=ordered: db.session.execute(ordered).mappings().all())  # type: ignore[misc]
        db.session.remove()  # Whoever takes its time with them holds no connection.
        if rows:
            yield [dict(row) for row in rows]
        if len(rows) < size:
            return
        last = [rows[-1][key.key] for key in keys]


def everything(who: Titular) -> Iterator[tuple[str, Iterator[Filas]]]:
    """Name of a kind of thing -> all of it, never a secret nor what one is checked with."""
    yield "usuarios", accounts(who)
    identidades = columns(IdentidadExterna, IDENTIDAD).where(of_users(IdentidadExterna, who))
    yield "identidades", pieces(identidades, IdentidadExterna.id)
    yield "sesiones", pieces(columns(Sesion, SESION).where(Sesion.id_usuario.in_(who.usuarios)), Sesion.id)
    yield "tokens", pieces(select(*tokens.MOSTRADAS).where(of_users(TokenServicio, who)), TokenServicio.id)
    yield "vistas", pieces(columns(Vistas, VISTA).where(of_users(Vistas, who)), Vistas.id)
    yield (
        "seguimientos",
        pieces(
            columns(Seguidores, SEGUIDOR).where(of_users(Seguidores, who)),
            Seguidores.id_usuario,
            Seguidores.id_tiquet,
        ),
    )
    yield "tiquets", on_tickets(who, select(*tickets.PROPIOS), Tiquet.id, Tiquet.id)
    yield "comentarios", written(who, columns(Comentarios, COMENTARIO), Comentarios)
    adjuntos = columns(Adjuntos, (*attachments.PROPIAS, "id_autor"))
    yield "adjuntos", written(who, adjuntos, Adjuntos)
    yield "correos", mails(who)
    yield "eventos", events(who)


def columns(model: type[Any], names: tuple[str, ...]) -> Select[Any]:
    return select(*(getattr(model, name) for name in names))


def of_users(model: type[Any], who: Titular) -> ColumnElement[bool]:
    return model.id_usuario.in_(who.usuarios)  # type: ignore[no-any-return]


def accounts(who: Titular) -> Iterator[Filas]:
    return pieces(columns(Usuario, users.COMPLETAS).where(Usuario.id.in_(who.usuarios)), Usuario.id)


def on_tickets(who: Titular, query: Select[Any], of: Any, *keys: Any) -> Iterator[Filas]:
    """What ``query`` finds on its tickets; ``of`` is the ticket's id there."""
    for ids in ticket_ids(who):
        yield from pieces(query.where(of.in_(ids)), *keys)


def written(who: Titular, query: Select[Any], model: type[Any]) -> Iterator[Filas]:
    """What is on its tickets, whoever wrote it, and what its users wrote on others'."""
    order = (model.id_tiquet, model.fecha_creacion, model.id)  # as an index has it
    yield from on_tickets(who, query, model.id_tiquet, *order)
    elsewhere = ~exists().where(Tiquet.id == model.id_tiquet, asked_by(who))
    for id in who.usuarios:
        yield from pieces(query.where(model.id_autor == id, elsewhere), model.id)
    sent = by_mail(who) if model is Comentarios else files_by_mail(who)
    yield from pieces(query.where(sent, elsewhere), model.id)


def mails(who: Titular) -> Iterator[Filas]:
    """What was written down to be sent to the person and its users, wherever it went; each once."""
    query, theirs = columns(Correos, CORREO), Correos.direccion.in_(who.correos)
    yield from pieces(query.where(theirs), Correos.id)
    for mine in (getattr(Correos, f"id_{who.entidad}") == who.id, of_users(Correos, who)):
        yield from pieces(query.where(mine, ~theirs), Correos.id)


def events(who: Titular) -> Iterator[Filas]:
    """What the log has of the person, its users and its tickets, and of what its users did; each once."""
    query = columns(log, EVENTO)
    things = hinted(query, "entidad_id_entidad_version_resultante")
    yield from pieces(things.where(log.entidad == who.entidad, log.id_entidad == who.id), log.id)
    about_users = and_(log.entidad.in_(DE_CUENTA), log.id_entidad.in_(who.usuarios))
    yield from pieces(things.where(about_users), log.id)
    yield from on_tickets(who, hinted(query, "id_tiquet_id"), log.id_tiquet, log.id_tiquet, log.id)
    own_ticket = exists().where(Tiquet.id == log.id_tiquet, asked_by(who))
    own_account = and_(about_users, log.id_entidad.is_not(None))
    for id in who.usuarios:
        done = hinted(query, "id_usuario_fecha_id").where(log.id_usuario == id, ~own_ticket, ~own_account)
        yield from pieces(done, log.fecha, log.id)


def hinted(query: Select[Any], index: str) -> Select[Any]:
    # Left alone, MariaDB may walk the log by its ids.
    return query.with_hint(log, f"FORCE INDEX (ix_Log_transaccional_{index})", "mysql")

"""Reading what is left of somebody's personal data, to be erased."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, type_coerce

from app.extensions import db
from app.models import (
    Adjuntos,
    Comentarios,
    Idempotencia,
    LogTransaccional,
    Tiquet,
    Usuario,
    Vistas,
    as_json,
)
from app.models.base import LONG_TEXT
from app.queries import people
from app.queries.desk import search
from app.queries.desk.search import indexed, named_terms, terms
from app.queries.privacy.personal import (
    DE_CUENTA,
    IDS,
    Titular,
    asked_by,
    by_mail,
    files_of,
    hinted,
    pieces,
    ticket_ids,
    tickets_with,
    words_of,
)
from app.transaction import read

NEUTRO = "[anonimizado]"  # what stands where a text was
BATCH = 200  # rows that one unit of work changes

log = LogTransaccional
# What is written on tickets, by its entity in the log.
ESCRITOS: dict[str, type[Any]] = {"comentario": Comentarios, "adjunto": Adjuntos}
Llevado = dict[str, dict[int, int]]  # entity -> id -> ticket
NUMBERED = log.secuencia.is_not(None)
KEPT = and_(NUMBERED, log.sal.is_not(None))  # It may still be emptied.
# Recorded fields whose texts are one of a few words; all other texts may be personal.
PALABRAS = ("canal", "motivo_cierre", "tipo", "tipo_usuario", "anonimizacion_pedida")

SAYS_SOMETHING = or_(
    Tiquet.titulo != NEUTRO,
    Tiquet.descripcion != NEUTRO,
    Tiquet.resolucion != NEUTRO,
    Tiquet.telefono_contacto.is_not(None),
    type_coerce(Tiquet.etiquetas, LONG_TEXT) != "[]",
    Tiquet.origen_externo.is_not(None),
    Tiquet.id_externo.is_not(None),
    exists().where(Comentarios.id_tiquet == Tiquet.id, Comentarios.mensaje != NEUTRO),
    exists().where(Adjuntos.id_tiquet == Tiquet.id),
)


def under_way(entidad: str) -> list[int]:
    """Those whose data somebody began to erase."""
    model = people.PERSONAS[entidad]
    return list(db.session.scalars(select(model.id).where(model.anonimizacion_pedida.is_not(None))))


def locked_users(who: Titular) -> list[Usuario]:
    """Its users, to be changed."""
    found = select(Usuario).where(Usuario.id.in_(who.usuarios)).order_by(Usuario.id)
    return list(db.session.scalars(found.with_for_update()))


def locked_ticket(id: int) -> Tiquet | None:
    """A ticket to be changed, in the trash too."""
    return db.session.scalars(select(Tiquet).where(Tiquet.id == id).with_for_update()).one_or_none()


def own_ticket(who: Titular, id: int) -> Tiquet | None:
    """One of its tickets, to be changed."""
    found = select(Tiquet).where(Tiquet.id == id, asked_by(who))
    return db.session.scalars(found.with_for_update()).one_or_none()


def telling_tickets(who: Titular) -> Iterator[int]:
    """Those of its tickets that say anything."""
    for ids in ticket_ids(who):
        found = select(Tiquet.id).where(Tiquet.id.in_(ids), SAYS_SOMETHING).order_by(Tiquet.id)
        yield from read(lambda found=found: db.session.scalars(found).all())  # type: ignore[misc]


def said(id_tiquet: int, *where: ColumnElement[bool]) -> list[Comentarios]:
    """Some comments on a locked ticket that say anything, to be changed."""
    found = select(Comentarios).where(
        Comentarios.id_tiquet == id_tiquet, Comentarios.mensaje != NEUTRO, *where
    )
    return list(db.session.scalars(found.order_by(Comentarios.id).limit(BATCH).with_for_update()))


def files(id_tiquet: int, *where: ColumnElement[bool]) -> list[Adjuntos]:
    """Some files of a locked ticket, to be erased."""
    found = select(Adjuntos).where(Adjuntos.id_tiquet == id_tiquet, *where)
    return list(db.session.scalars(found.order_by(Adjuntos.id).limit(BATCH).with_for_update()))


# The log


def has_unnumbered(*where: ColumnElement[bool]) -> bool:
    """Whether an event has no number yet, so that its text cannot be emptied."""
    return db.session.scalar(select(log.id).where(log.secuencia.is_(None), *where).limit(1)) is not None


def telling(parte: "Parte") -> list[int]:
    """Some of these events, numbered and with a text that may be personal."""
    columns: tuple[Any, ...] = (log.id, log.cambios)
    query = select(*columns).where(KEPT, parte.where).order_by(log.id).limit(BATCH)
    query = hinted(query, parte.index)
    found: list[int] = []
    last = 0
    while len(found) < BATCH:
        rows = db.session.execute(query.where(log.id > last)).all()
        found += [row.id for row in rows if parte.tells(row.cambios)]
        if len(rows) < BATCH:
            break
        last = rows[-1].id
    return found


def numbers(ids: list[int]) -> list[int]:
    """The numbers of events."""
    found = select(log.secuencia).where(log.id.in_(ids), NUMBERED)
    return [number for number in db.session.scalars(found) if number is not None]


def tells(cambios: list[dict[str, Any]]) -> bool:
    """Whether changes hold a text that may be personal: any, but for instants and words of ours."""
    return any(
        isinstance(value, (str, list, dict)) and bool(value)
        for cambio in cambios
        if cambio["campo"] not in PALABRAS and not cambio["campo"].startswith("fecha_")
        for value in (cambio["anterior"], cambio["nuevo"])
    )


@dataclass(frozen=True)
class Parte:
    """Some events, the index that finds them, and which changes are to be emptied."""

    where: ColumnElement[bool]
    index: str
    tells: Callable[[list[dict[str, Any]]], bool] = tells


def of_ticket(id: int) -> Parte:
    return Parte(log.id_tiquet == id, "id_tiquet_id")


def of_ticket_naming(id: int, correo: str) -> Parte:
    """What happened to a ticket in words that hold an e-mail."""
    holds = type_coerce(log.cambios, LONG_TEXT).icontains(correo, autoescape=True)
    found = pattern(correo)
    return Parte(
        and_(log.id_tiquet == id, holds),
        "id_tiquet_id",
        lambda cambios: found.search(as_json(cambios).decode()) is not None,
    )


def about(entidad: str, ids: Iterable[int]) -> Parte:
    where = and_(log.entidad == entidad, log.id_entidad.in_(list(ids)))
    return Parte(where, "entidad_id_entidad_version_resultante")


def of_account(who: Titular) -> list[Parte]:
    """What happened to the person and to its users, what those keep for themselves, and were refused."""
    refused = and_(log.id_usuario.in_(who.usuarios), log.entidad == "acceso")
    return [
        about(who.entidad, [who.id]),
        *(about(entidad, who.usuarios) for entidad in DE_CUENTA),
        *(about(entidad, made_by(who, entidad)) for entidad in ("vista", "token")),
        Parte(refused, "id_usuario_fecha_id"),
    ]


def made_by(who: Titular, entidad: str) -> set[int]:
    """The ids of what its users ever made of a kind, as far as the log tells."""
    made = (
        select(log.id_entidad)
        .distinct()
        .where(log.id_usuario.in_(who.usuarios), log.accion == f"{entidad}.creado")
    )
    return {id for id in db.session.scalars(made) if id is not None}


def written_in(who: Titular, entidad: str, model: type[Any], id_tiquet: int) -> set[int]:
    """The ids of what its users wrote on a ticket, erased things too."""
    made = select(log.id_entidad).where(
        log.id_tiquet == id_tiquet, log.id_usuario.in_(who.usuarios), log.accion == f"{entidad}.creado"
    )
    theirs = words_of(who) if model is Comentarios else files_of(who)
    there = select(model.id).where(model.id_tiquet == id_tiquet, theirs)
    return {id for query in (made, there) for id in db.session.scalars(query) if id is not None}


# Where else its users wrote, and where it is named


def merged(who: Titular) -> Iterator[tuple[int, int]]:
    """Those of its tickets that were merged into others, each with into which."""
    for ids in ticket_ids(who):
        columns: tuple[Any, ...] = (Tiquet.id, Tiquet.id_tiquet_fusionado)
        found = select(*columns).where(Tiquet.id.in_(ids), Tiquet.id_tiquet_fusionado.is_not(None))
        for row in read(lambda found=found: db.session.execute(found).all()):  # type: ignore[misc]
            yield row.id, row.id_tiquet_fusionado


def taken_along(merged: Iterable[tuple[int, int | None]]) -> Llevado:
    """What tickets took along into those that they were merged into, if they were; as the log tells."""
    taken: Llevado = {entidad: {} for entidad in ESCRITOS}
    for id, destino in merged:
        if destino is None:
            continue
        query = select(log.id, log.entidad, log.id_entidad, log.cambios)
        moves = log.accion.in_([f"{entidad}.actualizado" for entidad in ESCRITOS])
        there = hinted(query, "id_tiquet_id").where(log.id_tiquet == destino, moves)
        for rows in pieces(there, log.id):
            for row in rows:
                if any(one["campo"] == "id_tiquet" and one["anterior"] == id for one in row["cambios"]):
                    taken[row["entidad"]][row["id_entidad"]] = destino
    return taken


def elsewhere(who: Titular, taken: Llevado) -> Iterator[int]:
    """Other tickets on which its users wrote something that is there, or that the log still tells.

    With those to which something was taken along, and those where that is now.
    """
    own = exists().where(Tiquet.id == log.id_tiquet, asked_by(who))
    wrote = log.accion.in_(("comentario.creado", "adjunto.creado"))
    seen: set[int] = set()
    for id in who.usuarios:
        query = select(log.id, log.fecha, log.id_tiquet, log.cambios)
        events = query.where(log.id_usuario == id, log.id_tiquet.is_not(None), KEPT, wrote, ~own)
        for rows in pieces(events, log.fecha, log.id):
            seen |= {row["id_tiquet"] for row in rows if tells(row["cambios"])}
        for model, condition in ((Comentarios, Comentarios.mensaje != NEUTRO), (Adjuntos, Adjuntos.id > 0)):
            columns: tuple[Any, ...] = (model.id, model.id_tiquet)
            for rows in pieces(select(*columns).where(model.id_autor == id, condition), model.id):
                seen |= {row["id_tiquet"] for row in rows}
    # A ticket of its own that was merged into another's took its words along.
    sent: tuple[Any, ...] = (Comentarios.id, Comentarios.id_tiquet)
    for rows in pieces(select(*sent).where(by_mail(who), Comentarios.mensaje != NEUTRO), Comentarios.id):
        seen |= {row["id_tiquet"] for row in rows}
    for entidad, model in ESCRITOS.items():
        now = select(model.id_tiquet).where(model.id.in_(taken[entidad])).distinct()
        seen |= {*taken[entidad].values(), *read(lambda now=now: db.session.scalars(now).all())}  # type: ignore[misc]
    yield from sorted(seen)


def showing(who: Titular) -> Iterator[list[int]]:
    """The tickets that show what it or its users are called, themselves or by a comment."""
    yield from ticket_ids(who)
    columns: tuple[Any, ...] = (Comentarios.id, Comentarios.id_tiquet)
    wrote = [by_mail(who)]
    for id in who.usuarios:
        for column in ("id_usuario_creador", "id_usuario_asignado"):
            yield from tickets_with(column, id)
        wrote.append(Comentarios.id_autor == id)
    for condition in wrote:
        for rows in pieces(select(*columns).where(condition), Comentarios.id, size=IDS):
            yield sorted({row["id_tiquet"] for row in rows})


def purged(who: Titular) -> Iterator[tuple[int, int | None]]:
    """Its tickets of which only the log tells any more, each with into which it was merged, if it was."""
    query = select(log.id, log.fecha, log.id_entidad, log.cambios)
    for rows in pieces(query.where(log.accion == "tiquet.purgado", KEPT), log.fecha, log.id):
        for row in rows:
            was = {cambio["campo"]: cambio["anterior"] for cambio in row["cambios"]}
            nobody = was.get("id_cliente") is None and was.get("id_empleado") is None
            if was.get(f"id_{who.entidad}") == who.id or (
                nobody and was.get("id_usuario_creador") in who.usuarios
            ):
                yield row["id_entidad"], was.get("id_tiquet_fusionado")


def naming(correo: str) -> Iterator[int]:
    """The tickets that an e-mail is found in: by their texts and their newest comments."""
    wanted = terms(f'"{correo}"')
    if not wanted:
        return
    meses = read(search.months)
    if not meses:
        return
    found = indexed(True, wanted, search.pieces(wanted), meses).subquery()
    last = 0
    while True:
        query = select(found.c.id_tiquet).where(found.c.id_tiquet > last).order_by(found.c.id_tiquet)
        ids: Sequence[int] = read(
            lambda query=query: db.session.scalars(query.limit(BATCH), named_terms(wanted)).all()  # type: ignore[misc]
        )
        db.session.remove()
        yield from ids
        if len(ids) < BATCH:
            return
        last = ids[-1]


def pattern(correo: str) -> re.Pattern[str]:
    """An e-mail in a text, and not as the part of another."""
    return re.compile(rf"(?<![\w.+-]){re.escape(correo)}(?![\w-]|\.\w)", re.IGNORECASE)


def views_naming(correos: Sequence[str]) -> Iterator[int]:
    """The views whose name or filters hold one of these e-mails; there are few of all."""
    for rows in pieces(select(Vistas.id, Vistas.nombre, Vistas.filtros), Vistas.id):
        for row in rows:
            told = f"{row['nombre']} {as_json(row['filtros']).decode()}"
            if any(pattern(correo).search(told) for correo in correos):
                yield row["id"]


def answers() -> Iterator[Sequence[dict[str, Any]]]:
    """All answers that are kept for requests that may come again."""
    columns: tuple[Any, ...] = (
        Idempotencia.id_usuario,
        Idempotencia.clave,
        Idempotencia.ruta,
        Idempotencia.cuerpo,
    )
    kept = select(*columns).where(Idempotencia.cuerpo.is_not(None))
    yield from pieces(kept, Idempotencia.id_usuario, Idempotencia.clave)


def owned_among(who: Titular, ids: set[int]) -> set[int]:
    """Those of these tickets that are its own."""
    if not ids:
        return set()
    found = select(Tiquet.id).where(Tiquet.id.in_(ids), asked_by(who))
    return set(read(lambda: db.session.scalars(found).all()))

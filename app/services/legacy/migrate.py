"""The order in which the older database comes over, batch by batch."""

import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from app import transaction
from app.extensions import db
from app.models import ADMINISTRADOR, SOLICITANTE, TECNICO, Comentarios, Tiquet, Usuario
from app.permissions import PERSONAL
from app.queries import legacy as queries
from app.queries.legacy import Fila, LegacyError, Source
from app.services.access import passwords
from app.services.desk import search
from app.services.desk.tickets import touch
from app.services.legacy import catalogs, convert
from app.services.legacy.convert import Context
from app.services.legacy.marks import IMPORTACION, created
from app.services.legacy.report import SIN_LUGAR, TOMADAS, YA_ESTABAN, NotTaken, Report
from app.services.log import audit

GAP = 1000  # ids left free between the older database's users and the account that stands for nobody
MODELOS: dict[str, Any] = {"usuario": Usuario, "tiquet": Tiquet, "comentario": Comentarios}

Values = dict[str, Any]


def migrate(source: Source, report: Report, aplicar: bool, zona: ZoneInfo) -> None:
    """Bring over what is not here yet; without ``aplicar`` only tell the report what that would do."""
    begun = transaction.read(queries.is_begun)
    if not begun and not transaction.read(queries.is_empty):
        raise LegacyError(
            "La base de destino ya tiene usuarios, personas o tiquets propios, cuyos ids chocarían."
            " Use una recién creada: flask --app run db upgrade y flask --app run seed, sin más."
        )
    context = Context(report, zona)
    write_catalogs(source, context, begun, aplicar)
    read_names(source, context)
    users(source, context, aplicar)
    tickets(source, context, aplicar)
    conversation(source, context, aplicar)
    log(source, context, aplicar)
    for batch in source.batches("documento"):
        for row in batch:
            path = row.get("ruta_relativa") or row.get("nombre_almacenado")
            report.refuse("documento", row["id"], "los archivos no se traen: cópielo de su carpeta", path)


def write_catalogs(source: Source, context: Context, begun: bool, aplicar: bool) -> None:
    plans = transaction.read(lambda: catalogs.plan(source, context, begun))
    if aplicar:
        transaction.run(lambda: catalogs.write(plans))


def read_names(source: Source, context: Context) -> None:
    """What is not brought over, but says what other rows mean."""
    known = {"administrador": ADMINISTRADOR, "tecnico": TECNICO, "usuario": SOLICITANTE}
    for row in (row for batch in source.batches("rol") for row in batch):
        name = convert.text_of(row.get("nombre")).casefold().replace("é", "e")
        if row["id_rol"] not in convert.ROLES and name in known:
            context.roles[row["id_rol"]] = known[name]
    for row in (row for batch in source.batches("satisfaccion") for row in batch):
        context.satisfaccion[row["id_nivel"]] = convert.text_of(row.get("nombre"))


def fresh(tabla: str, batch: list[Fila], context: Context) -> list[Fila]:
    """The rows of a batch that were not taken before and whose id is free."""
    key = queries.TABLAS[tabla][1]
    ids = [row[key] for row in batch]
    taken = transaction.read(lambda: queries.taken(tabla, ids))
    free = set(ids) - taken
    if tabla in MODELOS:
        free -= transaction.read(lambda: queries.occupied(MODELOS[tabla], ids))
    for id in ids:
        if id not in taken and (id not in free or id < 1):
            context.report.refuse(tabla, id, SIN_LUGAR)
    context.report.count(tabla, YA_ESTABAN, len(taken))
    return [row for row in batch if row[key] in free and row[key] >= 1]


def write(tabla: str, values: list[Values], after: Callable[[list[Values]], None] | None = None) -> None:
    """Write rows of ours, each with the event that says so, and what follows ``after``, in one unit."""

    def unit() -> None:
        done = queries.taken(tabla, [one["id"] for one in values])  # An earlier try may have committed.
        left = [one for one in values if one["id"] not in done]
        rows = [MODELOS[tabla](**one) for one in left]
        db.session.add_all(rows)
        db.session.flush()
        for row in rows:
            id_tiquet = row.id if tabla == "tiquet" else getattr(row, "id_tiquet", None)
            created(tabla, row, id_tiquet)
        if tabla == "tiquet":
            search.add(*rows)
        if after:
            after(left)

    if values:
        transaction.run(unit)


def users(source: Source, context: Context, aplicar: bool) -> None:
    last = 0
    for batch in source.batches("usuario"):
        last = batch[-1]["id_usuario"]
        ids = [row["id_usuario"] for row in batch]
        mine = transaction.read(lambda ids=ids: queries.taken("usuario", ids))  # type: ignore[misc]
        context.users |= transaction.read(lambda mine=mine: queries.roles(list(mine)))  # type: ignore[misc]
        rows = fresh("usuario", batch, context)
        wanted = [convert.email_of(row) for row in rows]
        context.emails |= transaction.read(lambda wanted=wanted: queries.emails(wanted))  # type: ignore[misc]
        values = [convert.user(row, context) for row in rows]
        context.users |= {one["id"]: one["tipo_usuario"] for one in values}
        context.report.count("usuario", TOMADAS, len(values))
        if aplicar:
            write("usuario", values)
    context.nobody = transaction.read(queries.nobody) or last + GAP
    if aplicar and transaction.read(queries.nobody) is None:
        write("usuario", [nobody(context.nobody)])


def nobody(id: int) -> Values:
    """The account that stands for whoever is not known; nobody can sign in with it."""
    names = {"nombre": "Importación", "apellido": "", "email": queries.NOBODY, "tipo_usuario": TECNICO}
    secret = {"password_hash": passwords.hash_password(secrets.token_hex()), "activo": False}
    return {"id": id, "categorias": [], "preferencias": {}, "disponible": False, **names, **secret}


def tickets(source: Source, context: Context, aplicar: bool) -> None:
    for batch in source.batches("tiquet"):
        ids = [row["id_tiquet"] for row in batch]
        context.tickets |= transaction.read(lambda ids=ids: queries.taken("tiquet", ids))  # type: ignore[misc]
        rows = fresh("tiquet", batch, context)
        first = source.first_comments([row["id_tiquet"] for row in rows]) if rows else {}
        values = [convert.ticket(row, context, first.get(row["id_tiquet"])) for row in rows]
        context.tickets |= {one["id"] for one in values}
        context.report.count("tiquet", TOMADAS, len(values))
        if aplicar:
            write("tiquet", values)


def conversation(source: Source, context: Context, aplicar: bool) -> None:
    for batch in source.batches("comentario"):
        values = accepted("comentario", fresh("comentario", batch, context), context, convert.comment)
        if aplicar:
            write("comentario", values, lambda left: count_comments(left, context))


def accepted(
    tabla: str, rows: list[Fila], context: Context, one: Callable[[Fila, Context], Values]
) -> list[Values]:
    """The rows that can be converted; the report says why the others cannot."""
    values = []
    for row in rows:
        try:
            values.append(one(row, context))
        except NotTaken as error:
            context.report.refuse(tabla, row[queries.TABLAS[tabla][1]], str(error))
    context.report.count(tabla, TOMADAS, len(values))
    return values


def count_comments(values: list[Values], context: Context) -> None:
    """Make the tickets show these comments, which were just written."""
    by_ticket = defaultdict(list)
    for one in values:
        by_ticket[one["id_tiquet"]].append(one)
    for tiquet in queries.locked_tickets(list(by_ticket)):
        written = by_ticket[tiquet.id]
        shown: Values = {"numero_comentarios": tiquet.numero_comentarios + len(written)}
        answers = [o["fecha_creacion"] for o in written if context.users.get(o["id_autor"]) in PERSONAL]
        if answers and tiquet.fecha_primera_respuesta is None:
            shown["fecha_primera_respuesta"] = min(answers)
        latest = max(one["fecha_creacion"] for one in written)
        when = max(latest, tiquet.fecha_actualizacion)
        touch(IMPORTACION, tiquet, "tiquet.comentado", when, shown, interno=False)
        search.index(tiquet)


def log(source: Source, context: Context, aplicar: bool) -> None:
    """The older log's entries become events, which tell who did what in words."""
    for batch in source.batches("log"):
        rows = fresh("log", batch, context)
        values = accepted("log", rows, context, convert.log_entry)
        if aplicar and values:
            transaction.run(lambda values=values: write_log(values))  # type: ignore[misc]


def write_log(values: list[Values]) -> None:
    done = queries.taken("log", [one["id_entidad"] for one in values])
    for one in values:
        if one["id_entidad"] not in done:
            mark = queries.mark("log", one["id_entidad"])
            audit.append("legado.registrado", IMPORTACION, **one, id_evento=mark)

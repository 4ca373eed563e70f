"""The catalogs of the older database take the place of those that ours was seeded with."""

from typing import Any, NamedTuple

from sqlalchemy import delete

from app.extensions import db
from app.models import CatalogoCriticidad, CatProblema, CatTiquet, EstadoTiquet, Ubicaciones
from app.models.busqueda import SEPARATORS, fold
from app.permissions import Actor
from app.queries import legacy as queries
from app.queries.catalog import load
from app.services import audit, catalog, seed
from app.services.legacy.convert import Context, shortened, text_of
from app.services.legacy.report import TOMADAS, YA_ESTABAN
from app.transitions import CERRADO, EN_PROCESO, NUEVO

MODELOS: dict[str, Any] = {
    "categoria": CatTiquet,
    "criticidad": CatalogoCriticidad,
    "estado": EstadoTiquet,
    "ubicacion": Ubicaciones,
}
NOMBRES = {tabla: name for name, tabla in catalog.ENTIDADES.items()}
# What stands for a row that is not there. A state and a criticality have their defaults.
SIN = {
    "categoria": {"codigo": "sin_categoria", "nombre": "Sin categoría"},
    "ubicacion": {"codigo": "sin_ubicacion", "nombre": "Sin ubicación"},
}
# Looked for in this order: «reabierto» is being worked on, «pendiente de cierre» is not closed.
SIGNOS = (
    (NUEVO, ("sin asign", "no asign")),
    (EN_PROCESO, ("proceso", "progres", "asignad", "reabiert", "curso", "atenci")),
    ("en_espera", ("espera", "pendient", "paus", "detenid", "hold", "wait")),
    ("resuelto", ("resuelt", "solucionad", "resolved", "solved")),
    (CERRADO, ("cerrad", "closed", "finalizad", "terminad", "complet", "rechazad", "cancel", "anulad")),
    (NUEVO, ("abiert", "nuev", "open", "new", "recibid", "registrad")),
)
NIVELES = (("baj", "low", "menor"), ("medi", "normal"), ("alt", "high", "mayor"), ("crit", "urgen", "grav"))


class Plan(NamedTuple):
    """The rows to write, and whether they take the place of what is there."""

    filas: list[dict[str, Any]]
    instead: bool


def plan(source: queries.Source, context: Context, begun: bool) -> dict[str, Plan]:
    """What is to be written of each catalog; tells ``context`` what tickets may point at."""
    present = load()
    plans = {tabla: plan_one(source, context, tabla, begun) for tabla in MODELOS}
    for tabla, one in plans.items():
        kept = [] if one.instead else list(present[NOMBRES[tabla]].values())
        ours = {fila["id"] for fila in kept}
        context.catalogos[tabla] = {fila["id"] for fila in one.filas} | (
            queries.all_taken(tabla) if source.count(tabla) else ours
        )
        all_of_them = kept + one.filas
        if tabla == "estado":
            complete_states(one.filas, all_of_them)
            context.tipos = {fila["id"]: fila["tipo"] for fila in all_of_them}
            context.cancelados = {fila["id"] for fila in all_of_them if fila["codigo"] == "cancelado"}
        missing = source.values("tiquet", tabla) - context.catalogos[tabla]
        context.defaults[tabla] = default_of(tabla, one.filas, all_of_them, bool(missing))
    context.id_prioridad = present.default("prioridades")["id"]
    return plans


def plan_one(source: queries.Source, context: Context, tabla: str, begun: bool) -> Plan:
    """The rows of one catalog that are not here yet, under ids, names and codes that are free."""
    there = [row for batch in source.batches(tabla) for row in batch]
    instead = bool(there) and not begun
    taken = queries.all_taken(tabla) if begun else set()
    present = [] if instead else list(load()[NOMBRES[tabla]].values())
    used = {fila[name] for fila in present for name in ("nombre", "codigo")}
    filas = []
    for row in there:
        id = row[queries.TABLAS[tabla][1]]
        if id in taken:
            context.report.count(tabla, YA_ESTABAN)
        elif id < 1 or id in {fila["id"] for fila in present}:
            context.report.refuse(tabla, id, "el id no se puede usar o lo ocupa otra fila", row.get("nombre"))
        else:
            filas.append(convert(row, id, tabla, context, used))
            context.report.count(tabla, TOMADAS)
    return Plan(filas, instead)


def convert(row: queries.Fila, id: int, tabla: str, context: Context, used: set[str]) -> dict[str, Any]:
    said = text_of(row.get("nombre"))
    nombre = shortened(context.report, tabla, id, "nombre", said or f"{tabla.capitalize()} {id}", 110)
    nombre = unused(nombre, used, " ({})")
    if nombre != said:
        why = "ya había otra con ese nombre" if said else "no tenía nombre"
        context.report.change(tabla, id, "nombre", why, row.get("nombre"), nombre)
    letters = "_".join(part for part in SEPARATORS.split(fold(nombre)) if part and part.isascii())
    codigo = letters if letters[:1].isalpha() else f"{tabla}_{id}"
    fila: dict[str, Any] = {"id": id, "nombre": nombre, "codigo": unused(codigo[:36], used, "_{}")}
    fila["orden"] = catalog.PASO * id
    return fila | own(row, id, tabla, said, context)


def own(row: queries.Fila, id: int, tabla: str, said: str, context: Context) -> dict[str, Any]:
    """What only this catalog has."""
    name = fold(said)
    if tabla == "categoria":
        unidad = shortened(
            context.report, tabla, id, "unidad_corresponde", text_of(row.get("unidad_corresponde")), 120
        )
        return {"unidad_corresponde": unidad or None}
    if tabla == "ubicacion":
        zona = text_of(row.get("zona"))
        return {"descripcion": f"Zona: {zona}"[:500] if zona else None}
    if tabla == "criticidad":
        found = (place for place, signs in enumerate(NIVELES, 1) if any(sign in name for sign in signs))
        nivel = next(found, min(id, 100))
        return {"nivel": nivel}
    tipo = next((tipo for tipo, signs in SIGNOS if any(sign in name for sign in signs)), "")
    why = "por su nombre" if tipo else "su nombre no dice de qué tipo es"
    context.report.change(tabla, id, "tipo", why, said, tipo or EN_PROCESO)
    special = {"codigo": "cancelado"} if "cancel" in name or "anulad" in name else {}
    return {
        "tipo": tipo or EN_PROCESO,
        "descripcion": text_of(row.get("descripcion"))[:500] or None,
        **special,
    }


def unused(text: str, used: set[str], form: str) -> str:
    """``text``, with a number behind it if it is in ``used``; there it is then too."""
    found, number = text, 2
    while found in used:
        found, number = text + form.format(number), number + 1
    used.add(found)
    return found


def complete_states(filas: list[dict[str, Any]], there: list[dict[str, Any]]) -> None:
    """Give each type of state its default row, from the seed where the older database has none."""
    next_id = max((fila["id"] for fila in there), default=0) + 1
    used = {fila[name] for fila in there for name in ("nombre", "codigo")}
    for model in seed.FILAS["estados"]:
        of_type = [fila for fila in there if fila["tipo"] == model["tipo"]]
        if any(fila.get("predeterminado") for fila in of_type):
            continue
        fitting = [fila for fila in of_type if fila["codigo"] != "cancelado" and fila in filas]
        if fitting:
            fitting[0]["predeterminado"] = True
            continue
        names = {
            name: unused(model[name], used, form) for name, form in (("nombre", " ({})"), ("codigo", "_{}"))
        }
        added = {**model, "id": next_id, "orden": catalog.PASO * next_id, **names, "predeterminado": True}
        filas.append(added)
        there.append(added)
        next_id += 1


def default_of(tabla: str, filas: list[dict[str, Any]], there: list[dict[str, Any]], needed: bool) -> int:
    """The id of the row that stands for one that is not there; a new one if it is ``needed``."""
    if tabla in SIN:
        own = [fila for fila in there if fila["codigo"] == SIN[tabla]["codigo"]]
        if needed and not own:
            id = max((fila["id"] for fila in there), default=0) + 1
            own = [{"id": id, "orden": catalog.PASO * id, **SIN[tabla]}]
            filas += own
        return int(own[0]["id"]) if own else 0
    if tabla == "estado":
        return next(int(f["id"]) for f in there if f["tipo"] == NUEVO and f.get("predeterminado"))
    if not any(fila.get("predeterminado") for fila in there):
        sorted(there, key=lambda fila: abs(fila["nivel"] - 2))[0]["predeterminado"] = True
    return next(int(fila["id"]) for fila in there if fila.get("predeterminado"))


def write(actor: Actor, plans: dict[str, Plan]) -> None:
    """Write them, inside ``transaction.run``. The seed's rows go without a trace, as they came."""
    if plans["categoria"].instead:
        db.session.execute(delete(CatProblema))
    for tabla, (filas, instead) in plans.items():
        model = MODELOS[tabla]
        if instead:
            if tabla == "ubicacion":  # A child refers to its parent.
                db.session.execute(delete(model).where(model.id_padre.is_not(None)))
            db.session.execute(delete(model))
        db.session.add_all(rows := [model(**fila) for fila in filas])
        db.session.flush()
        for row in rows:
            audit.append(
                f"{tabla}.creado",
                actor,
                id_evento=queries.mark(tabla, row.id),
                id_entidad=row.id,
                version_resultante=row.version,
                cambios=audit.differences({}, audit.snapshot(row)),
            )
    if any(one.filas for one in plans.values()):
        catalog.touch_catalogs()

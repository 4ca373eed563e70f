"""The catalogs of the older database take the place of those that ours was seeded with."""

from typing import Any, NamedTuple

from sqlalchemy import delete

from app.extensions import db
from app.models import ENTIDADES, CatalogoCriticidad, CatProblema, CatTiquet, EstadoTiquet, Ubicaciones
from app.models.busqueda import SEPARATORS, fold
from app.queries import legacy as queries
from app.queries.catalog import load
from app.services import catalog, seed
from app.services.legacy.convert import Context, shortened, text_of
from app.services.legacy.marks import created
from app.services.legacy.report import SIN_LUGAR, TOMADAS, YA_ESTABAN
from app.transitions import CERRADO, EN_PROCESO, NUEVO

MODELOS: dict[str, Any] = {
    "categoria": CatTiquet,
    "criticidad": CatalogoCriticidad,
    "estado": EstadoTiquet,
    "ubicacion": Ubicaciones,
}
NOMBRES = {tabla: name for name, tabla in ENTIDADES.items()}
# What stands for a row that is not there. A state and a criticality have their defaults.
SIN = {
    "categoria": {"codigo": "sin_categoria", "nombre": "Sin categoría"},
    "ubicacion": {"codigo": "sin_ubicacion", "nombre": "Sin ubicación"},
}
CANCELADO, CANCELADO_CODIGO = ("cancel", "anulad"), "cancelado"
# What a name or a code gets behind it when another row has it.
FORMAS = {"nombre": " ({})", "codigo": "_{}"}
# Looked for in this order: «reabierto» is being worked on, «pendiente de cierre» is not closed.
SIGNOS = (
    (NUEVO, ("sin asign", "no asign")),
    (EN_PROCESO, ("proceso", "progres", "asignad", "reabiert", "curso", "atenci")),
    ("en_espera", ("espera", "pendient", "paus", "detenid", "hold", "wait")),
    ("resuelto", ("resuelt", "solucionad", "resolved", "solved")),
    (CERRADO, ("cerrad", "closed", "finalizad", "terminad", "complet", "rechazad", *CANCELADO)),
    (NUEVO, ("abiert", "nuev", "open", "new", "recibid", "registrad")),
)
NIVELES = (("baj", "low", "menor"), ("medi", "normal"), ("alt", "high", "mayor"), ("crit", "urgen", "grav"))

Usados = dict[str, set[str]]


class Plan(NamedTuple):
    """The rows to write, whether they take the place of what is here, and whether there are any to take."""

    filas: list[dict[str, Any]]
    instead: bool
    there: bool


def plan(source: queries.Source, context: Context, begun: bool) -> dict[str, Plan]:
    """What is to be written of each catalog; tells ``context`` what tickets may point at."""
    present = load()
    plans = {tabla: plan_one(source, context, tabla, begun) for tabla in MODELOS}
    for tabla, one in plans.items():
        kept = [] if one.instead else list(present[NOMBRES[tabla]].values())
        ours = {fila["id"] for fila in kept}
        context.catalogos[tabla] = {fila["id"] for fila in one.filas} | (
            queries.all_taken(tabla) if one.there else ours
        )
        all_of_them = kept + one.filas
        if tabla == "estado":
            complete_states(one.filas, all_of_them)
            context.tipos = {fila["id"]: fila["tipo"] for fila in all_of_them}
            context.cancelados = {fila["id"] for fila in all_of_them if closes_as_cancelled(fila)}
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
    used = names_of(present)
    filas = []
    for row in there:
        id = row[queries.TABLAS[tabla][1]]
        if id in taken:
            context.report.count(tabla, YA_ESTABAN)
        elif id < 1 or id in {fila["id"] for fila in present}:
            context.report.refuse(tabla, id, SIN_LUGAR, row.get("nombre"))
        else:
            filas.append(convert(row, id, tabla, context, used))
            context.report.count(tabla, TOMADAS)
    return Plan(filas, instead, bool(there))


def closes_as_cancelled(fila: dict[str, Any]) -> bool:
    return str(fila["codigo"]).startswith(CANCELADO_CODIGO)


def names_of(filas: list[dict[str, Any]]) -> Usados:
    return {name: {fila[name] for fila in filas} for name in FORMAS}


def convert(row: queries.Fila, id: int, tabla: str, context: Context, used: Usados) -> dict[str, Any]:
    said = text_of(row.get("nombre"))
    wanted = shortened(context.report, tabla, id, "nombre", said or f"{tabla.capitalize()} {id}", 110)
    nombre = unused("nombre", wanted, used)
    if nombre != wanted or not said:
        why = "ya había otra con ese nombre" if said else "no tenía nombre"
        context.report.change(tabla, id, "nombre", why, row.get("nombre"), nombre)
    codigo = unused("codigo", code_for(tabla, id, nombre), used)
    fila = {"id": id, "nombre": nombre, "codigo": codigo, "orden": catalog.PASO * id}
    return fila | own(row, id, tabla, said, context)


def code_for(tabla: str, id: int, nombre: str) -> str:
    """A code made of the name. By its code the rules of the lifecycle know what closes as cancelled."""
    name = fold(nombre)
    if tabla == "estado" and any(sign in name for sign in CANCELADO):
        return CANCELADO_CODIGO
    letters = "_".join(part for part in SEPARATORS.split(name) if part and part.isascii())
    return letters[:36] if letters[:1].isalpha() else f"{tabla}_{id}"


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
    return {"tipo": tipo or EN_PROCESO, "descripcion": text_of(row.get("descripcion"))[:500] or None}


def unused(name: str, text: str, used: Usados) -> str:
    """``text``, with a number behind it if another row has it as its ``name``; this row has it then."""
    found, number = text, 2
    while found in used[name]:
        found, number = text + FORMAS[name].format(number), number + 1
    used[name].add(found)
    return found


def complete_states(filas: list[dict[str, Any]], there: list[dict[str, Any]]) -> None:
    """Give each type of state its default row, from the seed where the older database has none."""
    next_id = max((fila["id"] for fila in there), default=0) + 1
    used = names_of(there)
    for model in seed.FILAS["estados"]:
        of_type = [fila for fila in there if fila["tipo"] == model["tipo"]]
        if any(fila.get("predeterminado") for fila in of_type):
            continue
        fitting = [fila for fila in of_type if not closes_as_cancelled(fila) and fila in filas]
        if fitting:
            fitting[0]["predeterminado"] = True
            continue
        names = {name: unused(name, model[name], used) for name in FORMAS}
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


def write(plans: dict[str, Plan]) -> None:
    """Write them, inside ``transaction.run``. The seed's rows go without a trace, as they came."""
    if plans["categoria"].instead:
        db.session.execute(delete(CatProblema))
    for tabla, (filas, instead, _) in plans.items():
        model = MODELOS[tabla]
        if instead:
            if tabla == "ubicacion":  # A child refers to its parent.
                db.session.execute(delete(model).where(model.id_padre.is_not(None)))
            db.session.execute(delete(model))
        db.session.add_all(rows := [model(**fila) for fila in filas])
        db.session.flush()
        for row in rows:
            created(tabla, row)
    if any(one.filas for one in plans.values()):
        catalog.touch_catalogs()

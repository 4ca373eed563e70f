"""Taking tickets over as they were elsewhere: who, when and how far, by their word if it can be true."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from app.errors import Falla
from app.extensions import db
from app.models import ASIGNADO, CREADOR, EtiquetaTiquet, Tiquet, utcnow
from app.permissions import PERSONAL, Actor, Permiso, require
from app.queries.catalog import DE_TIQUET, Catalogos, all_catalogs
from app.queries.desk import imports as queries
from app.queries.desk.imports import PERSONA_DE, Clave, Exportada, Externa
from app.queries.desk.tickets import person
from app.services.desk import enrolment, search
from app.services.log import audit
from app.services.references import Errores
from app.transaction import TryAgain, flush
from app.transitions import ABIERTOS, CERRADO, NUEVO, RESUELTO

# Fields of a row that are taken over as they are; the others are found or made up.
COPIADOS = (
    *("titulo", "descripcion", "telefono_contacto", "resolucion", "motivo_cierre"),
    *("origen_externo", "id_externo"),
    *("fecha_creacion", "fecha_asignacion", "fecha_primera_respuesta", "fecha_resolucion", "fecha_cierre"),
)
NECESARIOS = ("id_categoria", "id_criticidad", "id_ubicacion")
# Not so the first answer: what is merged into a ticket may have been answered before that was opened.
NO_ANTES_DE = {
    "fecha_actualizacion": "fecha_creacion",
    "fecha_asignacion": "fecha_creacion",
    "fecha_resolucion": "fecha_creacion",
    "fecha_cierre": "fecha_resolucion",
}

Datos = dict[str, Any]


@dataclass(frozen=True)
class Fila:
    """A row: where it stands, and what it says or why it cannot be read."""

    linea: int
    datos: Datos = field(default_factory=dict)
    errores: Errores = field(default_factory=dict)


@dataclass
class Destino:
    """What became of a row: a ticket that was there or is new, or why there is none."""

    fila: Fila
    clave: Clave | None = None
    id: int | None = None
    nuevo: bool = False
    errores: Errores = field(default_factory=dict)


def key_of(datos: Datos) -> Clave | None:
    """By what a ticket is known again when it comes a second time."""
    if datos.get("origen_externo") and datos.get("id_externo"):
        return Externa(datos["origen_externo"], datos["id_externo"])
    if datos.get("numero") and datos.get("fecha_creacion"):
        numero, fecha = datos["numero"], datos["fecha_creacion"]
        mark = hashlib.sha256(f"importacion\n{numero}\n{fecha.isoformat()}".encode()).hexdigest()[:32]
        return Exportada(int(numero.removeprefix("SP-")), fecha, f"{mark}-0")
    return None


def take(actor: Actor, filas: list[Fila], tried: Collection[Clave] | None = None) -> list[Destino]:
    """Open the tickets of these rows that are not here yet; answers what became of each, in their order.

    A row that is refused stands in nobody's way. With ``tried``, the keys of rows that were only tried
    before, these are only tried, too.
    """
    require(Permiso.IMPORTAR_TIQUET, actor)
    catalogos, now = all_catalogs(actor), utcnow()
    keys = {fila.linea: key_of(fila.datos) for fila in filas if not fila.errores}
    here: dict[Clave, int | None] = {**dict.fromkeys(tried or ())}
    here |= queries.present([clave for clave in keys.values() if clave])
    gente = Gente.of([fila.datos for fila in filas if not fila.errores])
    destinos: list[Destino] = []
    new: dict[Clave, Datos] = {}
    for fila in filas:
        clave = keys.get(fila.linea)
        destino = Destino(fila, clave, errores=fila.errores)
        destinos.append(destino)
        if fila.errores:
            continue
        if clave is None:
            destino.errores = {"id_externo": [Falla("sin_identidad")]}
        elif clave in here:
            destino.id = here[clave]
        elif clave not in new:
            values, destino.errores = ticket_of(fila.datos, gente, catalogos, actor, now)
            if not destino.errores:
                destino.nuevo, new[clave] = True, values
    if tried is None:
        written = write(actor, new, gente)
        for destino in destinos:
            if destino.clave in written:
                destino.id = written[destino.clave]
    return destinos


def write(actor: Actor, new: dict[Clave, Datos], gente: "Gente") -> dict[Clave, int]:
    """Write new tickets with all that belongs to them, in statements that are as many for one as for all."""
    tiquets = [Tiquet(**values) for values in new.values()]
    db.session.add_all(tiquets)
    try:
        db.session.flush()
        for clave, tiquet in zip(new, tiquets, strict=True):
            record(actor, tiquet, clave)
        flush()
    except IntegrityError as error:  # Somebody else takes the same ones, or whom they name has gone.
        raise TryAgain from error
    labels = [
        {"id_tiquet": one.id, "etiqueta": etiqueta, "fecha_creacion": one.fecha_creacion}
        for one in tiquets
        for etiqueta in one.etiquetas
    ]
    if labels:
        db.session.execute(insert(EtiquetaTiquet), labels)
    search.add(*tiquets)
    for motivo, campo in ((CREADOR, "id_usuario_creador"), (ASIGNADO, "id_usuario_asignado")):
        whose = [(one.id, getattr(one, campo)) for one in tiquets]
        enrolment.enrol(motivo, [(id, who) for id, who in whose if who == actor.id or gente.is_staff(who)])
    return {clave: tiquet.id for clave, tiquet in zip(new, tiquets, strict=True)}


def record(actor: Actor, tiquet: Tiquet, clave: Clave) -> None:
    """Write that the ticket came, and all of what it was then."""
    mark = {"id_evento": clave.id_evento} if isinstance(clave, Exportada) else {}
    audit.append(
        "tiquet.importado",
        actor,
        id_entidad=tiquet.id,
        id_tiquet=tiquet.id,
        version_resultante=tiquet.version,
        cambios=audit.differences({}, audit.snapshot(tiquet)),
        **mark,
    )


def ticket_of(
    datos: Datos, gente: "Gente", catalogos: Catalogos, actor: Actor, now: datetime
) -> tuple[Datos, Errores]:
    """The columns of the ticket that a row tells of, and what is wrong with it."""
    found, errores = references(datos, gente, catalogos)
    values: dict[str, Any] = {name: datos.get(name) for name in COPIADOS} | found
    values["etiquetas"] = datos.get("etiquetas") or []
    values["canal"] = datos.get("canal") or "importacion"
    values["veces_reabierto"] = datos.get("veces_reabierto") or 0
    values["id_usuario_creador"] = values["id_usuario_creador"] or actor.id
    values["fecha_creacion"] = values["fecha_creacion"] or now
    happened = [value for value in values.values() if isinstance(value, datetime)]
    values["fecha_actualizacion"] = datos.get("fecha_actualizacion") or max(happened)
    for campo, row in (
        ("id_prioridad", catalogos.default("prioridades")),
        ("id_estado", catalogos.state_of_type(NUEVO)),
    ):
        values[campo] = values[campo] or row["id"]
    missing = [campo for campo in NECESARIOS if not values[campo]]
    told = {name for campo in errores for name in (campo, f"id_{campo}")}
    errores |= {campo: [Falla("requerido")] for campo in missing if campo not in told}
    if not errores.keys() & {"id_estado", "estado", "id_usuario_asignado", "usuario_asignado"}:
        tipo: str = catalogos["estados"][values["id_estado"]]["tipo"]
        errores = wrong_story(values, tipo, gente) | errores
    return values, wrong_dates(values, now) | errores


def references(datos: Datos, gente: "Gente", catalogos: Catalogos) -> tuple[dict[str, Any], Errores]:
    """What a row points at, by id or by name; inactive ones too, since they were not always."""
    values: dict[str, Any] = {}
    errores: Errores = {}
    for campo in (*DE_TIQUET, *PERSONA_DE):
        name = campo.removeprefix("id_")
        id, said = datos.get(campo), datos.get(name)
        look = of_catalog(catalogos[DE_TIQUET[campo]]) if campo in DE_TIQUET else gente.finder(campo)
        values[campo], why = look(id, said)
        if why:
            errores[campo if said is None else name] = [why]
    if values["id_cliente"] and values["id_empleado"]:
        errores.setdefault("id_empleado", [Falla("un_solo_solicitante")])
    return values, errores


Found = tuple[int | None, Falla | None]
Finder = Callable[[int | None, str | None], Found]


def of_catalog(filas: dict[int, Datos]) -> Finder:
    def find(id: int | None, said: str | None) -> Found:
        """A row by its id, which is to have the name that stands beside it; or by its name or code."""
        if id is not None:
            fila = filas.get(id)
            if fila is None:
                return None, Falla("no_existe")
            return (
                (id, None) if said in (None, fila["nombre"], fila["codigo"]) else (None, Falla("no_coincide"))
            )
        if said is None:
            return None, None
        named = [fila for key in ("nombre", "codigo") for fila in filas.values() if fila[key] == said]
        return (named[0]["id"], None) if named else (None, Falla("no_existe"))

    return find


class Gente:
    """The people whom some rows name, each kind read at once."""

    def __init__(self, rows: dict[type[Any], list[Any]]) -> None:
        self.rows = rows
        self.by_id = {model: {row.id: row for row in some} for model, some in rows.items()}

    @classmethod
    def of(cls, filas: list[Datos]) -> "Gente":
        found = {}
        for model in set(PERSONA_DE.values()):
            campos = [campo for campo, one in PERSONA_DE.items() if one is model]
            ids = {fila[campo] for fila in filas for campo in campos if fila.get(campo)}
            said = {fila.get(campo.removeprefix("id_")) or "" for fila in filas for campo in campos}
            found[model] = list(queries.people(model, ids, {one.lower() for one in said if "@" in one}))
        return cls(found)

    def is_staff(self, id: int | None) -> bool:
        row = self.by_id[PERSONA_DE["id_usuario_creador"]].get(id)
        return row is not None and row.tipo_usuario in PERSONAL

    def finder(self, campo: str) -> Finder:
        model = PERSONA_DE[campo]

        def find(id: int | None, said: str | None) -> Found:
            """Somebody by id, with the name or the e-mail that stands beside it; or by the e-mail."""
            if id is not None:
                row = self.by_id[model].get(id)
                if row is None:
                    return None, Falla("no_existe")
                names = (None, (person(*row[:1], *row[2:4]) or {})["nombre"], row.email)
                return (id, None) if said in names else (None, Falla("no_coincide"))
            if said is None:
                return None, None
            found = [row.id for row in self.rows[model] if row.email == said.lower()]
            if len(found) == 1:
                return found[0], None
            return None, Falla("ambiguo") if found else Falla("no_existe")

        return find


def wrong_story(values: Datos, tipo: str, gente: Gente) -> Errores:
    """Whether the end of a ticket and whoever has it go with its state, as the lifecycle would have it."""
    errores: Errores = {}
    for campo in ("fecha_cierre", "motivo_cierre"):
        if (tipo == CERRADO) != bool(values[campo]):
            errores[campo] = [Falla("requerido" if tipo == CERRADO else "solo_al_cerrar")]
    if tipo == RESUELTO and not values["fecha_resolucion"]:
        errores["fecha_resolucion"] = [Falla("requerido")]
    if tipo in ABIERTOS and values["fecha_resolucion"]:
        errores["fecha_resolucion"] = [Falla("solo_resuelto")]
    if (tipo == RESUELTO or values["motivo_cierre"] == "resuelto") and not values["resolucion"]:
        errores["resolucion"] = [Falla("resolucion_requerida")]
    holder = values["id_usuario_asignado"]
    if holder and tipo in ABIERTOS and not gente.is_staff(holder):
        errores["id_usuario_asignado"] = [Falla("usuario_no_asignable")]
    if values["fecha_asignacion"] and not holder:
        errores["fecha_asignacion"] = [Falla("solo_con_asignado")]
    return errores


def wrong_dates(values: Datos, now: datetime) -> Errores:
    """Which instants have not come yet, or came before what they followed."""
    errores: Errores = {
        campo: [Falla("antes_de", campo=before)]
        for campo, before in NO_ANTES_DE.items()
        if values[campo] and values[before] and values[campo] < values[before]
    }
    if values["fecha_cierre"] and values["fecha_cierre"] < values["fecha_creacion"]:
        errores["fecha_cierre"] = [Falla("antes_de", campo="fecha_creacion")]
    future = [campo for campo, value in values.items() if isinstance(value, datetime) and value > now]
    return errores | {campo: [Falla("en_el_futuro")] for campo in future}

"""Every list, page by page, against the sorted table; that of live tickets has a file of its own."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from app.extensions import db
from app.models import (
    Adjuntos,
    Clientes,
    Comentarios,
    Empleados,
    Entregas,
    LogTransaccional,
    Relaciones,
    Seguidores,
    Sesion,
    Tiquet,
    TokenServicio,
    Usuario,
    Vistas,
    Webhooks,
    utcnow,
)
from app.schemas.desk.tickets import ORDENES, ORDENES_DE_PAPELERA
from tests import factories
from tests.rows import INICIO, LISTA, Fila, pages, plant, wanted
from tests.world import VISTAS, WEBHOOKS

COMENTARIOS = f"{LISTA}/{{id}}/comentarios"
ADJUNTOS = f"{LISTA}/{{id}}/adjuntos"
ARCHIVO = {"nombre": "nota.txt", "tipo_mime": "text/plain", "bytes": 2, "sha256": "0" * 64}
RELACIONES = f"{LISTA}/{{id}}/relaciones"
HISTORIAL = f"{LISTA}/{{id}}/historial"
AUDITORIA = "/api/auditoria"
ENTREGAS = f"{WEBHOOKS}/{{id}}/entregas"
SEGUIDORES = f"{LISTA}/{{id}}/seguidores"

property_test = settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

INSTANTES = st.sampled_from([INICIO + timedelta(microseconds=n) for n in range(3)])
# Both collations and Python have one order for these.
NOMBRES = st.sampled_from(["Ana", "Ana Luz", "Anabel", "Bea"])
CUALQUIERA = st.one_of(
    st.sampled_from(["Ñuñez", "nunez", "Núñez", "NUNEZ", "Zoë", "😀", "🦜", "@arroba", "ß", "ss", ""]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=3),
)


@dataclass(frozen=True)
class Caso:
    """A list in one order: rows with many ties, how they come into the table, and what is to be shown."""

    path: str
    model: type[Any]
    filas: st.SearchStrategy[Fila]
    columns: tuple[str, ...] = ()  # that it is sorted by, before the id; tickets know theirs
    query: Fila = field(default_factory=dict)
    filtros: tuple[Fila, ...] = ({},)
    clave: str = "id"  # what a row is told by
    descending: bool = False  # where there is no parameter that says so

    def wanted(self, filas: list[Fila], query: Fila) -> list[int]:
        if self.model is Tiquet:
            return wanted(filas, query)
        shown = [
            fila
            for fila in filas
            if all(
                word(fila.get(name)) in (value if isinstance(value, list) else [value])
                for name, value in query.items()
                if name != "orden"
            )
        ]

        def key(fila: Fila) -> tuple[Any, ...]:
            return *((fila[name] is not None, fila[name] or "") for name in self.columns), fila["id"]

        ordered = sorted(shown, key=key, reverse=self.descending or query.get("orden", "").startswith("-"))
        return [fila["id"] for fila in ordered]

    def __str__(self) -> str:
        return " ".join((self.path, *self.query.values()))


def word(value: Any) -> str:
    """A value as a query string says it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def people(path: str, model: type[Any], *columns: str, **apellidos: Any) -> Caso:
    filas = {
        "nombre": NOMBRES,
        "apellido": st.none() | NOMBRES,
        "activo": st.booleans(),
        "id_ubicacion": st.sampled_from([None, 1, 2]),
        **apellidos,
    }
    filtros = ({}, {"activo": "true"}, {"id_ubicacion": "1"}, {"activo": "false", "id_ubicacion": "2"})
    return Caso(path, model, st.fixed_dictionaries(filas), columns, filtros=filtros)


def trash(orden: str) -> Caso:
    filas = st.fixed_dictionaries(
        {
            "id_prioridad": st.integers(1, 3),
            "id_estado": st.integers(1, 2),
            **dict.fromkeys(("fecha_creacion", "fecha_actualizacion", "fecha_eliminacion"), INSTANTES),
        }
    )
    filtros = ({}, {"id_estado": [1]}, {"id_prioridad": [1, 3]})
    return Caso(LISTA, Tiquet, filas, query={"papelera": "true", "orden": orden}, filtros=filtros)


def conversation(orden: str) -> Caso:
    filas = st.fixed_dictionaries({"fecha_creacion": INSTANTES})
    return Caso(COMENTARIOS, Comentarios, filas, ("fecha_creacion",), query={"orden": orden})


def files() -> Caso:
    return Caso(ADJUNTOS, Adjuntos, st.fixed_dictionaries({"fecha_creacion": INSTANTES}), ("fecha_creacion",))


def views() -> Caso:
    return Caso(VISTAS, Vistas, st.fixed_dictionaries({"nombre": NOMBRES}), ("nombre",))


def relations() -> Caso:
    """Of both ends, each row of the list once: the ticket stands where ``inversa`` says."""
    return Caso(RELACIONES, Relaciones, st.fixed_dictionaries({"inversa": st.booleans()}))


def history(orden: str) -> Caso:
    filas = st.fixed_dictionaries({"fecha": INSTANTES})
    return Caso(HISTORIAL, LogTransaccional, filas, query={"orden": orden})


def log(orden: str) -> Caso:
    filas = {
        "fecha": INSTANTES,
        "id_usuario": st.sampled_from([None, 1, 2, 3]),
        "entidad": st.sampled_from(["tiquet", "usuario"]),
        "id_entidad": st.integers(1, 2),
        "accion": st.sampled_from(["tiquet.creado", "usuario.creado", "tiquet.eliminado"]),
    }
    filtros = (
        {},
        {"id_usuario": "1"},
        {"id_usuario": ["1", "2"]},
        {"accion": ["tiquet.creado", "usuario.creado"]},
        {"entidad": "tiquet"},
        {"entidad": ["tiquet", "usuario"], "id_entidad": "1"},
        {"entidad": "usuario", "accion": "usuario.creado", "id_usuario": "3"},
    )
    own = st.fixed_dictionaries(filas)
    return Caso(AUDITORIA, LogTransaccional, own, ("fecha",), query={"orden": orden}, filtros=filtros)


FOLLOWERS = Caso(
    SEGUIDORES,
    Seguidores,
    st.fixed_dictionaries({"fecha_creacion": INSTANTES, "motivo": st.sampled_from(["manual", "mencion"])}),
    clave="id_usuario",
)
GENTE = (
    people("/api/users", Usuario, "apellido", "nombre", apellido=NOMBRES),
    people("/api/clientes", Clientes, "nombre", "apellido"),
    people("/api/empleados", Empleados, "nombre", "apellido"),
)
SESIONES = Caso(
    "/api/auth/sesiones",
    Sesion,
    st.fixed_dictionaries({"fecha_creacion": INSTANTES}),
    ("fecha_creacion",),
    descending=True,
)
TOKENS = Caso(
    "/api/auth/tokens",
    TokenServicio,
    st.fixed_dictionaries({"fecha_creacion": INSTANTES}),
    ("fecha_creacion",),
    descending=True,
)
TELLING = (
    Caso(WEBHOOKS, Webhooks, st.fixed_dictionaries({"activo": st.booleans()})),
    Caso(
        ENTREGAS,
        Entregas,
        st.fixed_dictionaries({"estado": st.sampled_from(["pendiente", "entregada", "muerta"])}),
        filtros=({}, {"estado": "muerta"}, {"estado": "pendiente"}),
        descending=True,
    ),
)
CASOS = (
    *TELLING,
    *GENTE,
    FOLLOWERS,
    SESIONES,
    TOKENS,
    *(conversation(orden) for orden in ("fecha_creacion", "-fecha_creacion")),
    files(),
    views(),
    relations(),
    *(history(orden) for orden in ("fecha", "-fecha")),
    *(log(orden) for orden in ("-fecha", "fecha")),
    *(trash(orden) for orden in (*ORDENES, *ORDENES_DE_PAPELERA)),
)


ENDS = ("id_tiquet", "id_relacionado")


class Estante:
    """One list, with rows that are known, as an Administrador asks for it."""

    def __init__(self, client: Any, quien: factories.Quien, caso: Caso) -> None:
        self.client = client
        self.quien = quien
        self.caso = caso
        self.id_tiquet = factories.tiquet() if "{id}" in caso.path else 0
        self.id_webhook = factories.WebhookFactory().id if caso.model is Entregas else 0
        self.path = caso.path.format(id=self.id_webhook or self.id_tiquet)
        self.filas: list[Fila] = []

    def add(self, filas: list[Fila]) -> None:
        """Insert rows, given by what matters of them."""
        if self.caso.model is Tiquet:
            self.filas += plant([{"id_usuario_creador": self.quien.id} | fila for fila in filas])
            return
        if self.caso.model is Sesion:
            self.insert([{"id": uuid.uuid4().hex} | self.alive() | fila for fila in filas])
            return
        if self.caso.model is Relaciones:
            filas = self.between_tickets(filas)
        model = self.caso.model
        ids = Usuario.id if model is Seguidores else model.id
        last = db.session.query(db.func.max(ids)).scalar() or 0
        rest = {
            Usuario: {"password_hash": factories.HASH, "tipo_usuario": "Técnico"},
            Comentarios: {"id_tiquet": self.id_tiquet, "id_autor": self.quien.id, "mensaje": "Uno de muchos"},
            Adjuntos: {"id_tiquet": self.id_tiquet, "id_autor": self.quien.id} | ARCHIVO,
            Vistas: {"id_usuario": self.quien.id, "filtros": {}},
            TokenServicio: {"id_usuario": self.quien.id, "nombre": "x", "alcances": [], "vence": utcnow()},
            LogTransaccional: self.event(),
            Webhooks: {"url": "https://example.org/", "eventos": [], "filtros": {}, "secreto": "x"}
            | {"hasta_secuencia": 0},
            Entregas: {"id_webhook": self.id_webhook, "accion": "tiquet.creado"},
        }.get(model, {})
        versioned = {} if model in (LogTransaccional, Entregas) else {"version": 1}
        whole = [{"id": last + place} | versioned | rest | fila for place, fila in enumerate(filas, start=1)]
        if model is Adjuntos:
            whole = [fila | {"objeto": uuid.uuid4().hex} for fila in whole]
        if model is Vistas:
            whole = [fila | {"nombre": f"{fila.get('nombre', '')}{uuid.uuid4()}"} for fila in whole]
        if model is TokenServicio:
            whole = [fila | {"huella": uuid.uuid4().hex} for fila in whole]
        if model in (LogTransaccional, Entregas):
            whole = [{"id_evento": f"e-{fila['id']}"} | fila for fila in whole]
        if model is Usuario:
            whole = [{"email": f"{uuid.uuid4().hex}@example.org"} | fila for fila in whole]
        self.insert(whole)

    def alive(self) -> Fila:
        """What makes a session one that is shown to whoever asks."""
        now = utcnow()
        ends = {"ultimo_uso": now, "vence": now + timedelta(days=1)}
        return {"id_usuario": self.quien.id, "refresco": "0" * 64} | ends

    def insert(self, filas: list[Fila]) -> None:
        if self.caso.model is Seguidores:
            self.add_followers(filas)
        else:
            db.session.execute(insert(self.caso.model), filas)
        db.session.commit()
        self.filas += filas

    def between_tickets(self, filas: list[Fila]) -> list[Fila]:
        """Relations of the ticket, each with another that is made for it."""
        others = plant([{"id_usuario_creador": self.quien.id, "fecha_creacion": INICIO}] * len(filas))
        rest = {"tipo": "padre", "id_autor": self.quien.id, "fecha_creacion": INICIO}
        return [
            rest
            | dict(zip(ENDS[:: -1 if fila["inversa"] else 1], (self.id_tiquet, other["id"]), strict=True))
            for fila, other in zip(filas, others, strict=True)
        ]

    def event(self) -> Fila:
        """What an event needs beside what is sorted and filtered by."""
        about = {"entidad": "tiquet", "id_tiquet": self.id_tiquet or None, "cambios": [], "origen": "api"}
        return {"tipo_actor": "usuario", "accion": "tiquet.creado", **about}

    def add_followers(self, filas: list[Fila]) -> None:
        """Each a user of its own, whose id tells it."""
        person = {"nombre": "Ana", "apellido": "Ana", "tipo_usuario": "Técnico", "password_hash": "x"}
        users = [{"id": f["id"], "email": f"{uuid.uuid4().hex}@example.org"} | person for f in filas]
        db.session.execute(insert(Usuario), [{"version": 1} | user for user in users])
        rows = [{"id_tiquet": self.id_tiquet, "motivo": "manual"} | fila for fila in filas]
        db.session.execute(insert(Seguidores), [row | {"id_usuario": row["id"]} for row in rows])

    def clear(self) -> None:
        clave = getattr(self.caso.model, self.caso.clave)
        db.session.execute(delete(self.caso.model).where(clave.in_([f["id"] for f in self.filas])))
        db.session.commit()
        self.filas = []

    def pages(self, query: Fila, limite: int) -> Iterator[list[int]]:
        """The ids on each page, less that of whoever asks, or of its session."""
        asks = {Usuario: self.quien.id, Sesion: self.quien.sid}.get(self.caso.model)
        for page in pages(self.client, self.quien.headers, self.caso.query | query, limite, self.path):
            ids = [self.id_of(fila) for fila in page["data"]]
            yield [id for id in ids if id != asks]

    def id_of(self, fila: Fila) -> Any:
        """Followers are known by who they are, events by another name."""
        return int(fila["id_evento"].removeprefix("e-")) if "id_evento" in fila else fila[self.caso.clave]

    def walk(self, query: Fila, limite: int) -> list[int]:
        return [id for page in self.pages(query, limite) for id in page]

    def wanted(self, query: Fila) -> list[int]:
        return self.caso.wanted(self.filas, self.caso.query | query)

    def get(self, **query: Any) -> Any:
        return self.client.get(self.path, query_string=self.caso.query | query, headers=self.quien.headers)


@pytest.fixture(params=CASOS, ids=str)
def estante(request: pytest.FixtureRequest, tampering: None, client: Any, admin: factories.Quien) -> Estante:
    return Estante(client, admin, request.param)


def some(caso: Caso, count: int) -> list[Fila]:
    """That many rows, all alike."""
    instants = dict.fromkeys(("fecha_creacion", "fecha_actualizacion", "fecha_eliminacion"), INICIO)
    fila = {
        Tiquet: instants,
        Comentarios: {"fecha_creacion": INICIO},
        Adjuntos: {"fecha_creacion": INICIO},
        Vistas: {},
        Relaciones: {"inversa": False},
        LogTransaccional: {"fecha": INICIO},
        Seguidores: {"fecha_creacion": INICIO},
        Sesion: {"fecha_creacion": INICIO},
        TokenServicio: {"fecha_creacion": INICIO},
        Webhooks: {"activo": True},
        Entregas: {"estado": "muerta"},
    }.get(caso.model, {"nombre": "Ana", "apellido": "Ana"})
    return [fila] * count


def test_every_list_that_has_a_cursor_is_walked_here_in_each_of_its_orders(client):
    paths = client.get("/api/openapi.json").json["paths"]
    declared = set()
    for path, operations in paths.items():
        parameters = {p["name"]: p["schema"] for p in operations.get("get", {}).get("parameters", [])}
        if "cursor" in parameters:
            declared |= {(path, orden) for orden in parameters.get("orden", {}).get("enum", [None])}

    assert declared == {(caso.path, caso.query.get("orden")) for caso in CASOS}


def test_pages_of_any_size_put_together_are_the_sorted_table(estante):
    caso = estante.caso

    @property_test
    @given(
        filas=st.lists(caso.filas, min_size=1, max_size=9),
        filtro=st.sampled_from(caso.filtros),
        limite=st.integers(1, 10),
    )
    def check(filas, filtro, limite):
        estante.clear()
        estante.add(filas)
        assert estante.walk(filtro, limite) == estante.wanted(filtro) == estante.walk(filtro, 200)

    check()


@pytest.mark.parametrize("caso", GENTE, ids=str)
def test_names_in_any_script_have_one_order(client, admin, caso):
    estante = Estante(client, admin, caso)
    apellido = CUALQUIERA if caso.model is Usuario else st.none() | CUALQUIERA

    @settings(property_test, max_examples=20)
    @given(
        filas=st.lists(
            st.fixed_dictionaries({"nombre": CUALQUIERA, "apellido": apellido}), min_size=2, max_size=12
        ),
        limite=st.integers(1, 5),
    )
    def check(filas, limite):
        estante.clear()
        estante.add(filas)
        met = estante.walk({}, limite)
        assert met == estante.walk({}, 200)
        assert set(met) == {fila["id"] for fila in estante.filas}

    check()


def test_while_others_insert_nobody_who_stood_is_missed_or_met_twice(estante):
    caso = estante.caso

    @property_test
    @given(
        filas=st.lists(caso.filas, min_size=3, max_size=9),
        limite=st.integers(1, 4),
        arriving=st.lists(caso.filas, max_size=3),
    )
    def check(filas, limite, arriving):
        estante.clear()
        estante.add(filas)
        standing, met = estante.wanted({}), []
        for number, page in enumerate(estante.pages({}, limite)):
            met += page
            if number < 4:
                # At the cursor, and before and behind it: like the first, the last and those in between.
                places = {0, len(standing) - 1, standing.index(met[-1]) if met and met[-1] in standing else 0}
                twins = [like(fila) for fila in estante.filas if fila["id"] in {standing[p] for p in places}]
                estante.add(twins + arriving)
        assert len(met) == len(set(met))
        assert [id for id in met if id in standing] == standing
        assert met == [id for id in estante.wanted({}) if id in set(met)]

    def like(fila):
        if caso.model is Relaciones:
            return {"inversa": fila["id_tiquet"] != estante.id_tiquet}
        return {name: value for name, value in fila.items() if name not in ("id", "email", "id_evento")}

    check()


def test_the_total_is_counted_once_and_carried_on(estante):
    estante.add(some(estante.caso, 5))
    first = estante.get(limite=2).json["paginacion"]
    estante.add(some(estante.caso, 3))

    second = estante.get(limite=2, cursor=first["siguiente"]).json["paginacion"]

    assert first["total"] == second["total"]
    assert estante.get(limite=2).json["paginacion"]["total"] == first["total"] + 3
    assert estante.get(limite=200).json["paginacion"]["total"] == first["total"] + 3


def test_the_total_is_exact_up_to_a_thousand(estante):
    already = estante.get().json["paginacion"]["total"]
    estante.add(some(estante.caso, 1000 - already))
    exact = estante.get(limite=200).json["paginacion"]
    estante.add(some(estante.caso, 1))
    beyond = estante.get(limite=200).json["paginacion"]

    assert (exact["total"], exact["total_exacto"]) == (1000, True)
    assert (beyond["total"], beyond["total_exacto"]) == (1000, False)


def test_a_page_has_from_one_to_two_hundred_rows_and_fifty_unless_told(estante):
    estante.add(some(estante.caso, 201))

    for limite in (1, 200):
        page = estante.get(limite=limite).json
        assert (len(page["data"]), page["paginacion"]["limite"]) == (limite, limite)
    page = estante.get().json
    assert (len(page["data"]), page["paginacion"]["limite"]) == (50, 50)
    for limite in ("0", "201", "-1", "x", ""):
        refused = estante.get(limite=limite)
        assert (refused.status_code, list(refused.json["errores"])) == (422, ["limite"]), limite


def test_a_cursor_is_good_for_its_own_list_only(client, admin):
    estantes = [Estante(client, admin, caso) for caso in CASOS]
    estantes.append(Estante(client, admin, conversation("fecha_creacion")))  # of another ticket
    for estante in estantes:
        estante.add(some(estante.caso, 3))
    cursors = [estante.get(limite=1).json["paginacion"]["siguiente"] for estante in estantes]

    for place, estante in enumerate(estantes):
        assert estante.get(limite=1, cursor=cursors[place]).status_code == 200
        for other in cursors[:place] + cursors[place + 1 :]:
            refuses(estante, cursor=other)


def test_a_cursor_is_good_for_its_own_filters_only(estante):
    estante.add(some(estante.caso, 3))
    cursor = estante.get(limite=1).json["paginacion"]["siguiente"]

    for filtro in estante.caso.filtros[1:]:
        refuses(estante, cursor=cursor, **filtro)


def test_a_cursor_that_was_changed_is_refused(estante):
    estante.add(some(estante.caso, 3))
    cursor = estante.get(limite=1).json["paginacion"]["siguiente"]

    for place in (0, len(cursor) // 2, len(cursor) - 2):
        refuses(estante, cursor=cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :])
    for broken in (cursor[:-1], cursor[1:], cursor.rpartition(".")[0], "x", "."):
        refuses(estante, cursor=broken)


def refuses(estante: Estante, **query: Any) -> None:
    refused = estante.get(limite=1, **query)
    assert (refused.status_code, refused.json["codigo"]) == (400, "cursor_invalido"), query

"""The rows that every installation starts with, and the demonstration."""

from collections import Counter
from weakref import WeakKeyDictionary

import pytest
from sqlalchemy import delete, func, select

from app import transaction
from app.extensions import db
from app.models import (
    CATALOGOS,
    Base,
    CatalogoEpoca,
    CatProblema,
    CatTiquet,
    Clientes,
    Comentarios,
    Empleados,
    EtiquetaTiquet,
    LogTransaccional,
    Tiquet,
    Ubicaciones,
    Usuario,
    utcnow,
)
from app.services.demo import seed_demo
from app.services.seed import FILAS, seed_catalogs
from app.transitions import ABIERTOS
from tests import factories
from tests.rows import LISTA, TIPOS

DEMO = ("jadmin@gmail.com", "madmin@gmail.com", "padmin@test.com", "aadmin@test.com")


def epoca():
    return db.session.scalars(select(CatalogoEpoca.epoca)).one()


def row_counts():
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table))
        for table in Base.metadata.sorted_tables
    }


@pytest.fixture
def demo(session):
    assert transaction.read(lambda: db.session.scalar(select(Tiquet.id).limit(1))) is None
    assert seed_demo() is True
    return session


@pytest.fixture
def tiquets(demo):
    return db.session.query(Tiquet).all()


@pytest.mark.parametrize("name", CATALOGOS)
def test_a_new_database_has_the_catalogs_under_their_ids(session, name):
    model = CATALOGOS[name]

    found = {fila.id: fila for fila in db.session.query(model)}

    assert set(found) == {fila["id"] for fila in FILAS[name]}
    for fila in FILAS[name]:
        assert {key: getattr(found[fila["id"]], key) for key in fila} == fila


def test_criticalities_keep_the_ids_that_clients_know(session):
    assert [(fila["id"], fila["nombre"]) for fila in FILAS["criticidades"]] == [
        (1, "Baja"),
        (2, "Media"),
        (3, "Alta"),
        (4, "Crítica"),
    ]


@pytest.mark.parametrize("name", ["estados", "criticidades", "prioridades"])
def test_there_is_one_usual_row_of_each_kind(name):
    usual = Counter(fila.get("tipo") for fila in FILAS[name] if fila["predeterminado"])

    assert usual == {fila.get("tipo"): 1 for fila in FILAS[name]}


def test_seeding_again_changes_nothing(session):
    before = row_counts(), epoca()

    assert transaction.run(seed_catalogs) is False

    assert (row_counts(), epoca()) == before


def test_seeding_again_keeps_what_an_operator_edited_and_added(session):
    db.session.get(CatTiquet, 1).nombre = "Aparatos"
    db.session.get(CatTiquet, 2).activo = False
    db.session.add(CatTiquet(codigo="nube", nombre="Nube"))
    db.session.commit()

    transaction.run(seed_catalogs)

    assert db.session.get(CatTiquet, 1).nombre == "Aparatos"
    assert db.session.get(CatTiquet, 2).activo is False
    assert db.session.query(CatTiquet).count() == len(FILAS["categorias"]) + 1


def test_seeding_again_does_not_bring_back_what_was_erased(session):
    db.session.delete(db.session.get(CatProblema, 14))
    db.session.commit()

    assert transaction.run(seed_catalogs) is False

    assert db.session.get(CatProblema, 14) is None


def test_an_empty_catalog_is_filled_and_every_memory_told(session):
    db.session.execute(delete(CatProblema))
    db.session.commit()
    before = epoca()

    assert transaction.run(seed_catalogs) is True

    assert db.session.get(CatProblema, 14).nombre == "La impresora no responde"
    assert epoca() != before


def test_the_demonstration_has_its_users_and_forty_tickets_in_all_states(tiquets):
    assert {user.email for user in db.session.query(Usuario)} == set(DEMO)
    assert len(tiquets) == 40
    assert {tiquet.id_estado for tiquet in tiquets} == set(TIPOS)


def test_planting_the_demonstration_again_changes_nothing(demo):
    before = row_counts()

    assert seed_demo() is False

    assert row_counts() == before


def test_what_people_do_to_the_demonstration_stays(demo):
    user = db.session.query(Usuario).filter_by(email=DEMO[2]).one()
    user.nombre = "Petra"
    db.session.commit()

    seed_demo()

    assert db.session.query(Usuario).filter_by(email=DEMO[2]).one().nombre == "Petra"


@pytest.mark.parametrize("email", DEMO)
def test_the_users_of_the_demonstration_can_sign_in(demo, client, email):
    answer = client.post("/api/auth/login", json={"email": email, "password": "secret123"})

    assert answer.status_code == 200
    assert answer.json["user"]["email"] == email


def test_what_happens_to_a_demonstrated_ticket_happens_in_order(tiquets):
    for tiquet in tiquets:
        life = [
            tiquet.fecha_creacion,
            tiquet.fecha_asignacion,
            tiquet.fecha_primera_respuesta,
            tiquet.fecha_resolucion,
            tiquet.fecha_cierre,
        ]
        happened = [when for when in life if when]
        assert happened == sorted(happened), tiquet.titulo
        assert max(happened) <= tiquet.fecha_actualizacion <= utcnow(), tiquet.titulo


def test_the_dates_of_a_demonstrated_ticket_are_those_that_its_state_demands(tiquets):
    for tiquet in tiquets:
        tipo = TIPOS[tiquet.id_estado]
        cancelled = tiquet.motivo_cierre == "cancelado"
        assert bool(tiquet.fecha_asignacion) == bool(tiquet.id_usuario_asignado), tiquet.titulo
        assert bool(tiquet.fecha_cierre) == (tipo == "cerrado") == bool(tiquet.motivo_cierre), tiquet.titulo
        assert bool(tiquet.fecha_resolucion) == bool(tiquet.resolucion), tiquet.titulo
        assert bool(tiquet.resolucion) == (tipo not in ABIERTOS and not cancelled), tiquet.titulo
        assert tipo != "nuevo" or not tiquet.id_usuario_asignado, tiquet.titulo
        assert tipo not in ("en_proceso", "resuelto") or tiquet.id_usuario_asignado, tiquet.titulo


def test_the_counters_of_demonstrated_tickets_are_right(tiquets):
    comments = Counter(db.session.scalars(select(Comentarios.id_tiquet)))

    assert comments
    for tiquet in tiquets:
        assert tiquet.numero_comentarios == comments[tiquet.id]
        assert (tiquet.numero_adjuntos, tiquet.veces_reabierto, tiquet.version) == (0, 0, 1)


def test_the_first_public_comment_is_the_first_answer(tiquets):
    for tiquet in tiquets:
        public = db.session.query(Comentarios).filter_by(id_tiquet=tiquet.id, es_interno=False)
        answers = sorted(comment.fecha_creacion for comment in public)
        assert tiquet.fecha_primera_respuesta == (answers[0] if answers else None)


def test_comments_are_written_while_their_ticket_lives(tiquets):
    by_id = {tiquet.id: tiquet for tiquet in tiquets}
    for comment in db.session.query(Comentarios):
        tiquet = by_id[comment.id_tiquet]
        assert tiquet.fecha_creacion <= comment.fecha_creacion <= tiquet.fecha_actualizacion


def test_demonstrated_labels_can_be_searched(tiquets):
    rows = db.session.query(EtiquetaTiquet).all()
    instants = {tiquet.id: tiquet.fecha_creacion for tiquet in tiquets}

    assert {(row.id_tiquet, row.etiqueta) for row in rows} == {
        (tiquet.id, etiqueta) for tiquet in tiquets for etiqueta in tiquet.etiquetas
    }
    assert all(row.fecha_creacion == instants[row.id_tiquet] for row in rows)
    assert all(row.etiqueta == row.etiqueta.lower() for row in rows)


def test_the_usual_problem_of_a_demonstrated_ticket_is_one_of_its_category(tiquets):
    category = {fila["id"]: fila["id_categoria"] for fila in FILAS["problemas"]}
    for tiquet in tiquets:
        assert tiquet.id_problema is None or category[tiquet.id_problema] == tiquet.id_categoria


@pytest.mark.parametrize(
    ("entidad", "model"),
    [
        ("tiquet", Tiquet),
        ("comentario", Comentarios),
        ("usuario", Usuario),
        ("cliente", Clientes),
        ("empleado", Empleados),
    ],
)
def test_everything_in_the_demonstration_has_the_one_event_of_its_creation(demo, entidad, model):
    events = db.session.query(LogTransaccional).filter_by(entidad=entidad).all()

    assert Counter(event.id_entidad for event in events) == dict.fromkeys(
        db.session.scalars(select(model.id)), 1
    )
    assert {event.accion for event in events} == {f"{entidad}.creado"}
    assert {event.version_resultante for event in events} == {1}
    assert "password_hash" not in {change["campo"] for event in events for change in event.cambios}


def test_the_event_of_a_comment_names_its_ticket(demo):
    events = db.session.query(LogTransaccional).filter_by(entidad="comentario")

    assert {(event.id_entidad, event.id_tiquet) for event in events} == {
        (comment.id, comment.id_tiquet) for comment in db.session.query(Comentarios)
    }


def test_the_demonstration_is_what_the_list_and_the_dashboard_show(demo, client):
    token = client.post("/api/auth/login", json={"email": DEMO[0], "password": "secret123"}).json
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    listed = client.get(LISTA, headers=headers).json
    figures = client.get("/api/tickets/dashboard/stats", headers=headers).json

    assert listed["paginacion"]["total"] == len(listed["data"]) == figures["total"] == 40
    assert all(row["cantidad"] for row in figures["por_estado"])
    assert sum(day["creados"] for day in figures["por_dia"])


@pytest.fixture
def unfilled(session, monkeypatch):
    """A desk that was migrated, and no more."""
    monkeypatch.setattr("app.queries.catalog._memory", WeakKeyDictionary())
    db.session.execute(delete(Ubicaciones).where(Ubicaciones.id_padre.is_not(None)))
    for model in (CatProblema, *(model for model in CATALOGOS.values() if model is not CatProblema)):
        db.session.execute(delete(model))
    db.session.execute(delete(CatalogoEpoca))
    db.session.commit()


@pytest.mark.usefixtures("unfilled")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", LISTA, None),
        ("GET", f"{LISTA}?q=tóner", None),
        ("GET", "/api/tickets/catalogos", None),
        ("GET", "/api/tickets/dashboard/stats", None),
        ("POST", LISTA, factories.NUEVO),
    ],
)
def test_a_desk_without_catalogs_says_what_is_missing_until_it_has_them(call, admin, method, path, body):
    refused = call(admin, method, path, body)

    assert (refused.status_code, refused.json["codigo"]) == (503, "catalogos_vacios")
    assert "flask --app run seed" in refused.json["detail"]
    assert refused.headers["Retry-After"]
    transaction.run(seed_catalogs)
    db.session.commit()
    assert call(admin, method, path, body).status_code in (200, 201)


@pytest.mark.usefixtures("unfilled")
def test_a_desk_whose_first_row_came_by_the_interface_still_says_that_others_are_missing(call, admin):
    made = call(admin, "POST", "/api/tickets/categorias", {"nombre": "Nube"})
    assert made.status_code == 201
    assert call(admin, "GET", LISTA).json["data"] == []

    refused = call(admin, "POST", LISTA, factories.NUEVO)

    assert (refused.status_code, refused.json["codigo"]) == (503, "catalogos_vacios")

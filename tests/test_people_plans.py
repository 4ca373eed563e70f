"""How many rows MariaDB reads for a page of people, comments or the trash: about as many as it shows."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.extensions import db
from app.models import FILTRABLES, Comentarios, Seguidores, Tiquet
from app.permissions import Actor
from app.queries import catalog, people
from app.queries.access import sessions, tokens, users
from app.queries.desk import comments, followers, ticket_list
from app.queries.desk.tickets import IN_TRASH
from app.queries.pagination import TOTAL_EXACTO, Corte, Pagina
from tests.conftest import empty_tables
from tests.plans import DEPTHS, LIMITE, TIQUETS, plant_tickets, reading

pytestmark = pytest.mark.mariadb

# Hundreds of namesakes; one in ten has no surname where it may be missing, one in 37 is not active.
PLANT = """
INSERT INTO {table} (nombre, apellido, busqueda, activo, id_ubicacion, fecha_creacion, version {more})
SELECT CONCAT('Ana ', seq % 41), {surname}, CONCAT(' ana ', seq % 41, ' n', seq), seq % 37 > 0,
    IF(seq % 3, 1 + seq % 4, NULL), NOW(), 1 {values}
FROM seq_1_to_20000
"""
SURNAME = "CONCAT('Paz ', seq % 23)"
PERSONA = {"surname": f"IF(seq % 10, {SURNAME}, NULL)", "more": "", "values": ""}
CUENTA = {
    "surname": SURNAME,
    "more": ", email, password_hash, tipo_usuario, disponible, idioma, zona_horaria, preferencias,"
    " segundo_factor, debe_cambiar_clave",
    "values": ", CONCAT(seq, '@example.org'), 'x', 'Técnico', 1, 'es', 'UTC', '{}', 0, 0",
}
# A ticket with many comments among others with a few.
COMMENT = """
INSERT INTO Comentarios (id_tiquet, id_autor, mensaje, es_interno, fecha_creacion, version)
SELECT IF(seq % 4, 1 + seq % 1000, 2000), :usuario, 'Uno de muchos', 1, NOW() + INTERVAL seq DIV 8 SECOND, 1
FROM seq_1_to_20000
"""
# All users follow that one; every other ticket has a few followers.
FOLLOWER = """
INSERT INTO Seguidores (id_tiquet, id_usuario, motivo, fecha_creacion)
SELECT IF(seq % 2, 2000, 1 + seq DIV 20), id, 'manual', NOW()
FROM seq_1_to_20000 JOIN Usuario ON id = :usuario + seq
"""
# Sessions of ten users; one in 37 has ended.
SESSION = """
INSERT INTO Sesion (id, id_usuario, refresco, fecha_creacion, ultimo_uso, vence, fin)
SELECT MD5(seq), :usuario + seq % 10, 'x', NOW() - INTERVAL seq SECOND, NOW(), NOW() + INTERVAL 1 DAY,
    IF(seq % 37, NULL, NOW())
FROM seq_1_to_20000
"""
# Service tokens of ten users; one in 37 has expired.
TOKEN = """
INSERT INTO Token_servicio (id_usuario, nombre, huella, alcances, fecha_creacion, vence, version)
SELECT :usuario + seq % 10, 'Uno de muchos', SHA2(seq, 256), '["tickets:leer"]', NOW() - INTERVAL seq SECOND,
    NOW() + INTERVAL IF(seq % 37, 1, -1) DAY, 1
FROM seq_1_to_20000
"""
MUCHO, POCO = 2000, 2  # tickets with 5000 comments and with 20

COUNT = 2 * (TOTAL_EXACTO + 1)  # Each from the index, and once more when they are counted.
A_FEW = 10


@pytest.fixture(scope="module")
def first(app) -> Iterator[dict[str, int]]:
    """A desk with 20,000 of each, half of its tickets in the trash: the first ids of who is in these."""
    with app.app_context():
        first = plant_tickets(trashed=2)
        for table, own in (("Clientes", PERSONA), ("Empleados", PERSONA), ("Usuario", CUENTA)):
            db.session.execute(text(PLANT.format(table=table, **own)))
        db.session.execute(text(COMMENT), first)
        db.session.execute(text(SESSION), first)
        db.session.execute(text(TOKEN), first)
        db.session.commit()
        db.session.execute(text(FOLLOWER), first)
        tables = "Clientes, Empleados, Usuario, Tiquet, Comentarios, Seguidores, Sesion, Token_servicio"
        db.session.execute(text(f"ANALYZE TABLE {tables}"))
        yield first
        empty_tables()


@pytest.fixture
def actor(first, session) -> Actor:
    return acting(first, "Administrador")


def acting(first: dict[str, int], role: str) -> Actor:
    actor = Actor(id=first["usuario"], tipo_usuario=role, epoca=catalog.load().epoca)
    catalog.all_catalogs(actor)
    return actor


def place(keys: tuple[Any, ...], share: float, *matching: Any, descending: bool = False) -> Corte | None:
    """The cursor behind that share of a list; none for its first page."""
    if not share:
        return None
    total = db.session.scalar(select(func.count()).select_from(keys[0].class_).where(*matching)) or 0
    order = [key.desc() if descending else key for key in keys]
    row = db.session.execute(
        select(*keys).where(*matching).order_by(*order).offset(int(total * share)).limit(1)
    ).one()
    return Corte(tuple(row), TOTAL_EXACTO + 1)


def read(
    read_page: Callable[[Corte | None], Pagina], corte: Corte | None, table: str, each: int = 1
) -> set[str]:
    """Read a full page, and at most ``each`` rows for each of its own; the indexes of ``table`` it took."""
    with reading(table) as lectura:
        pagina = read_page(corte)
    print(f"{table} {'deep' if corte else 'first'}: {lectura.rows} rows, {lectura.indexes}")  # noqa: T201 (pytest -s)
    assert len(pagina.filas) == LIMITE
    assert lectura.rows <= each * (LIMITE + 1) + A_FEW + (0 if corte else COUNT)
    return lectura.indexes


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("filtros", [{}, {"activo": True}, {"activo": False}, {"id_ubicacion": 2}], ids=str)
@pytest.mark.parametrize(("entidad", "model"), people.PERSONAS.items())
def test_a_page_of_people_reads_the_rows_it_shows(actor, entidad, model, filtros, share):
    matching = [getattr(model, name) == value for name, value in filtros.items()]
    corte = place((model.nombre, model.apellido, model.id), share, *matching)

    indexes = read(lambda c: people.page(entidad, filtros, LIMITE, c), corte, model.__tablename__)

    assert f"ix_{model.__tablename__}_{'_'.join((*filtros, 'nombre', 'apellido', 'id'))}" in indexes


@pytest.mark.parametrize(
    ("filtros", "found"),
    [({"q": "nadie"}, 0), ({"q": "n777"}, 11), ({"q": "n777", "activo": True}, 9), ({"q": "ana"}, 1001)],
    ids=str,
)
@pytest.mark.parametrize(("entidad", "model"), people.PERSONAS.items())
def test_a_search_is_one_scan_of_the_table(actor, entidad, model, filtros, found):
    with reading(model.__tablename__) as lectura:
        pagina = people.page(entidad, filtros, LIMITE, None)

    assert pagina.total == found
    assert lectura.indexes == {None}
    assert lectura.rows <= TIQUETS + 2 * LIMITE + (COUNT if found > LIMITE else 0)


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("role", ["Administrador", "Técnico"])
def test_a_page_of_users_reads_the_rows_it_shows_and_those_it_hides(first, session, role, share):
    corte = place(users.ORDEN, share)
    actor = acting(first, role)

    indexes = read(lambda c: users.page(actor, {}, LIMITE, c), corte, "Usuario", each=2)

    assert "ix_Usuario_apellido_nombre_id" in indexes


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", ["fecha_creacion", "-fecha_creacion"])
def test_a_page_of_comments_reads_the_rows_it_shows_and_their_authors(actor, orden, share):
    keys = (Comentarios.fecha_creacion, Comentarios.id)
    corte = place(keys, share, Comentarios.id_tiquet == MUCHO, descending=orden.startswith("-"))

    indexes = read(lambda c: comments.page(actor, MUCHO, orden, LIMITE, c), corte, "Comentarios", each=2)

    assert indexes == {"ix_Comentarios_id_tiquet_fecha_creacion_id"}


@pytest.mark.parametrize("share", DEPTHS)
def test_a_page_of_followers_reads_the_rows_it_shows_and_their_names(first, session, share):
    corte = place((Seguidores.id_usuario,), share, Seguidores.id_tiquet == MUCHO)

    with reading("Seguidores") as lectura:
        pagina = followers.page(MUCHO, LIMITE, corte)

    print(f"Seguidores {'deep' if corte else 'first'}: {lectura.rows} rows, {lectura.indexes}")  # noqa: T201 (pytest -s)
    assert len(pagina.filas) == LIMITE
    # One in 37 is not active and is passed by; the count looks at each user too.
    assert lectura.rows <= 2.1 * (LIMITE + 1) + A_FEW + (0 if corte else 1.6 * COUNT)


def test_a_short_conversation_is_read_alone_and_not_counted(actor):
    with reading("Comentarios") as lectura:
        assert comments.page(actor, POCO, "fecha_creacion", LIMITE, None).total == 20

    assert lectura.rows <= 2 * 20 + A_FEW


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", ["-fecha_eliminacion", "fecha_eliminacion"])
@pytest.mark.parametrize("column", [None, *FILTRABLES])
def test_a_page_of_the_trash_reads_about_the_rows_it_shows(actor, column, orden, share):
    filtros, matching = {"papelera": True}, [IN_TRASH]
    if column:
        value = common(getattr(Tiquet, column))
        filtros[column], matching = [value], [IN_TRASH, getattr(Tiquet, column) == value]
    keys = (Tiquet.fecha_eliminacion, Tiquet.fecha_creacion, Tiquet.id)
    corte = place(keys, share, *matching, descending=orden.startswith("-"))

    # A row of the index, kept and merged, the ticket and four names, and the sort.
    indexes = read(lambda c: ticket_list.page(actor, filtros, orden, LIMITE, c), corte, "Tiquet", each=9)

    assert indexes == {"_".join(filter(None, ("ix_Tiquet_lista", column)))}


def common(column: Any) -> Any:
    """The value that most tickets of the trash have."""
    found = select(column).where(IN_TRASH, column.is_not(None)).group_by(column)
    return db.session.scalar(found.order_by(func.count().desc()).limit(1))


@pytest.mark.parametrize("share", DEPTHS)
def test_a_page_of_sessions_reads_the_rows_it_shows_and_those_that_ended(first, session, share):
    actor = acting(first, "Técnico")
    corte = place(sessions.ORDEN, share, sessions.own(actor), descending=True)

    indexes = read(lambda c: sessions.page(actor, LIMITE, c), corte, "Sesion", each=2)

    assert indexes == {"ix_Sesion_id_usuario_fecha_creacion_id"}


@pytest.mark.parametrize("share", DEPTHS)
def test_a_page_of_service_tokens_reads_the_rows_it_shows(first, session, share):
    actor = acting(first, "Técnico")
    corte = place(tokens.ORDEN, share, tokens.own(actor), descending=True)

    indexes = read(lambda c: tokens.page(actor, LIMITE, c), corte, "Token_servicio", each=2)

    assert indexes == {"ix_Token_servicio_id_usuario_fecha_creacion_id"}

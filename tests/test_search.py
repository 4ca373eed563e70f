"""Finding tickets by words: what they and their comments say, in the spelling of whoever asks."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import BusquedaTiquet, Tiquet, utcnow
from app.queries.desk import search as queries
from app.queries.desk import ticket_search
from app.schemas.desk.tickets import ORDENES, ORDENES_DE_PAPELERA
from app.services import demo, maintenance
from app.services.desk import search
from tests import factories
from tests.rows import LISTA, mixed, pages
from tests.statements import noted
from tests.test_events import ALL_CASES, Call
from tests.test_ticket_list import FILTROS, Mesa
from tests.threads import at_once
from tests.world import between_requests, success_of

# What a ticket says -> queries that find it.
HALLADO = {
    "La conexión VPN se cae": [
        *("conexion", "CONEXIÓN", "conexio\u0301n", "conex", "vpn conex", "VPN", '"la conexión vpn"', "cae"),
        *("+conexion", "-conexion", "conexion*", "~vpn", "(vpn)", "@vpn", "<vpn>"),
        *('"conexion', 'vpn"', '""vpn', "la conexión", '"se cae"', "vpn, cae.", "ＶＰＮ"),
    ],
    "Sin red en TI desde el año pasado": [
        *("TI", "ti", "año", "AÑO", "an\u0303o", '"TI"', '"en TI"', "el ti", "red ti año", "a\u00f1"),
    ],
    "Escriba a ana.lopez@example.org por el Wi-Fi": [
        *("ana.lopez@example.org", "ANA.LÓPEZ@EXAMPLE.ORG", "example.org", "wi-fi", "Wi-Fi", '"wi-fi"'),
        *("lopez", "@example", "example", '"ana.lopez@example.org"'),
    ],
    "El ñandú del pingüino cuesta 25,50 € en España": [
        *("ñandú", "ÑANDU", "pinguino", "PINGÜINO", "25,50", "25", "españ", "España €", '"25,50"', "ñan"),
    ],
    "Ошибка печати 印刷エラー straße": [
        *("ошибка", "ОШИБКА", "оши", "印刷", "STRASSE", "straße", "strasse", '"ошибка печати"'),
    ],
    "x_y __init__ a+b C++ 100% \\ ' fin": [
        *("x_y", "init", "__init__", "a+b", '"C++"', "100%", "fin'", "\\ fin", '"a b c 100 fin"'),
    ],
}
# No ticket of those above says so.
PERDIDO = [
    *("ano", "nandu", "espana", "conexiones", '"vpn conexion"', '"conex"', '"conexión vpn se ca"', "onexion"),
    *("wifi", "vpn OR nada", "conexion -vpn zzz", '"TI en"', "%%", "__", "😀😀", '""', '" "', "++", "xx"),
    *("xxvpn", "_f1_", "nand*", "NOT vpn", 'vpn NEAR("cae")', "interno:vpn", "pasado escriba"),
]


@pytest.fixture
def buscar(call, client, admin):
    def buscar(q, quien=admin, **query):
        found = client.get(LISTA, query_string={"q": q, **query}, headers=quien.headers)
        assert found.status_code == 200, found.json
        return [tiquet["id"] for tiquet in found.json["data"]]

    return buscar


@pytest.fixture(params=["window", "index"])
def by(request, monkeypatch):
    """By the window, and by the index of the database alone."""
    if request.param == "index":
        monkeypatch.setattr(ticket_search, "walked", lambda *_, **__: None)
    return request.param


def open_ticket(client, quien, **fields):
    answer = client.post(LISTA, json=factories.NUEVO | fields, headers=quien.headers)
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


def test_words_find_what_people_mean_by_them_on_each_way(committed, buscar, client, admin, by):
    ids = {text: open_ticket(client, admin, descripcion=text) for text in HALLADO}

    for text, asked in HALLADO.items():
        for q in asked:
            assert buscar(q) == [ids[text]], q
    for q in PERDIDO:
        assert buscar(q) == [], q


def test_of_several_words_all_must_be_there_and_in_any_of_the_texts(buscar, client, admin):
    id = open_ticket(client, admin, titulo="Teclado roto", descripcion="Faltan teclas")
    say(client, admin, id, "Se pidió otro")

    assert buscar("otro teclado teclas") == [id]
    assert buscar("otro teclado ratón") == []
    assert buscar('"roto faltan"') == []  # No phrase goes from one text into the other.


def test_a_number_finds_its_ticket(buscar, client, admin):
    id = open_ticket(client, admin)

    assert buscar(f"SP-{id:06d}") == buscar(f"sp-{id:06d}") == buscar(f"{id:06d}") == [id]
    other = open_ticket(client, admin, descripcion=f"Como el SP-{id:06d}.")
    assert buscar(f"sp-{id:06d}") == [other, id]


@pytest.mark.parametrize("q", ["a", "x" * 101, "", " b "])
def test_what_is_too_short_or_too_long_is_refused_at_its_field(client, admin, q):
    refused = client.get(LISTA, query_string={"q": q}, headers=admin.headers)

    assert (refused.status_code, list(refused.json["errores"])) == (422, ["q"])


def test_a_word_of_any_length_is_found_by_itself_and_by_its_beginning(committed, buscar, client, admin, by):
    long = "electroencefalografista" * 4
    id = open_ticket(client, admin, descripcion=long)

    assert buscar(long) == buscar(long[:90]) == buscar(long[:5]) == buscar(f'"{long}"') == [id]


def test_who_does_not_see_an_internal_comment_finds_nothing_by_it(committed, buscar, client, admin, by):
    yo = factories.quien("Solicitante")
    tecnico = factories.quien("Técnico")
    suyo = open_ticket(client, yo)
    ajeno = open_ticket(client, admin, descripcion="confidencial")
    interno = say(client, admin, suyo, "secretaria confidencial", es_interno=True)
    say(client, admin, suyo, "publicado", es_interno=False)

    assert buscar("secreta", yo) == buscar("confidencial", yo) == []
    assert buscar("publicado", yo) == buscar("publicado", tecnico) == [suyo]
    assert buscar("secreta", tecnico) == [suyo]
    assert buscar("confidencial", tecnico) == [ajeno, suyo]
    client.put(f"{LISTA}/{suyo}/comentarios/{interno}", json={"mensaje": "oculto"}, headers=admin.headers)
    assert buscar("oculto", yo) == []


def test_who_asked_does_not_find_by_where_a_ticket_was_merged_into(buscar, client, admin):
    yo = factories.quien("Solicitante")
    suyo, otro = open_ticket(client, yo), open_ticket(client, admin)
    client.post(f"{LISTA}/{suyo}/fusionar", json={"id_destino": otro}, headers=admin.headers)

    assert buscar(f"SP-{otro:06d}", admin) == [otro, suyo]
    assert buscar(f"SP-{otro:06d}", yo) == []
    assert buscar("fusionado con otro", yo) == [suyo]


def test_a_ticket_in_the_trash_is_found_there(buscar, client, admin):
    id = open_ticket(client, admin, descripcion="desechado")
    client.delete(f"{LISTA}/{id}", headers=admin.headers)

    assert buscar("desechado") == []
    assert buscar("desechado", papelera="true") == [id]


def say(client, quien, id, mensaje, **more):
    said = client.post(f"{LISTA}/{id}/comentarios", json={"mensaje": mensaje} | more, headers=quien.headers)
    assert said.status_code == 201, said.json
    return said.json["id"]


def stale():
    """The tickets whose search rows are not what they would be now, those without one too."""
    rows = {
        row.id_tiquet: {"mes": row.mes, "publico": row.publico, "interno": row.interno}
        for row in db.session.scalars(select(BusquedaTiquet))
    }
    fresh = {
        tiquet.id: search.columns(tiquet, queries.newest_comments(tiquet.id))
        for tiquet in db.session.scalars(select(Tiquet))
    }
    return [id for id in fresh | rows if fresh.get(id) != rows.get(id)]


@pytest.mark.parametrize(("operation", "case"), ALL_CASES)
def test_after_every_write_tickets_are_found_by_what_they_say_now(app, client, session, operation, case):
    call = Call(app, client, operation, case)
    with between_requests():
        search.index(*db.session.scalars(select(Tiquet)))
        db.session.commit()

    answer = call.send()

    assert answer.status_code == success_of(call.about), answer.get_data(as_text=True)
    with between_requests():
        assert stale() == []


def test_merged_comments_are_found_where_they_are_now(buscar, client, admin):
    origen, destino = open_ticket(client, admin), open_ticket(client, admin)
    say(client, admin, origen, "mudanza")

    client.post(f"{LISTA}/{origen}/fusionar", json={"id_destino": destino}, headers=admin.headers)

    assert buscar("mudanza") == [destino]
    assert stale() == []


def test_a_comment_that_is_changed_or_erased_is_not_found_by_what_it_said(buscar, client, admin):
    id = open_ticket(client, admin)
    comentario = say(client, admin, id, "antiguo")
    path = f"{LISTA}/{id}/comentarios/{comentario}"

    client.put(path, json={"mensaje": "reciente"}, headers=admin.headers)
    assert (buscar("antiguo"), buscar("reciente")) == ([], [id])
    client.delete(path, headers=admin.headers)
    assert buscar("reciente") == []


def test_of_a_long_conversation_the_newest_comments_are_found(buscar, client, admin, monkeypatch):
    monkeypatch.setattr("app.queries.desk.search.MAX_COMENTARIOS", 2)
    id = open_ticket(client, admin, titulo="Siempre encontrado")
    for word in ("primero", "segundo", "tercero"):
        say(client, admin, id, word)

    assert (buscar("primero"), buscar("segundo"), buscar("tercero")) == ([], [id], [id])
    monkeypatch.setattr("app.services.desk.search.MAX_BUSCADO", 60)
    say(client, admin, id, "muy largo " * 50)
    assert buscar("siempre encontrado") == [id]
    assert len(db.session.scalars(select(BusquedaTiquet.interno)).one()) <= 62


def test_a_purge_leaves_no_search_row(app, session):
    id = factories.tiquet(fecha_eliminacion=utcnow() - timedelta(days=999))
    search.index(db.session.get(Tiquet, id))
    db.session.commit()

    maintenance.maintain()

    assert db.session.scalars(select(BusquedaTiquet)).all() == []


def test_a_command_writes_all_search_rows_anew(committed):
    ids = [factories.tiquet(titulo=f"Número {n}") for n in range(3)]
    assert sorted(stale()) == ids

    told = committed.test_cli_runner().invoke(args=["reindexar"])

    assert (told.exit_code, told.output) == (0, "Tiquets: 3.\n")
    assert stale() == []


def test_the_demo_tickets_are_found(app, session):
    demo.seed_demo()

    assert stale() == []


def test_comments_written_at_once_are_all_found(committed, client, admin, buscar):
    id = open_ticket(client, admin)

    def one(number):
        with committed.test_client() as own:
            said = {"mensaje": f"palabra{number}"}
            return own.post(f"{LISTA}/{id}/comentarios", json=said, headers=admin.headers).status_code

    assert at_once(6, one) == [201] * 6
    assert [number for number in range(6) if buscar(f"palabra{number}") != [id]] == []
    assert stale() == []


@pytest.fixture
def mesa_hablada(committed, client, admin):
    """A desk of whose tickets one in three is about a printer, and one in forty about a scanner."""
    mesa = Mesa(client, admin)
    filas = mixed(120, mesa.gente)
    for number, fila in enumerate(filas):
        fila["descripcion"] = "impresora " * (number % 3 == 0) + "escáner " * (number % 40 == 7) + "rota"
    mesa.add(filas)
    search.index(*db.session.scalars(select(Tiquet)))
    db.session.commit()
    return mesa


def found(mesa, q, query):
    """What is wanted of a list with ``q``."""
    ids = {fila["id"] for fila in mesa.filas if q in fila["descripcion"]}
    return [id for id in mesa.wanted(query) if id in ids]


@pytest.fixture(params=[1, 15, 2000])
def window(request, monkeypatch):
    """Windows that hold next to nothing, some, and all."""
    monkeypatch.setattr(ticket_search, "VENTANA", request.param)
    return request.param


def test_every_filter_in_every_order_narrows_a_search(mesa_hablada, window):
    for number, filtro in enumerate(FILTROS):
        query = mesa_hablada.named(filtro)
        for orden in (ORDENES[number % len(ORDENES)], "-fecha_creacion"):
            asked = {**query, "orden": orden}
            for q in ("impresora", "escáner"):
                answers = list(pages(mesa_hablada.client, mesa_hablada.headers, {**asked, "q": q}, 4))
                wanted = found(mesa_hablada, q, asked)
                assert [fila["id"] for page in answers for fila in page["data"]] == wanted, asked
                total = answers[0]["paginacion"]
                assert total["total"] <= len(wanted)
                assert (total["total"] == len(wanted)) or not total["total_exacto"]
                assert all(page["paginacion"]["total"] == total["total"] for page in answers)
                if window == 2000:
                    assert (total["total"], total["total_exacto"]) == (len(wanted), True)


def test_every_order_of_the_list_and_of_the_trash_is_that_of_a_search(mesa_hablada, window):
    for trash, ordenes in (({}, ORDENES), ({"papelera": "true"}, (*ORDENES, *ORDENES_DE_PAPELERA))):
        for orden in ordenes:
            query = {**trash, "orden": orden}
            walked = mesa_hablada.walk({**query, "q": "impresora"}, 5)
            assert walked == found(mesa_hablada, "impresora", query), query


def test_whoever_asks_finds_its_own_page_by_page(mesa_hablada, client, window):
    cliente = mesa_hablada.gente["id_cliente"][0]
    yo = factories.quien("Solicitante", id_cliente=cliente)
    own = {fila["id"] for fila in mesa_hablada.filas if fila["id_cliente"] == cliente}

    for orden in ORDENES:
        query = {"q": "impresora", "orden": orden}
        met = [fila["id"] for page in pages(client, yo.headers, query, 2) for fila in page["data"]]
        assert met == [id for id in found(mesa_hablada, "impresora", {"orden": orden}) if id in own]


def test_an_export_takes_a_search_too(mesa_hablada):
    query = {"q": "impresora", "id_estado": [1, 2], "formato": "ndjson"}
    answer = mesa_hablada.client.get(f"{LISTA}/exportar", query_string=query, headers=mesa_hablada.headers)

    assert answer.status_code == 200
    expected = sorted(found(mesa_hablada, "impresora", {"id_estado": [1, 2]}))
    assert [json.loads(line)["id"] for line in answer.data.splitlines()[:-1]] == expected
    nothing = mesa_hablada.client.get(
        f"{LISTA}/exportar", query_string=query | {"q": "++"}, headers=mesa_hablada.headers
    )
    assert json.loads(nothing.data) == {"total": 0}


def test_a_search_takes_so_many_statements(client, admin, monkeypatch):
    for _ in range(5):
        open_ticket(client, admin)

    def taken(**query):
        with noted() as statements:
            assert client.get(LISTA, query_string=query, headers=admin.headers).status_code == 200
        return len(statements)

    # Who asks, the window, and the tickets that it found.
    assert taken(q="impresora") == taken(q="impresora", limite=2) == 3
    assert taken(q="nadie") == 2
    # Beyond the window a sample of what words are rare, what months there are, and the index of those.
    monkeypatch.setattr(ticket_search, "walked", lambda *_, **__: None)
    assert taken(q="sin") == taken(q="sin luz") == 4


@pytest.mark.parametrize("orden", ["-fecha_creacion", "fecha_creacion", "-fecha_actualizacion"])
@pytest.mark.parametrize("q", ["aguja", '"aguja de coser"', "coser aguja"])
def test_the_index_is_asked_for_some_months_at_a_time(committed, client, monkeypatch, orden, q):
    """Forty months, before and after those that marks tell apart too, with a ticket in each that is found."""
    start = datetime(1989, 11, 1)
    dates = [start, *(datetime(2020 + n // 12, 1 + n % 12, 28) for n in range(38)), datetime(2150, 1, 1)]
    ids = [factories.tiquet(titulo="Una aguja de coser", fecha_creacion=date) for date in dates]
    ids.insert(0, factories.tiquet(titulo="Una aguja de coser", fecha_creacion=start - timedelta(days=999)))
    factories.tiquet(titulo="Coser con aguja de coser" if '"' not in q else "Coser aguja")
    search.index(*db.session.scalars(select(Tiquet).where(Tiquet.id.in_(ids))))
    db.session.commit()
    who = factories.quien("Administrador")
    monkeypatch.setattr(ticket_search, "walked", lambda *_, **__: None)
    query = {"q": q, "orden": orden}

    found = [fila["id"] for page in pages(client, who.headers, query, 3) for fila in page["data"]]

    if orden == "-fecha_actualizacion":
        assert sorted(found) == sorted(ids)
    else:
        assert found == (ids if orden == "fecha_creacion" else ids[::-1])

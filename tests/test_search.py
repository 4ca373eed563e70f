"""Finding tickets by words: what they and their comments say, in the spelling of whoever asks."""

import pytest

from app.queries import ticket_search
from tests import factories
from tests.rows import LISTA

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
        monkeypatch.setattr(ticket_search, "walked", lambda *_: None)
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

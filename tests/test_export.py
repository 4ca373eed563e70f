"""Exports: every ticket once, in three forms, at constant memory."""

import csv
import http.client
import io
import json
import threading
import zipfile
from contextlib import closing
from datetime import timedelta
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import Tiquet, utcnow
from app.queries.desk import export
from app.utils.files import exports
from tests import factories
from tests.client import codes
from tests.factories import quien
from tests.gunicorn import gunicorn
from tests.rows import INICIO, plant
from tests.test_attachments import MB, peak
from tests.test_killed_workers import prepared
from tests.threads import at_once

EXPORT = "/api/tickets/tickets/exportar"
TICKETS = "/api/tickets/tickets"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# What spreadsheets have been made to run.
FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://192.0.2.1","a")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
]


@pytest.fixture
def fetch(client, tecnico):
    def fetch(who=tecnico, **query):
        db.session.remove()
        return client.get(EXPORT, query_string=query, headers=who.headers)

    return fetch


def lines(answer):
    """The tickets of an NDJSON, and what its last line says."""
    *tickets, last = (json.loads(line) for line in answer.data.splitlines())
    return tickets, last


def rows(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def cells(answer):
    """The cells of a workbook, row by row."""
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        assert not list(sheet.iter(f"{SHEET}f")), "a formula"
    for row in sheet.iter(f"{SHEET}row"):
        yield ["".join(text.itertext()) for text in row.iter(f"{SHEET}c")]


def test_the_three_forms_hold_the_same_tickets_as_the_list_by_id(fetch, client, tecnico):
    for number in range(3):
        factories.tiquet(
            titulo=f"Número {number}", etiquetas=["vpn", "ñandú"], id_usuario_asignado=tecnico.id
        )
    db.session.remove()
    listed = client.get(TICKETS, headers=tecnico.headers).json["data"]

    found, last = lines(fetch(formato="ndjson"))
    table = rows(fetch())
    header, *body = cells(fetch(formato="xlsx"))

    assert found == sorted(listed, key=lambda tiquet: tiquet["id"])
    assert last == {"total": 3}
    assert [(row["id"], row["numero"]) for row in table] == [(str(t["id"]), t["numero"]) for t in found]
    assert tuple(header) == tuple(table[0]) == exports.COLUMNAS
    assert [row["usuario_asignado"] for row in table] == [t["usuario_asignado"]["nombre"] for t in found]
    assert {row["etiquetas"] for row in table} == {'["vpn","ñandú"]'}
    assert [row["fecha_creacion"] for row in table] == [t["fecha_creacion"] for t in found]
    assert [row[2] for row in body] == [t["titulo"] for t in found]


@pytest.mark.parametrize(("formato", "kind"), exports.TIPOS.items())
def test_an_export_is_a_download_with_a_name_and_a_kind(fetch, formato, kind):
    factories.tiquet()

    answer = fetch(formato=formato)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    assert f".{formato}" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=tiquets-")


def test_nothing_is_taken_for_a_formula_and_a_mark_comes_on_request(fetch):
    for text in FORMULAS:
        factories.tiquet(titulo=text)

    plain, marked = fetch(), fetch(bom="true")

    assert [row["titulo"] for row in rows(plain)] == [f"'{text}" for text in FORMULAS]
    assert not plain.data.startswith(b"\xef\xbb\xbf")
    assert marked.data == b"\xef\xbb\xbf" + plain.data
    assert [row[2] for row in list(cells(fetch(formato="xlsx")))[1:]] == FORMULAS  # Text is text there.


def test_text_comes_back_as_it_is(fetch):
    text = 'Una "cita", una coma;\r\notra línea\ty 😀'
    factories.tiquet(descripcion=text)

    assert rows(fetch())[0]["descripcion"] == text
    assert lines(fetch(formato="ndjson"))[0][0]["descripcion"] == text


@pytest.mark.parametrize(
    "query",
    [
        {"id_estado": [1, 5]},
        {"tipo_estado": "resuelto"},
        {"id_usuario_asignado": "ninguno"},
        {"id_usuario_asignado": ["ninguno", "yo"]},
        {"etiqueta": "vpn"},
        {"id_categoria": 7},
        {"creado_desde": "2026-03-01T12:00:05Z", "creado_hasta": "2026-03-01T12:00:15Z"},
    ],
)
def test_the_filters_are_those_of_the_list(fetch, client, tecnico, query):
    plant(
        [
            {
                "id_estado": (1, 2, 5)[number % 3],
                "id_usuario_asignado": (None, tecnico.id)[number % 2],
                "etiquetas": ["vpn"] if number % 4 else [],
                "fecha_creacion": INICIO + timedelta(seconds=number),
            }
            for number in range(20)
        ]
    )
    db.session.remove()
    listed = client.get(TICKETS, query_string=query | {"limite": 200}, headers=tecnico.headers).json["data"]

    found, last = lines(fetch(formato="ndjson", **query))

    assert {tiquet["id"] for tiquet in found} == {tiquet["id"] for tiquet in listed}
    assert last["total"] == len(listed)


@pytest.mark.parametrize(
    "query", [{"formato": "pdf"}, {"limite": 5}, {"cursor": "x"}, {"orden": "prioridad"}]
)
def test_what_is_no_parameter_of_an_export_is_refused(fetch, query):
    answer = fetch(**query)

    assert answer.status_code == 422
    assert set(codes(answer)) == set(query)


def test_the_trash_is_not_exported(fetch):
    factories.tiquet(fecha_eliminacion=utcnow())

    assert lines(fetch(formato="ndjson")) == ([], {"total": 0})


def test_too_many_for_a_spreadsheet_are_refused_before_anything_is_sent(fetch, monkeypatch):
    monkeypatch.setattr(exports, "MAX_FILAS_XLSX", 2)
    for _ in range(3):
        factories.tiquet()

    answer = fetch(formato="xlsx")

    assert (answer.status_code, codes(answer)) == (422, {"formato": ["demasiadas_filas"]})


def test_each_ticket_that_matched_throughout_is_there_once(committed, monkeypatch):
    monkeypatch.setattr(export, "WINDOW", 7)
    monkeypatch.setattr(export, "PIECE", 3)
    who = quien("Técnico")
    plant([{"id_usuario_creador": who.id} for _ in range(60)])
    ids = sorted(db.session.scalars(db.select(Tiquet.id)))
    stable = {id for place, id in enumerate(ids) if place % 2}
    done = threading.Event()

    def change(number):
        client = committed.test_client()
        for id in ids:
            if id not in stable:
                client.put(f"{TICKETS}/{id}", json={"id_estado": 3}, headers=who.headers)
            elif number:
                client.put(f"{TICKETS}/{id}", json={"titulo": f"Otro {id}"}, headers=who.headers)
            client.post(TICKETS, json=factories.NUEVO, headers=who.headers)
            if done.is_set():
                break

    def read(_number):
        client = committed.test_client()
        answers = [
            client.get(EXPORT, query_string={"formato": "ndjson", "id_estado": 1}, headers=who.headers)
            for _ in range(5)
        ]
        done.set()
        return answers

    *_, answers = at_once(3, lambda n: read(n) if n == 2 else change(n))

    for answer in answers:
        found, last = lines(answer)
        seen = [tiquet["id"] for tiquet in found]
        assert seen == sorted(set(seen))
        assert stable <= set(seen)
        assert last["total"] == len(seen)


def test_a_stream_that_breaks_is_told_from_a_whole_one(fresh_database, without_app):
    """What was sent has no last line, and the connection says that it is not all."""
    with prepared(fresh_database):
        who = factories.UsuarioFactory().email
        # One in each piece, and more than all buffers on the way hold.
        plant([{"id": 1 + export.WINDOW * n, "descripcion": "x" * 3_000_000} for n in range(8)])
        with gunicorn(fresh_database, "-w", "1") as server:
            headers = server.sign_in(who)
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
                connection.request("GET", f"{EXPORT}?formato=ndjson", headers=headers)
                answer = connection.getresponse()
                assert answer.status == 200
                first = answer.read(1_000_000)
                away = f"ALTER TABLE {quoted('Tiquet')} RENAME TO {quoted('Otra')}"
                db.session.execute(sa.text(away))
                db.session.commit()
                with pytest.raises(http.client.IncompleteRead) as broken:
                    answer.read()

    assert b'"total"' not in first + broken.value.partial


def quoted(name):
    return db.engine.dialect.identifier_preparer.quote(name)


def test_a_large_export_takes_little_memory(fresh_database, without_app):
    with prepared(fresh_database):
        who = factories.UsuarioFactory().email
        for _ in range(15):
            plant([{"descripcion": "No funciona la impresora. " * 40} for _ in range(2000)])
        db.session.execute(sa.update(Tiquet).values(etiquetas=["vpn"]))
        db.session.commit()
    with gunicorn(fresh_database, "-w", "1") as server:
        headers = server.sign_in(who)
        server.ask("GET", f"{TICKETS}?limite=200", **headers)
        (worker,) = server.workers()
        before = peak(worker)

        answer = server.ask("GET", f"{EXPORT}?formato=ndjson", **headers)

        assert json.loads(answer.text.splitlines()[-1]) == {"total": 30_000}
        assert len(answer.text) > 60 * MB
        assert peak(worker) - before < 60 * MB

"""Files of tickets and comments: what is taken, what is kept, and how it comes back."""

import errno
import hashlib
import io
import os
import re
import threading
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile

import pytest
from sqlalchemy import select

from app import storage
from app.extensions import db
from app.models import Adjuntos, Tiquet, utcnow
from app.services.desk import attachments, tickets
from app.services.desk.files import safe_name
from app.transaction import TryAgain
from tests import factories
from tests.client import Form, codes
from tests.conftest import FILES, config_for
from tests.gunicorn import gunicorn
from tests.test_killed_workers import prepared
from tests.threads import at_once
from tests.world import between_requests

TICKETS = "/api/tickets/tickets"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"x" * 2000
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\0" * 100
EXE = b"MZ\x90\x00\x03\x00" + b"\0" * 200
MB = 1024 * 1024


def docx() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("word/document.xml", "<w:document/>")
    return made.getvalue()


@pytest.fixture
def tiquet(session):
    path = f"{TICKETS}/{factories.tiquet()}"
    db.session.remove()  # What stays open would undo what requests write.
    return path


@pytest.fixture
def send(client, tecnico, tiquet):
    """Upload files, given by name and content, to the ticket."""

    def send(*files, who=tecnico, to=tiquet, headers=None, **fields):
        sent = {"headers": who.headers | (headers or {})}
        return client.post(f"{to}/adjuntos", json=Form(archivo=list(files), **fields), **sent)

    return send


def stored() -> list[Path]:
    return [path for path in Path(FILES.name).rglob("*") if path.is_file()]


def test_files_are_answered_as_they_are_shown_and_come_back_as_they_went(call, send, tecnico, tiquet):
    answer = send(("informe.pdf", PDF), ("notas.csv", "número;qué\n1;ñ\n".encode()))

    assert answer.status_code == 201, answer.json
    assert answer.headers["Location"] == f"{tiquet}/adjuntos"
    first, second = answer.json["data"]
    assert first == {
        "id": first["id"],
        "id_tiquet": int(tiquet.rpartition("/")[2]),
        "id_comentario": None,
        "nombre": "informe.pdf",
        "tipo_mime": "application/pdf",
        "bytes": len(PDF),
        "sha256": hashlib.sha256(PDF).hexdigest(),
        "autor": {"id": tecnico.id, "nombre": first["autor"]["nombre"]},
        "fecha_creacion": first["fecha_creacion"],
        "version": 1,
    }
    assert second["tipo_mime"] == "text/csv"
    assert call(tecnico, "GET", f"{tiquet}/adjuntos").json["data"] == [first, second]
    assert call(tecnico, "GET", f"{tiquet}/adjuntos/{first['id']}").json == first
    content = call(tecnico, "GET", f"{tiquet}/adjuntos/{first['id']}/contenido")
    assert (content.status_code, content.data, content.mimetype) == (200, PDF, "application/pdf")
    assert content.headers["Content-Disposition"] == "attachment; filename=informe.pdf"
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["ETag"] == f'"{first["sha256"]}"'
    assert "sandbox" in content.headers["Content-Security-Policy"]
    assert call(tecnico, "GET", tiquet).json["numero_adjuntos"] == 2


def test_a_file_moves_the_counter_and_the_date_of_its_ticket_but_not_its_version(call, send, tecnico, tiquet):
    before = call(tecnico, "GET", tiquet)

    file = send(("a.txt", b"a")).json["data"][0]

    after = call(tecnico, "GET", tiquet)
    moved = {name for name in after.json if after.json[name] != before.json[name]}
    assert moved == {"numero_adjuntos", "fecha_actualizacion"}
    assert after.headers["ETag"] != before.headers["ETag"]
    assert call(tecnico, "PUT", tiquet, before.json | {"titulo": "Otro título"}).status_code == 200
    assert call(tecnico, "DELETE", f"{tiquet}/adjuntos/{file['id']}").status_code == 204
    assert call(tecnico, "GET", tiquet).json["numero_adjuntos"] == 0
    assert call(tecnico, "GET", f"{tiquet}/adjuntos/{file['id']}/contenido").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.png", PNG, "image/png"),
        ("un nombre que miente.txt", PNG, "image/png"),
        ("a.docx", docx(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 50, "application/zip"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("correo.eml", b"From: a@example.org\r\n\r\nHola", "message/rfc822"),
        ("registro.log", "línea\n".encode() * 100_000, "text/plain"),
        ("pagina.html", b"<script>alert(1)</script>", "text/plain"),
        ("dibujo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain"),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_content(send, name, content, kind):
    answer = send((name, content))

    assert (answer.status_code, answer.json["data"][0]["tipo_mime"]) == (201, kind)


POLYGLOTS = {
    "an image that is a script": ("a.gif", b"GIF89a=1;/*" + b"\0" * 20 + b"*/alert(1)//"),
    "an image that is a page": ("a.png.html", PNG + b"<script>alert(document.domain)</script>"),
    "an image that is a program of PHP": ("a.php.png", PNG + b"<?php system($_GET['c']); ?>"),
    "an image that is an archive": ("a.jar", PNG + docx()),
    "a document that is a page": ("a.pdf.htm", PDF + b"<html><script>alert(1)</script></html>"),
    "a photograph that is a page": (
        "a.html",
        b"\xff\xd8\xff\xe0<html><script>alert(1)</script>" + b"\0" * 30,
    ),
    "a page": ("a.html", b"<!doctype html><script>alert(1)</script>"),
    "a page that says that it is text": ("a.txt", b"<html><body onload=alert(1)>"),
    "a drawing with a script": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "a program of PHP": ("a.php", b"<?php system($_GET['c']); ?>"),
    "a program of a server": ("a.jsp", b"<% Runtime.getRuntime(); %>"),
    "settings of a server": (".htaccess", b"AddType application/x-httpd-php .txt"),
    "a transformation": ("a.xsl", b"<?xml version='1.0'?><xsl:stylesheet/>"),
    "a page of an archive": (
        "a.mhtml",
        b"MIME-Version: 1.0\nContent-Type: text/html\n\n<script>alert(1)</script>",
    ),
}
HARMLESS = {
    *("text/plain", "text/csv", "application/json", "application/pdf", "application/zip"),
    *("image/png", "image/gif", "image/jpeg"),
}


@pytest.mark.parametrize(("name", "content"), POLYGLOTS.values(), ids=POLYGLOTS)
def test_what_is_several_things_at_once_runs_nowhere(call, send, tecnico, tiquet, name, content):
    """A browser keeps it: it is sent to be saved, its kind is not guessed, and it may do nothing."""
    sent = send((name, content))
    file = sent.json["data"][0]

    got = call(tecnico, "GET", f"{tiquet}/adjuntos/{file['id']}/contenido")

    assert (got.status_code, got.data) == (200, content)
    assert got.mimetype in HARMLESS
    assert got.headers["Content-Disposition"].startswith("attachment; filename=")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert not any(name.partition(".")[2] in path.name for path in stored())  # nor is it kept under its name


def test_an_archive_is_never_unpacked(call, send, tecnico, tiquet, monkeypatch):
    """100 MB of zeros in 100 kB, and that ten times in another one: kept and given as they came."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ceros", b"\0" * (100 * MB))
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as file:
        for n in range(10):
            file.writestr(f"{n}.zip", inner.getvalue())
    for unpacks in ("zipfile.ZipFile.__init__", "zlib.decompressobj", "zlib.decompress"):
        monkeypatch.setattr(unpacks, lambda *_a, **_k: pytest.fail("unpacked"))

    file = send(("bomba.zip", outer.getvalue())).json["data"][0]
    got = call(tecnico, "GET", f"{tiquet}/adjuntos/{file['id']}/contenido")

    assert (file["tipo_mime"], file["bytes"]) == ("application/zip", len(outer.getvalue()))
    assert got.data == outer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("programa.exe", EXE),
        ("programa.txt", EXE),
        ("programa", b"\x7fELF\x02\x01\x01" + b"\0" * 100),
        ("latin1.txt", "año".encode("latin-1")),
        ("cortado.txt", "año".encode()[:-2] + b"\xc3"),
        ("nulo.txt", b"a\0b"),
        ("nulo al final.txt", b"a" * 300_000 + b"\0"),
        ("musica.mp3", b"ID3\x04" + b"\0" * 100),
        ("paquete.rar", b"Rar!\x1a\x07\x00" + b"\0" * 100),
    ],
)
def test_what_is_of_no_kind_that_is_taken_is_415_and_nothing_is_kept(
    send, call, tecnico, tiquet, name, content
):
    before = stored()

    answer = send(("bueno.txt", b"si"), (name, content))

    assert (answer.status_code, answer.json["codigo"]) == (415, "archivo_no_admitido")
    assert name in answer.json["detail"]
    assert call(tecnico, "GET", f"{tiquet}/adjuntos").json["data"] == []
    assert stored() == before


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\Windows\\system.ini", "system.ini"),
        ("C:\\Users\\ana\\informe final.docx", "informe final.docx"),
        ("..", "archivo"),
        ("", "archivo"),
        ("a/b/", "archivo"),
        ("\u202efdp.exe", "fdp.exe"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("con una cosa.txt", "con una cosa.txt"),
        ('a"b<c>|d?e*.txt', "a_b_c__d_e_.txt"),
        (".bashrc", "bashrc"),
        ("espacio.txt . . ", "espacio.txt"),
        ("an\u0303o.txt", "a\u00f1o.txt"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("😀 factura.pdf", "😀 factura.pdf"),
    ],
)
def test_a_name_loses_its_path_and_what_any_system_takes_for_something_else(sent, kept):
    assert safe_name(sent) == kept


def test_a_name_with_accents_comes_back_whole(call, send, tecnico, tiquet):
    file = send(("C:/temp/año «nuevo».txt", b"si")).json["data"][0]

    content = call(tecnico, "GET", f"{tiquet}/adjuntos/{file['id']}/contenido")

    assert file["nombre"] == "año «nuevo».txt"
    assert "filename*=UTF-8''a%C3%B1o%20%C2%ABnuevo%C2%BB.txt" in content.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
    [
        ("bytes=0-3", 206, PDF[:4], f"bytes 0-3/{len(PDF)}"),
        ("bytes=5-", 206, PDF[5:], f"bytes 5-{len(PDF) - 1}/{len(PDF)}"),
        ("bytes=-7", 206, PDF[-7:], f"bytes {len(PDF) - 7}-{len(PDF) - 1}/{len(PDF)}"),
        ("bytes=0-99999", 206, PDF, f"bytes 0-{len(PDF) - 1}/{len(PDF)}"),
        ("bytes=99999-", 416, None, f"bytes */{len(PDF)}"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_range_of_a_file_can_be_asked_for(
    call, send, tecnico, tiquet, with_settings, kind, asked, status, part, told
):
    if kind == "bucket":
        with_settings(STORAGE_URL="memory:///")
    path = f"{tiquet}/adjuntos/{send(('a.pdf', PDF)).json['data'][0]['id']}/contenido"

    answer = call(tecnico, "GET", path, Range=asked)

    assert (answer.status_code, answer.headers["Content-Range"]) == (status, told)
    assert part is None or answer.data == part


def test_who_has_a_file_already_gets_304_and_an_old_range_gets_all(call, send, tecnico, tiquet):
    path = f"{tiquet}/adjuntos/{send(('a.pdf', PDF)).json['data'][0]['id']}/contenido"
    etag = call(tecnico, "GET", path).headers["ETag"]

    assert call(tecnico, "GET", path, If_None_Match=etag).status_code == 304
    assert call(tecnico, "GET", path, Range="bytes=0-3", If_Range=etag).status_code == 206
    assert call(tecnico, "GET", path, Range="bytes=0-3", If_Range='"otro"').status_code == 200
    assert call(tecnico, "HEAD", path).headers["Content-Length"] == str(len(PDF))


def test_too_large_a_file_is_413_and_a_full_ticket_is_409(send, tiquet, with_settings):
    with_settings(ADJUNTO_MAX_MB="1", ADJUNTOS_MAX_MB="2")

    assert send(("justo.txt", b"x" * MB)).status_code == 201
    large = send(("grande.txt", b"x" * (MB + 1)))
    assert (large.status_code, large.json["codigo"]) == (413, "archivo_demasiado_grande")
    assert send(("casi.txt", b"x" * (MB - 5))).status_code == 201
    full = send(("sobra.txt", b"x" * 6))
    assert (full.status_code, full.json["codigo"]) == (409, "sin_sitio_en_el_tiquet")
    assert full.json["bytes_libres"] == 5
    assert send(("cabe.txt", b"x" * 5)).status_code == 201


def test_a_form_has_files_in_archivo_and_nothing_else(client, send, tecnico, tiquet):
    def refused(**fields):
        return codes(client.post(f"{tiquet}/adjuntos", json=Form(**fields), headers=tecnico.headers))

    assert refused(id_comentario=1) == {"archivo": ["requerido"]}
    assert refused(archivo="texto") == {"archivo.0": ["tipo"]}
    assert refused(archivo=("a.txt", b"a"), otro=("b.txt", b"b")) == {"otro": ["desconocido"]}
    assert refused(archivo=[(f"{n}.txt", b"a") for n in range(11)]) == {"archivo": ["cantidad"]}
    assert codes(send(("vacio.txt", b""))) == {"archivo.0": ["archivo_vacio"]}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data; name=", 400),
        ("application/x-www-form-urlencoded", b"archivo=a", 415),
        ("application/json", b"{}", 415),
    ],
)
def test_a_body_that_is_no_form_is_refused(client, tecnico, tiquet, kind, body, status):
    answer = client.post(f"{tiquet}/adjuntos", data=body, content_type=kind, headers=tecnico.headers)

    assert answer.status_code == status, answer.json


def test_the_files_of_a_comment_are_shown_with_it_and_go_with_it(call, send, tecnico, tiquet):
    comment = call(tecnico, "POST", f"{tiquet}/comentarios", {"mensaje": "Vea"}).json
    path = f"{tiquet}/comentarios/{comment['id']}"

    file = send(("a.txt", b"a"), id_comentario=comment["id"]).json["data"][0]

    assert file["id_comentario"] == comment["id"]
    shown = call(tecnico, "GET", path).json
    assert (shown["adjuntos"], shown["version"]) == ([file], 1)
    assert call(tecnico, "GET", f"{tiquet}/comentarios").json["data"] == [shown]
    assert call(tecnico, "PUT", path, shown | {"mensaje": "Mire"}).status_code == 200
    assert call(tecnico, "PUT", path, {"adjuntos": []}).status_code == 422
    assert call(tecnico, "DELETE", path).status_code == 204
    assert call(tecnico, "GET", f"{tiquet}/adjuntos").json["data"] == []
    ticket = call(tecnico, "GET", tiquet).json
    assert (ticket["numero_comentarios"], ticket["numero_adjuntos"]) == (0, 0)


def test_only_the_author_of_a_comment_and_an_administrator_give_it_files(call, send, admin, tecnico, tiquet):
    comment = call(admin, "POST", f"{tiquet}/comentarios", {"mensaje": "Vea"}).json["id"]

    assert send(("a.txt", b"a"), id_comentario=comment).status_code == 403
    assert send(("a.txt", b"a"), id_comentario=comment, who=admin).status_code == 201
    other = factories.ComentarioFactory().id
    assert send(("a.txt", b"a"), id_comentario=other, who=admin).status_code == 404


def test_a_repeated_key_uploads_once_whatever_the_boundary_and_another_file_is_refused(
    call, send, tecnico, tiquet
):
    key = {"Idempotency-Key": "una vez"}
    first = send(("a.txt", b"a"), headers=key)

    again = send(("a.txt", b"a"), headers=key)

    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    for other in (("a.txt", b"b"), ("b.txt", b"a")):
        assert send(other, headers=key).json["codigo"] == "clave_reutilizada"
    assert len(call(tecnico, "GET", f"{tiquet}/adjuntos").json["data"]) == 1


def test_a_full_disk_is_507_and_changes_nothing(call, send, tecnico, tiquet, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    before, kept = call(tecnico, "GET", tiquet).json, stored()
    monkeypatch.setattr(os, "fsync", full)

    answer = send(("a.txt", b"a"))

    assert (answer.status_code, answer.json["codigo"]) == (507, "sin_espacio")
    assert call(tecnico, "GET", tiquet).json == before
    assert stored() == kept


def test_a_store_that_is_away_is_503(send, with_settings, tmp_path, call, tecnico, tiquet):
    path = f"{tiquet}/adjuntos/{send(('a.txt', b'a')).json['data'][0]['id']}/contenido"
    gone = tmp_path / "montada"
    with_settings(STORAGE_URL=f"file://{gone}")
    gone.rmdir()
    gone.write_text("no es una carpeta")

    assert send(("a.txt", b"a")).json["codigo"] == "almacenamiento_no_disponible"
    assert call(tecnico, "GET", path).json["codigo"] == "almacenamiento_no_disponible"


def test_a_bucket_that_cannot_be_reached_is_503(send, with_settings):
    with_settings(
        STORAGE_URL="s3://cubo/adjuntos",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
    )

    assert send(("a.txt", b"a")).json["codigo"] == "almacenamiento_no_disponible"


def test_bytes_without_a_row_are_swept_after_a_day_and_others_stay(
    call, send, tecnico, tiquet, with_settings, tmp_path
):
    with_settings(STORAGE_URL=f"file://{tmp_path}")
    kept, erased = (send((f"{n}.txt", n.encode())).json["data"][0] for n in ("uno", "dos"))
    with between_requests():
        names = dict(db.session.execute(select(Adjuntos.id, Adjuntos.objeto)).all())
    assert call(tecnico, "DELETE", f"{tiquet}/adjuntos/{erased['id']}").status_code == 204
    path = storage.store().path
    recent = storage.new_name()
    storage.store().put(recent, io.BytesIO(b"de una subida en curso"))

    assert attachments.sweep() == 0
    yesterday = time.time() - 25 * 3600
    for name in names.values():
        os.utime(path(name), (yesterday, yesterday))
    assert attachments.sweep() == 1

    assert not path(names[erased["id"]]).exists()
    assert path(names[kept["id"]]).exists()
    assert path(recent).exists()
    assert call(tecnico, "GET", f"{tiquet}/adjuntos/{kept['id']}/contenido").data == b"uno"


def test_a_bucket_is_swept_as_a_folder_is(app, with_settings, send, call, tecnico, tiquet):
    with_settings(STORAGE_URL="memory:///")
    kept = send(("a.txt", b"a")).json["data"][0]
    store = storage.store()
    store.put("sin-fila", io.BytesIO(b"x"))
    tomorrow = utcnow() + timedelta(days=1)

    assert {name for names in store.names(before=tomorrow) for name in names} >= {"sin-fila"}
    assert [name for names in store.names(before=utcnow() - timedelta(hours=24)) for name in names] == []
    store.delete("sin-fila")
    store.delete("sin-fila")
    assert call(tecnico, "GET", f"{tiquet}/adjuntos/{kept['id']}/contenido").data == b"a"


@pytest.mark.parametrize("url", ["ftp://x/y", "carpeta", "s3://", "file://"])
def test_the_place_of_files_must_be_one_that_is_known(url):
    with pytest.raises(Exception, match="STORAGE_URL"):
        config_for("sqlite:///x.db", STORAGE_URL=url)


def test_twenty_uploads_at_once_are_all_counted_and_never_too_many(committed):
    tecnico = factories.quien("Técnico")
    id = factories.tiquet()
    factories.AdjuntoFactory(id_tiquet=id, bytes=200 * MB - 10, sha256="0" * 64, objeto="casi-lleno")

    def upload(number):
        form = Form(archivo=(f"{number}.txt", b"x"))
        path = f"{TICKETS}/{id}/adjuntos"
        return committed.test_client().post(path, json=form, headers=tecnico.headers).status_code

    statuses = at_once(20, upload)

    assert sorted(statuses) == [201] * 10 + [409] * 10
    db.session.rollback()
    assert db.session.scalar(select(Tiquet.numero_adjuntos).where(Tiquet.id == id)) == 10


def test_a_unit_that_runs_again_keeps_the_content(call, send, tecnico, tiquet, monkeypatch):
    tries, touch = [], tickets.touch

    def touched(*args, **kwargs):
        tries.append(args)
        if len(tries) < 3:
            raise TryAgain
        touch(*args, **kwargs)

    monkeypatch.setattr(tickets, "touch", touched)
    before = stored()

    file = send(("a.pdf", PDF)).json["data"][0]

    assert len(tries) == 3
    assert len(stored()) == len(before) + 1
    assert call(tecnico, "GET", f"{tiquet}/adjuntos/{file['id']}/contenido").data == PDF
    assert call(tecnico, "GET", tiquet).json["numero_adjuntos"] == 1


def test_a_server_takes_and_gives_many_megabytes_in_little_memory(fresh_database, without_app):
    with prepared(fresh_database):
        tecnico = factories.UsuarioFactory().email
        id = factories.tiquet()
    with gunicorn(fresh_database, "-w", "1") as server:
        headers = server.sign_in(tecnico)
        path = f"{TICKETS}/{id}/adjuntos"
        (worker,) = server.workers()
        before = peak(worker)

        large = b"x" * (24 * MB)
        form = Form(archivo=[(f"{n}.txt", large) for n in range(5)])
        answer = server.ask("POST", path, form, **headers)
        assert answer.status == 201, answer
        for file in answer.json["data"]:
            content = server.ask("GET", f"{path}/{file['id']}/contenido", **headers)
            assert len(content.text) == len(large)

        assert peak(worker) - before < 24 * MB  # Less than any one of them.


def peak(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def test_a_large_file_is_never_in_memory(committed, monkeypatch):
    """Pieces of at most 256 kB are read and written, from the socket to the disk."""
    tecnico = factories.quien("Técnico")
    path = f"{TICKETS}/{factories.tiquet()}/adjuntos"
    largest = 0
    lock = threading.Lock()

    class Watched(io.FileIO):
        def write(self, piece):
            nonlocal largest
            with lock:
                largest = max(largest, len(piece))
            return super().write(piece)

    monkeypatch.setattr(Path, "open", lambda self, mode: Watched(self, mode.replace("b", "")))
    form = Form(archivo=("grande.txt", b"x" * (20 * MB)))

    answer = committed.test_client().post(path, json=form, headers=tecnico.headers)

    assert answer.status_code == 201
    assert 0 < largest <= storage.CHUNK


def test_a_full_disk_under_the_spool_is_507_too(call, send, tecnico, tiquet, monkeypatch):
    def full(_spool, _piece):
        raise OSError(errno.ENOSPC, "No space left on device")

    before, kept = call(tecnico, "GET", tiquet).json, stored()
    monkeypatch.setattr(SpooledTemporaryFile, "write", full)

    answer = send(("a.txt", b"a"))

    assert (answer.status_code, answer.json["codigo"]) == (507, "sin_espacio")
    assert call(tecnico, "GET", tiquet).json == before
    assert stored() == kept

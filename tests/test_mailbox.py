"""Fetching mail from a real IMAP buzon: what is marked when, and what a fault leaves behind."""

import imaplib

import pytest
import sqlalchemy as sa

from app.errors import Conflict, Unavailable
from app.extensions import db
from app.models import Comentarios, LogTransaccional, Tiquet
from app.services import leases, worker
from app.services.mail import incoming, mailbox
from tests.dovecot import Dovecot
from tests.factories import UsuarioFactory
from tests.test_incoming import written
from tests.test_mail_reading import sample
from tests.world import between_requests

SEEN, STARRED = {r"\Seen"}, {r"\Flagged"}
BUZON = "buzon@example.org"


@pytest.fixture(scope="module")
def running():
    with Dovecot() as buzon:
        yield buzon


@pytest.fixture
def buzon(running, monkeypatch, with_settings, session):
    """An empty mailbox, which the settings name."""
    running.empty()
    monkeypatch.setenv("SSL_CERT_FILE", str(running.authority))
    with_settings(IMAP_URL=running.url, CORREO_USUARIO=BUZON)
    UsuarioFactory(email=BUZON, tipo_usuario="Administrador")
    db.session.remove()
    return running


def count(model):
    with between_requests():
        return db.session.scalar(sa.select(sa.func.count()).select_from(model))


def mail(number, text="Hola"):
    return written(text, Message_ID=f"<{number}@example.org>").replace(b"\r\n", b"\n")


def test_what_is_unread_becomes_tickets_and_is_read_then(buzon):
    buzon.put(mail(1), sample("rebote"), mail(2), sample("anidado"))

    assert mailbox.receive() == {"tiquet_creado": 3, "ignorado": 1}
    assert buzon.flags() == [SEEN] * 4
    assert mailbox.receive() == {}
    assert count(Tiquet) == 3
    with between_requests():
        log = sa.select(LogTransaccional.tipo_actor, LogTransaccional.origen).distinct()
        assert db.session.execute(log).all() == [("sistema", "correo")]


def test_what_cannot_be_taken_in_stays_unread_with_a_star_and_stops_nobody(buzon, monkeypatch):
    def handled(raw, receptor, right=mailbox.handled):
        if b"FALLO" in raw:
            raise KeyError("un fallo nuestro")
        return right(raw, receptor)

    monkeypatch.setattr(mailbox, "handled", handled)
    buzon.put(b"Subject: de nadie\n\nx\n", mail(1, "FALLO"), mail(2))

    assert mailbox.receive() == {"rechazado": 2, "tiquet_creado": 1}
    assert buzon.flags() == [STARRED, STARRED, SEEN]
    assert mailbox.receive() == {}


def test_a_mail_that_is_too_large_is_not_fetched(buzon, with_settings, monkeypatch):
    with_settings(IMAP_URL=buzon.url, CORREO_USUARIO=BUZON, CORREO_MAX_MB="1")
    monkeypatch.setattr(mailbox, "handled", lambda *_: pytest.fail("it was fetched"))
    buzon.put(mail(1, "x" * 1024**2))

    assert mailbox.receive() == {"rechazado": 1}
    assert buzon.flags() == [STARRED]


def test_while_the_database_is_away_all_mail_waits(buzon, monkeypatch):
    def away(*_):
        raise Unavailable("base_de_datos_no_disponible")

    buzon.put(mail(1), mail(2))
    with monkeypatch.context() as patched:
        patched.setattr(incoming, "receive", away)
        with pytest.raises(Unavailable):
            mailbox.receive()
    assert buzon.flags() == [set(), set()]

    assert mailbox.receive() == {"tiquet_creado": 2}


def test_who_is_killed_between_saving_and_marking_saves_nothing_twice(buzon, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(box, command, *args, right=imaplib.IMAP4.uid):
        if command == "STORE":
            raise Killed
        return right(box, command, *args)

    buzon.put(mail(1))
    with monkeypatch.context() as patched:
        patched.setattr(imaplib.IMAP4, "uid", killed)
        with pytest.raises(Killed):
            mailbox.receive()
    assert (count(Tiquet), buzon.flags()) == (1, [set()])

    assert mailbox.receive() == {"tiquet_creado": 1}  # What it became the first time.
    assert (count(Tiquet), count(Comentarios), buzon.flags()) == (1, 0, [SEEN])


def test_a_batch_is_no_more_than_it_says_and_the_job_goes_on_at_once(buzon, monkeypatch):
    monkeypatch.setattr(mailbox, "BATCH", 2)
    buzon.put(*map(mail, range(3)))

    assert [mailbox.collect() for _ in range(3)] == [2, 1, 0]
    buzon.put(mail(9))
    assert mailbox.collect() == 0  # It was looked at a moment ago.
    leases.end(mailbox.ARRIENDO)
    assert worker.once()["correo entrante"] == 1


def test_without_a_mailbox_the_job_has_nothing_to_do(session):
    assert mailbox.collect() == 0


@pytest.mark.parametrize("fault", ["password", "folder", "certificate", "port"])
def test_a_mailbox_that_refuses_us_is_told_as_one_that_is_away(
    buzon, with_settings, monkeypatch, fault, caplog
):
    url = {
        "password": buzon.url.replace("clave", "otra"),
        "folder": f"{buzon.url}/no-hay",
        "port": buzon.url.replace(f":{buzon.port}", ":1"),
    }.get(fault, buzon.url)
    if fault == "certificate":
        monkeypatch.delenv("SSL_CERT_FILE")
    with_settings(IMAP_URL=url, CORREO_USUARIO=BUZON)

    with pytest.raises(Unavailable) as refused:
        mailbox.receive()

    assert refused.value.codigo == "buzon_no_disponible"
    assert "buzon/1" not in caplog.text  # The password.


@pytest.mark.parametrize("user", ["nadie@example.org", "tecnico@example.org", "baja@example.org"])
def test_only_an_active_administrador_writes_down_what_others_say(buzon, with_settings, user):
    UsuarioFactory(email="tecnico@example.org")
    UsuarioFactory(email="baja@example.org", tipo_usuario="Administrador", activo=False)
    db.session.remove()
    with_settings(IMAP_URL=buzon.url, CORREO_USUARIO=user)
    buzon.put(mail(1))

    with pytest.raises(Conflict):
        mailbox.receive()
    assert buzon.flags() == [set()]


def test_the_command_tells_what_came(buzon, app):
    buzon.put(mail(1), sample("rebote"))
    run = app.test_cli_runner().invoke

    first, second = (run(args=["correo", "recibir"]) for _ in range(2))

    assert (first.exit_code, first.output) == (0, "ignorado: 1, tiquet_creado: 1\n")
    assert (second.exit_code, second.output) == (0, "No había correo.\n")


def test_the_command_says_what_is_missing(app, session):
    told = app.test_cli_runner().invoke(args=["correo", "recibir"])

    assert (told.exit_code, told.output) == (
        1,
        "Error: Falta IMAP_URL: imaps://usuario:clave@servidor/INBOX.\n",
    )

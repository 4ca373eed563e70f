"""Mail gets out: once, in order, past whoever refuses it, and through servers and workers that fail."""

import os
import signal
import smtplib
import socket
import ssl
from collections import Counter
from datetime import UTC, timedelta
from time import monotonic, sleep

import pytest
import sqlalchemy as sa
import time_machine

from app import create_app
from app.extensions import db
from app.models import SOLICITANTE, Correos, LogTransaccional, utcnow
from app.queries import mail as queries
from app.services.log import sequencer
from app.services.mail import notices, outbox, smtp
from config.config import ConfigError
from tests import factories
from tests.certificates import certificate
from tests.conftest import config_for
from tests.factories import NUEVO, quien, tiquet
from tests.mariadb import free_port
from tests.postbox import DE, Postbox, open_for
from tests.test_mail import deliver
from tests.threads import at_once
from tests.workers import flask, until

TICKETS = "/api/tickets/tickets"


@pytest.fixture
def postbox(session, with_settings):
    with open_for(Postbox()) as box:
        with_settings(**box.settings)
        yield box


def correo(direccion, **fields):
    """A mail that waits, about a ticket of a customer with this address, unless told otherwise."""
    if "id_tiquet" not in fields:
        cliente = factories.ClienteFactory(email=direccion).id
        fields |= {"id_cliente": cliente, "id_tiquet": tiquet(id_cliente=cliente)}
    about = {"tipo": "nuevo", "proximo": utcnow(), "vence": utcnow() + timedelta(hours=24)}
    row = Correos(id_evento=f"e-{factories.uuid.uuid4().hex}", direccion=direccion, **about | fields)
    db.session.add(row)
    db.session.commit()
    id = row.id
    db.session.remove()
    return id


def state(id):
    columns = (Correos.estado, Correos.intentos, Correos.error, Correos.proximo)
    row = db.session.execute(sa.select(*columns).where(Correos.id == id)).one()
    db.session.remove()
    return row


def later(**delta):
    return time_machine.travel(utcnow().replace(tzinfo=UTC) + timedelta(**delta), tick=False)


def test_who_is_refused_for_good_stands_in_nobodys_way(postbox):
    ids = [correo(f"uno{number}@example.com") for number in range(3)]
    postbox.refuse["uno1@example.com"] = "550 5.1.1 No existe"

    assert outbox.send_due() == 3

    assert [state(id).estado for id in ids] == ["enviado", "fallido", "enviado"]
    assert state(ids[1]).error == "550 5.1.1 No existe"
    assert [to for to, _ in postbox.mails] == ["uno0@example.com", "uno2@example.com"]
    assert postbox.connections == 1
    assert outbox.send_due() == 0


def test_who_is_refused_for_now_is_tried_again_with_pauses_for_a_day(postbox):
    id, other = correo("lleno@example.com"), correo("otro@example.com")
    postbox.refuse["lleno@example.com"] = "452 4.2.2 Lleno"
    start, tries = utcnow().replace(tzinfo=UTC), []

    for minute in range(26 * 60):
        with time_machine.travel(start + timedelta(minutes=minute, seconds=1), tick=False):
            if outbox.send_due() and state(id).intentos > len(tries):
                tries.append(minute)

    assert tries == [0, 1, 6, 21, 81, 261, 621, 981, 1341]
    assert state(other).estado == "enviado"
    assert state(id)[:3] == ("fallido", 9, "452 4.2.2 Lleno")


def test_who_is_refused_for_now_gets_it_when_that_is_over(postbox):
    id = correo("lleno@example.com")
    postbox.refuse["lleno@example.com"] = "452 4.2.2 lleno"
    outbox.send_due()
    postbox.refuse.clear()
    assert outbox.send_due() == 0
    with later(seconds=61):
        assert outbox.send_due() == 1

    assert state(id)[:3] == ("enviado", 2, None)


@pytest.mark.parametrize(("answer", "estado"), [("554 Basura", "fallido"), ("451 Luego", "pendiente")])
def test_a_text_that_is_refused_is_judged_likewise(postbox, answer, estado):
    id = correo("uno@example.com")
    postbox.refuse_data = answer

    outbox.send_due()

    assert state(id)[:3] == (estado, 1, answer)


def test_a_sender_that_is_refused_loses_nobodys_mail(postbox):
    id = correo("uno@example.com")
    postbox.refuse_sender = "553 No es suya"

    outbox.send_due()

    assert state(id)[:3] == ("pendiente", 1, "553 No es suya")


def test_without_a_server_nothing_is_touched_and_nothing_is_lost(postbox, with_settings):
    ids = [correo(f"uno{number}@example.com") for number in range(3)]
    with_settings(**postbox.settings | {"SMTP_URL": f"smtp://127.0.0.1:{free_port()}?tls=no"})

    for _ in range(3):
        with pytest.raises(smtp.ServerDown):
            outbox.send_due()
    assert [state(id)[:2] for id in ids] == [("pendiente", 0)] * 3
    with_settings(**postbox.settings)
    assert outbox.send_due() == 3

    assert [state(id).estado for id in ids] == ["enviado"] * 3


def test_what_waits_for_a_server_for_a_day_is_no_news_any_more(postbox):
    id = correo("uno@example.com")
    with later(hours=24, seconds=1):
        outbox.send_due()

    assert state(id).estado == "fallido"
    assert postbox.mails == []


def test_a_server_that_breaks_off_is_tried_again_later(postbox, monkeypatch):
    first, second = correo("uno@example.com"), correo("dos@example.com")

    def break_off(self, *args, **kwargs):
        self.close()
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    with monkeypatch.context() as patch:
        patch.setattr(smtplib.SMTP, "send_message", break_off)
        with pytest.raises(smtp.ServerDown):
            outbox.send_due()
    assert state(first)[:3] == ("pendiente", 1, "Connection unexpectedly closed")
    assert state(second)[:2] == ("pendiente", 0)
    with later(seconds=61):
        assert outbox.send_due() == 2


def test_a_server_that_says_nothing_is_not_waited_for_for_long(session, with_settings):
    correo("uno@example.com")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with_settings(SMTP_URL=f"smtp://127.0.0.1:{silent.getsockname()[1]}?tls=no", CORREO_DE=DE)
        start = monotonic()
        with pytest.raises(smtp.ServerDown, match="timed out"), smtp.outgoing(0.3):
            pass
    assert monotonic() - start < 3


def test_about_a_ticket_somebody_reads_things_in_their_order(postbox):
    cliente = factories.ClienteFactory(email="uno@example.com").id
    about = {"id_cliente": cliente, "id_tiquet": tiquet(id_cliente=cliente)}
    ids = [correo("uno@example.com", **about) for _ in range(3)]
    other = correo("otro@example.com")
    postbox.refuse["uno@example.com"] = "452 lleno"

    assert outbox.send_due() == 2  # The later ones wait for the first.
    assert [state(id).intentos for id in (*ids, other)] == [1, 0, 0, 1]
    postbox.refuse.clear()
    assert outbox.send_due() == 0
    with later(seconds=61):
        assert outbox.send_due() == 3

    events = [db.session.get_one(Correos, id).id_evento for id in ids]
    sent = [mail["Message-ID"].partition(".")[2] for mail in postbox.to("uno@example.com")]
    assert sent == [f"{event}@example.org>" for event in events]


def test_a_claim_ends_by_itself_and_its_owner_then_says_nothing_any_more(postbox):
    id = correo("uno@example.com")
    mine = outbox.transaction.run(lambda: outbox.claimed(id, "a" * 32))
    assert mine.intentos == 1
    assert outbox.transaction.run(lambda: outbox.claimed(id, "b" * 32)) is None
    assert (
        outbox.transaction.run(lambda: outbox.claimed(id, "a" * 32)) is not None
    )  # a second try of the unit
    assert outbox.send_due() == 0

    with later(minutes=5, seconds=1):
        assert outbox.send_due() == 1
        outbox.settle(mine, "a" * 32, "fallido")

    assert state(id).estado == "enviado"


def test_two_workers_at_once_send_each_mail_once(app, committed, with_settings):
    with open_for(Postbox()) as box:
        with_settings(**box.settings)
        notices.read_on()
        pide = quien(SOLICITANTE)
        client = app.test_client()
        db.session.remove()
        for number in range(200):
            made = client.post(TICKETS, json=NUEVO | {"titulo": f"Tiquet {number}"}, headers=pide.headers)
            assert made.status_code == 201
        stop = monotonic() + 120

        def work(_number):
            with app.app_context():
                while monotonic() < stop and len(box.mails) < 200:
                    for piece in (sequencer.number_events, notices.read_on, outbox.send_due):
                        piece()
                        db.session.remove()

        at_once(3, work)
        deliver()

        subjects = Counter(mail["Subject"] for _, mail in box.mails)
        assert len(subjects) == 200
        assert set(subjects.values()) == {1}
        db.session.remove()
        assert db.session.scalars(sa.select(Correos.estado).distinct()).all() == ["enviado"]


def test_a_killed_worker_doubles_at_most_what_it_had_in_hand(app, committed, database_url, monkeypatch):
    with open_for(Postbox()) as box:
        for name, value in box.settings.items():
            monkeypatch.setenv(name, value)
        notices.read_on()
        pide = quien(SOLICITANTE)
        db.session.remove()
        for _ in range(30):
            app.test_client().post(TICKETS, json=NUEVO, headers=pide.headers)
        box.before_answer = lambda _to: sleep(0.05)
        for _ in range(2):
            with flask(database_url, "worker") as process:
                seen = len(box.mails)
                until(lambda seen=seen: len(box.mails) > seen + 4)
                os.kill(process.pid, signal.SIGKILL)
        sleep(0.2)
        db.session.remove()
        claimed = sa.select(sa.func.count()).where(Correos.marca.is_not(None), Correos.estado == "pendiente")
        assert db.session.scalar(claimed) <= 2
        # The claims of the dead end.
        db.session.execute(sa.update(Correos).where(Correos.estado == "pendiente").values(proximo=utcnow()))
        db.session.commit()
        db.session.remove()
        with flask(database_url, "worker", "--una-vez") as process:
            assert process.wait(60) == 0

        subjects = Counter(mail["Subject"] for _, mail in box.mails)
        assert len(subjects) == 30
        assert sum(subjects.values()) <= 32


def test_a_batch_and_its_place_in_the_log_are_written_together(app, committed, with_settings, monkeypatch):
    with open_for(Postbox()) as box:
        with_settings(**box.settings)
        notices.read_on()
        pide = quien(SOLICITANTE)
        db.session.remove()
        app.test_client().post(TICKETS, json=NUEVO, headers=pide.headers)
        sequencer.number_events()

        def fail(*_args):
            raise OSError("se perdió la red")

        with monkeypatch.context() as patch:
            patch.setattr(notices, "update", fail)
            with pytest.raises(OSError, match="red"):
                notices.read_on()
        db.session.remove()
        assert db.session.scalar(sa.select(sa.func.count(Correos.id))) == 0
        deliver()
        assert len(box.mails) == 1


def test_many_events_are_read_in_batches(postbox, monkeypatch):
    notices.read_on()
    monkeypatch.setattr(notices, "BATCH", 7)
    monkeypatch.setattr(queries, "VENTANA", 25)
    pide = quien(SOLICITANTE)
    ids = [tiquet(id_usuario_creador=pide.id) for _ in range(20)]
    for number, id in enumerate(ids):
        for accion in ("tiquet.creado", "vista.creado", "tiquet.comentado"):
            about = {
                "id_evento": f"{accion}-{number}",
                "accion": accion,
                "entidad": "tiquet",
                "id_entidad": id,
            }
            row = LogTransaccional(**about, id_tiquet=id, tipo_actor="usuario", cambios=[], origen="api")
            db.session.add(row)
    db.session.commit()

    deliver()

    assert [mail["Subject"][:11] for _, mail in postbox.mails] == [f"[SP-{id:06d}]" for id in ids]


# TLS and passwords


@pytest.mark.parametrize("at_once_tls", [False, True])
def test_a_password_goes_over_tls_to_a_server_whose_certificate_is_known(
    session, with_settings, tmp_path, monkeypatch, at_once_tls, caplog
):
    made = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.pem))
    with open_for(Postbox(), made, at_once=at_once_tls) as box:
        scheme = "smtps" if at_once_tls else "smtp"
        url = f"{scheme}://correo:una%20clave%20%40%20de%20correo@127.0.0.1:{box.port}"
        with_settings(SMTP_URL=url, CORREO_DE=DE)
        correo("uno@example.com")
        assert outbox.send_due() == 1
        assert box.signed_in == [("correo", "una clave @ de correo")]
        assert box.encrypted == [True]
        with_settings(SMTP_URL=url.replace("una%20", "otra%20"), CORREO_DE=DE)
        correo("dos@example.com")
        with pytest.raises(smtp.ServerDown, match="535") as refused:
            outbox.send_due()
        assert "clave" not in f"{refused.value} {refused.value.__cause__} {caplog.text}"


@pytest.mark.parametrize("at_once_tls", [False, True])
def test_a_server_that_nobody_vouches_for_gets_nothing(session, with_settings, tmp_path, at_once_tls):
    with open_for(Postbox(), certificate(tmp_path), at_once=at_once_tls) as box:
        scheme = "smtps" if at_once_tls else "smtp"
        with_settings(SMTP_URL=f"{scheme}://correo:clave@127.0.0.1:{box.port}", CORREO_DE=DE)
        correo("uno@example.com")
        with pytest.raises(smtp.ServerDown, match="certificate") as refused:
            outbox.send_due()
        assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)
        assert box.signed_in == []


def test_a_server_without_tls_gets_nothing_unless_the_address_says_so(postbox, with_settings):
    with_settings(SMTP_URL=f"smtp://correo:clave@127.0.0.1:{postbox.port}", CORREO_DE=DE)
    correo("uno@example.com")

    with pytest.raises(smtp.ServerDown, match="STARTTLS"):
        outbox.send_due()

    assert postbox.mails == []


@pytest.mark.parametrize(
    ("url", "de", "named"),
    [
        ("http://x", DE, "SMTP_URL"),
        ("smtp://", DE, "SMTP_URL"),
        ("smtp://x:0", DE, "SMTP_URL"),
        ("smtp://x:99999", DE, "SMTP_URL"),
        ("smtp://x/cola", DE, "SMTP_URL"),
        ("smtp://solo@x", DE, "SMTP_URL"),
        ("smtp://u:clave@x?tls=no", DE, "SMTP_URL"),
        ("smtps://x?tls=no", DE, "SMTP_URL"),
        ("smtp://x?tls=quizas", DE, "SMTP_URL"),
        ("smtp://x", "", "CORREO_DE"),
        ("smtp://x", "sin arroba", "CORREO_DE"),
        ("smtp://x", "a@example.org\nBcc: b@example.org", "CORREO_DE"),
        ("smtp://x", "ñ@example.org", "CORREO_DE"),
        ("smtp://x", f"a@{'x' * 58}", "CORREO_DE"),
    ],
)
def test_settings_of_mail_that_cannot_be_are_refused_without_the_password(without_app, url, de, named):
    with pytest.raises(ConfigError) as refused:
        config_for("sqlite:///x.db", SMTP_URL=url, CORREO_DE=de)

    assert refused.value.problems[0].startswith(f"{named}: ")
    assert "u:clave@x" not in refused.value.message


@pytest.mark.parametrize(
    "site", ["soporte.example.org", "javascript:alert(1)", "https://x/?a=1", "https://x/#a"]
)
def test_links_lead_to_a_site_only(without_app, site):
    with pytest.raises(ConfigError, match="URL_PUBLICA"):
        config_for("sqlite:///x.db", URL_PUBLICA=site)


# doctor


def doctor(app):
    lines = app.test_cli_runner().invoke(args=["doctor"]).output.splitlines()
    return {line.split(": ")[0].split(maxsplit=1)[1]: line for line in lines if ": " in line}


def test_doctor_says_whether_mail_would_go_out(app, postbox, with_settings, monkeypatch):
    assert doctor(app)["correo"].startswith("ojo  correo: falta URL_PUBLICA")
    with_settings(**postbox.settings, URL_PUBLICA="https://soporte.example.org")
    assert doctor(app)["correo"] == f"bien correo: {DE}"
    with_settings()
    assert "se escribe en el registro" in doctor(app)["correo"]
    with_settings(**postbox.settings | {"SMTP_URL": f"smtp://u:clave-secreta@127.0.0.1:{free_port()}"})
    down = doctor(app)["correo"]
    assert "no nos atiende" in down
    assert "clave-secreta" not in down
    own = app.extensions["soporteplus"]
    quiet = type(own)(**vars(own) | {"env": "production", "smtp_url": ""})
    monkeypatch.setitem(app.extensions, "soporteplus", quiet)
    assert "falta SMTP_URL" in doctor(app)["correo"]


def test_doctor_counts_what_failed_in_a_day(app, postbox):
    assert "ninguno" in doctor(app)["correos"]
    correo("uno@example.com", estado="fallido")
    correo("dos@example.com", estado="fallido", fecha_creacion=utcnow() - timedelta(days=2))

    assert doctor(app)["correos"].startswith("ojo  correos: 1 no")


def test_the_application_starts_with_mail_settings(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    own = create_app(config_for(url, SMTP_URL="smtp://u:c@x:2525", CORREO_DE=DE)).extensions["soporteplus"]

    assert own.sends_mail
    assert own.dias_entregas == 30

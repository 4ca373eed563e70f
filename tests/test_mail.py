"""News of tickets by mail: who gets what, once, in which words; and who gets nothing."""

import re
from datetime import UTC, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from app import transaction
from app.extensions import db
from app.models import AVISOS, SOLICITANTE, Correos, Usuario, UsuarioCategoria, utcnow
from app.permissions import SISTEMA, Actor
from app.services import maintenance
from app.services.desk import comments
from app.services.log import audit, sequencer
from app.services.mail import notices, outbox
from tests import factories
from tests.factories import NUEVO, quien, tiquet
from tests.postbox import Postbox, open_for

TICKETS = "/api/tickets/tickets"
ENTRANTE = "Mesa de ayuda <ayuda@example.org>"


@pytest.fixture
def postbox(session, with_settings):
    notices.read_on()  # Whoever begins, does so at the end of what there is.
    with open_for(Postbox()) as box:
        with_settings(**box.settings, URL_PUBLICA="https://soporte.example.org", CORREO_ENTRANTE=ENTRANTE)
        yield box


@pytest.fixture
def call(call):
    """A request, which does not see what a factory left open."""

    def alone(*args):
        db.session.remove()
        return call(*args)

    return alone


def said(mail, kind="plain"):
    """What a mail says, by lines as they were written."""
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def deliver():
    """Do what the worker does, until there is nothing left."""
    db.session.remove()
    sequencer.number_events()
    while notices.read_on():
        pass
    while outbox.send_due():
        pass
    db.session.remove()


def kinds(address=None):
    """What was to be sent to whom, by the outbox: address -> kinds of mail, and what became of each."""
    rows = db.session.execute(sa.select(Correos.direccion, Correos.tipo, Correos.estado).order_by(Correos.id))
    found = {}
    for direccion, tipo, estado in rows:
        found.setdefault(direccion, []).append(tipo if estado == "enviado" else f"{tipo} {estado}")
    db.session.remove()
    return found if address is None else found.get(address, [])


def asked_by(who, **fields):
    return tiquet(id_usuario_creador=who.id, **fields)


@pytest.fixture
def people(postbox, call):
    """A ticket of a Solicitante that a technician has and another follows; and an Administrador."""
    pide, tiene, sigue = quien(SOLICITANTE), quien("Técnico"), quien("Técnico")
    id = asked_by(pide, id_usuario_asignado=tiene.id, id_estado=2, titulo="No imprime")
    factories.SeguidorFactory(id_tiquet=id, id_usuario=sigue.id)
    return id, pide, tiene, sigue, quien("Administrador")


def test_who_opens_a_ticket_gets_a_receipt(postbox, call):
    pide = quien(SOLICITANTE, nombre="Rosa", apellido="Ñandú")
    made = call(pide, "POST", TICKETS, NUEVO | {"titulo": "La impresora  <no> responde & pita"})

    deliver()

    ((to, mail),) = postbox.mails
    id = made.json["id"]
    assert to == pide.email
    assert mail["Subject"] == f"[SP-{id:06d}] La impresora <no> responde & pita"
    assert mail["From"].addresses[0].addr_spec == "soporte@example.org"
    assert str(mail["To"]) == f"Rosa Ñandú <{pide.email}>"
    plain, html = said(mail), said(mail, "html")
    assert "Recibimos su solicitud" in plain
    assert "La impresora no responde" in plain
    assert f"https://soporte.example.org/tickets/{id}\n" in plain
    assert "&lt;no&gt; responde &amp; pita" in html
    assert "<no>" not in html


def test_all_mail_of_a_ticket_is_one_thread(postbox, call, people):
    id, pide, tiene, _, admin = people
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Uno", "es_interno": False})
    call(tiene, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Dos", "es_interno": False})

    deliver()

    one, two = postbox.to(pide.email)
    for mail in (one, two):
        assert mail["In-Reply-To"] == mail["References"] == f"<tiquet-{id}@example.org>"
        assert re.fullmatch(rf"<tiquet-{id}\.[0-9a-f]{{32}}-\d+@example\.org>", mail["Message-ID"])
        assert mail["Subject"] == f"[SP-{id:06d}] No imprime"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["X-Auto-Response-Suppress"] == "All"
        assert str(mail["Reply-To"]) == ENTRANTE
    assert one["Message-ID"] != two["Message-ID"]
    assert "Uno" in said(one)  # In their order.


def test_a_public_comment_goes_to_who_asked_who_has_it_and_who_follows_but_not_to_its_author(
    postbox, call, people
):
    id, pide, tiene, sigue, _ = people
    call(tiene, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Ya está", "es_interno": False})
    deliver()
    assert kinds() == {pide.email: ["comentario"], sigue.email: ["comentario"]}

    call(pide, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Sigue igual"})
    deliver()
    assert kinds(pide.email) == ["comentario"]
    assert kinds(tiene.email) == ["comentario"]


def test_an_internal_comment_goes_to_staff_only(postbox, call, people):
    id, _, tiene, sigue, admin = people
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Ojo con este"})

    deliver()

    assert set(kinds()) == {tiene.email, sigue.email}
    assert "comentario interno" in said(postbox.to(tiene.email)[0])


def test_who_is_given_a_ticket_is_told(postbox, call, admin):
    tiene = quien("Técnico")
    id = tiquet()
    call(admin, "POST", f"{TICKETS}/{id}/asignar", {"id_usuario": tiene.id})
    call(tiene, "POST", f"{TICKETS}/{id}/transiciones", {"accion": "pedir_datos"})

    deliver()

    assert kinds() == {tiene.email: ["asignacion"]}


def test_who_takes_a_ticket_is_not_told_what_it_did(postbox, call, tecnico):
    call(tecnico, "POST", f"{TICKETS}/{tiquet()}/tomar", {})

    deliver()

    assert kinds() == {}


def test_who_gets_a_ticket_by_turn_is_told(postbox, call):
    tiene = quien("Técnico")
    categoria = factories.fila("categorias", asignacion="rotativa")
    db.session.add(UsuarioCategoria(id_usuario=tiene.id, id_categoria=categoria))
    db.session.execute(sa.update(Usuario).where(Usuario.id == tiene.id).values(categorias=[categoria]))
    db.session.commit()
    pide = quien(SOLICITANTE)
    made = call(pide, "POST", TICKETS, NUEVO | {"id_categoria": categoria})
    assert made.status_code == 201

    deliver()

    assert kinds() == {pide.email: ["nuevo"], tiene.email: ["asignacion"]}


def test_who_has_passed_a_ticket_on_meanwhile_is_not_told_that_it_is_theirs(postbox, call, admin):
    one, other = quien("Técnico"), quien("Técnico")
    id = tiquet()
    for who in (one, other):
        call(admin, "POST", f"{TICKETS}/{id}/asignar", {"id_usuario": who.id})

    deliver()

    assert [to for to, _ in postbox.mails] == [other.email]


def test_a_resolution_is_told_with_its_words(postbox, call, people):
    id, pide, tiene, sigue, _ = people
    call(
        tiene,
        "POST",
        f"{TICKETS}/{id}/transiciones",
        {"accion": "resolver", "resolucion": "Se cambió el tóner"},
    )

    deliver()

    assert kinds() == {pide.email: ["resolucion"], sigue.email: ["resolucion"]}
    words = said(postbox.to(pide.email)[0])
    assert "El tiquet se resolvió" in words
    assert "Se cambió el tóner" in words


def test_who_asked_is_told_that_a_ticket_was_cancelled_but_not_that_it_closed_by_itself(
    postbox, call, people
):
    id, pide, tiene, _, _ = people
    call(tiene, "POST", f"{TICKETS}/{id}/transiciones", {"accion": "cancelar", "motivo": "Se repite"})
    old = {"id_estado": 5, "resolucion": "Listo", "fecha_resolucion": utcnow() - timedelta(days=30)}
    asked_by(pide, **old)
    assert maintenance.maintain()["cerrados"] == 1

    deliver()

    assert kinds(pide.email) == ["resolucion"]
    words = said(postbox.to(pide.email)[0])
    assert "se cerró sin resolver" in words
    assert "Se repite" in words


def test_who_is_mentioned_is_told_that_once_whatever_else_it_is(postbox, call, people):
    id, pide, tiene, sigue, admin = people
    words = f"@{sigue.email} y @{tiene.email}, ¿lo veis? Y @{pide.email} también"
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": words, "es_interno": False})

    deliver()

    assert kinds() == {sigue.email: ["mencion"], tiene.email: ["mencion"], pide.email: ["comentario"]}


def test_who_is_mentioned_when_a_comment_is_changed_is_told_then(postbox, call, people):
    id, _, tiene, _, _ = people
    nuevo = quien("Técnico")
    made = call(tiene, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": f"Hola @{tiene.email}"})
    deliver()
    changed = f"Hola @{tiene.email}, y @{nuevo.email}"
    call(tiene, "PUT", f"{TICKETS}/{id}/comentarios/{made.json['id']}", {"mensaje": changed})

    deliver()

    assert kinds(nuevo.email) == ["mencion"]
    assert kinds(tiene.email) == []


def test_nobody_gets_what_it_does_not_want(postbox, call, people):
    id, pide, tiene, sigue, admin = people
    wants = {"preferencias": {"tema": "oscuro", "correo": {"comentario": False}}}
    assert call(sigue, "PUT", "/api/auth/me", wants).status_code == 200
    assert (
        call(tiene, "PATCH", "/api/auth/me", {"preferencias": {"correo": {"mencion": False}}}).status_code
        == 200
    )
    comment = {"mensaje": f"Mira, @{tiene.email}", "es_interno": False}
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", comment)

    deliver()

    # Who wants no mentions follows all the same, and gets the comment as such.
    assert kinds() == {pide.email: ["comentario"], tiene.email: ["comentario"]}


@pytest.mark.parametrize(
    ("correo", "campo", "codigo"),
    [
        (True, "preferencias.correo", "tipo"),
        ({"nada": True}, "preferencias.correo.nada", "desconocido"),
        ({"nuevo": "sí"}, "preferencias.correo.nuevo", "tipo"),
        ({"nuevo": None}, "preferencias.correo.nuevo", "tipo"),
    ],
)
def test_a_preference_that_says_nothing_is_refused_by_name(call, tecnico, correo, campo, codigo):
    refused = call(tecnico, "PUT", "/api/auth/me", {"preferencias": {"correo": correo}})

    assert refused.status_code == 422
    assert {name: faults[0]["codigo"] for name, faults in refused.json["errores"].items()} == {campo: codigo}


def test_preferences_of_older_programs_keep_nobody_from_their_mail(postbox, call, people):
    id, pide, tiene, *_ = people
    for old in ("no", ["nuevo"], {"comentario": "false"}):
        db.session.execute(
            sa.update(Usuario).where(Usuario.id == pide.id).values(preferencias={"correo": old})
        )
        db.session.commit()
        call(tiene, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Hola", "es_interno": False})
        deliver()

    assert kinds(pide.email) == ["comentario"] * 3


def test_an_account_reads_its_own_language(postbox, call, people):
    id, pide, tiene, *_ = people
    call(pide, "PUT", "/api/auth/me", {"idioma": "en"})
    call(tiene, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Ya está", "es_interno": False})

    deliver()

    (mail,) = postbox.to(pide.email)
    assert mail["Content-Language"] == "en"
    plain, html = said(mail), said(mail, "html")
    assert "wrote a comment" in plain
    assert "See the ticket" in plain
    assert "becomes a comment on the ticket" in plain
    assert '<html lang="en">' in html


@pytest.mark.parametrize(
    ("factory", "campo"),
    [(factories.ClienteFactory, "id_cliente"), (factories.EmpleadoFactory, "id_empleado")],
)
def test_who_asks_without_an_account_is_told_at_its_own_address(postbox, call, admin, factory, campo):
    persona = factory(nombre="José", apellido="Peña", email="jose@example.com")
    id_persona = persona.id
    made = call(admin, "POST", TICKETS, NUEVO | {campo: id_persona})
    id = made.json["id"]
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Vamos", "es_interno": False})
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Secreto"})
    call(admin, "PUT", f"{TICKETS}/{id}", {"id_estado": 5, "resolucion": "Listo"})

    deliver()

    assert kinds("jose@example.com") == ["nuevo", "comentario", "resolucion"]
    mails = postbox.to("jose@example.com")
    assert [str(mail["To"]) for mail in mails] == ["José Peña <jose@example.com>"] * 3
    assert "Secreto" not in "".join(mail.as_string() for mail in mails)
    assert "su perfil" not in said(mails[0])


def test_who_answers_by_mail_without_an_account_does_not_get_it_back(postbox, call, admin, tecnico):
    persona = factories.ClienteFactory(email="jose@example.com").id
    id = tiquet(id_cliente=persona, id_usuario_asignado=admin.id, id_estado=2)
    of_desk = {"tipo": "sistema", "origen": "correo", "id_cliente": persona}
    taken_in = Actor(admin.id, SOLICITANTE, **of_desk)
    db.session.remove()
    transaction.run(lambda: comments.create(taken_in, id, {"mensaje": "Sigue igual", "es_interno": False}))

    deliver()

    assert kinds() == {admin.email: ["comentario"]}


def test_who_asks_and_has_an_account_is_told_once_by_its_preferences(postbox, call, admin):
    persona = factories.ClienteFactory(email="ana@example.com").id
    cuenta = quien(
        SOLICITANTE, email="ana@example.com", id_cliente=persona, preferencias={"correo": {"nuevo": False}}
    )
    made = call(admin, "POST", TICKETS, NUEVO | {"id_cliente": persona})
    call(admin, "POST", f"{TICKETS}/{made.json['id']}/comentarios", {"mensaje": "Hola", "es_interno": False})

    deliver()

    assert kinds() == {cuenta.email: ["comentario"]}


def test_of_a_customer_without_an_e_mail_its_accounts_are_told(postbox, call, admin):
    persona = factories.ClienteFactory(email=None).id
    cuenta = quien(SOLICITANTE, id_cliente=persona)
    call(admin, "POST", TICKETS, NUEVO | {"id_cliente": persona})

    deliver()

    assert kinds() == {cuenta.email: ["nuevo"]}


def test_nothing_goes_to_who_is_gone(postbox, call, people):
    id, pide, tiene, sigue, admin = people
    db.session.execute(sa.update(Usuario).where(Usuario.id.in_([pide.id, sigue.id])).values(activo=False))
    persona = factories.ClienteFactory(email="fue@example.com", activo=False).id
    db.session.commit()
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Hola", "es_interno": False})
    call(admin, "POST", TICKETS, NUEVO | {"id_cliente": persona})

    deliver()

    assert kinds() == {tiene.email: ["comentario"]}


def wait_to_send():
    """Write down what is to be sent, and send nothing yet."""
    db.session.remove()
    sequencer.number_events()
    while notices.read_on():
        pass
    db.session.remove()


@pytest.mark.parametrize("how", ["deactivated", "demoted", "erased comment", "trash"])
def test_who_may_not_see_it_any_more_when_it_is_sent_gets_nothing(postbox, call, people, how):
    id, _, tiene, sigue, admin = people
    made = call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Confidencial"})
    wait_to_send()
    if how == "deactivated":
        changes = {"activo": False}
    elif how == "demoted":
        changes = {"tipo_usuario": SOLICITANTE}
    if how in ("deactivated", "demoted"):
        db.session.execute(sa.update(Usuario).where(Usuario.id.in_([tiene.id, sigue.id])).values(**changes))
        db.session.commit()
    elif how == "erased comment":
        call(admin, "DELETE", f"{TICKETS}/{id}/comentarios/{made.json['id']}")
    elif how == "trash":
        call(admin, "DELETE", f"{TICKETS}/{id}")

    deliver()

    assert postbox.mails == []
    assert {state for states in kinds().values() for state in states} == {"comentario omitido"}


def test_mail_goes_to_the_address_that_the_account_has_now(postbox, call, people):
    id, pide, tiene, *_ = people
    call(tiene, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Hola", "es_interno": False})
    wait_to_send()
    db.session.execute(sa.update(Usuario).where(Usuario.id == pide.id).values(email="nueva@example.org"))
    db.session.commit()

    deliver()

    assert "nueva@example.org" in [to for to, _ in postbox.mails]
    assert postbox.to(pide.email) == []


def test_a_comment_that_was_merged_away_leads_to_where_it_is(postbox, call, people):
    id, _, tiene, _, admin = people
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Hola"})
    other = tiquet(titulo="El otro")
    wait_to_send()
    assert call(admin, "POST", f"{TICKETS}/{id}/fusionar", {"id_destino": other}).status_code == 200

    deliver()

    assert postbox.to(tiene.email)[0]["Subject"] == f"[SP-{other:06d}] El otro"


def test_no_name_and_no_title_begins_a_header_of_its_own(postbox, call):
    evil = 'x\r\nBcc: otro@example.org\r\n\r\n<script>alert(1)</script>"'
    pide = quien(SOLICITANTE, nombre=evil, apellido="\u2028Bcc: z@example.org")
    id = asked_by(pide, titulo=evil, descripcion=evil)
    tiene = quien("Técnico", nombre=evil)
    call(
        tiene,
        "POST",
        f"{TICKETS}/{id}/comentarios",
        {"mensaje": "<b>hola</b>\n.\nQUIT\n", "es_interno": False},
    )

    deliver()

    ((to, mail),) = postbox.mails
    assert to == pide.email
    assert mail["Bcc"] is None
    assert mail.get_content_type() == "multipart/alternative"
    assert len(mail["To"].addresses) == 1
    html = said(mail, "html")
    assert "<script" not in html
    assert "&lt;b&gt;hola&lt;/b&gt;\n.\nQUIT" in html


def test_addresses_and_names_of_any_language(postbox, call):
    pide = quien(SOLICITANTE, nombre="Łukasz 李", apellido="Žižek", email="lukasz@ñandú.example")
    tiene = quien("Técnico", nombre="Ñuño", apellido="Öz")
    id = asked_by(pide, titulo="¿Qué pasó? 🖨️ " + "ñ" * 100)
    call(tiene, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Ωμέγα " * 300, "es_interno": False})

    deliver()

    ((to, mail),) = postbox.mails
    assert to == "lukasz@xn--and-6ma2c.example"
    assert mail["To"].addresses[0].display_name == "Łukasz 李 Žižek"
    assert mail["Subject"].endswith("🖨️ " + "ñ" * 100)
    assert ("Ωμέγα " * 300).strip() in said(mail)
    assert "Ñuño Öz escribió un comentario" in said(mail, "html")
    assert max(map(len, mail.as_bytes().splitlines())) <= 200


def test_a_long_text_is_cut(postbox, call):
    pide = quien(SOLICITANTE)
    call(pide, "POST", TICKETS, NUEVO | {"descripcion": "x" * 10_000})

    deliver()

    text = said(postbox.mails[0][1])
    assert 4_000 <= text.count("x") < 4_100
    assert "x…" in text


def test_what_happened_before_the_first_time_is_told_nobody(session, call, with_settings):
    pide = quien(SOLICITANTE)
    call(pide, "POST", TICKETS, NUEVO)
    with open_for(Postbox()) as box:
        with_settings(**box.settings)
        deliver()
        assert box.mails == []
        call(pide, "POST", TICKETS, NUEVO)
        deliver()
        assert len(box.mails) == 1


def test_what_is_older_than_a_day_is_no_news(postbox, call):
    call(quien(SOLICITANTE), "POST", TICKETS, NUEVO)
    db.session.remove()
    with time_machine.travel(utcnow().replace(tzinfo=UTC) + timedelta(hours=24, seconds=1)):
        deliver()

    assert kinds() == {}


def test_what_is_brought_in_from_elsewhere_is_told_nobody(postbox, session):

    id = asked_by(quien(SOLICITANTE))
    db.session.remove()
    transaction.run(lambda: audit.append("tiquet.importado", SISTEMA, id_entidad=id, id_tiquet=id))

    deliver()

    assert kinds() == {}


def test_a_service_that_sends_no_mail_writes_none_down_and_starts_with_what_comes_then(
    session, app, call, monkeypatch, postbox
):
    sending = app.extensions["soporteplus"]
    off = type(sending)(**vars(sending) | {"env": "production", "smtp_url": ""})
    pide = quien(SOLICITANTE)
    call(pide, "POST", TICKETS, NUEVO)
    with monkeypatch.context() as patch:
        patch.setitem(app.extensions, "soporteplus", off)
        deliver()
    call(pide, "POST", TICKETS, NUEVO)
    deliver()

    assert kinds() == {pide.email: ["nuevo"]}


def test_in_development_mail_is_written_into_the_log(session, call, caplog):
    notices.read_on()
    pide = quien(SOLICITANTE)
    call(pide, "POST", TICKETS, NUEVO)
    with caplog.at_level("INFO", logger="app.services.mail.smtp"):
        deliver()

    assert f"Para: {pide.email}" in caplog.text
    assert "Recibimos su solicitud" in caplog.text
    assert kinds(pide.email) == ["nuevo"]


def test_what_was_sent_is_kept_for_its_days_and_forgotten_with_its_ticket_and_its_person(
    postbox, call, people
):
    id, pide, tiene, sigue, admin = people
    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Hola", "es_interno": False})
    cliente = factories.ClienteFactory(email="ana@example.com").id
    call(admin, "POST", TICKETS, NUEVO | {"id_cliente": cliente})
    deliver()
    assert len(kinds()) == 4

    assert outbox.forget_person(["ana@example.com"], id_cliente=[cliente]) == 1
    assert outbox.forget_person(id_usuario=[pide.id]) == 1
    assert outbox.forget_person() == 0
    db.session.commit()
    assert set(kinds()) == {tiene.email, sigue.email}
    assert outbox.forget_ticket(id) == 2
    db.session.commit()

    call(admin, "POST", f"{TICKETS}/{id}/comentarios", {"mensaje": "Hola", "es_interno": False})
    deliver()
    later = utcnow().replace(tzinfo=UTC) + timedelta(days=30, seconds=1)
    with time_machine.travel(later):
        assert maintenance.maintain()["correos"] == 3
    assert kinds() == {}


def test_each_kind_of_mail_can_be_refused():
    assert set(AVISOS) == {"nuevo", "asignacion", "comentario", "resolucion", "mencion"}

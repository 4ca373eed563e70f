"""Mail that comes in: what it becomes, whose words they are, and into what nobody may write."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import Clientes, CorreoRecibido, LogTransaccional, Tiquet, utcnow
from app.services import maintenance
from app.services.log import sequencer
from tests import factories
from tests.client import Mail
from tests.factories import ClienteFactory, EmpleadoFactory, programa, quien
from tests.test_mail_reading import IGNORED, MAILS, SAID, sample
from tests.threads import at_once
from tests.world import TIQUETS, between_requests, snapshot

ENTRANTE = "/api/correo/entrante"
ANA = "ana.ruiz@example.org"
MARK = "localhost"  # the domain of the marks, by the address that mail is sent from


@pytest.fixture
def buzon(admin):
    """The program that hands in mail."""
    return programa(admin.id, "correo:recibir")


@pytest.fixture
def send(client, buzon):
    """Hand in a mail, or a sample by its name; the answer, which has to be 200 or 201."""

    def send(raw="", *, status=201, **headers):
        if not isinstance(raw, bytes):
            raw = written(raw, **headers)
        db.session.remove()
        answer = client.post(ENTRANTE, json=Mail(mensaje=raw), headers=buzon.headers)
        assert answer.status_code == status, answer.text
        return answer.json

    return send


def written(text="No imprime", de=f"Ana Ruiz <{ANA}>", asunto="Ayuda", **headers):
    lines = [f"From: {de}", f"Subject: {asunto}", "Content-Type: text/plain; charset=utf-8"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + f"\r\n\r\n{text}\r\n").encode()


@pytest.fixture
def shown(client, admin):
    def shown(path):
        db.session.remove()
        answer = client.get(path, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    return shown


def ticket_of(shown, found):
    return shown(f"{TIQUETS}/{found['id_tiquet']}")


def comments_of(shown, id):
    return shown(f"{TIQUETS}/{id}/comentarios")["data"]


def test_a_first_mail_makes_a_customer_and_opens_a_ticket(send, shown, admin):
    found = send(
        "La impresora no responde.\r\n\r\n-- \r\nAna", asunto="Re: Impresora", Message_ID="<1@example.org>"
    )

    tiquet = ticket_of(shown, found)
    assert found == {
        "resultado": "tiquet_creado",
        "motivo": None,
        "repetido": False,
        "id_tiquet": tiquet["id"],
        "numero": tiquet["numero"],
        "id_comentario": None,
        "adjuntos": 1,  # All of the text, of which a part was left out.
        "omitidos": [],
    }
    assert (tiquet["titulo"], tiquet["descripcion"]) == ("Impresora", "La impresora no responde.")
    assert (tiquet["canal"], tiquet["usuario_creador"]["id"]) == ("correo", admin.id)
    assert tiquet["cliente"]["nombre"] == "Ana Ruiz"
    cliente = shown(f"/api/clientes/{tiquet['id_cliente']}")
    assert (cliente["email"], cliente["nombre"]) == (ANA, "Ana Ruiz")
    assert shown(f"{TIQUETS}/{tiquet['id']}/seguidores")["data"] == []


def test_the_next_mail_of_the_same_customer_makes_no_second_one(send, shown):
    first, second = (ticket_of(shown, send(str(n), de="ANA.ruiz@Example.org")) for n in range(2))

    assert first["id"] != second["id"]
    assert first["id_cliente"] == second["id_cliente"]


@pytest.mark.parametrize("name", SAID)
def test_every_sample_becomes_a_ticket_with_its_files(send, shown, name):
    found = send(sample(name))

    tiquet = ticket_of(shown, found)
    assert tiquet["descripcion"].startswith(SAID[name][1])
    refused = ["winmail.dat"] if name == "winmail" else []
    assert [one["nombre"] for one in found["omitidos"]] == refused
    files = [one["nombre"] for one in shown(f"{TIQUETS}/{tiquet['id']}/adjuntos")["data"]]
    assert [one for one in files if one != "mensaje.txt"] == [
        one for one in SAID[name][2] if one not in refused
    ]


@pytest.mark.parametrize("name", IGNORED)
def test_what_no_person_wrote_is_ignored_once_and_for_all(send, name):
    first = send(sample(name), status=200)
    again = send(sample(name), status=200)

    assert (first["resultado"], first["motivo"], first["repetido"]) == ("ignorado", IGNORED[name], False)
    assert again == first | {"repetido": True}
    assert tickets() == 0


def tickets():
    with between_requests():
        return db.session.scalar(sa.select(sa.func.count()).select_from(Tiquet))


def test_hostile_names_of_files_harm_nobody(send, shown):
    found = send(sample("nombres_hostiles"))

    names = [one["nombre"] for one in shown(f"{TIQUETS}/{found['id_tiquet']}/adjuntos")["data"]]
    assert names == ["passwd", "_con.txt", "abctxt.exe", "largo nombre.txt", "bogus'", "adjunto-8.txt"]


def test_a_subject_cannot_bring_headers_of_its_own(send, shown):
    assert (
        ticket_of(shown, send(sample("asunto_con_saltos")))["titulo"] == "Hola Bcc: todos@example.org cuerpo"
    )


@pytest.mark.parametrize(
    ("asunto", "titulo"),
    [
        ("", "(sin asunto)"),
        ("Re: RV: [SP-000009] Re: x", "Correo: x"),
        ("á" * 300, "á" * 200),
        ("ok", "Correo: ok"),
    ],
)
def test_any_subject_makes_a_title(send, shown, asunto, titulo):
    assert ticket_of(shown, send(asunto=asunto))["titulo"] == titulo


def test_a_long_text_is_cut_and_kept_whole_beside(send, shown, client, admin):
    text = "palabra " * 2000

    found = send(text)

    tiquet = ticket_of(shown, found)
    assert len(tiquet["descripcion"]) == 10_000
    assert tiquet["descripcion"].endswith("[El texto sigue en el adjunto mensaje.txt]")
    (file,) = shown(f"{TIQUETS}/{tiquet['id']}/adjuntos")["data"]
    content = client.get(f"{TIQUETS}/{tiquet['id']}/adjuntos/{file['id']}/contenido", headers=admin.headers)
    assert content.text == text.strip()


def test_a_mail_without_text_says_so(send, shown):
    assert ticket_of(shown, send(""))["descripcion"] == "(sin texto)"


def with_files(*files):
    parts = "".join(
        f'--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="{name}"'
        f"\r\n\r\n{content}\r\n"
        for name, content in files
    )
    head = f"From: {ANA}\r\nSubject: Archivos\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return f"{head}--b\r\nContent-Type: text/plain\r\n\r\nVan.\r\n{parts}--b--\r\n".encode()


def test_files_that_are_not_taken_are_named_in_the_answer_and_the_text(send, shown):
    found = send(with_files(("nota.txt", "hola"), ("a.exe", "MZ\x00\x03"), ("vacio.txt", "")))

    assert found["adjuntos"] == 1
    assert found["omitidos"] == [
        {"nombre": "a.exe", "motivo": "archivo_no_admitido"},
        {"nombre": "vacio.txt", "motivo": "archivo_vacio"},
    ]
    assert (
        ticket_of(shown, found)["descripcion"] == "Van.\n\n[No se guardaron estos adjuntos: a.exe, vacio.txt]"
    )


def test_files_too_many_or_too_large_stay_outside(send, with_settings):
    with_settings(ADJUNTO_MAX_MB="1", ADJUNTOS_MAX_MB="2")

    large = send(with_files(("grande.txt", "x" * (1024**2 + 1))))
    full = send(with_files(*((f"{n}.txt", "x" * 1024**2) for n in range(3))))
    many = send(with_files(*((f"{n}.txt", "x") for n in range(30))))

    assert [one["motivo"] for one in large["omitidos"]] == ["archivo_demasiado_grande"]
    assert [one["motivo"] for one in full["omitidos"]] == ["sin_sitio_en_el_tiquet"]
    assert [one["motivo"] for one in many["omitidos"]] == ["demasiados_archivos"] * 5


# Answers to a ticket.


def of_ana(**fields):
    """A ticket of the customer Ana, by the ids of both."""
    cliente = ClienteFactory(nombre="Ana", email=ANA).id
    return factories.tiquet(id_cliente=cliente, **fields), cliente


def numbered(id):
    return {"asunto": f"Re: [SP-{id:06d}] Ayuda"}


def marked(id):
    return {"References": f"<otro@example.org> <tiquet-{id}@{MARK}>"}


@pytest.mark.parametrize("naming", [numbered, marked])
def test_who_asked_answers_by_mail_in_its_own_name(send, shown, admin, naming, events):
    id, cliente = of_ana(id_estado=3)

    found = send("Sigue igual", **naming(id))

    (comment,) = comments_of(shown, id)
    assert (found["resultado"], found["id_tiquet"]) == ("comentario_agregado", id)
    assert found["id_comentario"] == comment["id"]
    assert (comment["mensaje"], comment["es_interno"]) == ("Sigue igual", False)
    assert (comment["cliente"], comment["empleado"]) == ({"id": cliente, "nombre": "Ana"}, None)
    assert comment["autor"]["id"] == admin.id
    tiquet = shown(f"{TIQUETS}/{id}")
    assert tiquet["estado"]["tipo"] == "en_proceso"  # A mail is ``responder``.
    assert tiquet["fecha_primera_respuesta"] is None  # The desk has said nothing yet.
    db.session.remove()
    assert [event.id_tiquet for event in events("comentario.creado")] == [id]


def test_files_of_an_answer_are_of_its_comment(send, shown):
    id, _ = of_ana()

    found = send(with_files(("nota.txt", "hola")).replace(b"Archivos", f"[SP-{id:06d}]".encode()))

    (comment,) = comments_of(shown, id)
    assert [one["nombre"] for one in comment["adjuntos"]] == ["nota.txt"]
    assert found["adjuntos"] == shown(f"{TIQUETS}/{id}")["numero_adjuntos"] == 1


def test_an_answer_to_ones_own_first_mail_finds_its_ticket(send):
    first = send(Message_ID="<uno@example.org>")

    second = send("Más datos", In_Reply_To="<uno@example.org>", Message_ID="<dos@example.org>")

    assert (second["resultado"], second["id_tiquet"]) == ("comentario_agregado", first["id_tiquet"])


STRANGERS = ("nobody", "customer", "employee", "requester", "staff", "inactive")


@pytest.mark.parametrize("naming", [numbered, marked, lambda _id: {"In_Reply_To": "<uno@example.org>"}])
@pytest.mark.parametrize("who", STRANGERS)
def test_no_stranger_writes_into_a_ticket_by_naming_it(send, shown, who, naming):
    id = send(Message_ID="<uno@example.org>")["id_tiquet"]
    email = "otro@example.org"
    {
        "nobody": lambda: None,
        "customer": lambda: ClienteFactory(email=email),
        "employee": lambda: EmpleadoFactory(email=email),
        "requester": lambda: quien("Solicitante", email=email),
        "staff": lambda: quien("Técnico", email=email),
        "inactive": lambda: quien("Técnico", email=email, activo=False),
    }[who]()

    found = send("Déjenme entrar", de=email, status=200 if who == "inactive" else 201, **naming(id))

    assert found["id_tiquet"] != id
    assert comments_of(shown, id) == []
    assert shown(f"{TIQUETS}/{id}")["version"] == 1
    expected = ("ignorado", "remitente_inactivo") if who == "inactive" else ("tiquet_creado", None)
    assert (found["resultado"], found["motivo"]) == expected


def test_two_customers_who_share_the_mailbox_program_do_not_share_tickets(send):
    first = send("uno", de="uno@example.org")
    second = send("dos", de="dos@example.org", **numbered(first["id_tiquet"]))

    assert second["resultado"] == "tiquet_creado"


def event_of(id):
    with between_requests():
        event = sa.select(LogTransaccional.id_evento).where(LogTransaccional.id_tiquet == id)
        return db.session.scalars(event).first()


def test_staff_answers_a_mail_that_it_was_sent(send, shown):
    tecnico = quien("Técnico", email="tecnico@example.org")
    id = send()["id_tiquet"]
    mine = {"de": tecnico.email, "In_Reply_To": f"<tiquet-{id}.{event_of(id)}@{MARK}>"}

    found = send("Reinícielo, por favor", **mine)

    (comment,) = comments_of(shown, id)
    assert found["resultado"] == "comentario_agregado"
    assert (comment["autor"]["id"], comment["es_interno"], comment["cliente"]) == (tecnico.id, False, None)
    assert shown(f"{TIQUETS}/{id}")["fecha_primera_respuesta"]


def test_an_event_of_another_ticket_lets_staff_into_none(send, shown):
    tecnico = quien("Técnico", email="tecnico@example.org")
    one, other = send("uno")["id_tiquet"], send("dos")["id_tiquet"]

    found = send("x", de=tecnico.email, In_Reply_To=f"<tiquet-{one}.{event_of(other)}@{MARK}>")

    assert found["resultado"] == "tiquet_creado"
    assert comments_of(shown, one) == []


def test_a_requester_with_a_user_writes_as_that_user(send, shown):
    yo = quien("Solicitante", email=ANA)

    found = send()
    send("Más datos", **numbered(found["id_tiquet"]))

    tiquet = ticket_of(shown, found)
    (comment,) = comments_of(shown, tiquet["id"])
    assert tiquet["usuario_creador"]["id"] == comment["autor"]["id"] == yo.id
    assert (tiquet["cliente"], comment["cliente"]) == (None, None)
    with between_requests():
        log = sa.select(LogTransaccional.tipo_actor, LogTransaccional.origen, LogTransaccional.id_usuario)
        rows = db.session.execute(log.where(LogTransaccional.id_tiquet == tiquet["id"])).all()
    assert set(rows) == {("usuario", "correo", yo.id)}


def test_an_employee_is_the_one_who_asks(send, shown):
    empleado = EmpleadoFactory(email=ANA).id
    ClienteFactory(email=ANA)

    assert ticket_of(shown, send())["id_empleado"] == empleado


@pytest.mark.parametrize("maker", [ClienteFactory, EmpleadoFactory])
def test_who_is_inactive_does_not_come_in_by_mail(send, maker):
    maker(email=ANA, activo=False)

    assert send(status=200)["motivo"] == "remitente_inactivo"


def test_a_deactivated_user_does_not_come_in_as_the_employee_that_it_is_too(send):
    EmpleadoFactory(email=ANA)
    quien("Solicitante", email=ANA, activo=False)

    assert send(status=200)["motivo"] == "remitente_inactivo"


def closed(days, **fields):
    when = utcnow() - timedelta(days=days)
    return {
        "id_estado": 6,
        "motivo_cierre": "resuelto",
        "fecha_cierre": when,
        "fecha_resolucion": when,
    } | fields


def test_an_answer_reopens_what_was_solved_or_closed_lately(send, shown):
    solved, cliente = of_ana(id_estado=5, resolucion="Se cambió", fecha_resolucion=utcnow())
    lately = factories.tiquet(id_cliente=cliente, **closed(13))

    for id in (solved, lately):
        assert send("Otra vez", **numbered(id))["id_tiquet"] == id
        tiquet = shown(f"{TIQUETS}/{id}")
        assert (tiquet["estado"]["tipo"], tiquet["veces_reabierto"]) == ("en_proceso", 1)


def test_after_that_it_opens_a_ticket_that_is_related_to_the_closed_one(send, shown):
    id, _ = of_ana(**closed(15))

    found = send("Otra vez", **numbered(id))

    assert found["resultado"] == "tiquet_creado"
    (relation,) = shown(f"{TIQUETS}/{id}/relaciones")["data"]
    assert (relation["tipo"], relation["id_tiquet"]) == ("relacionado", found["id_tiquet"])
    assert shown(f"{TIQUETS}/{id}")["estado"]["tipo"] == "cerrado"


def test_an_answer_follows_a_merged_ticket_only_to_one_of_its_own(send, shown, client, admin):
    own, cliente = of_ana()
    target, strange = factories.tiquet(id_cliente=cliente), factories.tiquet()
    other = factories.tiquet(id_cliente=cliente)
    db.session.remove()
    for id, destino in ((own, target), (other, strange)):
        merged = client.post(f"{TIQUETS}/{id}/fusionar", json={"id_destino": destino}, headers=admin.headers)
        assert merged.status_code == 200

    assert send("uno", **numbered(own))["id_tiquet"] == target
    new = send("dos", **numbered(other))
    assert new["resultado"] == "tiquet_creado"
    assert shown(f"{TIQUETS}/{strange}")["numero_comentarios"] == 0
    (relation,) = shown(f"{TIQUETS}/{other}/relaciones")["data"]
    assert relation["id_tiquet"] == new["id_tiquet"]


def test_words_that_went_to_a_strangers_ticket_go_with_their_senders_data(send, shown, client, admin):
    first = send("uno")["id_tiquet"]
    sent = with_files(("nota.txt", "dentro")).replace(b"Archivos", f"[SP-{first:06d}]".encode())
    send(sent.replace(b"Van.", b"Van mis palabras."))
    cliente = shown(f"{TIQUETS}/{first}")["id_cliente"]
    other = factories.tiquet()
    factories.ComentarioFactory(id_tiquet=other, mensaje="De otra persona")
    db.session.remove()
    path = f"/api/clientes/{cliente}"
    client.post(f"{TIQUETS}/{first}/fusionar", json={"id_destino": other}, headers=admin.headers)
    sequencer.number_events()
    db.session.remove()
    exported = client.get(f"{path}/datos", headers=admin.headers).text
    assert "Van mis palabras." in exported
    assert "De otra persona" not in exported

    erased = client.post(f"{path}/anonimizar", json={"confirmar": ANA}, headers=admin.headers)

    assert erased.status_code == 200, erased.text
    assert [one["mensaje"] for one in comments_of(shown, other)] == ["[anonimizado]", "De otra persona"]
    assert shown(f"{TIQUETS}/{other}/adjuntos")["data"] == []
    with between_requests():
        told = db.session.scalars(sa.select(LogTransaccional.cambios)).all()
    assert "mis palabras" not in repr(told)


# What comes again, comes back, or comes too often.


def test_the_same_mail_has_one_effect(send):
    first = send("uno", Message_ID="<uno@example.org>")
    before = rows()

    again = send("otro texto", status=200, Message_ID="<uno@example.org>")

    assert again == first | {"repetido": True}
    assert rows() == before


def rows():
    return snapshot("Token_servicio")


@pytest.mark.parametrize(
    "mail",
    [{"Message_ID": f"<tiquet-12.abc-0@{MARK}>"}, {"de": "SoportePlus <Soporte@example.org>"}],
    ids=["ours by its id", "ours by its sender"],
)
def test_our_own_mail_that_comes_back_is_a_loop(send, mail, with_settings):
    with_settings(CORREO_ENTRANTE="Soporte <soporte@example.org>")

    assert send(status=200, **mail)["motivo"] == "bucle"


def test_one_sender_may_write_so_often_in_an_hour_and_others_still(send, with_settings):
    with_settings(CORREO_MAX_POR_HORA="3")
    found = [send(str(n), status=201 if n < 3 else 200)["motivo"] for n in range(5)]

    assert found == [None] * 3 + ["demasiados_correos"] * 2
    assert send("otro", de="otro@example.org")["resultado"] == "tiquet_creado"
    with between_requests():
        db.session.execute(sa.update(CorreoRecibido).values(fecha=utcnow() - timedelta(hours=2)))
        db.session.commit()
    assert send("más tarde")["resultado"] == "tiquet_creado"


def test_strangers_may_be_refused(send, with_settings):
    with_settings(CORREO_DESCONOCIDOS="rechazar")
    ClienteFactory(email="conocida@example.org")

    assert send(status=200)["motivo"] == "remitente_desconocido"
    assert send("x", de="conocida@example.org")["resultado"] == "tiquet_creado"
    with between_requests():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Clientes)) == 1


@pytest.mark.parametrize(("raw", "status"), [(b"", 422), (b"no es un correo", 422), (b"\xff" * 100, 422)])
def test_what_is_no_mail_is_refused(client, buzon, raw, status):
    answer = client.post(ENTRANTE, data=raw, content_type="message/rfc822", headers=buzon.headers)

    assert (answer.status_code, answer.json["codigo"]) == (status, "correo_ilegible")


def test_a_mail_has_a_size_of_its_own(client, buzon, with_settings):
    with_settings(CORREO_MAX_MB="1")

    answer = client.post(
        ENTRANTE, data=written("x" * 1024**2), content_type="message/rfc822", headers=buzon.headers
    )

    assert (answer.status_code, answer.json["codigo"]) == (413, "cuerpo_demasiado_grande")


def test_the_scope_opens_nothing_else(client, buzon, admin):
    assert client.get(TIQUETS, headers=buzon.headers).status_code == 403
    tecnico = programa(quien("Técnico").id, "correo:recibir")
    answer = client.post(ENTRANTE, json=Mail(mensaje=written()), headers=tecnico.headers)
    assert (answer.status_code, answer.json["codigo"]) == (403, "permiso_denegado")


def test_what_became_no_ticket_is_forgotten_and_a_purged_ticket_takes_its_mail_along(send):
    send(sample("rebote"), status=200)
    kept = send("uno")["id_tiquet"]
    gone = send("dos", de="dos@example.org")["id_tiquet"]
    with between_requests():
        db.session.execute(sa.update(CorreoRecibido).values(fecha=utcnow() - timedelta(days=31)))
        trash = sa.update(Tiquet).where(Tiquet.id == gone)
        db.session.execute(trash.values(fecha_eliminacion=utcnow() - timedelta(days=91)))
        db.session.commit()

    done = maintenance.maintain()

    assert (done["recibidos"], done["purgados"]) == (1, 1)
    with between_requests():
        assert db.session.scalars(sa.select(CorreoRecibido.id_tiquet)).all() == [kept]


@pytest.mark.parametrize("same", [True, False], ids=["one mail", "one new sender"])
def test_twenty_at_once_have_one_effect(committed, same):
    admin = quien("Administrador")
    headers = programa(admin.id, "correo:recibir").headers
    db.session.remove()

    def one(number):
        raw = written("Hola", Message_ID=f"<{0 if same else number}@example.org>")
        return committed.test_client().post(ENTRANTE, json=Mail(mensaje=raw), headers=headers)

    answers = at_once(20, one)

    assert {answer.status_code for answer in answers} == ({200, 201} if same else {201})
    with committed.app_context():
        counts = {
            model: db.session.scalar(sa.select(sa.func.count()).select_from(model))
            for model in (Tiquet, Clientes)
        }
    assert counts == {Tiquet: 1 if same else 20, Clientes: 1}
    if same:
        assert len({answer.json["id_tiquet"] for answer in answers}) == 1
        assert [answer.json["repetido"] for answer in answers].count(False) == 1


def test_all_samples_are_used():
    used = {*SAID, *IGNORED, "outlook_reenvio", "nombre_con_trampa", "nombres_hostiles"}

    assert {path.stem for path in MAILS.glob("*.eml")} == used

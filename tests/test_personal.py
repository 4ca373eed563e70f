"""Personal data: all of it can be had, and erased so that no trace of a word is left anywhere."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Text, select, type_coerce

from app import transaction
from app.errors import Conflict, Unavailable
from app.extensions import db
from app.models import Base, Correos, Entregas, IdentidadExterna, LogTransaccional, Tiquet, utcnow
from app.permissions import Actor
from app.queries.privacy.anonymising import NEUTRO
from app.services import maintenance
from app.services.access import users
from app.services.log import chain, deliveries, sequencer
from app.services.privacy import anonymising
from app.services.versions import Precondicion
from tests import factories
from tests.client import Form
from tests.conftest import FILES
from tests.factories import quien
from tests.test_people import OWN, path_of
from tests.threads import at_once
from tests.world import UNKNOWN, last_event

TIQUETS = "/api/tickets/tickets"
CORREO, CORREO_DE_USUARIO = "marca01@example.org", "marca02@example.org"
KINDS = pytest.mark.parametrize("entidad", list(OWN))
NUEVO = factories.NUEVO | {"titulo": "Un título marca10", "descripcion": "Lo que pasa marca11"}


def mark(number):
    return f"marca{number:02}"


PERSONA = {
    "nombre": mark(3),
    "apellido": mark(4),
    "email": CORREO,
    "telefono": mark(5),
    "notas": mark(6),
    "id_externo": mark(7),
    "id_ubicacion": 2,
}
PROPIO = {
    "cliente": {"empresa": mark(8), "direccion": mark(9)},
    "empleado": {"codigo_empleado": mark(8), "puesto": mark(9), "departamento": mark(29)},
}


class Caso:
    """A person with something in every place where its data may be, and somebody else beside it."""

    def __init__(self, call, entidad):
        self.call, self.entidad = call, entidad
        self.admin, self.tecnico = quien("Administrador"), quien("Técnico")
        self.id = self.made(self.admin, path_of(entidad), PERSONA | PROPIO[entidad])
        self.path = path_of(entidad, self.id)
        about = {"tipo_usuario": "Solicitante", f"id_{entidad}": self.id}
        names = {"nombre": mark(12), "apellido": mark(13), "telefono": mark(14)}
        self.usuario = self.made(
            self.admin,
            "/api/users",
            {**about, **names, "email": CORREO_DE_USUARIO, "password": "tres tigres en el trigal"},
        )
        suya = {"emisor": "https://sso.example.org", "sujeto": mark(32), "id_usuario": self.usuario}
        db.session.add(IdentidadExterna(**suya))
        db.session.commit()
        self.sid, headers = factories.signed_in(self.usuario, agente=mark(15), ip="10.9.8.7")
        self.yo = factories.Quien(self.usuario, CORREO_DE_USUARIO, self.sid, headers)
        call(self.yo, "PUT", "/api/auth/me", {"preferencias": {"tema": mark(16)}, "telefono": mark(30)})
        factories.WebhookFactory(eventos=["*"])
        db.session.commit()
        self.tiquet = self.made(self.yo, TIQUETS, NUEVO | {"telefono_contacto": mark(17)})
        self.conversation()
        self.others()

    def made(self, quien, path, body, **headers):
        answer = self.call(quien, "POST", path, body, **headers)
        assert answer.status_code == 201, answer.json
        return answer.json["id"] if "id" in answer.json else answer.json["data"][0]["id"]

    def conversation(self):
        """What is said on its ticket, by whom so ever."""
        path = f"{TIQUETS}/{self.tiquet}"
        change = {"etiquetas": [mark(18)], "origen_externo": mark(19), "id_externo": mark(20)}
        assert self.call(self.tecnico, "PUT", path, change).status_code == 200
        self.made(self.yo, f"{path}/comentarios", {"mensaje": mark(21)})
        self.made(self.tecnico, f"{path}/comentarios", {"mensaje": mark(22)}, Idempotency_Key="k1")
        gone = self.made(self.yo, f"{path}/comentarios", {"mensaje": mark(23)})
        assert self.call(self.yo, "DELETE", f"{path}/comentarios/{gone}").status_code == 204
        self.file = self.made(self.tecnico, f"{path}/adjuntos", Form(archivo=(f"{mark(24)}.txt", b"marca25")))
        end = {"accion": "resolver", "resolucion": mark(26)}
        assert self.call(self.tecnico, "POST", f"{path}/transiciones", end).status_code == 200

    def others(self):
        """Somebody else's, which the person wrote on and is named in; and what is in the trash."""
        who = {f"id_{self.entidad}": self.id}
        self.discarded = self.made(self.admin, TIQUETS, factories.NUEVO | who | {"titulo": mark(27)})
        self.call(self.admin, "DELETE", f"{TIQUETS}/{self.discarded}")
        self.ajeno = self.made(
            self.tecnico, TIQUETS, factories.NUEVO | {"descripcion": f"Lo pidió {CORREO}, y otra@example.org"}
        )
        path = f"{TIQUETS}/{self.ajeno}/comentarios"
        self.nota = self.made(self.tecnico, path, {"mensaje": f"Escribir a {CORREO.upper()}."})
        self.palabra = factories.ComentarioFactory(
            id_tiquet=self.ajeno, id_autor=self.usuario, mensaje=mark(28)
        ).id
        db.session.remove()
        filtros = {"etiqueta": [CORREO]}
        self.vista = self.made(
            self.tecnico,
            "/api/tickets/vistas",
            {"nombre": f"De {CORREO}", "filtros": filtros, "compartida": True},
        )
        self.vecino = self.made(self.tecnico, path_of(self.entidad), {"nombre": "Vecino", "notas": "Suyas"})
        self.suyo = self.made(self.tecnico, TIQUETS, factories.NUEVO | {f"id_{self.entidad}": self.vecino})
        deliveries.fan_out()
        db.session.remove()

    def anonymise(self, confirmar=CORREO, **headers):
        return self.call(self.admin, "POST", f"{self.path}/anonimizar", {"confirmar": confirmar}, **headers)

    def data(self):
        return self.call(self.admin, "GET", f"{self.path}/datos")


@pytest.fixture
def caso(committed, call):
    """Committed, because MariaDB's full text finds nothing else."""
    for path in Path(FILES.name).rglob("*"):
        if path.is_file():
            path.unlink()  # of other tests
    return lambda entidad="cliente": Caso(call, entidad)


def dump():
    """All that the database holds in its own tables, and the store, as text."""
    db.session.remove()
    rows = (row for table in Base.metadata.sorted_tables for row in db.session.execute(select(table)))
    found = [repr(tuple(row)) for row in rows]  # A row's own form leaves out the middle of long texts.
    db.session.remove()
    return "\n".join(found)


def stored():
    return b"".join(path.read_bytes() for path in Path(FILES.name).rglob("*") if path.is_file()).decode(
        errors="replace"
    )


def purge(id):
    """Let the time pass after which a ticket goes from the trash."""
    long_ago = utcnow() - timedelta(days=91)
    db.session.execute(db.update(Tiquet).where(Tiquet.id == id).values(fecha_eliminacion=long_ago))
    db.session.commit()
    assert maintenance.maintain()["purgados"] == 1


def addresses(caso):
    """Where an Administrador may read about any of it."""
    ticket = f"{TIQUETS}/{caso.tiquet}"
    other = f"{TIQUETS}/{caso.ajeno}"
    below = ("", "/comentarios", "/adjuntos", "/historial", "/seguidores", "/relaciones")
    return [
        *(ticket + part for part in below),
        *(other + part for part in below),
        caso.path,
        f"{caso.path}/datos",
        path_of(caso.entidad),
        f"{path_of(caso.entidad)}?q=marca",
        "/api/users",
        f"/api/users/{caso.usuario}",
        TIQUETS,
        f"{TIQUETS}?papelera=true",
        f"{TIQUETS}?q=marca",
        f"{TIQUETS}/exportar?formato=ndjson",
        "/api/tickets/vistas",
        "/api/auditoria?limite=200",
        "/api/cambios?limite=200",
    ]


@KINDS
def test_an_export_holds_all_that_is_stored_of_a_person(caso, entidad):
    who = caso(entidad)
    before = last_event()

    answer = who.data()

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f"attachment; filename={entidad}-{who.id}-datos.json"
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.get_data(as_text=True)
    # 25 is in the file itself, 28 on another's ticket, 8 and 9 in its own columns.
    marks = {mark(n) for n in (*range(1, 31), 32) if n not in (25, 29) or (n == 29 and entidad == "empleado")}
    assert {one for one in marks if one not in told} == set()
    assert "argon2" not in told
    datos = answer.json
    assert [row["id"] for row in datos["tiquets"]] == [who.tiquet, who.discarded]
    assert datos["adjuntos"][0]["contenido"] == f"{TIQUETS}/{who.tiquet}/adjuntos/{who.file}/contenido"
    assert [row["ip"] for row in datos["sesiones"]] == ["10.9.8.7"]
    ids = [row["id"] for row in datos["eventos"]]
    assert len(ids) == len(set(ids))
    event = who.call(who.admin, "GET", f"/api/auditoria?accion={entidad}.exportado").json["data"][0]
    assert (event["id_entidad"], event["id_usuario"], event["cambios"]) == (who.id, who.admin.id, [])
    assert before < max(ids)


@KINDS
def test_an_export_tells_of_the_mail_that_it_was_sent(caso, entidad):
    who = caso(entidad)

    def sent(**about):
        known = {"id_evento": uuid4().hex, "tipo": "comentario", "proximo": utcnow(), "vence": utcnow()}
        correo = Correos(**known | about)
        db.session.add(correo)
        db.session.commit()
        return correo.id

    failed = {"estado": "fallido", "error": "550 no existe", "id_tiquet": who.tiquet, "intentos": 3}
    its_own = [
        sent(direccion=CORREO, **{f"id_{entidad}": who.id}, **failed),
        sent(direccion="antes@example.org", **{f"id_{entidad}": who.id}),
        sent(direccion=CORREO_DE_USUARIO, id_usuario=who.usuario),
        sent(direccion="antes@example.org", id_usuario=who.usuario),
        sent(direccion=CORREO_DE_USUARIO, tipo="recuperacion"),
    ]
    sent(direccion="otra@example.org", id_usuario=who.tecnico.id, id_tiquet=who.tiquet)

    told = who.data().json["correos"]

    assert sorted(row["id"] for row in told) == its_own
    first = next(row for row in told if row["id"] == its_own[0])
    shown = {"tipo": "comentario", "direccion": CORREO, **failed, "fecha_envio": None}
    assert shown.items() <= first.items()
    assert first["fecha_creacion"]
    who.anonymise()
    assert who.data().json["correos"] == []


@KINDS
def test_after_it_no_word_is_left_anywhere(caso, entidad, client):
    who = caso(entidad)
    assert "marca" in dump()
    assert "marca25" in stored()
    neighbour = [
        who.call(who.admin, "GET", path).json
        for path in (path_of(entidad, who.vecino), f"{TIQUETS}/{who.suyo}")
    ]

    answer = who.anonymise()

    assert answer.status_code == 200, answer.json
    shown = answer.json
    assert shown["fecha_anonimizado"]
    assert (shown["nombre"], shown["activo"], shown["email"]) == ("Anonimizado", False, None)
    assert [line for line in dump().lower().split("\n") if "marca" in line] == []
    assert "marca" not in stored()
    for path in addresses(who):
        answer = who.call(who.admin, "GET", path)
        assert answer.status_code == 200, path
        assert "marca" not in answer.get_data(as_text=True).lower(), path
    assert neighbour == [
        who.call(who.admin, "GET", path).json
        for path in (path_of(entidad, who.vecino), f"{TIQUETS}/{who.suyo}")
    ]


def test_the_ticket_stays_as_one_whose_words_are_gone(caso):
    who = caso()
    before = who.call(who.admin, "GET", f"{TIQUETS}/{who.tiquet}").json

    who.anonymise()

    after = who.call(who.admin, "GET", f"{TIQUETS}/{who.tiquet}").json
    changed = {name for name in before if before[name] != after[name]}
    texts = {"titulo", "descripcion", "resolucion", "telefono_contacto", "etiquetas", "origen_externo"}
    moved = {"version", "fecha_actualizacion", "usuario_creador", "cliente", "numero_adjuntos", "id_externo"}
    assert changed == texts | moved
    assert {after[name] for name in ("titulo", "descripcion", "resolucion")} == {NEUTRO}
    assert after["version"] == before["version"] + 1
    assert (after["estado"], after["numero_comentarios"]) == (before["estado"], before["numero_comentarios"])
    said = who.call(who.admin, "GET", f"{TIQUETS}/{who.tiquet}/comentarios").json["data"]
    assert [one["mensaje"] for one in said] == [NEUTRO] * 2
    history = who.call(who.admin, "GET", f"{TIQUETS}/{who.tiquet}/historial?limite=200").json["data"]
    first, last = history[0], history[-1]
    assert (first["accion"], first["cambios"], first["vaciado"]) == ("tiquet.creado", [], True)
    assert (last["accion"], last["vaciado"]) == ("tiquet.anonimizado", False)


def test_on_others_tickets_only_its_own_words_and_its_address_go(caso):
    who = caso()

    who.anonymise()

    other = who.call(who.admin, "GET", f"{TIQUETS}/{who.ajeno}").json
    assert other["descripcion"] == f"Lo pidió {NEUTRO}, y otra@example.org"
    said = who.call(who.admin, "GET", f"{TIQUETS}/{who.ajeno}/comentarios").json["data"]
    assert {one["id"]: one["mensaje"] for one in said} == {
        who.nota: f"Escribir a {NEUTRO}.",
        who.palabra: NEUTRO,
    }
    view = who.call(who.admin, "GET", f"/api/tickets/vistas/{who.vista}").json
    assert (view["nombre"], view["filtros"]) == (
        f"De {NEUTRO} {who.vista}",
        {"etiqueta": [NEUTRO]},
    )


def test_what_a_user_of_it_once_opened_for_somebody_else_stays(caso):
    who = caso()
    id = factories.tiquet(id_usuario_creador=who.usuario, id_cliente=who.vecino, titulo="De otro")
    factories.ComentarioFactory(id_tiquet=id, id_autor=who.usuario, mensaje=mark(41))
    db.session.remove()
    assert mark(41) in [row["mensaje"] for row in who.data().json["comentarios"]]

    who.anonymise()

    assert mark(41) not in dump()

    assert who.call(who.admin, "GET", f"{TIQUETS}/{id}").json["titulo"] == "De otro"
    assert id not in [row["id"] for row in who.data().json["tiquets"]]


def merge(who, id, id_destino):
    answer = who.call(who.tecnico, "POST", f"{TIQUETS}/{id}/fusionar", {"id_destino": id_destino})
    assert answer.status_code == 200, answer.json


def test_what_its_ticket_took_into_anothers_goes_too(caso):
    """Also where somebody changed or deleted it there, or merged that again."""
    who = caso()
    again = who.call(who.tecnico, "POST", f"{TIQUETS}/{who.tiquet}/transiciones", {"accion": "reabrir"})
    assert again.status_code == 200
    merge(who, who.tiquet, who.ajeno)
    there = f"{TIQUETS}/{who.ajeno}/comentarios"
    ids = {one["mensaje"]: one["id"] for one in who.call(who.admin, "GET", there).json["data"]}
    assert who.call(who.tecnico, "PUT", f"{there}/{ids[mark(22)]}", {"mensaje": mark(43)}).status_code == 200
    assert who.call(who.admin, "DELETE", f"{there}/{ids[mark(21)]}").status_code == 204
    merge(who, who.ajeno, who.suyo)
    there = f"{TIQUETS}/{who.suyo}/comentarios"
    who.made(who.tecnico, there, {"mensaje": "De otro asunto"})
    deliveries.fan_out()

    assert who.anonymise().json["fecha_anonimizado"]

    assert [line for line in dump().lower().split("\n") if "marca" in line] == []
    assert "marca" not in stored()
    after = who.call(who.admin, "GET", f"{TIQUETS}/{who.suyo}").json
    assert (after["titulo"], after["numero_adjuntos"]) == (factories.NUEVO["titulo"], 0)
    said = [one["mensaje"] for one in who.call(who.admin, "GET", there).json["data"]]
    assert sorted(said) == sorted([f"Escribir a {NEUTRO}.", NEUTRO, NEUTRO, "De otro asunto"])
    sequencer.number_events()
    assert chain.verify()["integra"]


def test_what_one_took_along_that_is_gone_from_the_trash_goes_too(caso):
    who = caso()
    id = who.made(who.admin, TIQUETS, NUEVO | {"id_cliente": who.id})
    who.made(who.tecnico, f"{TIQUETS}/{id}/comentarios", {"mensaje": mark(42)})
    merge(who, id, who.suyo)
    assert who.call(who.admin, "DELETE", f"{TIQUETS}/{id}").status_code == 204
    purge(id)

    assert who.anonymise().json["fecha_anonimizado"]

    assert [line for line in dump().lower().split("\n") if "marca" in line] == []


@KINDS
def test_one_that_names_another_now_stays_and_the_log_knows_that_it_was_its_own(caso, entidad):
    who = caso(entidad)
    campo, now = f"id_{entidad}", {f"id_{entidad}": who.vecino}
    id = who.made(who.tecnico, TIQUETS, factories.NUEVO | {campo: who.id})
    assert who.call(who.tecnico, "PUT", f"{TIQUETS}/{id}", now).status_code == 200

    assert who.anonymise().json["fecha_anonimizado"]

    after = who.call(who.admin, "GET", f"{TIQUETS}/{id}").json
    assert {name: after[name] for name in factories.NUEVO} == factories.NUEVO
    it_was = type_coerce(LogTransaccional.cambios, Text).like(f'%"anterior":{who.id},"campo":"{campo}"%')
    assert set(db.session.scalars(select(LogTransaccional.id_tiquet).where(it_was))) == {id}


def test_what_is_written_after_the_log_was_numbered_goes_too(caso, monkeypatch):
    who = caso()
    telling = anonymising.queries.telling_tickets

    def beside_a_writer(titular):
        for id in telling(titular):
            for titulo in (mark(40), "Otro título"):
                who.call(who.tecnico, "PUT", f"{TIQUETS}/{who.tiquet}", {"titulo": titulo})
            yield id

    monkeypatch.setattr(anonymising.queries, "telling_tickets", beside_a_writer)

    assert who.anonymise().json["fecha_anonimizado"]

    assert "marca" not in dump().lower()
    sequencer.number_events()
    assert chain.verify()["integra"]


def test_the_address_as_part_of_another_one_stays(caso):
    who = caso()
    longer = {"descripcion": f"x{CORREO} o {CORREO}.mx"}
    id = who.made(who.tecnico, TIQUETS, factories.NUEVO | longer)

    who.anonymise()

    assert who.call(who.admin, "GET", f"{TIQUETS}/{id}").json["descripcion"] == longer["descripcion"]
    (first, *_) = who.call(who.admin, "GET", f"{TIQUETS}/{id}/historial").json["data"]
    assert first["cambios"]


def test_its_users_are_nobody_any_more(caso):
    who = caso()
    factories.segundo_factor(who.usuario)
    factories.TokenFactory(id_usuario=who.usuario, nombre=mark(31))
    db.session.remove()

    who.anonymise()

    assert who.call(who.yo, "GET", "/api/auth/me").status_code == 401
    sign_in = {"email": CORREO_DE_USUARIO, "password": "tres tigres en el trigal"}
    assert who.call(None, "POST", "/api/auth/login", sign_in).status_code == 401
    user = who.call(who.admin, "GET", f"/api/users/{who.usuario}").json
    assert (user["nombre"], user["apellido"], user["activo"]) == ("Usuario", "anonimizado", False)
    assert user["email"] == f"anonimizado-{who.usuario}@anonimizado.invalid"
    assert (user["segundo_factor"], user["preferencias"], user["telefono"]) == (False, {}, None)
    datos = who.data().json
    kinds = ("sesiones", "tokens", "vistas", "seguimientos", "adjuntos")
    assert [datos[kind] for kind in kinds] == [[]] * 5


def test_the_chain_holds_and_still_tells_of_tampering(tampering, caso):
    who = caso()
    who.anonymise()
    sequencer.number_events()

    verified = chain.verify()

    assert (verified["integra"], verified["vaciados"] > 10) == (True, True)
    emptied = db.session.scalars(
        select(LogTransaccional.id).where(LogTransaccional.accion == "tiquet.anonimizado")
    ).first()
    db.session.execute(
        db.update(LogTransaccional).where(LogTransaccional.id == emptied).values(id_usuario=None)
    )
    db.session.commit()
    assert chain.verify()["primer_error"]["motivo"] == "alterado"


def test_its_event_counts_and_tells_no_word(caso, events):
    who = caso()

    who.anonymise()

    (event,) = events("cliente.anonimizacion_pedida")
    assert {one["campo"] for one in event.cambios} == {"activo", "anonimizacion_pedida"}
    assert [one.id_entidad for one in events("usuario.anonimizado")] == [who.usuario]
    assert [one.id_entidad for one in events("comentario.anonimizado")] == [
        *(
            one["id"]
            for one in who.call(who.admin, "GET", f"{TIQUETS}/{who.tiquet}/comentarios").json["data"]
        ),
        who.palabra,
        who.nota,
    ]
    (event,) = events("cliente.anonimizado")
    assert (event.id_usuario, event.id_entidad) == (who.admin.id, who.id)
    assert {one["campo"]: one["nuevo"] for one in event.cambios} == {
        "usuarios": 1,
        "tiquets": 2,
        "comentarios": 2,
    }


def test_a_feed_shows_its_tickets_as_changed(caso):
    who = caso()
    start = who.call(who.admin, "GET", "/api/cambios?desde=ahora").json["siguiente"]

    who.anonymise()

    news = who.call(who.admin, "GET", f"/api/cambios?desde={start}&limite=200").json["data"]
    shown = {one["id_tiquet"]: one["objeto"] for one in news if one["accion"] == "tiquet.anonimizado"}
    assert shown[who.tiquet]["titulo"] == NEUTRO
    assert shown[who.discarded] is None


def test_it_asks_whose_data_they_are(caso):
    who = caso()
    before = dump()

    answer = who.anonymise("otra@example.org")

    assert answer.status_code == 422
    assert answer.json["errores"]["confirmar"][0]["codigo"] == "no_es_esa_persona"
    assert dump() == before


def test_without_an_email_the_name_says_who_it_is(call, admin):
    id = factories.ClienteFactory(nombre="Eva", apellido="Paz").id

    answer = call(admin, "POST", f"/api/clientes/{id}/anonimizar", {"confirmar": " EVA paz"})

    assert (answer.status_code, answer.json["apellido"]) == (200, None)


def test_a_second_time_changes_nothing(caso):
    who = caso()
    first = who.anonymise(Idempotency_Key="uno")
    mark = last_event()

    again, repeated = who.anonymise("nadie"), who.anonymise(Idempotency_Key="uno")

    assert again.json == first.json == repeated.json
    assert repeated.headers["Idempotent-Replayed"] == "true"
    assert last_event() == mark


@KINDS
def test_what_is_erased_is_not_written_again(caso, entidad):
    who = caso(entidad)
    who.anonymise()

    answer = who.call(who.admin, "PUT", who.path, {"nombre": "Otra vez"})

    assert (answer.status_code, answer.json["codigo"]) == (409, "persona_anonimizada")
    taken = who.call(who.tecnico, "POST", TIQUETS, factories.NUEVO | {f"id_{entidad}": who.id})
    assert taken.status_code == 422


CAMBIOS = [
    ("PUT", "", {"activo": True}),
    ("PATCH", "", {"nombre": "Otra", "email": "otra@example.org"}),
    ("PUT", "", {"id_cliente": None}),
    ("DELETE", "", None),
    ("POST", "/password", {"password": "tres tigres en el trigal"}),
    ("POST", "/desbloquear", {}),
    ("DELETE", "/segundo-factor", None),
]


@KINDS
def test_its_users_are_not_changed_any_more(caso, monkeypatch, entidad):
    who = caso(entidad)
    path = f"/api/users/{who.usuario}"

    def refused():
        before = who.call(who.admin, "GET", path).json
        answers = [who.call(who.admin, method, path + below, body) for method, below, body in CAMBIOS]
        assert who.call(who.admin, "GET", path).json == before
        assert [(one.status_code, one.json["codigo"]) for one in answers] == [
            (409, "persona_anonimizada")
        ] * len(CAMBIOS)

    with monkeypatch.context() as patch:
        patch.setattr(anonymising, "RESERVA", 100.0)
        assert who.anonymise().json["fecha_anonimizado"] is None
    refused()
    assert who.anonymise().json["fecha_anonimizado"]
    refused()


def test_who_was_let_in_just_before_writes_no_name_anew(caso, monkeypatch):
    who = caso()
    with monkeypatch.context() as patch:
        patch.setattr(anonymising, "RESERVA", 100.0)
        who.anonymise()
    late = Actor(id=who.usuario, tipo_usuario="Solicitante", id_cliente=who.id)

    with pytest.raises(Conflict) as refusal:
        transaction.run(lambda: users.update_own(late, {"nombre": mark(44)}, Precondicion()))

    assert refusal.value.codigo == "persona_anonimizada"


def test_staff_is_erased_as_somebody_who_asks(caso):
    """As the documentation tells an operator to do it."""
    who = caso()
    names = {"nombre": mark(45), "apellido": mark(46), "email": "marca47@example.org"}
    role = {"tipo_usuario": "Técnico", "categorias": [1], "password": "tres tigres en el trigal"}
    id = who.made(who.admin, "/api/users", names | role)
    staff = factories.Quien(id, names["email"], *factories.signed_in(id))
    path = f"{TIQUETS}/{who.suyo}"
    who.made(staff, f"{path}/comentarios", {"mensaje": mark(48)})
    assert who.call(staff, "POST", f"{path}/tomar").status_code == 200
    own = who.made(staff, TIQUETS, factories.NUEVO | {"titulo": mark(49)})
    deliveries.fan_out()
    db.session.remove()

    nobody = who.made(who.admin, "/api/empleados", {"nombre": "Baja 7"})
    body = {"tipo_usuario": "Solicitante", "categorias": [], "id_empleado": nobody}
    assert who.call(who.admin, "PUT", f"/api/users/{id}", body).status_code == 200
    answer = who.call(who.admin, "POST", f"/api/empleados/{nobody}/anonimizar", {"confirmar": "Baja 7"})

    assert answer.json["fecha_anonimizado"]
    found = [line for line in dump().lower().split("\n") if any(mark(n) in line for n in range(45, 50))]
    assert found == []
    after = who.call(who.admin, "GET", path).json
    assert (after["titulo"], after["usuario_asignado"]["nombre"]) == (
        factories.NUEVO["titulo"],
        "Usuario anonimizado",
    )
    assert who.call(who.admin, "GET", f"{TIQUETS}/{own}").json["titulo"] == NEUTRO


def test_staff_may_lose_its_name_and_leave_what_it_wrote(call, admin):
    id = factories.UsuarioFactory(nombre=mark(45), apellido=mark(46), telefono=mark(47)).id
    names = {"nombre": "Usuario", "apellido": "anonimizado", "email": f"anonimizado-{id}@anonimizado.invalid"}

    answer = call(admin, "PUT", f"/api/users/{id}", names | {"telefono": None, "activo": False})

    assert answer.status_code == 200
    assert "marca" not in answer.get_data(as_text=True)


@pytest.fixture
def worker_beside(monkeypatch):
    """From when it is called, a worker tells webhooks between any two units of work."""
    run = anonymising.transaction.run

    def beside(unit, *args, **options):
        answer = run(unit, *args, **options)
        with monkeypatch.context() as patch:
            patch.setattr(anonymising.transaction, "run", run)
            deliveries.fan_out()
        db.session.remove()
        return answer

    return lambda: monkeypatch.setattr(anonymising.transaction, "run", beside)


@KINDS
def test_no_webhook_is_told_meanwhile_what_it_was_called(caso, worker_beside, entidad):
    who = caso(entidad)
    opened = factories.tiquet(id_usuario_creador=who.usuario, **{f"id_{entidad}": who.vecino})
    given = factories.tiquet(id_usuario_asignado=who.usuario, **{f"id_{entidad}": who.vecino})
    already = factories.tiquet(titulo=NEUTRO, descripcion=NEUTRO, etiquetas=[], **{f"id_{entidad}": who.id})
    db.session.remove()
    for id in (opened, given, already):
        change = {"id_categoria": 2}
        assert who.call(who.tecnico, "PUT", f"{TIQUETS}/{id}", change).status_code == 200
    deliveries.fan_out()
    db.session.remove()
    assert mark(12) in dump()

    worker_beside()
    assert who.anonymise().json["fecha_anonimizado"]

    deliveries.fan_out()
    assert [line for line in dump().lower().split("\n") if "marca" in line] == []
    pending = db.session.scalars(select(Entregas)).all()
    assert not any("marca" in (deliveries.told_anew(one) or "") for one in pending)


def test_what_is_half_done_names_nobody_any_more(caso, monkeypatch):
    who = caso()
    monkeypatch.setattr(anonymising, "RESERVA", 100.0)

    begun = who.anonymise()

    assert (begun.json["nombre"], begun.json["apellido"], begun.json["email"]) == (
        "Anonimizado",
        None,
        CORREO,
    )
    shown = who.call(who.admin, "GET", f"{TIQUETS}/{who.tiquet}").json
    assert shown["cliente"]["nombre"] == "Anonimizado"
    assert shown["usuario_creador"]["nombre"] == "Usuario anonimizado"


def test_who_has_no_email_is_gone_on_with_by_the_name_that_it_had(call, admin, monkeypatch):
    id = factories.ClienteFactory(nombre="Eva", apellido="Paz").id
    path, body = f"/api/clientes/{id}/anonimizar", {"confirmar": "Eva Paz"}
    monkeypatch.setattr(anonymising, "RESERVA", 100.0)
    assert call(admin, "POST", path, body).json["fecha_anonimizado"] is None
    monkeypatch.undo()

    answer = call(admin, "POST", path, body)

    assert (answer.status_code, bool(answer.json["fecha_anonimizado"])) == (200, True)


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("units", range(1, 13, 2))
@pytest.mark.parametrize("again", ["request", "maintenance"])
def test_who_is_killed_in_the_middle_finishes_by_asking_again_or_waiting(
    caso, monkeypatch, units, again, client
):
    who = caso()
    left = iter(range(units))
    run = anonymising.transaction.run

    def dying(unit, *args, **options):
        if next(left, None) is None:
            raise Killed
        return run(unit, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(anonymising.transaction, "run", dying)
        with pytest.raises(Killed):
            who.anonymise()
    begun = who.call(who.admin, "GET", who.path).json
    assert (bool(begun["anonimizacion_pedida"]), begun["fecha_anonimizado"]) == (True, None)

    if again == "request":
        assert who.anonymise().status_code == 200
    else:
        assert maintenance.maintain()["anonimizados"] == 1

    assert who.call(who.admin, "GET", who.path).json["fecha_anonimizado"]
    attachments_left = [line for line in dump().lower().split("\n") if "marca" in line]
    assert attachments_left == []
    sequencer.number_events()
    assert chain.verify()["integra"]
    assert maintenance.maintain()["anonimizados"] == 0


def test_what_one_request_has_no_time_for_the_next_one_does(caso, monkeypatch):
    who = caso()
    monkeypatch.setattr(anonymising, "RESERVA", 100.0)

    first = who.anonymise(Idempotency_Key="dos")

    assert first.status_code == 200
    assert (first.json["fecha_anonimizado"], first.json["email"]) == (None, CORREO)
    monkeypatch.setattr(anonymising, "RESERVA", 1.0)
    assert who.anonymise(Idempotency_Key="dos").json["fecha_anonimizado"]


def test_what_failed_half_way_is_gone_on_with_by_the_same_key(caso, monkeypatch):
    who = caso()
    left, run = iter(range(2)), anonymising.transaction.run

    def failing(unit, *args, **options):
        if next(left, None) is None:
            raise Unavailable("base_de_datos_ocupada")
        return run(unit, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(anonymising.transaction, "run", failing)
        assert who.anonymise(Idempotency_Key="tres").status_code == 503

    answer = who.anonymise(Idempotency_Key="tres")

    assert answer.json["fecha_anonimizado"]
    assert "Idempotent-Replayed" not in answer.headers


def test_many_comments_take_several_units(caso, monkeypatch):
    who = caso()
    for number in range(20):
        factories.ComentarioFactory(id_tiquet=who.tiquet, mensaje=f"marca {number}")
    db.session.remove()
    monkeypatch.setattr("app.queries.privacy.anonymising.BATCH", 3)

    assert who.anonymise().json["fecha_anonimizado"]
    assert "marca" not in dump().lower()


def test_a_stored_answer_that_showed_it_is_gone_and_its_request_is_not_done_twice(caso):
    who = caso()
    path = f"{TIQUETS}/{who.tiquet}/comentarios"
    body = {"mensaje": mark(22)}
    replayed = who.call(who.tecnico, "POST", path, body, Idempotency_Key="k1")
    assert replayed.headers["Idempotent-Replayed"] == "true"

    who.anonymise()

    answer = who.call(who.tecnico, "POST", path, body, Idempotency_Key="k1")
    assert (answer.status_code, answer.json["codigo"]) == (410, "respuesta_borrada")


def test_what_only_the_log_tells_of_a_purged_ticket_goes_too(caso):
    who = caso()
    purge(who.discarded)
    assert mark(27) in dump()

    who.anonymise()

    assert "marca" not in dump().lower()


@pytest.mark.parametrize("tipo", ["Técnico", "Solicitante"])
@pytest.mark.parametrize(("method", "what", "body"), [("GET", "datos", None), ("POST", "anonimizar", {})])
def test_only_an_administrador_may(call, tipo, method, what, body):
    id = factories.ClienteFactory().id

    answer = call(quien(tipo), method, f"/api/clientes/{id}/{what}", body)

    assert (answer.status_code, answer.json["codigo"]) == (403, "permiso_denegado")


def test_nobody_has_no_data(call, admin):
    assert call(admin, "GET", f"/api/clientes/{UNKNOWN}/datos").status_code == 404
    answer = call(admin, "POST", f"/api/empleados/{UNKNOWN}/anonimizar", {"confirmar": "x"})
    assert (answer.status_code, answer.json["codigo"]) == (404, "empleado_no_encontrado")


def test_an_export_of_thousands_of_tickets_goes_out_in_small_pieces(call, admin, client):
    from tests.rows import plant

    id = factories.ClienteFactory().id
    plant([{"id_cliente": id} for _ in range(1234)])

    answer = client.get(f"/api/clientes/{id}/datos", headers=admin.headers, buffered=False)
    sizes = [len(piece) for piece in answer.iter_encoded()]

    assert max(sizes) < 200_000
    assert sum(sizes) > 1234 * 300
    again = call(admin, "GET", f"/api/clientes/{id}/datos").json
    assert len({row["id"] for row in again["tiquets"]}) == len(again["tiquets"]) == 1234


def test_a_writer_beside_it_leaves_no_old_word(committed, client):
    """Edits of a ticket that race with its erasing either come before, and are erased, or see it erased."""

    def call(quien, method, path, body=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return committed.test_client().open(
            path, method=method, json=body, headers={**(quien.headers if quien else {}), **sent}
        )

    who = Caso(call, "cliente")

    def edit(number):
        if number == 1:
            return who.anonymise().json["fecha_anonimizado"]
        for turn in range(6):
            body = {"titulo": f"Otro título {number} {turn}"}  # The event tells of the one before.
            answer = call(who.tecnico, "PUT", f"{TIQUETS}/{who.tiquet}", body)
            assert answer.status_code == 200, answer.json
        return "edited"

    outcomes = at_once(3, edit)

    assert all(outcomes), outcomes
    assert [line for line in dump().lower().split("\n") if "marca" in line] == []
    sequencer.number_events()
    assert chain.verify()["integra"]

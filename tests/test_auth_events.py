"""Each event of signing in, and each denial: who, when, from where, and by which request."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from app.extensions import db
from app.models import utcnow
from app.services.access import sessions
from tests import factories
from tests.factories import CLAVE, codigo, programa, segundo_factor, tiquet
from tests.world import bearer, events_after, last_event, refresh_token

IP, SOLICITUD = "192.0.2.44", "caso-58"
NUEVA = "tres tigres en el trigal"
AUTH = "/api/auth/"


def ask(client, method, path, body=None, headers=None):
    db.session.remove()  # A session that a factory left open would undo what the request writes.
    sent = {**(headers or {}), "X-Request-Id": SOLICITUD}
    return client.open(path, method=method, json=body, headers=sent, environ_base={"REMOTE_ADDR": IP})


def log_in(client, email, password=CLAVE):
    return ask(client, "POST", f"{AUTH}login", {"email": email, "password": password})


def signs_in(client, who, admin):
    assert log_in(client, who.email).status_code == 200


def guesses(client, who, admin):
    assert log_in(client, who.email, "no es esta").status_code == 401


def guesses_an_account(client, who, admin):
    assert log_in(client, "nadie@example.org").status_code == 401


def signs_in_with_a_second_factor(client, who, admin):
    segundo_factor(who.id)
    desafio = log_in(client, who.email).json["desafio"]
    body = {"desafio": desafio, "codigo": codigo()}
    assert ask(client, "POST", f"{AUTH}login/segundo-factor", body).status_code == 200


def guesses_a_code(client, who, admin):
    segundo_factor(who.id)
    desafio = log_in(client, who.email).json["desafio"]
    body = {"desafio": desafio, "codigo": "wrong-wrong-wrong-x"}
    assert ask(client, "POST", f"{AUTH}login/segundo-factor", body).status_code == 401


def signs_out(client, who, admin):
    assert ask(client, "POST", f"{AUTH}logout", headers=who.headers).status_code == 204


def signs_out_everywhere(client, who, admin):
    assert ask(client, "POST", f"{AUTH}logout-todas", headers=who.headers).status_code == 204


def ends_a_session(client, who, admin):
    sid, _ = factories.signed_in(who.id)
    assert ask(client, "DELETE", f"{AUTH}sesiones/{sid}", headers=who.headers).status_code == 204


def uses_a_refresh_token_twice(client, who, admin):
    first = bearer(refresh_token(who))
    assert ask(client, "POST", f"{AUTH}refresh", headers=first).status_code == 200
    assert ask(client, "POST", f"{AUTH}refresh", headers=first).status_code == 401


def changes_the_password(client, who, admin):
    body = {"password_actual": CLAVE, "password_nuevo": NUEVA}
    assert ask(client, "POST", f"{AUTH}me/password", body, who.headers).status_code == 204


def guesses_the_password(client, who, admin):
    body = {"password_actual": "no es esta", "password_nuevo": NUEVA}
    assert ask(client, "POST", f"{AUTH}me/password", body, who.headers).status_code == 403


def makes_a_token(client, who, admin):
    body = {"nombre": "Panel", "alcances": ["tickets:leer"]}
    assert ask(client, "POST", f"{AUTH}tokens", body, who.headers).status_code == 201


def revokes_a_token(client, who, admin):
    token = programa(who.id, "tickets:leer").id_token
    assert ask(client, "DELETE", f"{AUTH}tokens/{token}", headers=who.headers).status_code == 204


def asks_for_what_is_another_roles(client, who, admin):
    assert ask(client, "DELETE", f"/api/tickets/tickets/{tiquet()}", headers=who.headers).status_code == 403


def asks_for_what_is_another_persons(client, who, admin):
    path = f"/api/tickets/tickets/{tiquet(id_usuario_asignado=admin.id, id_estado=2)}/soltar"
    assert ask(client, "POST", path, headers=who.headers).status_code == 403


def asks_beyond_its_scopes(client, who, admin):
    program = programa(who.id, "catalogos:leer")
    assert ask(client, "GET", "/api/tickets/tickets", headers=program.headers).status_code == 403


def is_given_a_password(client, who, admin):
    path = f"/api/users/{who.id}/password"
    assert ask(client, "POST", path, {"password": NUEVA}, admin.headers).status_code == 200


def is_deactivated(client, who, admin):
    assert ask(client, "DELETE", f"/api/users/{who.id}", headers=admin.headers).status_code == 200


def is_promoted(client, who, admin):
    body = {"tipo_usuario": "Administrador"}
    assert ask(client, "PUT", f"/api/users/{who.id}", body, admin.headers).status_code == 200


def is_unlocked(client, who, admin):
    log_in(client, who.email, "no es esta")
    assert ask(client, "POST", f"/api/users/{who.id}/desbloquear", headers=admin.headers).status_code == 200


HIMSELF, ADMIN, NOBODY = "usuario", "admin", "anonimo"
# What happens -> the last event that it leaves, and who did it.
EVENTS = {
    signs_in: ("sesion.iniciada", HIMSELF),
    guesses: ("sesion.rechazada", NOBODY),
    guesses_an_account: ("sesion.rechazada", NOBODY),
    signs_in_with_a_second_factor: ("sesion.iniciada", HIMSELF),
    guesses_a_code: ("sesion.rechazada", NOBODY),
    signs_out: ("sesion.cerrada", HIMSELF),
    signs_out_everywhere: ("sesion.todas_cerradas", HIMSELF),
    ends_a_session: ("sesion.cerrada", HIMSELF),
    uses_a_refresh_token_twice: ("sesion.refresco_reutilizado", NOBODY),
    changes_the_password: ("usuario.clave_cambiada", HIMSELF),
    guesses_the_password: ("acceso.denegado", HIMSELF),
    makes_a_token: ("token.creado", HIMSELF),
    revokes_a_token: ("token.revocado", HIMSELF),
    asks_for_what_is_another_roles: ("acceso.denegado", HIMSELF),
    asks_for_what_is_another_persons: ("acceso.denegado", HIMSELF),
    asks_beyond_its_scopes: ("acceso.denegado", "token"),
    is_given_a_password: ("usuario.clave_restablecida", ADMIN),
    is_deactivated: ("usuario.desactivado", ADMIN),
    is_promoted: ("usuario.actualizado", ADMIN),
    is_unlocked: ("usuario.desbloqueado", ADMIN),
}


@pytest.mark.parametrize(("happens", "event"), EVENTS.items(), ids=[step.__name__ for step in EVENTS])
def test_it_leaves_an_event_that_says_who_when_from_where_and_by_which_request(
    client, tecnico, admin, happens, event
):
    accion, by = event
    mark, before = last_event(), utcnow()

    happens(client, tecnico, admin)

    *_, left = events_after(mark)
    who = {HIMSELF: tecnico.id, "token": tecnico.id, ADMIN: admin.id, NOBODY: None}[by]
    kind = "usuario" if by == ADMIN else by
    assert (left["accion"], left["tipo_actor"], left["id_usuario"]) == (accion, kind, who)
    assert (left["ip"], left["id_solicitud"]) == (IP, SOLICITUD)
    assert before - timedelta(seconds=1) <= left["fecha"] <= utcnow() + timedelta(seconds=1)
    assert CLAVE not in str(left)
    assert NUEVA not in str(left)
    if accion.startswith("sesion.") and happens is not guesses_an_account:
        assert left["id_entidad"] == tecnico.id  # whose account it was
    if accion == "acceso.denegado":
        assert {one["campo"] for one in left["cambios"]} >= {"motivo", "peticion"}


def test_each_denial_says_what_was_asked_and_which_permission_was_missing(client, tecnico):
    mark = last_event()

    client.delete("/api/tickets/categorias/1", headers=tecnico.headers)

    (left,) = events_after(mark)
    said = {one["campo"]: one["nuevo"] for one in left["cambios"]}
    assert said == {
        "motivo": "permiso_denegado",
        "permiso": "catalogo.administrar",
        "peticion": "DELETE /api/tickets/categorias/1",
    }


def test_no_event_of_signing_in_is_without_a_case_here():
    written = set(re.findall(r'"(sesion\.\w+)"', Path(sessions.__file__).read_text("utf-8")))

    assert written == {accion for accion, _ in EVENTS.values() if accion.startswith("sesion.")}

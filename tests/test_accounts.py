"""The accounts that an Administrador keeps: added, edited, given a role, deactivated, given a password."""

import unicodedata

import pytest

from app.extensions import db
from app.models import UsuarioCategoria
from tests import factories
from tests.client import codes
from tests.factories import CLAVE

USERS = "/api/users"
ME = "/api/auth/me"
LOGIN = "/api/auth/login"
PASSWORD = "/api/auth/me/password"
NADIE = 2147483647
NUEVA = "tres tigres en el trigal"
NUEVO = {
    "email": "rosa.lima@example.org",
    "nombre": "Rosa",
    "apellido": "Lima",
    "password": NUEVA,
    "tipo_usuario": "Técnico",
}
ESCRITOS = {
    "activo": True,
    "disponible": False,
    "telefono": "555 0101",
    "id_ubicacion": 2,
    "idioma": "en",
    "zona_horaria": "America/Mexico_City",
    "preferencias": {"tema": "oscuro"},
    "categorias": [3, 1],
}
SOLO_LECTURA = {
    "id": 987654,
    "segundo_factor": True,
    "debe_cambiar_clave": True,
    "ultimo_acceso": "2026-01-31T10:00:00Z",
    "fecha_creacion": "2026-01-31T10:00:00Z",
    "version": 7,
}
OCULTOS = {"password_hash": factories.HASH, "busqueda": " rosa"}


def user(id):
    return f"{USERS}/{id}"


def login(call, email, password=CLAVE):
    return call(None, "POST", LOGIN, {"email": email, "password": password})


def signed(answer):
    """Whoever an answer to a sign-in makes of us."""
    assert answer.status_code == 200, answer.json
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
    return factories.Quien(answer.json["user"]["id"], answer.json["user"]["email"], "", headers)


def served(id):
    """The categories that a user is searched by."""
    db.session.commit()
    return {row.id_categoria for row in db.session.query(UsuarioCategoria).filter_by(id_usuario=id)}


# Adding


def test_an_account_is_answered_as_it_was_sent_and_signs_in(call, events, admin):
    answer = call(admin, "POST", USERS, NUEVO | ESCRITOS)

    assert answer.status_code == 201, answer.json
    id = answer.json["id"]
    sent = {name: value for name, value in (NUEVO | ESCRITOS).items() if name != "password"}
    ours = {
        "id": id,
        "id_cliente": None,
        "id_empleado": None,
        "segundo_factor": False,
        "debe_cambiar_clave": False,
        "ultimo_acceso": None,
        "version": 1,
    }
    assert answer.json == sent | ours | {"fecha_creacion": answer.json["fecha_creacion"]}
    assert answer.headers["Location"] == user(id)
    shown = call(admin, "GET", user(id))
    assert (shown.json, shown.headers["ETag"]) == (answer.json, answer.headers["ETag"])
    assert served(id) == {1, 3}
    rosa = signed(login(call, " Rosa.LIMA@example.org", NUEVA))
    assert call(rosa, "GET", ME).json["ultimo_acceso"] is not None
    (event,) = events("usuario.creado")
    assert event[:2] == (admin.id, id)
    assert NUEVA not in str(event.cambios)
    assert "argon2" not in str(event.cambios)


def test_the_same_key_adds_one_account(call, events, admin):
    first, again = (call(admin, "POST", USERS, NUEVO, Idempotency_Key="una vez") for _ in range(2))

    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.data == again.data
    assert len(events("usuario.creado")) == 1


@pytest.mark.parametrize(
    ("taken", "sent"),
    [
        ("rosa@example.org", " ROSA@Example.ORG "),
        ("josé@example.org", unicodedata.normalize("NFD", "José@example.org")),
        (unicodedata.normalize("NFC", "ñu@example.org"), unicodedata.normalize("NFD", "ÑU@example.org")),
    ],
)
def test_an_email_is_had_once_in_any_case_and_form(call, admin, taken, sent):
    factories.UsuarioFactory(email=taken)
    other = factories.UsuarioFactory().id

    for method, path, body in (("POST", USERS, NUEVO), ("PUT", user(other), {})):
        answer = call(admin, method, path, body | {"email": sent})
        assert (answer.status_code, answer.json["codigo"]) == (409, "ya_existe")
        assert answer.json["campos"] == ["email"]


def test_emails_that_only_look_alike_are_two(call, admin):
    factories.UsuarioFactory(email="jose@example.org")

    assert call(admin, "POST", USERS, NUEVO | {"email": "josé@example.org"}).status_code == 201


@pytest.mark.parametrize(
    ("password", "codigo"),
    [
        ("x" * 9, "longitud"),
        ("x" * 129, "longitud"),
        ("", "longitud"),
        ("SECRET123", "longitud"),
        ("password2024", "clave_comun"),
        ("Rosa.Lima@Example.org", "clave_parecida"),
        (None, "nulo"),
        (1234567890, "tipo"),
    ],
)
def test_a_poor_password_is_refused_at_its_field(call, admin, password, codigo):
    rosa = factories.UsuarioFactory(email="rosa@example.org").id
    same = {"Rosa.Lima@Example.org": "ROSA@example.org"}.get(password, password)

    created = call(admin, "POST", USERS, NUEVO | {"password": password})
    reset = call(admin, "POST", f"{user(rosa)}/password", {"password": same})

    for answer in (created, reset):
        assert (answer.status_code, set(codes(answer))) == (422, {"password"})
        assert codigo in codes(answer)["password"]


@pytest.mark.parametrize(
    ("field", "value", "errores"),
    [
        ("email", "rosa", {"email": ["email"]}),
        ("email", None, {"email": ["nulo"]}),
        ("nombre", " ", {"nombre": ["longitud"]}),
        ("apellido", None, {"apellido": ["nulo"]}),
        ("tipo_usuario", "Jefe", {"tipo_usuario": ["opcion"]}),
        ("tipo_usuario", "Tecnico", {"tipo_usuario": ["opcion"]}),
        ("activo", "true", {"activo": ["tipo"]}),
        ("zona_horaria", "Marte/Olympus", {"zona_horaria": ["zona_horaria"]}),
        ("id_ubicacion", 999, {"id_ubicacion": ["no_existe"]}),
        ("categorias", [1, 999], {"categorias.1": ["no_existe"]}),
        ("categorias", [1, "2"], {"categorias.1": ["tipo"]}),
        ("categorias", None, {"categorias": ["nulo"]}),
        ("otro", 1, {"otro": ["desconocido"]}),
    ],
)
def test_a_faulty_field_is_named(call, admin, field, value, errores):
    id = factories.UsuarioFactory().id

    for method, path, body in (("POST", USERS, NUEVO), ("PUT", user(id), {})):
        answer = call(admin, method, path, body | {field: value})
        assert (answer.status_code, codes(answer)) == (422, errores)


def test_what_is_retired_is_no_longer_taken(call, admin):
    for path in ("ubicaciones/9", "categorias/8"):
        call(admin, "PUT", f"/api/tickets/{path}", {"activo": False})

    answer = call(admin, "PUT", user(admin.id), {"id_ubicacion": 9, "categorias": [1, 8]})

    assert codes(answer) == {"id_ubicacion": ["inactivo"], "categorias.1": ["inactivo"]}


def test_what_was_retired_since_may_stay(call, admin, tecnico):
    call(admin, "PUT", user(tecnico.id), {"categorias": [8]})
    call(admin, "PUT", "/api/tickets/categorias/8", {"activo": False})

    answer = call(admin, "PUT", user(tecnico.id), {"categorias": [8, 1]})

    assert (answer.status_code, answer.json["categorias"], served(tecnico.id)) == (200, [8, 1], {1, 8})


def test_who_has_but_one_name_is_written_back_as_it_was_read(call, admin):
    made = call(admin, "POST", USERS, NUEVO | {"apellido": ""})
    shown = call(admin, "GET", user(made.json["id"]))

    answer = call(admin, "PUT", user(made.json["id"]), shown.json)

    assert (answer.status_code, answer.json) == (200, shown.json)


def test_a_category_that_is_sent_twice_is_served_once(call, admin, tecnico):
    answer = call(admin, "PUT", user(tecnico.id), {"categorias": [2, 1, 2]})

    assert (answer.status_code, answer.json["categorias"], served(tecnico.id)) == (200, [2, 1], {1, 2})


@pytest.mark.parametrize("column", [*SOLO_LECTURA, *OCULTOS])
def test_what_is_ours_of_an_account_is_not_written(call, admin, tecnico, column):
    value = (SOLO_LECTURA | OCULTOS)[column]
    shown = call(admin, "GET", user(tecnico.id)).json

    created = call(admin, "POST", USERS, NUEVO | {column: value})
    changed = call(admin, "PUT", user(tecnico.id), {"nombre": "Otra", column: value})
    reset = call(admin, "POST", f"{user(tecnico.id)}/password", {"password": NUEVA, column: value})

    for answer in (created, reset):
        assert (answer.status_code, codes(answer)) == (422, {column: ["desconocido"]})
    codigo = "solo_lectura" if column in SOLO_LECTURA else "desconocido"
    assert (changed.status_code, codes(changed)) == (422, {column: [codigo]})
    assert call(admin, "GET", user(tecnico.id)).json == shown


def test_a_password_is_not_changed_by_the_way(call, admin, tecnico):
    for method in ("PUT", "PATCH"):
        assert codes(call(admin, method, user(tecnico.id), {"password": NUEVA})) == {
            "password": ["desconocido"]
        }


# Editing


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_whole_account_can_be_read_edited_and_sent_back(call, events, admin, tecnico, method):
    read = call(admin, "GET", user(tecnico.id))
    edited = read.json | ESCRITOS | {"email": "otra@example.org", "telefono": " "}

    answer = call(admin, method, user(tecnico.id), edited, If_Match=read.headers["ETag"])

    assert answer.status_code == 200, answer.json
    assert answer.json == edited | {"telefono": None, "version": 2}
    assert call(admin, "GET", user(tecnico.id)).json == answer.json
    assert served(tecnico.id) == {1, 3}
    (event,) = events("usuario.actualizado")
    assert event[:2] == (admin.id, tecnico.id)
    kept = {"activo", "telefono"}
    assert {change["campo"] for change in event.cambios} == set(ESCRITOS) - kept | {"email"}
    again = call(admin, method, user(tecnico.id), answer.json)
    assert (again.json, again.headers["ETag"]) == (answer.json, answer.headers["ETag"])
    assert len(events("usuario.actualizado")) == 1


def test_who_signs_in_meanwhile_does_not_make_what_was_read_stale(call, admin):
    user_ = factories.UsuarioFactory()
    id, email = user_.id, user_.email
    read = call(admin, "GET", user(id))
    assert login(call, email).status_code == 200

    answer = call(admin, "PUT", user(id), read.json | {"nombre": "Otra"}, If_Match=read.headers["ETag"])

    assert (answer.status_code, answer.json["version"]) == (200, 2)
    assert answer.json["ultimo_acceso"] is not None


def test_an_account_that_changed_meanwhile_is_told_with_who_and_what(call, admin, tecnico):
    etag = call(admin, "GET", user(tecnico.id)).headers["ETag"]
    call(tecnico, "PUT", ME, {"telefono": "555 0102"})

    for method, body in (("PUT", {"nombre": "Otra"}), ("DELETE", None)):
        answer = call(admin, method, user(tecnico.id), body, If_Match=etag)
        assert (answer.status_code, answer.json["version_actual"]) == (412, 2)
        assert answer.json["campos"] == ["telefono"]
        assert answer.json["modificado_por"]["id"] == tecnico.id


def test_who_is_not_there_is_not_found(call, admin):
    for method, path, body in (
        ("GET", user(NADIE), None),
        ("PUT", user(NADIE), {"nombre": "Otra"}),
        ("PATCH", user(NADIE), {"activo": False}),
        ("DELETE", user(NADIE), None),
        ("GET", f"{user(NADIE)}/tickets-abiertos", None),
        ("POST", f"{user(NADIE)}/password", {"password": NUEVA}),
    ):
        answer = call(admin, method, path, body)
        assert (answer.status_code, answer.json["codigo"]) == (404, "usuario_no_encontrado"), (method, path)


def test_a_technician_keeps_no_accounts(call, admin, tecnico):
    for method, path, body in (
        ("POST", USERS, NUEVO),
        ("PUT", user(tecnico.id), {"tipo_usuario": "Administrador"}),
        ("PATCH", user(tecnico.id), {}),
        ("DELETE", user(admin.id), None),
        ("GET", f"{user(tecnico.id)}/tickets-abiertos", None),
        ("POST", f"{user(admin.id)}/password", {"password": NUEVA}),
    ):
        answer = call(tecnico, method, path, body)
        assert (answer.status_code, answer.json["permiso"]) == (403, "usuario.administrar"), (method, path)


# Roles


def test_a_new_role_counts_from_the_next_request(call, admin):
    other = factories.quien("Administrador")

    call(admin, "PUT", user(other.id), {"tipo_usuario": "Técnico"})
    assert call(other, "DELETE", user(admin.id)).status_code == 403
    assert call(other, "GET", "/api/tickets/tickets?papelera=true").status_code == 403
    assert "usuario.administrar" not in call(other, "GET", ME).json["permisos"]

    call(admin, "PUT", user(other.id), {"tipo_usuario": "Administrador"})
    assert call(other, "GET", "/api/tickets/tickets?papelera=true").status_code == 200


def test_the_only_administrator_cannot_go_in_any_way(call, admin, tecnico):
    factories.UsuarioFactory(tipo_usuario="Administrador", activo=False)  # Who cannot sign in is none.

    for method, body in (
        ("PUT", {"tipo_usuario": "Técnico"}),
        ("PUT", {"tipo_usuario": "Solicitante"}),
        ("PATCH", {"activo": False}),
        ("DELETE", None),
    ):
        answer = call(admin, method, user(admin.id), body)
        assert (answer.status_code, answer.json["codigo"]) == (409, "ultimo_administrador")
    assert call(admin, "GET", ME).json["version"] == 1
    call(admin, "PUT", user(tecnico.id), {"tipo_usuario": "Administrador"})
    assert call(admin, "DELETE", user(admin.id)).status_code == 200
    assert call(admin, "GET", ME).status_code == 401


# Deactivating


def test_who_is_deactivated_is_out_at_once_and_for_good(call, events, admin):
    pair = login(call, factories.UsuarioFactory(email="rosa@example.org").email).json
    rosa = factories.Quien(pair["user"]["id"], "", "", {"Authorization": f"Bearer {pair['access_token']}"})
    refresh = {"Authorization": f"Bearer {pair['refresh_token']}"}

    answer = call(admin, "DELETE", user(rosa.id))

    assert (answer.status_code, answer.json["activo"], answer.json["version"]) == (200, False, 2)
    assert answer.json["tiquets_abiertos"] == 0
    assert call(rosa, "GET", ME).json["codigo"] == "sesion_terminada"
    assert call(None, "POST", "/api/auth/refresh", **refresh).json["codigo"] == "sesion_terminada"
    assert login(call, "rosa@example.org").status_code == 401
    (event,) = events("usuario.desactivado")
    assert event.cambios == [{"campo": "activo", "anterior": True, "nuevo": False}]

    again = call(admin, "DELETE", user(rosa.id))
    assert (again.status_code, again.json) == (200, answer.json)
    assert len(events("usuario.desactivado")) == 1

    assert call(admin, "PUT", user(rosa.id), {"activo": True}).status_code == 200
    assert call(rosa, "GET", ME).status_code == 401
    assert call(None, "POST", "/api/auth/refresh", **refresh).status_code == 401
    assert login(call, "rosa@example.org").status_code == 200


def test_a_change_to_inactive_ends_sessions_too(call, admin, tecnico):
    call(admin, "PATCH", user(tecnico.id), {"activo": False})
    call(admin, "PATCH", user(tecnico.id), {"activo": True})

    assert call(tecnico, "GET", ME).json["codigo"] == "sesion_terminada"


def test_who_goes_tells_how_many_open_tickets_stay(call, admin, tecnico):
    mine = {"id_usuario_asignado": tecnico.id}
    ids = [factories.tiquet(**mine, id_estado=estado) for estado in (2, 2, 3, 4, 5, 6, 7)]
    factories.tiquet(id_estado=2)
    call(admin, "DELETE", f"/api/tickets/tickets/{ids[0]}")
    path = f"{user(tecnico.id)}/tickets-abiertos"

    assert call(admin, "GET", path).json == {"tiquets_abiertos": 3}
    assert call(admin, "DELETE", user(tecnico.id)).json["tiquets_abiertos"] == 3

    shown = call(admin, "GET", f"/api/tickets/tickets/{ids[1]}").json
    assert shown["usuario_asignado"]["id"] == tecnico.id  # Its history names it.
    assert call(admin, "GET", path).json == {"tiquets_abiertos": 3}


# Passwords that somebody else sets


def test_a_reset_password_opens_nothing_until_it_is_changed(call, events, admin):
    rosa = factories.quien("Técnico")

    answer = call(admin, "POST", f"{user(rosa.id)}/password", {"password": NUEVA})

    assert (answer.status_code, answer.json["debe_cambiar_clave"], answer.json["version"]) == (200, True, 2)
    assert call(rosa, "GET", ME).json["codigo"] == "sesion_terminada"
    assert login(call, rosa.email).status_code == 401
    (event,) = events("usuario.clave_restablecida")
    assert event.cambios == [{"campo": "debe_cambiar_clave", "anterior": False, "nuevo": True}]

    rosa = signed(login(call, rosa.email, NUEVA))
    for path in ("/api/tickets/tickets", USERS, "/api/tickets/catalogos", "/api/clientes"):
        refused = call(rosa, "GET", path)
        assert (refused.status_code, refused.json["codigo"]) == (403, "cambio_de_clave_requerido")
    assert call(rosa, "POST", "/api/tickets/tickets", factories.NUEVO).status_code == 403
    assert call(rosa, "GET", ME).json["debe_cambiar_clave"] is True
    assert call(None, "GET", "/health").status_code == 200

    kept = call(rosa, "POST", PASSWORD, {"password_actual": NUEVA, "password_nuevo": NUEVA})
    assert codes(kept) == {"password_nuevo": ["clave_repetida"]}
    changed = call(rosa, "POST", PASSWORD, {"password_actual": NUEVA, "password_nuevo": CLAVE})
    assert changed.status_code == 204
    assert call(rosa, "GET", "/api/tickets/tickets").status_code == 200
    assert call(rosa, "GET", ME).json["debe_cambiar_clave"] is False


def test_the_own_password_is_not_reset(call, admin):
    answer = call(admin, "POST", f"{user(admin.id)}/password", {"password": NUEVA})

    assert (answer.status_code, answer.json["codigo"]) == (409, "clave_propia")
    assert call(admin, "GET", ME).json["debe_cambiar_clave"] is False

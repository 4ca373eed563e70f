"""Customers and employees: kept by staff, found by what is remembered of them, erased while unnamed."""

import unicodedata
from collections import Counter

import pytest

from app.extensions import db
from tests import factories
from tests.client import codes
from tests.factories import NUEVO
from tests.rows import pages
from tests.threads import at_once

TICKETS = "/api/tickets/tickets"
NADIE = 2147483647
PERSONA = {
    "nombre": "Lucía",
    "apellido": "Ñáñez",
    "email": "lucia@example.org",
    "telefono": "555 0102",
    "id_ubicacion": 2,
    "notas": "Línea 1\nLínea 2",
    "id_externo": "CRM-0042",
    "activo": True,
}
OWN = {
    "cliente": {"empresa": "Papelera del Norte", "direccion": "Calle 1"},
    "empleado": {"codigo_empleado": "E-2041", "puesto": "Analista", "departamento": "Compras"},
}
FACTORIES = {"cliente": factories.ClienteFactory, "empleado": factories.EmpleadoFactory}
UNIQUE = [("cliente", "id_externo"), ("empleado", "id_externo"), ("empleado", "codigo_empleado")]

both = pytest.mark.parametrize("entidad", list(OWN))


def path_of(entidad, id=None):
    return f"/api/{entidad}s" + (f"/{id}" if id else "")


@pytest.fixture
def add(call, tecnico):
    """A new person; answers it as it was shown."""

    def add(entidad, **fields):
        made = call(tecnico, "POST", path_of(entidad), {"nombre": "Ana", **fields})
        assert made.status_code == 201, made.json
        return made.json

    return add


@pytest.fixture
def found(client, tecnico):
    """The ids that a list shows on all its pages."""

    def found(entidad, limite=200, **query):
        got = pages(client, tecnico.headers, query, limite, path_of(entidad))
        return [row["id"] for page in got for row in page["data"]]

    return found


@both
def test_a_person_is_answered_as_it_was_sent_shown_and_listed(call, events, tecnico, entidad):
    body = PERSONA | OWN[entidad]

    answer = call(tecnico, "POST", path_of(entidad), body)

    assert answer.status_code == 201, answer.json
    kept = {name: answer.json[name] for name in ("id", "fecha_creacion")}
    never = {"anonimizacion_pedida": None, "fecha_anonimizado": None}
    assert answer.json == body | kept | never | {"version": 1}
    assert answer.headers["Location"] == path_of(entidad, kept["id"])
    shown = call(tecnico, "GET", answer.headers["Location"])
    assert (shown.json, shown.headers["ETag"]) == (answer.json, answer.headers["ETag"])
    assert call(tecnico, "GET", path_of(entidad)).json["data"] == [answer.json]
    (event,) = events(f"{entidad}.creado")
    assert event[:2] == (tecnico.id, kept["id"])
    assert {c["campo"]: c["nuevo"] for c in event.cambios}.items() >= body.items()


@both
def test_a_name_is_enough(add, entidad):
    person = add(entidad)

    assert (person["nombre"], person["activo"], person["version"]) == ("Ana", True, 1)
    empty = (set(PERSONA) | set(OWN[entidad])) - {"nombre", "activo"}
    assert {person[name] for name in empty} == {None}


@both
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_whole_person_can_be_read_edited_and_sent_back(call, events, add, admin, entidad, method):
    before = add(entidad, **PERSONA, **OWN[entidad])
    path = path_of(entidad, before["id"])
    etag = call(admin, "GET", path).headers["ETag"]

    answer = call(admin, method, path, before | {"telefono": "", "notas": None}, If_Match=etag)

    assert answer.status_code == 200, answer.json
    assert answer.json == before | {"telefono": None, "notas": None, "version": 2}
    assert call(admin, "GET", path).json == answer.json
    (event,) = events(f"{entidad}.actualizado")
    assert event[:2] == (admin.id, before["id"])
    assert {change["campo"] for change in event.cambios} == {"telefono", "notas"}
    again = call(admin, method, path, answer.json)
    assert (again.json, again.headers["ETag"]) == (answer.json, answer.headers["ETag"])
    assert len(events(f"{entidad}.actualizado")) == 1


@both
def test_what_was_read_before_another_change_is_stale(call, add, admin, tecnico, entidad):
    path = path_of(entidad, add(entidad)["id"])
    etag = call(tecnico, "GET", path).headers["ETag"]
    call(admin, "PUT", path, {"telefono": "555 0103"})

    for quien, method, body in ((tecnico, "PUT", {"nombre": "Eva"}), (admin, "DELETE", None)):
        answer = call(quien, method, path, body, If_Match=etag)
        assert (answer.status_code, answer.json["version_actual"]) == (412, 2)
        assert answer.json["campos"] == ["telefono"]
        assert answer.json["modificado_por"]["id"] == admin.id


@both
@pytest.mark.parametrize(
    ("field", "value", "codigo"),
    [
        ("nombre", None, "nulo"),
        ("nombre", " ", "longitud"),
        ("nombre", "x" * 121, "longitud"),
        ("email", "lucia", "email"),
        ("email", "a b@example.org", "email"),
        ("telefono", "5" * 41, "longitud"),
        ("notas", "x" * 10_001, "longitud"),
        ("id_externo", "a\nb", "caracteres"),
        ("id_ubicacion", 999, "no_existe"),
        ("id_ubicacion", "1", "tipo"),
        ("activo", None, "nulo"),
        ("activo", 1, "tipo"),
        ("busqueda", " ana", "desconocido"),
    ],
)
def test_a_faulty_field_is_named(call, add, tecnico, entidad, field, value, codigo):
    path = path_of(entidad, add(entidad)["id"])

    for method, where in (("POST", path_of(entidad)), ("PUT", path)):
        answer = call(tecnico, method, where, {"nombre": "Ana", field: value})
        assert (answer.status_code, codes(answer)) == (422, {field: [codigo]})


@both
@pytest.mark.parametrize(
    ("column", "value"), [("id", 987654), ("version", 7), ("fecha_creacion", "2026-01-31T10:00:00Z")]
)
def test_what_is_ours_of_a_person_is_not_written(call, add, tecnico, entidad, column, value):
    path = path_of(entidad, add(entidad)["id"])

    created = call(tecnico, "POST", path_of(entidad), {"nombre": "Ana", column: value})
    changed = call(tecnico, "PUT", path, {"nombre": "Eva", column: value})

    assert codes(created) == {column: ["desconocido"]}
    assert codes(changed) == {column: ["solo_lectura"]}
    assert call(tecnico, "GET", path).json["nombre"] == "Ana"


@pytest.mark.parametrize(("entidad", "field"), UNIQUE)
def test_what_is_unique_is_had_once(call, add, tecnico, entidad, field):
    first, second = add(entidad, **{field: "A-1"}), add(entidad, **{field: "a-1"})
    add(entidad)  # Nobody else's is not another's.

    for method, where in (("POST", path_of(entidad)), ("PUT", path_of(entidad, second["id"]))):
        answer = call(tecnico, method, where, {"nombre": "Eva", field: "A-1"})
        assert (answer.status_code, answer.json["codigo"]) == (409, "ya_existe")
        assert answer.json["campos"] == [field]
    assert call(tecnico, "PUT", path_of(entidad, first["id"]), {field: "A-1"}).status_code == 200


@both
def test_an_email_may_be_shared_and_is_found_in_any_case(add, found, entidad):
    ids = [
        add(entidad, nombre=n, email=e)["id"]
        for n, e in (("A", "Mesa@Example.org"), ("B", "mesa@example.org"))
    ]
    add(entidad, email="otra@example.org")

    assert found(entidad, email="MESA@example.ORG") == ids


def test_exact_filters_find_what_is_so_and_nothing_else(add, found):
    person = add("empleado", **PERSONA, **OWN["empleado"])["id"]
    other = add("empleado", nombre="Zoe", id_ubicacion=3, activo=False)["id"]

    for field in ("email", "id_externo", "codigo_empleado", "id_ubicacion"):
        value = (PERSONA | OWN["empleado"])[field]
        assert found("empleado", **{field: value}) == [person], field
    assert found("empleado", id_externo="crm-0042") == []
    assert found("empleado", id_externo="CRM") == []
    assert (found("empleado", activo="true"), found("empleado", activo="false")) == ([person], [other])
    assert found("empleado", activo="false", id_ubicacion=2) == []


PEOPLE = {
    "nunez": {"nombre": "José", "apellido": "Núñez", "email": "jose.nunez@example.org"},
    "nunes": {"nombre": "Josefa", "apellido": "Nunes", "id_externo": "CRM_77"},
    "peña": {"nombre": "Ana María", "apellido": "de la Peña"},
    "pena": {"nombre": "Ana", "apellido": "Pena", "email": "ana%b@example.com"},
    "rabat": {"nombre": "100% Rebajas", "id_externo": "CRMX77"},
    "strauss": {"nombre": "Günther", "apellido": "Strauß", "email": "g_s@example.org"},
    "acme": {"nombre": "Acme™", "apellido": "ΣΊΣΥΦΟΣ"},
}


@both
@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("jose", {"nunez", "nunes"}),
        ("JOSÉ", {"nunez", "nunes"}),
        (unicodedata.normalize("NFD", "josé"), {"nunez", "nunes"}),
        ("josefa", {"nunes"}),
        ("ose", set()),
        ("nuñ", {"nunez"}),
        ("NÚÑEZ", {"nunez"}),
        (unicodedata.normalize("NFD", "núñez"), {"nunez"}),
        ("nun", {"nunez", "nunes"}),
        ("nunez", {"nunez"}),
        ("peña", {"peña"}),
        ("pena", {"pena"}),
        ("pe", {"peña", "pena"}),
        ("ana pe", {"peña", "pena"}),
        ("pe ana", {"peña", "pena"}),
        ("  maría   la ", {"peña"}),
        ("ana josé", set()),
        ("example", {"nunez", "pena", "strauss"}),
        ("jose.nunez@example.org", {"nunez"}),
        ("crm_", {"nunes"}),
        ("crm_77", {"nunes"}),
        ("CRMX", {"rabat"}),
        ("100%", {"rabat"}),
        ("100", {"rabat"}),
        ("%", set()),
        ("_", set()),
        ("%b", set()),
        ("ana%", {"pena"}),
        ("a%e", set()),
        ("g_s", {"strauss"}),
        ("g_", {"strauss"}),
        ("strauss", {"strauss"}),
        ("STRAUẞ", {"strauss"}),
        ("gunth", {"strauss"}),
        ("acmetm", {"acme"}),
        ("σίσυφος", {"acme"}),
        ("/", set()),
        ("´", set()),
        ("\\", set()),
        ("'", set()),
        ("x' OR '1'='1", set()),
    ],
)
def test_people_are_found_by_the_beginnings_of_words(found, entidad, q, wanted):
    ids = {}
    for name, fields in PEOPLE.items():
        ids[FACTORIES[entidad](**fields).id] = name

    assert {ids[id] for id in found(entidad, q=q)} == wanted


def test_codes_and_companies_are_searched_too(add, found):
    customer = add("cliente", nombre="Eva", empresa="Papelera del Norte, S.A.")["id"]
    colleague = add("empleado", nombre="Eva", codigo_empleado="E-2041", departamento="Compras")["id"]

    for q in ("papelera", "norte", "s.a", "S.A.", "eva pape"):
        assert found("cliente", q=q) == [customer], q
    for q in ("E-2041", "e-20", "2041", "compras", "comp eva"):
        assert found("empleado", q=q) == [colleague], q


@both
def test_who_was_renamed_is_found_by_the_new_name_only(call, add, found, tecnico, entidad):
    id = add(entidad, nombre="Inés", apellido="Vieja")["id"]

    call(tecnico, "PUT", path_of(entidad, id), {"apellido": "Nueva"})

    assert (found(entidad, q="nue in"), found(entidad, q="vieja")) == ([id], [])


@both
@pytest.mark.parametrize("limite", [1, 2, 200])
def test_pages_of_any_size_show_everybody_once_and_in_one_order(found, entidad, limite):
    names = ("Ana", "ana", "ANA", "Ána", "Ñusta", "Zoe", "2026-01-01")
    ids = {
        FACTORIES[entidad](nombre=nombre, apellido=apellido).id
        for nombre in names
        for apellido in (None, "Paz", "paz")
    }

    assert found(entidad, limite) == found(entidad, 200)
    assert set(found(entidad, limite)) == ids
    assert len(found(entidad, limite, q="ana")) == 12


@both
def test_who_is_not_there_is_not_found(call, admin, entidad):
    path = path_of(entidad, NADIE)

    for method, body in (("GET", None), ("PUT", {"nombre": "Eva"}), ("PATCH", {}), ("DELETE", None)):
        answer = call(admin, method, path, body)
        assert (answer.status_code, answer.json["codigo"]) == (404, f"{entidad}_no_encontrado")


# Tickets


@both
def test_who_is_inactive_asks_for_nothing_new_but_stays_on_its_tickets(call, add, tecnico, entidad):
    person, field = add(entidad, nombre="Inés", apellido="Ríos"), f"id_{entidad}"
    ticket = call(tecnico, "POST", TICKETS, NUEVO | {field: person["id"]}).json
    path = f"{TICKETS}/{ticket['id']}"

    call(tecnico, "PUT", path_of(entidad, person["id"]), {"activo": False})

    shown = call(tecnico, "GET", path).json
    assert shown[entidad] == {"id": person["id"], "nombre": "Inés Ríos"}
    kept = call(tecnico, "PUT", path, shown | {"titulo": "Otro título"})
    assert (kept.status_code, kept.json[field]) == (200, person["id"])
    other = f"{TICKETS}/{factories.tiquet()}"
    for method, where, body in (("POST", TICKETS, NUEVO), ("PUT", other, {})):
        refused = call(tecnico, method, where, body | {field: person["id"]})
        assert (refused.status_code, codes(refused)) == (422, {field: ["inactivo"]})
    listed = call(tecnico, "GET", f"{TICKETS}?{field}={person['id']}").json["data"]
    assert [row["id"] for row in listed] == [ticket["id"]]


@both
def test_who_is_named_is_not_erased_and_the_answer_counts(call, events, add, admin, entidad):
    person = add(entidad)
    path, field = path_of(entidad, person["id"]), f"id_{entidad}"
    ids = [factories.tiquet(**{field: person["id"]}) for _ in range(3)]
    call(admin, "DELETE", f"{TICKETS}/{ids[0]}")

    answer = call(admin, "DELETE", path)

    assert (answer.status_code, answer.json["codigo"], answer.json["usos"]) == (409, "en_uso", 3)
    assert call(admin, "GET", path).json == person
    for id in ids[1:]:
        call(admin, "PUT", f"{TICKETS}/{id}", {field: None})
    assert call(admin, "DELETE", path).json["usos"] == 1  # The one in the trash.
    assert events(f"{entidad}.eliminado") == []


@both
def test_who_is_not_named_is_erased_by_an_administrator(call, events, add, found, admin, tecnico, entidad):
    person = add(entidad, **PERSONA, **OWN[entidad])
    path = path_of(entidad, person["id"])

    refused = call(tecnico, "DELETE", path)
    assert (refused.status_code, refused.json["permiso"]) == (403, "persona.eliminar")
    assert call(admin, "DELETE", path).status_code == 204

    assert call(tecnico, "GET", path).status_code == 404
    assert found(entidad) == []
    assert call(admin, "DELETE", path).status_code == 404
    (event,) = events(f"{entidad}.eliminado")
    assert event[:2] == (admin.id, person["id"])
    assert {c["campo"]: c["anterior"] for c in event.cambios}["email"] == PERSONA["email"]
    assert {change["nuevo"] for change in event.cambios} == {None}
    assert add(entidad, **PERSONA, **OWN[entidad])["id"] != person["id"]


@both
def test_a_person_is_erased_or_named_but_never_both(committed, call, admin, tecnico, entidad):
    field = f"id_{entidad}"
    for _ in range(5):
        id = FACTORIES[entidad]().id
        db.session.commit()

        def work(number, id=id):
            mine = committed.test_client()
            if number:
                return mine.post(TICKETS, json=NUEVO | {field: id}, headers=tecnico.headers)
            return mine.delete(path_of(entidad, id), headers=admin.headers)

        erased, opened = at_once(2, work)

        assert (erased.status_code, opened.status_code) in ((204, 422), (409, 201))
        if erased.status_code == 409:
            assert erased.json["codigo"] in ("en_uso", "referencia_en_conflicto")
            assert call(tecnico, "GET", f"{TICKETS}/{opened.json['id']}").json[entidad]["id"] == id
        else:
            assert codes(opened) == {field: ["no_existe"]}


@pytest.mark.parametrize(("entidad", "field"), UNIQUE)
def test_of_many_with_one_code_at_once_one_is_kept(committed, call, events, tecnico, entidad, field):
    def work(number):
        body = {"nombre": f"Ana {number}", field: "A-1"}
        return committed.test_client().post(path_of(entidad), json=body, headers=tecnico.headers)

    answers = at_once(6, work)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert len(events(f"{entidad}.creado")) == 1

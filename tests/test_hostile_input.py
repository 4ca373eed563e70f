"""What a stock Flask stack answers with 500 or lets in: refused with its code, and without a trace."""

import json

import pytest
from flask import g
from sqlalchemy import func, select

from app.errors import Invalid
from app.extensions import db
from app.models import LogTransaccional, Tiquet
from app.schemas.desk.tickets import TiquetCreateArgs, TiquetsArgs, TiquetUpdateArgs
from app.utils.blueprint import Blueprint, instance_of
from app.utils.parser import meaning
from tests.factories import NUEVO, tiquet
from tests.rows import LISTA

TICKETS = "/api/tickets/tickets"
SOLO_LECTURA = TiquetUpdateArgs.SOLO_LECTURA
CAP = 256 * 1024
BIG = 2**31 - 1


def rows():
    """How many tickets and events there are, and how often tickets were changed."""
    tickets = db.session.execute(select(func.count(), func.sum(Tiquet.version)).select_from(Tiquet)).one()
    events = db.session.scalar(select(func.count()).select_from(LogTransaccional))
    db.session.remove()
    return (*tickets, events)


@pytest.fixture
def nothing_written(session, tecnico):
    before = rows()
    yield
    assert rows() == before


harmless = pytest.mark.usefixtures("nothing_written")


def refused(answer, status, codigo="datos_invalidos", **errores):
    """Whether the answer is this problem, with these codes at these fields."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.json["codigo"] == codigo
    faults = answer.json.get("errores", {})
    found = {campo: ",".join(falla["codigo"] for falla in fallas) for campo, fallas in faults.items()}
    assert found == errores
    return True


def post(client, who, body, content_type="application/json", **headers):
    data = body if isinstance(body, bytes) else body.encode()
    return client.post(TICKETS, data=data, content_type=content_type, headers=who.headers | headers)


def with_raw(value, field="titulo"):
    """A good ticket but for ``field``, which holds ``value`` as it stands."""
    return json.dumps(NUEVO | {field: "@"}).replace('"@"', value)


BROKEN = {
    "30,000 open brackets": ("[" * 30_000, "json_invalido"),
    "30,000 nested lists": ("[" * 30_000 + "]" * 30_000, "json_invalido"),
    "30,000 nested objects": ('{"a":' * 30_000, "json_invalido"),
    "21 levels": ("[" * 21 + "]" * 21, "json_demasiado_profundo"),
    "a 5,000-digit integer": (with_raw("1" * 5000, "id_categoria"), "json_invalido"),
    "a 19-digit integer below 64 bits": (with_raw("-" + "9" * 19, "id"), "json_numero_demasiado_largo"),
    "a 20-digit integer": (with_raw("1" * 20, "id_categoria"), "json_numero_demasiado_largo"),
    "a 20-digit fraction": (with_raw("1." + "1" * 20, "id_categoria"), "json_numero_demasiado_largo"),
    "a number beyond doubles": (with_raw("1e400", "id_categoria"), "json_invalido"),
    "a lone surrogate": (with_raw(r'"\ud800abc"'), "json_invalido"),
    "a lone surrogate as key": (r'{"\udfff": 1}', "json_invalido"),
    "NaN": (with_raw("NaN", "id_categoria"), "json_invalido"),
    "Infinity": (with_raw("Infinity", "id_categoria"), "json_invalido"),
    "-Infinity": (with_raw("-Infinity", "id_categoria"), "json_invalido"),
    "a key twice": ('{"titulo": "uno", "titulo": "dos"}', "json_clave_repetida"),
    "a key twice, once escaped": (r'{"titulo": "uno", "titul\u006f": "dos"}', "json_clave_repetida"),
    "a key twice, deep down": ('{"etiquetas": [{"a": 1, "a": 2}]}', "json_clave_repetida"),
    "a byte order mark": ("\ufeff" + json.dumps(NUEVO), "json_invalido"),
    "UTF-16": (json.dumps(NUEVO).encode("utf-16"), "json_invalido"),
    "UTF-16 without a mark": (json.dumps(NUEVO).encode("utf-16-le"), "json_invalido"),
    "bytes that are no UTF-8": (b'{"titulo": "\xff\xfe\xfd"}', "json_invalido"),
    "an overlong NUL": (b'{"titulo": "abc\xc0\x80"}', "json_invalido"),
    "a raw NUL": (b'{"titulo": "abc\x00"}', "json_invalido"),
    "two documents": (json.dumps(NUEVO) * 2, "json_invalido"),
    "half a document": (json.dumps(NUEVO)[:-1], "json_invalido"),
    "single quotes": ("{'titulo': 'abc'}", "json_invalido"),
    "a trailing comma": ('{"titulo": "abc",}', "json_invalido"),
}


@harmless
@pytest.mark.parametrize(("body", "codigo"), BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_strict_json_is_400(client, tecnico, body, codigo):
    assert refused(post(client, tecnico, body), 400, codigo)


def test_brackets_and_digits_inside_a_text_are_just_text(client, tecnico):
    answer = post(client, tecnico, with_raw(json.dumps('[[[{"' * 30 + "9" * 30)))

    assert answer.status_code == 201, answer.json


@harmless
@pytest.mark.parametrize("body", [b"", b"   \r\n", b"{}"])
def test_an_empty_body_names_each_field_that_is_missing(client, tecnico, body):
    assert refused(post(client, tecnico, body), 422, **dict.fromkeys(NUEVO, "requerido"))


@harmless
@pytest.mark.parametrize("body", ["[]", "[1]", '"texto"', "1", "0.5", "true", "null"])
def test_a_body_that_is_no_object_is_refused(client, tecnico, body):
    assert refused(post(client, tecnico, body), 422, _schema="tipo")


@harmless
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "",
        None,
    ],
)
def test_a_body_that_does_not_call_itself_json_is_415(client, tecnico, content_type):
    assert refused(post(client, tecnico, json.dumps(NUEVO), content_type), 415, "tipo_no_admitido")


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=UTF-8", 'APPLICATION/JSON;charset="utf-8"', "application/merge-patch+json"],
)
def test_json_may_say_that_it_is_utf_8(client, tecnico, content_type):
    assert post(client, tecnico, json.dumps(NUEVO), content_type).status_code == 201


FAULTY = {
    "NUL in titulo": ("titulo", "ab\x00cd", "caracteres"),
    "escape in titulo": ("titulo", "ab\x1b[31mcd", "caracteres"),
    "DEL in titulo": ("titulo", "ab\x7fcd", "caracteres"),
    "C1 in titulo": ("titulo", "ab\x9bcd", "caracteres"),
    "bidi override in titulo": ("titulo", "ab\u202ecd", "caracteres"),
    "bidi isolate in titulo": ("titulo", "ab\u2066cd", "caracteres"),
    "line break in titulo": ("titulo", "ab\ncd", "caracteres"),
    "line separator in titulo": ("titulo", "ab\u2028cd", "caracteres"),
    "byte order mark in titulo": ("titulo", "\ufeffabcd", "caracteres"),
    "NUL in descripcion": ("descripcion", "ab\x00cd", "caracteres"),
    "bidi override in descripcion": ("descripcion", "ab\u202ecd", "caracteres"),
    "empty titulo": ("titulo", "", "longitud"),
    "blank titulo": ("titulo", "     ", "longitud"),
    "titulo of no-break spaces": ("titulo", "\u00a0" * 5, "longitud"),
    "titulo of zero-width spaces": ("titulo", "\u200b" * 5, "longitud"),
    "titulo of 2 characters": ("titulo", " ab ", "longitud"),
    "titulo of 201 characters": ("titulo", "ñ" * 201, "longitud"),
    "descripcion of 10,001 characters": ("descripcion", "x" * 10_001, "longitud"),
    "blank descripcion": ("descripcion", "\n\t ", "longitud"),
    "titulo as number": ("titulo", 12345, "tipo"),
    "titulo as list": ("titulo", ["abc"], "tipo"),
    "titulo as object": ("titulo", {"es": "abc"}, "tipo"),
    "titulo null": ("titulo", None, "nulo"),
    "descripcion null": ("descripcion", None, "nulo"),
    "id null": ("id_categoria", None, "nulo"),
    "id 0": ("id_categoria", 0, "rango"),
    "id -1": ("id_categoria", -1, "rango"),
    "id 2^31": ("id_categoria", 2**31, "rango"),
    "id of 18 digits": ("id_categoria", 10**18 - 1, "rango"),
    "id 1e300": ("id_categoria", 1e300, "rango"),
    "id true": ("id_categoria", True, "tipo"),
    "id as text": ("id_categoria", "1", "tipo"),
    "id 1.5": ("id_categoria", 1.5, "tipo"),
    "id as list": ("id_categoria", [1], "tipo"),
    "id of nothing": ("id_categoria", BIG, "no_existe"),
    "state of nothing": ("id_estado", BIG, "no_existe"),
    "customer of nobody": ("id_cliente", BIG, "no_existe"),
    "assignee of nobody": ("id_usuario_asignado", BIG, "usuario_no_asignable"),
    "labels as text": ("etiquetas", "red", "tipo"),
    "21 labels": ("etiquetas", [f"e{n}" for n in range(21)], "demasiados"),
    "labels null": ("etiquetas", None, "nulo"),
    "channel of another program": ("canal", "importacion", "opcion"),
    "unknown field": ("prioridad_maxima", 1, "desconocido"),
    "unknown field of another case": ("Titulo", "abc", "desconocido"),
    "Python's own": ("__class__", {}, "desconocido"),
}


@harmless
@pytest.mark.parametrize(("field", "value", "codigo"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_field_of_a_new_ticket_is_named(client, tecnico, field, value, codigo):
    answer = client.post(TICKETS, json=NUEVO | {field: value}, headers=tecnico.headers)

    assert refused(answer, 422, **{field: codigo})


@pytest.mark.parametrize(("field", "value", "codigo"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_field_of_a_change_is_named_too(client, tecnico, field, value, codigo):
    id, before = tiquet(), rows()
    if field == "canal":
        codigo = "solo_lectura"

    for method in (client.put, client.patch):
        assert refused(
            method(f"{TICKETS}/{id}", json={field: value}, headers=tecnico.headers), 422, **{field: codigo}
        )
    assert rows() == before


@harmless
@pytest.mark.parametrize(
    ("label", "codigo"),
    [(1, "tipo"), (None, "nulo"), ("", "longitud"), ("a\x00b", "caracteres"), ("x" * 41, "longitud")],
)
def test_a_faulty_member_of_a_list_is_named_by_its_place(client, tecnico, label, codigo):
    answer = client.post(TICKETS, json=NUEVO | {"etiquetas": ["red", label]}, headers=tecnico.headers)

    assert refused(answer, 422, **{"etiquetas.1": codigo})


def test_a_text_comes_back_trimmed_and_composed(client, tecnico):
    answer = client.post(TICKETS, json=NUEVO | {"titulo": "  conexio\u0301n 👩‍💻 "}, headers=tecnico.headers)

    assert answer.json["titulo"] == "conexi\u00f3n 👩‍💻"


@pytest.mark.parametrize("blank", ["", "   ", "\u200b"])
def test_a_blank_text_is_null_where_it_may_be_missing(client, tecnico, blank):
    answer = client.post(TICKETS, json=NUEVO | {"telefono_contacto": blank}, headers=tecnico.headers)

    assert (answer.status_code, answer.json["telefono_contacto"]) == (201, None)


def test_a_whole_number_may_be_written_with_a_point(client, tecnico):
    assert post(client, tecnico, with_raw("1.0", "id_categoria")).json["id_categoria"] == 1


@harmless
@pytest.mark.parametrize(
    "id",
    [
        "0",
        "01",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "abc",
        "%00",
        "%ff",
        "%ED%A0%80",
        "１",
        "2147483648",
        "9223372036854775808",
        "9" * 400,
    ],
)
def test_an_address_that_is_no_id_is_404(client, admin, id):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert refused(
            client.open(f"{TICKETS}/{id}", method=method, headers=admin.headers), 404, "no_encontrado"
        )


@harmless
def test_an_id_that_nothing_has_is_404(client, admin):
    for method in ("GET", "PUT", "DELETE"):
        body = {"json": {"titulo": "Otro"}} if method == "PUT" else {}
        answer = client.open(f"{TICKETS}/{BIG}", method=method, headers=admin.headers, **body)
        assert refused(answer, 404, "tiquet_no_encontrado")


PARAMETERS = {
    "limite=0": {"limite": "rango"},
    "limite=201": {"limite": "rango"},
    "limite=-1": {"limite": "rango"},
    "limite=9223372036854775808": {"limite": "rango"},
    "limite=" + "9" * 5000: {"limite": "tipo"},
    "limite=abc": {"limite": "tipo"},
    "limite=": {"limite": "tipo"},
    "limite=1.0": {"limite": "tipo"},
    "limite=1_0": {"limite": "tipo"},
    "limite=%20%205": {"limite": "tipo"},
    "limite=%D9%A3": {"limite": "tipo"},
    "limite=%ff": {"limite": "codificacion"},
    "limite=1&limite=2": {"limite": "repetido"},
    "cursor=a&cursor=a": {"cursor": "repetido"},
    "cursor=" + "x" * 2001: {"cursor": "longitud"},
    "orden=titulo": {"orden": "opcion"},
    "orden=id;DROP": {"orden": "opcion"},
    "id_estado=0": {"id_estado.0": "rango"},
    "id_estado=1&id_estado=x": {"id_estado.1": "tipo"},
    "id_estado=2147483648": {"id_estado.0": "rango"},
    "id_usuario_creador=ninguno": {"id_usuario_creador.0": "tipo"},
    "tipo_estado=abierto": {"tipo_estado.0": "opcion"},
    "&".join(f"id_estado={n}" for n in range(1, 10)): {"id_estado": "demasiados"},
    "etiqueta=a%00b": {"etiqueta.0": "caracteres"},
    "creado_desde=2026-01-31T10:00:00": {"creado_desde": "instante"},
    "creado_desde=2026-01-31": {"creado_desde": "instante"},
    "creado_desde=2026-02-30T10:00:00Z": {"creado_desde": "instante"},
    "creado_desde=2026-13-01T10:00:00Z": {"creado_desde": "instante"},
    "creado_desde=2026-01-31T24:00:00Z": {"creado_desde": "instante"},
    "creado_desde=0000-01-01T00:00:00Z": {"creado_desde": "instante"},
    "creado_desde=0001-01-01T00:00:00%2B14:00": {"creado_desde": "instante"},
    "creado_hasta=9999-12-31T23:59:59-14:00": {"creado_hasta": "instante"},
    "creado_hasta=1767225600": {"creado_hasta": "instante"},
    "ordenar=titulo": {"ordenar": "desconocido"},
    "offset=0&page=1": {"offset": "desconocido", "page": "desconocido"},
    "Limite=5": {"Limite": "desconocido"},
    "q=%ff": {"q": "codificacion"},
    "q=caf%E9&etiqueta=%C3%B1": {"q": "codificacion"},
    "%ff=1": {"%FF": "desconocido"},
    "%ED%A0%80=1": {"%ED%A0%80": "desconocido"},
}


@harmless
@pytest.mark.parametrize(("query", "errores"), PARAMETERS.items(), ids=[q[:40] for q in PARAMETERS])
def test_a_faulty_parameter_of_the_list_is_named(client, tecnico, query, errores):
    assert refused(client.get(f"{TICKETS}?{query}", headers=tecnico.headers), 422, **errores)


@pytest.mark.parametrize(
    "query",
    [
        "limite=1",
        "limite=200",
        "creado_desde=2026-01-31T10:00:00.5Z",
        "creado_desde=2024-02-29t10:00:00-05:00",
    ],
)
def test_a_parameter_at_its_bounds_is_taken(client, tecnico, query):
    assert client.get(f"{TICKETS}?{query}", headers=tecnico.headers).status_code == 200


@harmless
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/api/auth/me"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/logout"),
        ("GET", "/api/tickets/categorias"),
        ("GET", "/api/tickets/estados/1"),
        ("GET", "/api/tickets/dashboard/stats"),
        ("POST", TICKETS),
        ("GET", f"{TICKETS}/1"),
        ("PUT", f"{TICKETS}/1"),
        ("DELETE", f"{TICKETS}/1"),
    ],
)
def test_a_route_without_parameters_refuses_any(client, admin, method, path):
    answer = client.open(f"{path}?depurar=1", method=method, headers=admin.headers)

    assert refused(answer, 422, depurar="desconocido")


@pytest.fixture
def cursor(client, tecnico):
    """The cursor of a first page of two."""
    tiquet(), tiquet()
    cursor = client.get(f"{TICKETS}?limite=1", headers=tecnico.headers).json["paginacion"]["siguiente"]
    assert client.get(f"{TICKETS}?limite=1&cursor={cursor}", headers=tecnico.headers).status_code == 200
    return cursor


@pytest.mark.parametrize(
    "change",
    [
        lambda c: "basura",
        lambda c: "...",
        lambda c: "-" * 2000,
        lambda c: "ñandú",
        lambda c: c + "A",
        lambda c: "A" + c[1:] if c[0] != "A" else "B" + c[1:],
        lambda c: c.rpartition(".")[0],
        lambda c: c.rpartition(".")[0] + ".",
        lambda c: c[:-10] + c[-9:],
        lambda c: c + "&id_estado=1",
        lambda c: c + "&orden=fecha_creacion",
    ],
)
def test_a_cursor_that_is_changed_or_of_another_list_is_400(client, tecnico, cursor, change):
    assert refused(
        client.get(f"{TICKETS}?cursor={change(cursor)}", headers=tecnico.headers), 400, "cursor_invalido"
    )


def test_a_cursor_of_tickets_is_none_of_users(client, tecnico, cursor):
    assert refused(client.get(f"/api/users?cursor={cursor}", headers=tecnico.headers), 400, "cursor_invalido")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "value", ["", "1", "abc", '"', "W/1", '"1', '"1" "2"', '"1",', '"a b"', '*, "1"', "**"]
)
def test_a_malformed_if_match_is_400(client, admin, method, value):
    id, before = tiquet(), rows()
    headers = admin.headers | {"If-Match": value}

    answer = client.open(f"{TICKETS}/{id}", method=method, headers=headers, json={"titulo": "Otro título"})

    assert refused(answer, 400, "cabecera_invalida")
    assert rows() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "value", ['""', '"abc"', '"0"', '"2.abc"', 'W/"7", "x"', '"99999999999999999999"', '"-1"', '"١"']
)
def test_a_tag_that_is_not_the_tickets_is_412(client, admin, method, value):
    id, before = tiquet(), rows()
    headers = admin.headers | {"If-Match": value}

    answer = client.open(f"{TICKETS}/{id}", method=method, headers=headers, json={"titulo": "Otro título"})

    assert refused(answer, 412, "version_obsoleta")
    assert answer.json["version_actual"] == 1
    assert rows() == before


@pytest.mark.parametrize("value", ['"1"', '"1.abc"', 'W/"1"', '"7", W/"1.x"', "*", ' "1" '])
def test_a_tag_of_the_tickets_version_lets_the_change_in(client, tecnico, value):
    headers = tecnico.headers | {"If-Match": value}

    answer = client.put(f"{TICKETS}/{tiquet()}", json={"titulo": "Otro título"}, headers=headers)

    assert answer.status_code == 200, answer.json


@harmless
@pytest.mark.parametrize("key", ["", "x" * 129, "clave-ñ", "a\tb", "a\x7fb", "\xa0"])
def test_a_malformed_idempotency_key_is_400(client, tecnico, key):
    assert refused(
        post(client, tecnico, json.dumps(NUEVO), **{"Idempotency-Key": key}), 400, "cabecera_invalida"
    )


def test_an_idempotency_key_of_128_characters_is_taken(client, tecnico):
    assert post(client, tecnico, json.dumps(NUEVO), **{"Idempotency-Key": "~" * 128}).status_code == 201


@harmless
@pytest.mark.parametrize("size", [CAP + 1, 10 * CAP])
def test_a_body_over_the_cap_is_413(client, tecnico, size):
    assert refused(post(client, tecnico, b" " * size), 413, "cuerpo_demasiado_grande")


@harmless
def test_a_body_over_the_cap_that_does_not_tell_its_length_is_413(client, tecnico):
    class Endless:
        def read(self, size=-1):
            return b" " * (size if 0 < size < 65536 else 65536)

        def readline(self, size=-1):
            return self.read(size)

    answer = client.post(
        TICKETS,
        content_type="application/json",
        headers=tecnico.headers | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": Endless(), "wsgi.input_terminated": True},
    )

    assert refused(answer, 413, "cuerpo_demasiado_grande")


def test_a_body_at_the_cap_is_taken(client, tecnico):
    assert post(client, tecnico, json.dumps(NUEVO).encode().ljust(CAP)).status_code == 201


def test_whoever_has_no_token_learns_nothing_of_a_huge_body(client):
    assert refused(client.post(TICKETS, data=b"[" * (CAP + 1)), 401, "token_ausente")


@pytest.mark.parametrize("id", ["x" * 300, "x" * 65, "a b", "", "a/b", "ñ", '"}', "<b>"])
def test_a_request_id_of_another_form_is_replaced(client, id):
    answer = client.get("/health", headers={"X-Request-Id": id})

    assert len(answer.headers["X-Request-Id"]) == 32
    assert answer.headers["X-Request-Id"].isalnum()


@harmless
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (TICKETS, "GET, HEAD, OPTIONS, POST"),
        (f"{TICKETS}/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/api/auth/login", "OPTIONS, POST"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "INVENTADO"])
def test_a_method_that_is_not_there_is_405_with_those_that_are(client, tecnico, method, path, allowed):
    answer = client.open(path, method=method, headers=tecnico.headers)

    assert refused(answer, 405, "metodo_no_permitido")
    assert answer.headers["Allow"] == allowed


@harmless
@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_no_header_turns_a_method_into_another(client, admin, override):
    answer = client.get(TICKETS, headers=admin.headers | {override: "POST"}, json=NUEVO)

    assert answer.status_code == 200


OURS = sorted({c.key for c in Tiquet.__table__.columns} | set(SOLO_LECTURA))
NOT_AT_FIRST = [name for name in OURS if name not in TiquetCreateArgs._declared_fields]


@harmless
@pytest.mark.parametrize("column", NOT_AT_FIRST)
@pytest.mark.parametrize("value", [1, None, "2026-01-31T10:00:00Z"])
def test_a_column_that_is_ours_cannot_be_set_on_a_new_ticket(client, tecnico, column, value):
    answer = client.post(TICKETS, json=NUEVO | {column: value}, headers=tecnico.headers)

    assert refused(answer, 422, **{column: "desconocido"})


@pytest.mark.parametrize("column", [*NOT_AT_FIRST, "canal"])
def test_a_column_that_is_ours_cannot_be_changed(client, admin, column):
    id, before = tiquet(), rows()
    codigo = "solo_lectura" if column in SOLO_LECTURA else "desconocido"

    for value in (987, "otra cosa", {"id": 1}, [[]]):
        answer = client.put(
            f"{TICKETS}/{id}", json={"titulo": "Otro título", column: value}, headers=admin.headers
        )
        assert refused(answer, 422, **{column: codigo})
    assert rows() == before


@pytest.mark.parametrize("column", SOLO_LECTURA)
def test_a_read_only_column_that_is_sent_unchanged_is_accepted(client, tecnico, column):
    id, before = tiquet(), rows()
    shown = client.get(f"{TICKETS}/{id}", headers=tecnico.headers).json

    answer = client.put(f"{TICKETS}/{id}", json={column: shown[column]}, headers=tecnico.headers)

    assert answer.status_code == 200, answer.json
    assert answer.json == shown
    assert rows() == before


def test_a_whole_ticket_can_be_read_edited_and_sent_back(client, tecnico):
    path = f"{TICKETS}/{tiquet()}"
    shown = client.get(path, headers=tecnico.headers).json

    answer = client.put(path, json=shown | {"titulo": "Otro título"}, headers=tecnico.headers)

    assert answer.status_code == 200, answer.json
    assert (answer.json["titulo"], answer.json["version"]) == ("Otro título", 2)


def test_what_a_query_means_is_kept_but_not_shared(app):
    """Whoever gets it may change it; what is refused is refused each time; a long one is read each time."""
    schema = instance_of(TiquetsArgs)

    def read(query):
        with app.test_request_context(f"{LISTA}?{query}"):
            g.pop("parsed", None)  # Of the request before: in a test they have one context.
            return Blueprint.ARGUMENTS_PARSER.parse(schema, location="query")

    first = read("id_estado=1")
    first["id_estado"].append(2)
    assert read("id_estado=1")["id_estado"] == [1]
    assert read("id_estado=1&limite=7")["limite"] == 7

    for _ in range(2):
        with pytest.raises(Invalid):
            read("id_estado=uno")

    before, many = meaning.cache_info(), list(range(10**8, 10**8 + 6))
    long = "&".join(f"{name}={id}" for name in ("id_estado", "id_categoria") for id in many)
    assert read(long)["id_categoria"] == many
    assert meaning.cache_info() == before

"""Hostile bodies to every operation that takes one: refused with the exact status, and every row stays."""

import json
import unicodedata

import pytest
from jsonschema import Draft202012Validator

from app import create_app
from tests.client import document_of, operations, registry_of
from tests.conftest import config_for
from tests.factories import NUEVO
from tests.world import (
    MAKERS,
    TIQUETS,
    bearer,
    caller,
    filled,
    item_of,
    refresh_token,
    snapshot,
)


def bodies_of(app):
    """``METHOD /path`` of each operation that takes JSON -> the name of the schema of its body."""
    return {
        name: about["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for name, about in operations(app)
        if "application/json" in about.get("requestBody", {}).get("content", {})
    }


class World:
    """An Administrador, and a thing for every operation."""

    def __init__(self, app, client):
        self.client = client
        self.yo = caller("Administrador")
        self.refresh = bearer(refresh_token(self.yo))
        self.operations = bodies_of(app)
        self.things = {path: make() for path, make in MAKERS.items()}
        self.things["/api/auth/sesiones/{id}"] = (self.yo.sid,)

    def send(self, operation, body, content_type="application/json"):
        method, path = operation.split()
        item = item_of(path)
        return self.client.open(
            filled(path, self.things[item]) if item else path,
            method=method,
            data=body if isinstance(body, bytes) else body.encode(),
            content_type=content_type,
            headers=self.refresh if path == "/api/auth/refresh" else self.yo.headers,
        )

    def send_to_all(self, body, content_type="application/json"):
        """What each operation answers: its status, its code, and the codes at the fields."""
        answers = {name: self.send(name, body, content_type) for name in self.operations}
        return {name: told(answer) for name, answer in answers.items()}


def told(answer):
    assert answer.status_code >= 400, f"{answer.request.path} took it: {answer.get_data(as_text=True)[:300]}"
    faults = answer.json.get("errores", {})
    return (
        answer.status_code,
        answer.json["codigo"],
        {field: {one["codigo"] for one in some} for field, some in faults.items()},
    )


@pytest.fixture
def world(app, client, session):
    return World(app, client)


@pytest.fixture
def untouched(world):
    before = snapshot()
    yield
    assert snapshot() == before


harmless = pytest.mark.usefixtures("untouched")


# Documents that are not strict JSON, to every operation.


def holding(value, name="x"):
    """An object with one member, whose value stands as it is."""
    return f'{{"{name}": {value}}}'


INVALID, DEEP, LONG, TWICE = (
    *("json_invalido", "json_demasiado_profundo"),
    *("json_numero_demasiado_largo", "json_clave_repetida"),
)
MALFORMED = {
    "an open object": ("{", INVALID),
    "an open list": ("[", INVALID),
    "a closing brace": ("}", INVALID),
    "a comma": (",", INVALID),
    "a word": ("nulo", INVALID),
    "True as Python writes it": (holding("True"), INVALID),
    "None as Python writes it": (holding("None"), INVALID),
    "undefined": (holding("undefined"), INVALID),
    "a comment": ("/* {} */ {}", INVALID),
    "a line comment": ("{} // fin", INVALID),
    "a name without quotes": ("{titulo: 1}", INVALID),
    "single quotes": ("{'titulo': 1}", INVALID),
    "a trailing comma": ('{"titulo": 1,}', INVALID),
    "a trailing comma in a list": (holding("[1,]"), INVALID),
    "a missing colon": ('{"titulo" 1}', INVALID),
    "a missing value": ('{"titulo":}', INVALID),
    "a number as name": ("{1: 2}", INVALID),
    "two documents": ("{}{}", INVALID),
    "two lines of JSON": ('{"a": 1}\n{"a": 1}', INVALID),
    "a text after the document": ("{} x", INVALID),
    "JSONP": ("f({})", INVALID),
    "a guard against inclusion": (")]}',\n{}", INVALID),
    "XML": ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", INVALID),
    "YAML": ("titulo: !!python/object/apply:os.system ['id']", INVALID),
    "a form": ("titulo=abc&descripcion=def", INVALID),
    "a pickle": (b"\x80\x04\x95\x00\x00\x00.", INVALID),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", INVALID),
    "CBOR": (b"\xa1\x61a\x01", INVALID),
    "BSON": (b"\x0c\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x00", INVALID),
    "a raw NUL": (b'{"titulo": "a\x00b"}', INVALID),
    "a raw NUL behind": (b"{}\x00", INVALID),
    "a raw line feed in a text": ('{"titulo": "a\nb"}', INVALID),
    "a raw tab in a text": ('{"titulo": "a\tb"}', INVALID),
    "a raw escape in a text": ('{"titulo": "a\x1bb"}', INVALID),
    "a form feed between": ("{\x0c}", INVALID),
    "a no-break space between": ("{\u00a0}", INVALID),
    "a byte order mark": ("\ufeff{}", INVALID),
    "UTF-16 with a mark": ('{"titulo": "abc"}'.encode("utf-16"), INVALID),
    "UTF-16, little end first": ('{"titulo": "abc"}'.encode("utf-16-le"), INVALID),
    "UTF-16, big end first": ('{"titulo": "abc"}'.encode("utf-16-be"), INVALID),
    "UTF-32": ('{"titulo": "abc"}'.encode("utf-32"), INVALID),
    "UTF-7": (b'{"titulo": "+ADw-"', INVALID),
    "Latin-1": ('{"titulo": "año"}'.encode("latin-1"), INVALID),
    "an overlong slash": (b'{"titulo": "\xc0\xaf"}', INVALID),
    "an overlong NUL": (b'{"titulo": "\xc0\x80"}', INVALID),
    "a surrogate in UTF-8": (b'{"titulo": "\xed\xa0\x80"}', INVALID),
    "a code point beyond Unicode": (b'{"titulo": "\xf4\x90\x80\x80"}', INVALID),
    "half a character": (b'{"titulo": "\xc3"}', INVALID),
    "a lone continuation": (b'{"titulo": "\x80"}', INVALID),
    "a lone high surrogate": (holding(r'"\ud800"'), INVALID),
    "a lone low surrogate": (holding(r'"\udc00"'), INVALID),
    "surrogates the wrong way round": (holding(r'"\udc00\ud800"'), INVALID),
    "a lone surrogate as name": (r'{"\ud800": 1}', INVALID),
    "half an escape": (r'{"titulo": "\u12"}', INVALID),
    "an escape of no letter": (r'{"titulo": "\x41"}', INVALID),
    "an open text": ('{"titulo": "abc', INVALID),
    "a backslash at the end": ('{"titulo": "abc\\', INVALID),
    "NaN": (holding("NaN"), INVALID),
    "Infinity": (holding("Infinity"), INVALID),
    "minus Infinity": (holding("-Infinity"), INVALID),
    "a number beyond doubles": (holding("1e999"), INVALID),
    "a hexadecimal number": (holding("0x10"), INVALID),
    "an octal number": (holding("010"), INVALID),
    "a number with a plus": (holding("+1"), INVALID),
    "a number that ends in a point": (holding("1."), INVALID),
    "a number that begins with a point": (holding(".5"), INVALID),
    "a number with underscores": (holding("1_000"), INVALID),
    "digits of another script": (holding("١"), INVALID),
    "30,000 open lists": ("[" * 30_000, INVALID),
    "30,000 open objects": ('{"a":' * 30_000, INVALID),
    "30,000 lists in each other": ("[" * 30_000 + "]" * 30_000, INVALID),
    "21 lists in each other": ("[" * 21 + "]" * 21, DEEP),
    "21 objects in each other": ('{"a":' * 21 + "1" + "}" * 21, DEEP),
    "a text that hides the depth": (holding('["\\"", ' + "[" * 20 + "]" * 20 + "]"), DEEP),
    "19 digits": (holding("1" * 19), LONG),
    "19 digits with a sign": (holding("-" + "1" * 19), LONG),
    "19 digits behind a point": (holding("0." + "1" * 19), LONG),
    "19 digits of an exponent": (holding("1e-" + "0" * 19), LONG),
    "5,000 digits": (holding("1" * 5000), INVALID),
    "a name twice": ('{"titulo": 1, "titulo": 1}', TWICE),
    "a name twice, once escaped": (r'{"titulo": 1, "titul\u006f": 1}', TWICE),
    "an empty name twice": ('{"": 1, "": 1}', TWICE),
    "a name twice, further down": (holding('[{"a": 1, "a": 2}]'), TWICE),
    "a name a thousand times": ("{" + ",".join(['"a": 1'] * 1000) + "}", TWICE),
}


@harmless
@pytest.mark.parametrize(("body", "codigo"), MALFORMED.values(), ids=MALFORMED)
def test_a_document_that_is_not_strict_json_is_400_wherever_it_is_sent(world, body, codigo):
    answers = world.send_to_all(body)

    assert {name: told for name, told in answers.items() if told != (400, codigo, {})} == {}


NO_OBJECT = {
    "an empty list": "[]",
    "a list of an object": "[{}]",
    "a list of lists": "[[], []]",
    "a text": '"titulo"',
    "an empty text": '""',
    "a number": "0",
    "a fraction": "-1.5",
    "true": "true",
    "false": "false",
    "null": "null",
    "200 kB of a list": "[" + "0," * 100_000 + "0]",
    "200 kB of a text": '"' + "x" * 200_000 + '"',
}


@harmless
@pytest.mark.parametrize("body", NO_OBJECT.values(), ids=NO_OBJECT)
def test_what_is_no_object_is_422_wherever_it_is_sent(world, body):
    answers = world.send_to_all(body)

    expected = (422, "datos_invalidos", {"_schema": {"tipo"}})
    assert {name: told for name, told in answers.items() if told != expected} == {}


@harmless
@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "text/json", "text/html", "application/xml", "application/x-www-form-urlencoded"),
        *("multipart/form-data; boundary=x", "application/octet-stream", "application/jsonp"),
        *("application/json; charset=utf-16", "application/json; charset=utf-7", "application/x-yaml"),
        *("application/json, text/plain", "application/json\x0b", "image/svg+xml", "json", "*/*", ""),
    ],
)
def test_what_does_not_call_itself_json_is_415_wherever_it_is_sent(world, kind):
    answers = world.send_to_all('{"titulo": "abc"}', kind)

    assert {name: told for name, told in answers.items() if told != (415, "tipo_no_admitido", {})} == {}


@harmless
@pytest.mark.parametrize("size", [256 * 1024 + 1, 2**20, 5 * 2**20])
@pytest.mark.parametrize("filler", [" ", "[", "0"])
def test_what_is_over_the_cap_is_413_wherever_it_is_sent(world, size, filler):
    answers = world.send_to_all(filler * size)

    expected = (413, "cuerpo_demasiado_grande", {})
    assert {name: told for name, told in answers.items() if told != expected} == {}


# Names that no schema has, to every operation.

NAMES = {
    "a prototype": "__proto__",
    "a constructor": "constructor",
    "the prototype of one": "constructor.prototype",
    "a class of Python": "__class__",
    "what Python initializes": "__init__.__globals__",
    "a dictionary of Python": "__dict__",
    "a field of the ORM": "_sa_instance_state",
    "a column behind a column": "titulo--",
    "a comparison of MongoDB": "$ne",
    "code for MongoDB": "$where",
    "a merge of YAML": "<<",
    "a reference": "$ref",
    "a type for a reader": "@type",
    "another type for a reader": "$type",
    "an admin": "is_admin",
    "a role of its own": "rol",
    "a hash": "password_hash",
    "an owner": "id_propietario",
    "an empty name": "",
    "a blank": " ",
    "a name with a blank behind": "titulo ",
    "a name in other letters": "TITULO",
    "a name in Cyrillic letters": "tіtulо",
    "a name with a NUL": "titulo\x00",
    "a name with a bidi override": "titulo\u202e",
    "a name as a list of PHP": "titulo[]",
    "a path": "../../etc/passwd",
    "a formula": "=1+1",
    "a template": "{{7*7}}",
    "markup": "<script>alert(1)</script>",
    "a very long name": "x" * 10_000,
}


@harmless
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_that_no_schema_has_is_refused_by_it_wherever_it_is_sent(world, name):
    hostile = {name: {"is_admin": True, "tipo_usuario": "Administrador"}}

    answers = world.send_to_all(json.dumps(hostile))

    for operation, (status, codigo, errores) in answers.items():
        assert (status, codigo) == (422, "datos_invalidos"), operation
        # Where a name has points, what it is refused by is the way to it.
        assert {"desconocido"} in [
            errores[field] for field in errores if field.strip(".") == name.strip(".")
        ], (
            operation,
            errores,
        )


# Values that the document of a field does not allow, to every field of every body.

VALUES = [
    *(None, True, False, 0, -1, 1.5, -0.0, 1e300, 10**17, 2**31, -(2**31) - 1),
    *("", " ", "x", "0", "1", "true", "null", "NaN", "\x00", "a\x00b", "a\x1bb", "a\x9bb", "a\u202eb"),
    *("a\u2066b", "\ufeffa", "\u200b", "a\r\nb", "x" * 100_000, "ñ" * 5000, "2026-02-30T10:00:00Z"),
    *("2026-01-31", "9999-12-31T23:59:59-14:00", "a@b", "@", "' OR '1'='1", "1; DROP TABLE Tiquet"),
    *([], [[]], [None], [{}], ["x"] * 1000, [0], [True], ["\x00"], [1, "1"], [2**31]),
    *({}, {"$ne": None}, {"$gt": ""}, {"id": 1}, {"__proto__": {}}, {"a": {"b": {"c": []}}}),
]


def schemas_and_fields():
    """Each field of each schema of a body that may be written, with an operation that takes it."""
    app = create_app(config_for("sqlite://"))
    schemas = document_of(app)["components"]["schemas"]
    takers = {schema: name for name, schema in reversed(bodies_of(app).items())}
    return [
        (takers[schema], schema, field)
        for schema in sorted(takers)
        for field, about in sorted(schemas[schema].get("properties", {}).items())
        if not about.get("readOnly")
    ]


FIELDS = schemas_and_fields()


@harmless
@pytest.mark.parametrize(
    ("operation", "schema", "field"), FIELDS, ids=[f"{schema}.{field}" for _, schema, field in FIELDS]
)
def test_a_value_that_the_document_of_a_field_does_not_allow_is_422_there(
    app, world, operation, schema, field
):
    about = f"doc#/components/schemas/{schema}/properties/{field}"
    document = Draft202012Validator({"$ref": about}, registry=registry_of(app))
    wrong = [value for value in VALUES if not document.is_valid(value)]
    assert len(wrong) >= 10

    for value in wrong:
        status, codigo, errores = told(world.send(operation, json.dumps({field: value})))
        assert (status, codigo) == (422, "datos_invalidos"), value
        assert any(name == field or name.startswith(f"{field}.") for name in errores), (value, errores)


# Texts that mean something to somebody else: kept word for word, or refused, and nothing happens.

TEXTS = {
    "a quote": "'",
    "an always true condition": "' OR '1'='1' --",
    "a second statement": "x'; DROP TABLE Tiquet; --",
    "a union": "' UNION SELECT password_hash FROM Usuario --",
    "a wait": "'; SELECT SLEEP(10); --",
    "a wait of SQLite": "' || randomblob(1000000000) || '",
    "a comment of MySQL": "/*!50000 SELECT */ 1",
    "a backslash and a quote": "\\' OR 1=1 --",
    "a wide quote": "＇ OR 1=1",
    "a double quote": '" OR ""="',
    "wildcards": "%_%_\\%",
    "operators of full text": '+a -b >c <d (e) ~f* "g" @4',
    "columns of FTS5": "publico : NEAR(a b, 3) AND NOT c*",
    "a placeholder": "%s %(x)s :x ? {x} {0.__class__}",
    "a code for MongoDB": '{"$where": "sleep(1000)"}',
    "a template of Jinja": "{{ config.items() }}{% for x in [].__class__.__mro__ %}{% endfor %}",
    "a template of others": "${7*7} #{7*7} <%= 7*7 %> {{constructor.constructor('x')()}}",
    "a lookup of Log4j": "${jndi:ldap://127.0.0.1:9/a}",
    "a command": "; id | cat /etc/passwd & `id` $(id)",
    "markup": "<script>alert(document.domain)</script><img src=x onerror=alert(1)>",
    "an address of a script": "javascript:alert(1)",
    "an entity": "&lt;script&gt; &#x3c;",
    "markup of a document": "[clic](javascript:alert(1)) ![](http://127.0.0.1/x)",
    "a formula": "=cmd|' /C calc'!A0",
    "a formula with a sign": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a path": "../../../../etc/passwd",
    "a path of Windows": "..\\..\\boot.ini",
    "an address": "http://169.254.169.254/latest/meta-data/",
    "a filter of LDAP": "*)(uid=*))(|(uid=*",
    "a step of XPath": "' or count(//*)=1 or 'a'='b",
    "a pickle": "gASVCwAAAAAAAACMB29zLnN5c3Rlbg==",
    "emoji": "👩‍👩‍👧‍👦 🇬🇹 ✊🏽",
    "letters with a hundred marks": "Z" + "\u0301" * 100,
    "letters of the other direction": "شكرا جزيلا לכם",
    "the largest code point": "\U0010ffff",
    "a private letter": "\ue000",
    "a replacement": "\ufffd",
    "a long run of digits": "9" * 90,
    "a JSON": '{"titulo": "otro", "__proto__": {}}',
    "an escape that is none": "\\u0000 \\x00 %00 %0d%0aSet-Cookie: a=b",
    "a header of mail": "Bcc: victima@example.org",
    "a word that is nothing": "null undefined NaN None",
}
OWN = ("Tiquet", "Log_transaccional", "Busqueda_tiquet", "Seguidores")  # what a new ticket is written in


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_means_something_elsewhere_is_a_text_like_any_other(client, world, text):
    kept, text = snapshot(*OWN), unicodedata.normalize("NFC", text)
    sent = NUEVO | {"titulo": f"Dice {text}", "descripcion": f"Dice\n{text}", "telefono_contacto": None}

    answer = client.post(TIQUETS, json=sent, headers=world.yo.headers)

    assert answer.status_code == 201, answer.json
    path = answer.headers["Location"]
    shown = client.get(path, headers=world.yo.headers).json
    assert {name: shown[name] for name in sent} == sent
    found = client.get(TIQUETS, query_string={"q": f"Dice {text}"[:100]}, headers=world.yo.headers)
    assert [row["id"] for row in found.json["data"]] == [shown["id"]]
    history = client.get(f"{path}/historial", headers=world.yo.headers)
    assert history.status_code == 200
    changed = client.put(path, json={"titulo": f"{text[:150]} dice"}, headers=world.yo.headers)
    assert changed.json["titulo"] == f"{text[:150]} dice"
    assert snapshot(*OWN) == kept


LINES = {
    "a second line of a log": 'ok\r\n2026-01-01 INFO "admin" entró',
    "a line feed": "a\nb",
    "a line separator": "a\u2028b",
    "a paragraph separator": "a\u2029b",
    "a next line": "a\u0085b",
    "a colour": "a\x1b[31mb",
    "a title of a terminal": "a\x1b]0;x\x07b",
    "a backspace": "a\x08b",
    "a NUL": "a\x00b",
    "a delete": "a\x7fb",
    "a direction turned around": "a\u202etxt.exe",
    "an isolated direction": "a\u2067b\u2069",
    "an Arabic letter mark": "a\u061cb",
    "a byte order mark within": "a\ufeffb",
}


@harmless
@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_what_would_forge_a_line_or_turn_a_text_around_is_refused_in_every_line(world, text):
    for operation, body in (
        (f"POST {TIQUETS}", NUEVO | {"titulo": text}),
        (f"PUT {TIQUETS}/{{id}}", {"titulo": text}),
        ("POST /api/clientes", {"nombre": text}),
        ("POST /api/empleados", {"nombre": text}),
        ("POST /api/tickets/categorias", {"nombre": text}),
        ("POST /api/tickets/vistas", {"nombre": text, "filtros": {}}),
        ("POST /api/auth/tokens", {"nombre": text, "alcances": ["tickets:leer"]}),
        ("PUT /api/auth/me", {"nombre": text}),
        ("PUT /api/users/{id}", {"apellido": text}),
    ):
        status, codigo, errores = told(world.send(operation, json.dumps(body)))
        field = next(name for name, value in body.items() if value == text)
        assert (status, codigo, errores) == (422, "datos_invalidos", {field: {"caracteres"}}), operation

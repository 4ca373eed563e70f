"""Imports: what was exported comes back as it was, and once, whatever is cut off or sent twice."""

import csv
import io
import json
import random
import re
from contextlib import closing, contextmanager
from datetime import timedelta
from http.client import HTTPConnection

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from app import create_app, transaction
from app.extensions import db
from app.migrations import upgrade
from app.models import Idempotencia, LogTransaccional, Tiquet, Usuario, utcnow
from app.queries.desk.tickets import numero
from app.schemas.fields import Texto
from app.services import demo
from app.services.access import passwords
from app.services.access.users import CLAVE_DE_DEMO
from app.services.desk import imports
from app.services.seed import seed_catalogs
from app.utils.files import exports, sheets
from app.utils.files import imports as edge
from app.utils.live import waiting
from app.utils.writes import idempotency
from tests import factories
from tests.client import ApiClient, Form, codes
from tests.conftest import config_for, disconnect
from tests.factories import NUEVO, quien
from tests.gunicorn import gunicorn, prepared
from tests.statements import noted
from tests.test_attachments import MB, peak
from tests.threads import at_once
from tests.world import TIQUETS, between_requests, events_after, last_event, snapshot

IMPORT, EXPORT = f"{TIQUETS}/importar", f"{TIQUETS}/exportar"
# What an import sets, and what stands beside it.
SET = (
    *("titulo", "descripcion", "canal", "etiquetas", "telefono_contacto", "resolucion", "motivo_cierre"),
    *(name for nested in exports.CON_NOMBRE for name in (f"id_{nested}", nested)),
    *("origen_externo", "id_externo", "veces_reabierto"),
    *("fecha_creacion", "fecha_actualizacion", "fecha_asignacion", "fecha_primera_respuesta"),
    *("fecha_resolucion", "fecha_cierre"),
)
LATER = (
    *("id", "numero", "version", "id_tiquet_padre", "numero_comentarios", "numero_adjuntos"),
    *("id_tiquet_fusionado", "fecha_eliminacion", "transiciones_permitidas", "permisos"),
)
EXTERNO = {"origen_externo": "mesa anterior", "id_externo": "A-1"}
FILA = NUEVO | EXTERNO
CERRADO = {
    "id_estado": 6,
    "motivo_cierre": "resuelto",
    "resolucion": "Se cambió el cable",
    "fecha_creacion": "2025-03-01T12:00:00Z",
    "fecha_resolucion": "2025-03-02T12:00:00Z",
    "fecha_cierre": "2025-03-03T12:00:00Z",
}
AWKWARD = [
    *("=1+1", "'=1+1", "''=1+1", "'", "''", "'hola'", "-2", "+3", "@x", "'@x", '"', '""', 'a "b" c'),
    *(
        "a,b;c",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "=\r\n'=",
        "a\tb",
        "a\u2028b",
        "ñ Ñ ñandú",
        "é",
        "😀👩‍👩‍👧",
        "null",
        "0",
    ),
    *("01", "1e5", "true", "[]", '["a"]', "{}", "\\", "\\n", "﷽", "İi", "ß", "  x".strip(), "a" * 10_000),
]


def ndjson(*rows):
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def table(*rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.fixture
def send(client, admin):
    """Import rows, or the bytes of a file; the lines of the answer."""

    def send(*rows, who=admin, key=None, **query):
        content = rows[0] if isinstance(rows[0], bytes) else ndjson(*rows)
        headers = who.headers | ({"Idempotency-Key": key} if key else {})
        db.session.remove()
        answer = client.post(IMPORT, json=Form(archivo=("t", content)), query_string=query, headers=headers)
        if answer.status_code != 200:
            return answer
        return [json.loads(line) for line in answer.text.splitlines()]

    return send


def result(line):
    return (line["resultado"], {f: [one["codigo"] for one in some] for f, some in line["errores"].items()})


def shown(client, who, id):
    answer = client.get(f"{TIQUETS}/{id}", headers=who.headers)
    assert answer.status_code == 200, answer.json
    return answer.json


# The round trip


class Desk:
    """An application on a database of its own, with the people of the demonstration."""

    def __init__(self, url):
        self.app = create_app(config_for(url))
        self.app.test_client_class = ApiClient
        self.client = self.app.test_client()

    def sign_in(self, email="jadmin@gmail.com"):
        body = {"email": email, "password": CLAVE_DE_DEMO}
        token = self.client.post("/api/auth/login", json=body).json["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def export(self, formato, **query):
        return self.client.get(EXPORT, query_string={"formato": formato} | query, headers=self.admin).data

    def take(self, content):
        answer = self.client.post(IMPORT, json=Form(archivo=("t", content)), headers=self.admin)
        return [json.loads(line) for line in answer.text.splitlines()]


@contextmanager
def desk(url, begin):
    one = Desk(url)
    with one.app.app_context():
        upgrade()
        transaction.run(seed_catalogs)
        begin()
        db.session.remove()
    one.admin = one.sign_in()
    yield one
    with one.app.app_context():
        disconnect()


def only_people():
    hashed = passwords.hash_password(CLAVE_DE_DEMO)
    transaction.run(lambda: demo.plant_people(hashed, utcnow() - timedelta(days=90)))


def work(desk, chance):
    """Tickets with awkward texts, on their way through the lifecycle."""
    who = [desk.sign_in(email) for email in ("jadmin@gmail.com", "padmin@test.com")]
    alphabet = "aáñ😀 '\"=,;\n\r\t-+@{}[]\\|"
    texts = AWKWARD + ["".join(chance.choices(alphabet, k=chance.randint(3, 40))) for _ in range(220)]

    def call(headers, method, path, body, *statuses):
        answer = desk.client.open(path, method=method, json=body, headers=headers)
        assert answer.status_code in statuses, answer.json
        return answer.json

    ids = []
    for place, said in enumerate(texts):
        body = NUEVO | {"descripcion": f"={said}" if place % 7 == 0 else said, "titulo": f"x{place} {said}"}
        body["titulo"] = " ".join(f"{said} n.º {place}".split())[:200]
        if place % 5 == 0:
            body |= {"origen_externo": chance.choice(["a", "b"]), "id_externo": f"{place}"}
        if place % 4 == 0:
            body |= {"etiquetas": ["vpn", "ñandú", "'=x", '"'], "telefono_contacto": "+52 55"}
        if not body["descripcion"].strip("\u2028 \t\r\n"):
            continue
        headers = chance.choice(who)
        answer = desk.client.post(TIQUETS, json=body, headers=headers)
        if answer.status_code == 422:
            continue  # Nothing is left of it when its ends are trimmed.
        ids.append(answer.json["id"])
        path = f"{TIQUETS}/{ids[-1]}"
        match place % 6:
            case 1:
                call(headers, "POST", f"{path}/tomar", {}, 200)
            case 2:
                solved = {"accion": "resolver", "resolucion": f"'={said}"[:10_000]}
                call(headers, "POST", f"{path}/transiciones", solved, 200)
            case 3:
                call(headers, "PUT", path, {"id_estado": 6}, 200)
            case 4:
                call(headers, "POST", f"{path}/transiciones", {"accion": "cancelar", "motivo": "No"}, 200)
                call(who[0], "POST", f"{path}/transiciones", {"accion": "reabrir"}, 200)
            case 5:
                call(headers, "POST", f"{path}/comentarios", {"mensaje": said, "es_interno": False}, 201, 422)
    call(who[0], "POST", f"{TIQUETS}/{ids[0]}/fusionar", {"id_destino": ids[1]}, 200)
    for id in ids[10:20]:
        call(who[0], "DELETE", f"{TIQUETS}/{id}", None, 204)


def what_is_set(content, formato):
    """Of each row the bytes of the columns that an import sets, as they stand in the file."""
    if formato == "ndjson":
        rows = [json.loads(line) for line in content.splitlines()[:-1]]
        return [json.dumps({name: row[name] for name in SET}, ensure_ascii=False).encode() for row in rows]
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [json.dumps([row[name] for name in SET], ensure_ascii=False).encode() for row in rows]


@pytest.mark.usefixtures("without_app")
def test_what_is_exported_and_imported_is_exported_as_it_was(new_database):
    with desk(new_database(), demo.seed_demo) as source:
        work(source, random.Random(7))
        files = {formato: source.export(formato) for formato in ("ndjson", "csv")}
        marked = source.export("csv", bom="true")
        at_home = source.take(files["csv"])
    count = len(what_is_set(files["csv"], "csv"))
    assert count > 250
    assert at_home[-1] == {"total": count, "creados": 0, "ya_existian": count, "errores": 0}

    for formato, content in (*files.items(), ("csv", marked)):
        with desk(new_database(), only_people) as target:
            *lines, last = target.take(content)
            assert [line for line in lines if line["resultado"] != "creado"] == []
            assert last == {"total": count, "creados": count, "ya_existian": 0, "errores": 0}
            assert target.take(content)[-1]["ya_existian"] == count
            back = {formato: target.export(formato) for formato in files}

        for each in files:
            assert what_is_set(back[each], each) == what_is_set(files[each], each)


def test_the_columns_of_an_export_are_set_or_known_to_be_others():
    assert set(exports.COLUMNAS) <= set(SET) | set(LATER)
    assert set(SET) | set(LATER) == set(sheets.FILA.fields)


def told(field):
    """Texts as they are once they have come in."""

    def come_in(text):
        try:
            return field.deserialize(text)
        except ValidationError:
            return None

    return st.one_of(st.sampled_from(AWKWARD), st.text(max_size=60)).map(come_in).filter(bool)


@settings(deadline=None, database=None)
@given(
    data=st.data(),
    bom=st.booleans(),
    count=st.integers(0, 2**31 - 1),
    labels=st.lists(
        told(Texto(max=40)).map(str.lower).filter(lambda s: 0 < len(s) <= 40), max_size=3, unique=True
    ),
)
def test_any_text_comes_back_from_both_forms(data, bom, count, labels):
    labels = sheets.FILA.fields["etiquetas"].deserialize(labels)
    tiquet = dict.fromkeys((*exports.COLUMNAS, *LATER)) | {
        "titulo": data.draw(told(Texto(min=3))),
        "descripcion": data.draw(told(Texto(max=10_000, lines=True))),
        "resolucion": data.draw(st.none() | told(Texto(max=10_000, lines=True))),
        "origen_externo": data.draw(st.none() | told(Texto(max=40))),
        "usuario_creador": {"id": 1, "nombre": data.draw(told(Texto()))},
        "etiquetas": labels,
        "veces_reabierto": count,
        "fecha_creacion": utcnow(),
    }
    said = {name: value for name, value in tiquet.items() if value is not None}
    said["usuario_creador"] = said["usuario_creador"]["nombre"]

    for lines in (exports.as_csv([[tiquet]], bom), exports.as_ndjson([[tiquet]])):
        (fila,) = sheets.opened(io.BytesIO(b"".join(lines)))
        assert fila.errores == {}
        assert {name: value for name, value in fila.datos.items() if value is not None} == said


@given(st.text("'=+-@\t\rx", max_size=6))
def test_what_is_made_harmless_is_no_formula_and_comes_back(text):
    cell = exports.harmless(text)

    assert not cell.startswith(exports.FORMULA)
    assert exports.original(cell) == text


# What a row becomes


def test_a_ticket_comes_as_it_was_and_leaves_all_of_it_in_the_log(client, send, admin, tecnico):
    who = {"id_usuario_creador": tecnico.id, "id_usuario_asignado": admin.id}
    dates = {"fecha_asignacion": "2025-03-01T13:00:00Z", "fecha_primera_respuesta": "2025-03-01T14:00:00Z"}
    fila = FILA | CERRADO | who | dates | {"etiquetas": ["VPN"], "veces_reabierto": 2, "canal": "correo"}
    mark = last_event()

    line, last = send(fila)

    assert line == {"linea": 1, "resultado": "creado", "id": line["id"], "numero": numero(line["id"])}
    assert last == {"total": 1, "creados": 1, "ya_existian": 0, "errores": 0}
    tiquet = shown(client, admin, line["id"])
    written = fila | {"etiquetas": ["vpn"], "id_prioridad": 2, "fecha_actualizacion": CERRADO["fecha_cierre"]}
    assert {name: tiquet[name] for name in written} == written
    (event,) = events_after(mark)
    assert (event["accion"], event["id_usuario"], event["id_tiquet"]) == (
        "tiquet.importado",
        admin.id,
        line["id"],
    )
    recorded = {change["campo"]: change["nuevo"] for change in event["cambios"]}
    assert {name: recorded[name] for name in written if name in recorded} | {
        "fecha_actualizacion": written["fecha_actualizacion"]
    } == written


def test_it_is_found_like_any_other_and_followed_by_those_who_have_to_do_with_it(
    client, send, admin, tecnico
):
    inactive = factories.UsuarioFactory(tipo_usuario="Solicitante").id
    own = {"titulo": "Ornitorrinco", "etiquetas": ["red"], "id_usuario_asignado": tecnico.id}
    line, _ = send(FILA | own | {"id_usuario_creador": inactive})

    def ids(**query):
        found = client.get(TIQUETS, query_string=query, headers=admin.headers).json["data"]
        return [one["id"] for one in found]

    assert ids(q="ornito") == ids(etiqueta="red") == ids(id_usuario_asignado=tecnico.id) == [line["id"]]
    followers = client.get(f"{TIQUETS}/{line['id']}/seguidores", headers=admin.headers).json["data"]
    assert [(one["id_usuario"], one["motivo"]) for one in followers] == [(tecnico.id, "asignado")]


def test_nobody_is_given_it_by_itself(client, send, admin, tecnico):
    categoria = factories.fila("categorias", asignacion="rotativa")
    body = {"categorias": [categoria]}
    client.put(f"/api/users/{tecnico.id}", json=body, headers=admin.headers)
    assert client.post(TIQUETS, json=NUEVO | {"id_categoria": categoria}, headers=admin.headers).json[
        "id_usuario_asignado"
    ]

    line, _ = send(FILA | {"id_categoria": categoria})

    assert shown(client, admin, line["id"])["id_usuario_asignado"] is None


def test_what_is_not_said_is_as_in_a_new_ticket_of_whoever_imports(client, send, admin):
    line, _ = send(FILA)

    tiquet = shown(client, admin, line["id"])
    assert tiquet["id_usuario_creador"] == admin.id
    assert (tiquet["estado"]["tipo"], tiquet["id_prioridad"], tiquet["canal"]) == ("nuevo", 2, "importacion")
    assert tiquet["fecha_creacion"] == tiquet["fecha_actualizacion"]


def test_names_codes_and_emails_stand_for_ids(client, send, admin, tecnico):
    cliente = factories.ClienteFactory(email="rosa@example.org").id
    fila = {
        "titulo": "Por su nombre",
        "descripcion": "x",
        **EXTERNO,
        "categoria": "Hardware",
        "criticidad": "media",
        "ubicacion": "Sede central",
        "estado": "en_proceso",
        "usuario_creador": admin.email.upper(),
        "usuario_asignado": {"nombre": tecnico.email},
        "cliente": "rosa@example.org",
    }

    line, _ = send(table({**fila, "usuario_asignado": tecnico.email}))
    again, _ = send(fila)

    assert again == {**line, "linea": 1, "resultado": "ya_existia"}
    tiquet = shown(client, admin, line["id"])
    assert (tiquet["id_categoria"], tiquet["id_criticidad"], tiquet["id_ubicacion"]) == (1, 2, 1)
    assert (tiquet["estado"]["tipo"], tiquet["id_cliente"]) == ("en_proceso", cliente)
    assert (tiquet["id_usuario_creador"], tiquet["id_usuario_asignado"]) == (admin.id, tecnico.id)


def test_what_is_no_longer_in_use_may_be_named_since_it_was_once(client, send, admin):
    fila = {
        "id_categoria": factories.fila("categorias", activo=False),
        "id_cliente": factories.ClienteFactory(activo=False).id,
        "id_usuario_creador": factories.UsuarioFactory(activo=False).id,
        "id_usuario_asignado": factories.UsuarioFactory(activo=False).id,
    }
    line, _ = send(FILA | fila)

    assert {name: shown(client, admin, line["id"])[name] for name in fila} == fila


TOMORROW = f"{(utcnow() + timedelta(days=1)).isoformat()}Z"
BAD = [
    ({"titulo": "ab"}, {"titulo": ["longitud"]}),
    ({"titulo": None}, {"titulo": ["nulo"]}),
    ({"no_hay": 1}, {"no_hay": ["desconocido"]}),
    ({"descripcion": "a\u202eb"}, {"descripcion": ["caracteres"]}),
    ({"id_categoria": None}, {"id_categoria": ["requerido"]}),
    ({"id_categoria": 999}, {"id_categoria": ["no_existe"]}),
    ({"categoria": "Software"}, {"categoria": ["no_coincide"]}),
    ({"id_categoria": None, "categoria": "No la hay"}, {"categoria": ["no_existe"]}),
    ({"categoria": 7}, {"categoria": ["tipo"]}),
    ({"id_usuario_creador": 2147483647}, {"id_usuario_creador": ["no_existe"]}),
    ({"usuario_creador": "nadie@example.org"}, {"usuario_creador": ["no_existe"]}),
    ({"usuario_creador": "Rosa Lima"}, {"usuario_creador": ["no_existe"]}),
    ({"id_cliente": 2147483647}, {"id_cliente": ["no_existe"]}),
    ({"id_estado": 6}, {"fecha_cierre": ["requerido"], "motivo_cierre": ["requerido"]}),
    ({"fecha_cierre": "2025-01-01T00:00:00Z"}, {"fecha_cierre": ["solo_al_cerrar"]}),
    (
        {"motivo_cierre": "resuelto"},
        {"motivo_cierre": ["solo_al_cerrar"], "resolucion": ["resolucion_requerida"]},
    ),
    ({"id_estado": 5}, {"fecha_resolucion": ["requerido"], "resolucion": ["resolucion_requerida"]}),
    (CERRADO | {"resolucion": None}, {"resolucion": ["resolucion_requerida"]}),
    (
        CERRADO | {"id_estado": 2},
        {
            "motivo_cierre": ["solo_al_cerrar"],
            "fecha_cierre": ["solo_al_cerrar"],
            "fecha_resolucion": ["solo_resuelto"],
        },
    ),
    (CERRADO | {"fecha_resolucion": "2025-03-04T12:00:00Z"}, {"fecha_cierre": ["antes_de"]}),
    (
        CERRADO | {"fecha_creacion": "2025-03-04T12:00:00Z"},
        {"fecha_resolucion": ["antes_de"], "fecha_cierre": ["antes_de"]},
    ),
    (CERRADO | {"fecha_actualizacion": "2025-02-01T12:00:00Z"}, {"fecha_actualizacion": ["antes_de"]}),
    (
        {"fecha_creacion": TOMORROW},
        {"fecha_creacion": ["en_el_futuro"], "fecha_actualizacion": ["en_el_futuro"]},
    ),
    ({"fecha_creacion": "2025-03-04 12:00"}, {"fecha_creacion": ["instante"]}),
    ({"fecha_creacion": "2025-03-04T12:00:00"}, {"fecha_creacion": ["instante"]}),
    ({"fecha_asignacion": "2025-03-04T12:00:00Z"}, {"fecha_asignacion": ["solo_con_asignado"]}),
    ({"fecha_primera_respuesta": "2999-03-04T12:00:00Z"}, {"fecha_primera_respuesta": ["en_el_futuro"]}),
    ({"veces_reabierto": -1}, {"veces_reabierto": ["rango"]}),
    ({"canal": "paloma"}, {"canal": ["opcion"]}),
    ({"etiquetas": "vpn"}, {"etiquetas": ["tipo"]}),
    ({"numero": "41"}, {"numero": ["numero"]}),
    ({"id_externo": None}, {"id_externo": ["sin_identidad"]}),
    ({"id_externo": None, "numero": "SP-000001"}, {"id_externo": ["sin_identidad"]}),
]


@pytest.mark.parametrize(("wrong", "errores"), BAD, ids=",".join)
@pytest.mark.parametrize("forma", ["ndjson", "csv"])
def test_a_bad_row_says_why_and_stands_in_nobodys_way(send, wrong, errores, forma):
    names = dict.fromkeys(FILA | wrong)
    rows = [
        names | FILA | {"id_externo": "antes"},
        names | FILA | wrong,
        names | FILA | {"id_externo": "después"},
    ]
    if forma == "csv" and "no_hay" in wrong:
        assert codes(send(table(*rows))) == {"no_hay": ["columna_desconocida"]}
        return
    if forma == "csv":
        errores = {f: ["requerido"] if w == ["nulo"] else w for f, w in errores.items()}
    if wrong.get("categoria") == 7 and forma == "csv":
        errores = {"categoria": ["no_coincide"]}
    if "no_hay" in wrong:
        del rows[0]["no_hay"], rows[2]["no_hay"]

    before, bad, after, last = send(table(*rows) if forma == "csv" else ndjson(*rows))

    told = {name: why for name, why in result(bad)[1].items() if name in errores}
    assert told == errores
    assert set(result(bad)[1]) <= set(errores) | {"fecha_actualizacion", "fecha_asignacion"}
    assert [line["resultado"] for line in (before, after)] == ["creado", "creado"]
    assert last == {"total": 3, "creados": 2, "ya_existian": 0, "errores": 1}


def test_an_open_ticket_is_of_staff_and_of_one_who_asks(send):
    who = factories.UsuarioFactory(tipo_usuario="Solicitante").id
    both = {"id_cliente": factories.ClienteFactory().id, "id_empleado": factories.EmpleadoFactory().id}
    for _ in range(2):
        factories.ClienteFactory(email="dos@example.org")

    *lines, _ = send(FILA | {"id_usuario_asignado": who}, FILA | both, FILA | {"cliente": "dos@example.org"})

    assert [result(line)[1] for line in lines] == [
        {"id_usuario_asignado": ["usuario_no_asignable"]},
        {"id_empleado": ["un_solo_solicitante"]},
        {"cliente": ["ambiguo"]},
    ]


def test_messages_are_in_the_language_of_whoever_asks(client, admin):
    body = Form(archivo=("t", ndjson({"titulo": "ab"})))
    headers = admin.headers | {"Accept-Language": "en"}

    line = json.loads(client.post(IMPORT, json=body, headers=headers).text.splitlines()[0])

    assert line["errores"]["titulo"][0]["mensaje"] == "It must have 3 to 200 characters."


# Files


@pytest.mark.parametrize(
    ("content", "errores"),
    [
        (b"", {"archivo": ["archivo_vacio"]}),
        (b"\xef\xbb\xbf \n\n", {"archivo": ["archivo_vacio"]}),
        (b"titulo;descripcion\n", {"titulo;descripcion": ["columna_desconocida"]}),
        (b"titulo,titulo\n", {"titulo": ["columna_repetida"]}),
        (b"titulo,\n", {"": ["columna_desconocida"]}),
        (b"t\xedtulo\n", {"archivo": ["codificacion"]}),
        (b'"titulo', {"archivo": ["csv_invalido"]}),
        (b"t" * (sheets.MAX_FILA + 1), {"archivo": ["csv_invalido"]}),
        (b"[1]", {"[1]": ["columna_desconocida"]}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_that_no_row_can_be_read_of_is_refused_as_a_whole(send, content, errores):
    answer = send(content)

    assert (answer.status_code, codes(answer)) == (422, errores)


LONG = b"x" * (sheets.MAX_FILA + 10)
GOOD = ndjson(FILA)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xef\xbb\xbf" + GOOD, ["creado"]),
        (b"\n" + GOOD + b"\n\n", ["creado"]),
        (GOOD.rstrip(b"\n"), ["creado"]),
        (GOOD + b'{"total": 1}\n', ["creado"]),
        (GOOD + b'{"total": 2}\n', ["creado", "total_distinto"]),
        (b'{"a": "' + LONG + b'"}\n' + GOOD, ["demasiado_grande", "creado"]),
        (b"{\n" + GOOD, ["json_invalido", "creado"]),
        (b'{"titulo": "\xed"}\n' + GOOD, ["json_invalido", "creado"]),
        (b'{"titulo": 1, "titulo": 2}\n' + GOOD, ["json_clave_repetida", "creado"]),
        (b"{" + b'"a":{' * 30 + b"}" * 31 + b"\n" + GOOD, ["json_demasiado_profundo", "creado"]),
        (GOOD + b"[]\n", ["creado", "tipo"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_line_of_ndjson_that_cannot_be_read_is_told_of_alone(send, content, found):
    *lines, _ = send(content)

    assert [told_by(line) for line in lines] == found


HEAD = table(FILA).splitlines()[0] + b"\r\n"
ROW = table(FILA).splitlines()[1] + b"\r\n"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xef\xbb\xbf" + HEAD + ROW, ["creado"]),
        (HEAD + b"\r\n" + ROW.rstrip(), ["creado"]),
        (HEAD.replace(b"\r\n", b"\n") + ROW.replace(b"\r\n", b"\n"), ["creado"]),
        (HEAD + b"a,b\r\n" + ROW, ["columnas", "creado"]),
        (HEAD + ROW.replace(b"impresora", b"impresi\xf3n") + ROW, ["codificacion", "creado"]),
        (HEAD + ROW + b'"a"b,\r\n' + ROW, ["creado", "csv_invalido"]),
        (HEAD + ROW + b'"a\r\n' + ROW, ["creado", "csv_invalido"]),
        (HEAD + ROW + LONG, ["creado", "csv_invalido"]),
        (HEAD + ROW + b'"' + b"x\r\n" * 100_000, ["creado", "csv_invalido"]),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_row_of_a_table_that_cannot_be_read_is_told_of_alone(send, content, found):
    *lines, _ = send(content)

    assert [told_by(line) for line in lines] == found


def told_by(line):
    if line["resultado"] != "error":
        return line["resultado"]
    ((codigo,),) = result(line)[1].values()
    return codigo


def test_a_line_is_where_its_row_begins(send):
    two = table(FILA | {"descripcion": "a\nb\nc"}, FILA | {"id_externo": "B"}, FILA | {"titulo": "ab"})

    *lines, _ = send(two)

    assert [line["linea"] for line in lines] == [2, 5, 6]


# Once


def test_what_is_here_stays_as_it_is(client, send, admin):
    exported = NUEVO | {"numero": "SP-000077", "fecha_creacion": "2025-01-01T10:00:00.000001Z"}
    first = send(FILA, exported)
    id = first[0]["id"]
    client.put(f"{TIQUETS}/{id}", json={"titulo": "Ya cambió"}, headers=admin.headers)
    client.delete(f"{TIQUETS}/{first[1]['id']}", headers=admin.headers)
    before = snapshot()

    again = send(FILA, exported, FILA | {"titulo": "De otro modo", "id_categoria": 999})

    assert [line["resultado"] for line in again[:3]] == ["ya_existia"] * 3
    assert [line["id"] for line in again[:3]] == [id, first[1]["id"], id]
    assert snapshot() == before


def test_an_export_of_this_desk_finds_all_of_it_here(client, send, admin):
    for _ in range(3):
        factories.tiquet()
    db.session.remove()
    content = client.get(f"{EXPORT}?formato=ndjson", headers=admin.headers).data

    *lines, last = send(content)

    assert last == {"total": 3, "creados": 0, "ya_existian": 3, "errores": 0}
    assert [line["numero"] for line in lines] == [json.loads(x)["numero"] for x in content.splitlines()[:-1]]


def test_another_ticket_with_the_same_number_is_another(send):
    id = factories.tiquet()

    line, _ = send(NUEVO | {"numero": numero(id), "fecha_creacion": "2025-01-01T10:00:00Z"})

    assert line["resultado"] == "creado"


def test_what_is_in_a_file_twice_comes_once(send):
    first, second, _ = send(FILA, FILA | {"titulo": "Otra vez"})

    assert (first["resultado"], second) == ("creado", {**first, "linea": 2, "resultado": "ya_existia"})


def test_a_repeated_key_gets_its_answer_again_unless_that_was_too_long(send, monkeypatch):
    first = send(FILA, key="una")
    assert send(FILA, key="una") == first
    monkeypatch.setattr(edge, "MAX_KEPT", 10)
    other = FILA | {"id_externo": "B"}
    assert send(other, key="dos")[0]["resultado"] == "creado"

    assert send(other, key="dos")[0]["resultado"] == "ya_existia"


def test_a_try_says_the_same_and_leaves_nothing(send, monkeypatch):
    monkeypatch.setattr(edge, "ROWS", 2)
    send(FILA)
    rows = [FILA | {"id_externo": one} for one in "BCDEB"] + [FILA, FILA | {"titulo": "ab"}]
    before = snapshot()

    *tried, last = send(*rows, simular="true")

    assert snapshot() == before
    *done, real = send(*rows)
    assert last == {"simulacion": True} | real
    own = ("id", "numero")
    assert [{k: v for k, v in line.items() if k not in own} for line in tried] == [
        {k: v for k, v in line.items() if k not in own} for line in done
    ]


def test_whoever_imports_the_same_at_the_same_time_makes_it_once(committed):
    who = quien("Administrador")
    rows = [FILA | {"id_externo": f"{n}"} for n in range(60)]
    rows += [
        NUEVO | {"numero": numero(n), "fecha_creacion": "2025-01-01T10:00:00Z"}
        for n in range(900_500, 900_560)
    ]

    def one(_number):
        answer = committed.test_client().post(
            IMPORT, json=Form(archivo=("t", ndjson(*rows))), headers=who.headers
        )
        return [json.loads(line) for line in answer.text.splitlines()]

    answers = at_once(4, one)

    assert [(a[-1]["total"], a[-1]["errores"], "problema" in a[-1]) for a in answers] == [(120, 0, False)] * 4
    assert sum(answer[-1]["creados"] for answer in answers) == 120
    assert len({tuple(line["id"] for line in answer[:-1]) for answer in answers}) == 1
    assert db.session.query(Tiquet).count() == 120


@pytest.mark.usefixtures("without_app")
def test_what_a_killed_worker_left_is_finished_by_sending_it_again(fresh_database):
    with prepared(fresh_database):
        who = factories.UsuarioFactory(tipo_usuario="Administrador").email
        db.session.remove()
        rows = [FILA | {"id_externo": f"{n}"} for n in range(1000)]
        rows += [NUEVO | {"numero": numero(n), "fecha_creacion": "2025-01-01T10:00:00Z"} for n in range(1000)]
        body = Form(archivo=("t", ndjson(*rows)))
        with gunicorn(fresh_database, "-w", "1") as server:
            headers = server.sign_in(who)
            data, kind = body.sent().values()
            with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
                connection.request("POST", IMPORT, data, headers | {"Content-Type": kind})
                answer = connection.getresponse()
                assert json.loads(answer.readline())["resultado"] == "creado"
                assert server.kill_one()
            server.insist("GET", "/health/ready")
            server.timeout = 60
            text = server.ask("POST", IMPORT, body, **headers).text
        *lines, last = map(json.loads, text.splitlines())
        ids = set(db.session.scalars(sa.select(Tiquet.id)))
        log = LogTransaccional
        told = db.session.scalars(sa.select(log.id_tiquet).where(log.accion == "tiquet.importado")).all()

    assert (last["total"], last["errores"], last["creados"] + last["ya_existian"]) == (2000, 0, 2000)
    assert 0 < last["ya_existian"] < 2000
    assert ids == {line["id"] for line in lines} == set(told)
    assert len(told) == 2000


# On the way


def test_a_batch_takes_as_many_statements_as_a_row(send, admin, tecnico):
    cliente, empleado = factories.ClienteFactory().id, factories.EmpleadoFactory().id

    def taken(first, count):
        rows = [
            FILA
            | {"id_externo": f"{first}-{n}", "etiquetas": ["a", "b"], "id_usuario_asignado": tecnico.id}
            | ({"id_cliente": cliente} if n % 2 else {"id_empleado": empleado})
            | (
                {"id_externo": None, "numero": numero(first + n), "fecha_creacion": "2025-01-01T10:00:00Z"}
                if n % 3
                else {}
            )
            for n in range(count)
        ]
        with noted() as statements:
            assert send(*rows)[-1]["creados"] == count
        # On SQLite tickets and events are a statement each.
        return len([s for s, _ in statements if not re.match("INSERT INTO .(Tiquet|Log)", s)])

    taken(5_000, 1)  # The first one reads the catalogs too.
    assert taken(10_000, 4) == taken(20_000, 60) <= 14


def test_whoever_may_no_more_is_stopped_between_two_batches(send, admin, monkeypatch):
    monkeypatch.setattr(edge, "ROWS", 1)
    real = imports.take

    def take(*args):
        done = real(*args)
        db.session.execute(sa.update(Usuario).where(Usuario.id == admin.id).values(tipo_usuario="Técnico"))
        return done

    monkeypatch.setattr(imports, "take", take)

    first, last = send(FILA, FILA | {"id_externo": "B"})

    assert (first["resultado"], last["total"]) == ("creado", 1)
    assert last["problema"]["codigo"] == "permiso_denegado"


def test_a_worker_that_is_to_end_says_so_and_the_rest_follows_when_it_is_sent_again(send, monkeypatch):
    monkeypatch.setattr(edge, "ROWS", 1)
    rows = FILA, FILA | {"id_externo": "B"}
    with monkeypatch.context() as ending:
        ending.setattr(waiting, "stopping", lambda: True)
        *lines, last = send(*rows, key="una")
    assert ([line["resultado"] for line in lines], last["problema"]["status"]) == (["creado"], 503)

    *lines, last = send(*rows, key="una")

    assert [line["resultado"] for line in lines] == ["ya_existia", "creado"]
    assert "problema" not in last


def test_whoever_hangs_up_may_go_on_at_once(client, send, admin, monkeypatch):
    monkeypatch.setattr(edge, "ROWS", 1)
    rows = FILA, FILA | {"id_externo": "B"}
    headers = admin.headers | {"Idempotency-Key": "una"}
    sent = Form(archivo=("t", ndjson(*rows)))
    answer = client.post(IMPORT, json=sent, headers=headers, buffered=False)
    assert json.loads(next(answer.iter_encoded()))["resultado"] == "creado"
    answer.close()

    *lines, _ = send(*rows, key="una")

    assert [line["resultado"] for line in lines] == ["ya_existia", "creado"]


@pytest.mark.parametrize(("alive", "times"), [(timedelta(), 3), (idempotency.ALIVE, 1)])
def test_work_that_takes_long_is_not_taken_for_abandoned(send, admin, monkeypatch, alive, times):
    """It says so for its own key only, and not again and again while nobody would take it for that."""
    monkeypatch.setattr(edge, "ROWS", 1)
    own = Idempotencia.clave == "una"
    seen, real = [], imports.take

    def take(*args):
        seen.append(db.session.scalars(sa.select(Idempotencia.creado).where(own)).one())
        if len(seen) == 1:  # Another request of theirs came at the same moment.
            same = {"creado": seen[0], "vence": seen[0], "huella": "x", "ruta": "x"}
            db.session.add(Idempotencia(id_usuario=admin.id, clave="otra", **same))
        return real(*args)

    monkeypatch.setattr(imports, "take", take)
    monkeypatch.setattr(idempotency, "ALIVE", alive)
    monkeypatch.setattr(transaction, "LIMIT", None)  # What a unit takes that is told no end.

    lines = send(*(FILA | {"id_externo": one} for one in "ABC"), key="una")

    assert [line["resultado"] for line in lines[:-1]] == ["creado"] * 3
    assert len(seen) == 3
    assert sorted(set(seen))[-1] == seen[-1]
    assert len(set(seen)) == times
    other = db.session.get_one(Idempotencia, (admin.id, "otra"))
    assert (other.creado, other.estado) == (seen[0], None)


@pytest.mark.parametrize("alive", [timedelta(), idempotency.ALIVE], ids=["when it renews", "when it goes on"])
def test_work_that_another_has_taken_over_is_left_to_it(send, monkeypatch, alive):
    monkeypatch.setattr(idempotency, "ALIVE", alive)
    monkeypatch.setattr(edge, "ROWS", 1)
    theirs, real = utcnow(), imports.take

    def take(*args):
        db.session.execute(sa.update(Idempotencia).values(creado=theirs))
        return real(*args)

    monkeypatch.setattr(imports, "take", take)

    first, last = send(FILA, FILA | {"id_externo": "B"}, key="una")

    assert (first["resultado"], last["problema"]["codigo"]) == ("creado", "clave_en_curso")
    assert db.session.scalars(sa.select(Idempotencia.creado)).one() == theirs


@pytest.mark.usefixtures("without_app")
def test_a_large_file_takes_little_memory(fresh_database):
    with prepared(fresh_database):
        who = factories.UsuarioFactory(tipo_usuario="Administrador").email
    bad = ndjson(*(FILA | {"titulo": "ab", "descripcion": "x" * 9_000} for _ in range(8_000)))
    with gunicorn(fresh_database, "-w", "1") as server:
        headers = server.sign_in(who)
        server.ask("POST", IMPORT, Form(archivo=("t", GOOD)), **headers)
        (worker,) = server.workers()
        before, server.timeout = peak(worker), 120

        answer = server.ask("POST", IMPORT, Form(archivo=("t", bad)), **headers)

        assert json.loads(answer.text.splitlines()[-1])["errores"] == 8_000
        assert len(bad) > 60 * MB
        assert peak(worker) - before < 30 * MB


def test_a_file_that_is_too_large_is_refused_by_its_own_measure(client, admin, with_settings):
    with_settings(IMPORTACION_MAX_MB="1", ADJUNTO_MAX_MB="5")

    answer = client.post(IMPORT, json=Form(archivo=("t", b" " * (MB + 1))), headers=admin.headers)

    assert (answer.status_code, answer.json["codigo"]) == (413, "archivo_demasiado_grande")
    assert "1 MB" in answer.json["detail"]


def test_writing_tickets_in_the_name_of_others_takes_a_scope_of_its_own(client, admin):
    body = Form(archivo=("t", GOOD))
    others = factories.programa(admin.id, "tickets:escribir", "tickets:leer")
    answer = client.post(IMPORT, json=body, headers=others.headers)
    assert (answer.status_code, answer.json["alcance"]) == (403, "tickets:importar")

    program = factories.programa(admin.id, "tickets:importar")
    db.session.remove()
    answer = client.post(IMPORT, json=body, headers=program.headers)

    with between_requests():
        (event,) = events_after(0)[-1:]
    assert (answer.status_code, event["accion"], event["tipo_actor"]) == (200, "tiquet.importado", "token")

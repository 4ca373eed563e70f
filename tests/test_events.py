"""The event log: each change leaves its events and nothing else does, on every route that writes."""

import json
from collections import Counter

import pytest
from sqlalchemy import select, update

from app.extensions import db
from app.models import ENTIDADES, ROLES, Idempotencia, SegundoFactor, Sesion, TokenServicio, Usuario, Webhooks
from app.permissions import ALCANCE_DE, ALCANCES, POLITICA, Permiso
from app.queries.access.users import hash_of
from app.services.access import passwords
from app.services.access.sessions import mark_of
from app.services.access.users import CLAVE_DE_DEMO
from app.utils.access import oidc, tokens
from tests.client import Form, Mail, example_of, operations
from tests.factories import HASH, Programa, codigo, programa, quien, tiquet
from tests.world import (
    AUTH,
    LOG,
    MAKERS,
    PERSONAS,
    STALE,
    TIQUETS,
    TRIED,
    UNKNOWN,
    USERS,
    VISTAS,
    WEBHOOKS,
    bearer,
    between_requests,
    caller,
    events_after,
    filled,
    item_of,
    last_event,
    parameters_of,
    refresh_token,
    snapshot,
    success_of,
)
from tests.writes import AHORA, CASES, CODIGO, DESAFIO, EMAIL, OTRO, REFUSALS, SSO, TERCERO, TIQUET, YO, Case

WRITING = ("POST", "PUT", "PATCH", "DELETE")

# Refusals that have tests of their own; and what takes nothing that could be malformed.
ELSEWHERE = {
    "POST /api/auth/login": {401},
    "POST /api/auth/login/segundo-factor": {401},
    "POST /api/auth/oidc/canje": {401},
    "POST /api/auth/refresh": {403},
    "PUT /api/auth/me": {409},
    "PATCH /api/auth/me": {409},
    "POST /api/auth/me/password": {409},
    "DELETE /api/auth/sesiones/{id}": {400},
    f"DELETE {USERS}/{{id}}/segundo-factor": {400},
    f"DELETE {TIQUETS}/{{id}}/seguidores/{{id_usuario}}": {400},
    f"DELETE {TIQUETS}/{{id}}/seguidores/yo": {400},
    f"POST {TIQUETS}/lote": {428},
}


def challenge(id):
    """What sign-in tells a user who has a second factor."""
    return tokens.challenge(id, mark_of(hash_of(id)))


class Call:
    """A call of one operation, and what it is about."""

    def __init__(self, app, client, operation, case, yo=None):
        self.client, (self.method, self.path) = client, operation.split()
        self.about = dict(operations(app))[operation]
        self.yo = yo or caller(case.role, **({"email": EMAIL} if case.role == "Administrador" else {}))
        self.words = {YO: self.yo.id, OTRO: quien("Técnico").id, TERCERO: quien("Técnico").id}
        self.words[TIQUET] = tiquet()
        if getattr(case, "before", None):
            case.before(self.yo.id)
        self.words[CODIGO], self.words[DESAFIO] = codigo(), challenge(self.yo.id)
        self.words[SSO] = oidc.issued(self.yo.id, "este")
        item = item_of(self.path)
        self.ids = MAKERS[item](**self.named(case.on)) if item else ()
        self.body = example_of(self.about) if case.body is None else self.named(case.body)
        by_refresh_token = self.about.get("security") == [{"refresco": []}]
        self.headers = bearer(refresh_token(self.yo)) if by_refresh_token else self.yo.headers
        client.set_cookie(oidc.NAVEGADOR, "este", path="/api/auth/oidc")

    def named(self, fields):
        if isinstance(fields, dict):
            return type(fields)((name, self.named(value)) for name, value in fields.items())
        if isinstance(fields, list):
            return [self.named(value) for value in fields]
        return self.words.get(fields, fields) if isinstance(fields, str) else fields

    def send(self, *, ids=None, by=None, more=None, **other):
        """Send it, or with other ``ids`` in the path, ``by`` somebody else, with ``more`` headers, …"""
        db.session.remove()
        headers = other.pop("headers", (by or self).headers) | (more or {})
        body = {} if "data" in other else {"json": self.body}
        path = filled(self.path, ids or self.ids)
        return self.client.open(path, method=self.method, headers=headers, **body | other)

    def thing_of(self, accion):
        """An action and the id of what it is about, when it is not about something new."""
        if isinstance(accion, tuple):
            return accion[0], self.named(accion[1])
        return accion, self.id_of(accion)

    def id_of(self, accion):
        if accion.startswith("seguidor."):
            return self.ids[1] if len(self.ids) > 1 else (self.body or {}).get("id_usuario", self.yo.id)
        if not self.ids or accion.startswith("sesion."):
            return self.yo.id
        return self.ids[-1] if accion.startswith(("comentario.", "adjunto.", "relacion.")) else self.ids[0]

    def address_of(self, accion, id):
        """Where the thing can be read that an action is about, if it stands anywhere yet."""
        entidad, verbo = accion.split(".")
        if entidad == "seguidor":
            return f"{filled(ADDRESSES[entidad], self.ids[:1])}#{id}"
        if entidad == "sesion" or verbo in ("creado", "importado"):
            return None
        return f"{filled(ADDRESSES[entidad], self.ids[:1])}/{id}"


def reader_of(call):
    """Who may see what ``call`` is about: of what is somebody's own, nobody else."""
    return call.yo if f"{AUTH}tokens" in call.path else quien("Administrador")


def shown(client, admin, address):
    """What stands at an address, if anything does; in the trash too."""
    if address is None:
        return {}
    path, _, member = address.partition("#")
    answer = client.get(path, headers=admin.headers)
    if member:  # of a list, whose rows have no address
        rows = answer.json["data"]
        own = {"id_tiquet": int(path.split("/")[-2]), "nombre": None}
        return next((row | own for row in rows if row["id_usuario"] == int(member)), {})
    if answer.status_code == 200:
        return stored(answer.json, address) if "/relaciones/" in address else answer.json
    trash = client.get(f"{TIQUETS}?papelera=true", headers=admin.headers).json.get("data", [])
    return next((row for row in trash if address == f"{TIQUETS}/{row['id']}"), {})


def address_in(answer):
    """Where what was created is, as the answer says; of a file, the first that is told of."""
    if answer.mimetype == "application/x-ndjson":
        return f"{TIQUETS}/{json.loads(answer.text.splitlines()[0])['id']}"
    return answer.headers.get("Location")


def stored(relacion, address):
    """A relation, which each of its tickets shows from its own end, as it is recorded."""
    ends = [int(address.split("/")[-3]), relacion["id_tiquet"]]
    tipo = {"hijo": "padre", "duplicado_por": "duplicado_de"}.get(relacion["tipo"], relacion["tipo"])
    if tipo != relacion["tipo"] or (tipo == "relacionado" and ends[0] > ends[1]):
        ends.reverse()
    own = {name: value for name, value in relacion.items() if name != "tiquet"}
    return own | {"tipo": tipo, "id_tiquet": ends[0], "id_relacionado": ends[1]}


# Of what an object shows, this is derived or no news in itself.
UNRECORDED = {
    "adjuntos",
    "id",
    "version",
    "numero",
    "permisos",
    "transiciones_permitidas",
    "fecha_actualizacion",
}
ADDRESSES = {
    "tiquet": TIQUETS,
    "comentario": f"{TIQUETS}/{{id}}/comentarios",
    "adjunto": f"{TIQUETS}/{{id}}/adjuntos",
    "relacion": f"{TIQUETS}/{{id}}/relaciones",
    "seguidor": f"{TIQUETS}/{{id}}/seguidores",
    "usuario": USERS,
    "vista": VISTAS,
    "token": f"{AUTH}tokens",
    "webhook": WEBHOOKS,
    **{entidad: f"/api/tickets/{name}" for name, entidad in ENTIDADES.items()},
    **{entidad: f"/api/{entidad}s" for entidad in PERSONAS},
}


def recorded(thing):
    """What the log records of an object: its own fields, and ids for what is nested beside them."""
    flat = thing | ({"id_autor": thing["autor"]["id"]} if "autor" in thing else {})
    return {k: v for k, v in flat.items() if k not in UNRECORDED and f"id_{k}" not in flat}


def changes(before, after):
    """Field -> what it was and what it is, of what is not the same."""
    before, after = recorded(before), recorded(after)
    both = {name: (before.get(name), after.get(name)) for name in before | after}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def told(event):
    """An event without what the database makes of it, its changes by field."""
    written = {change["campo"]: (change["anterior"], change["nuevo"]) for change in event["cambios"]}
    assert len(written) == len(event["cambios"])
    assert written == {name: pair for name, pair in written.items() if pair[0] != pair[1]}
    own = {"id", "id_evento", "secuencia", "fecha", "hash_anterior", "hash", "sal", "digesto"}
    return {name: value for name, value in event.items() if name not in own} | {"cambios": written}


def event(accion, answer, actor, **about):
    """What an event of the request that got ``answer`` tells, but for what is ``about`` its thing."""
    nothing = {"id_entidad": None, "id_tiquet": None, "version_resultante": None, "cambios": {}}
    return {
        "accion": accion,
        "entidad": accion.partition(".")[0],
        "tipo_actor": "usuario" if actor else "anonimo",
        "id_usuario": actor,
        "origen": "api",
        "id_solicitud": answer.headers["X-Request-Id"],
        "ip": "127.0.0.1",
        **nothing,
        **about,
    }


def secrets_of(call, answer):
    """All that must be in no event: passwords, their hashes, tokens and their digests."""
    with between_requests():
        hashes = db.session.scalars(select(Usuario.password_hash)).all()
        digests = db.session.scalars(select(Sesion.refresco)).all()
        digests += db.session.scalars(select(TokenServicio.huella)).all()
        for factor in db.session.scalars(select(SegundoFactor)):
            digests += [factor.secreto, *factor.codigos]
        for webhook in db.session.scalars(select(Webhooks)):
            digests += filter(None, [webhook.secreto, webhook.secreto_anterior])
    sent = [
        value
        for name, value in (call.body or {}).items()
        if "password" in name or name in ("codigo", "desafio", "token")
    ]
    given = [answer.json[name] for name in ("access_token", "refresh_token")] if "login" in call.path else []
    given += [answer.json["token"]] if call.method == "POST" and call.path == f"{AUTH}tokens" else []
    if call.path.startswith(WEBHOOKS) and isinstance(answer.json, dict):
        given += [answer.json["secreto"]] if "secreto" in answer.json else []
    if isinstance(answer.json, dict):
        given += answer.json.get("codigos_recuperacion", [])
    token = call.headers["Authorization"].removeprefix("Bearer ")
    return [*hashes, *digests, *sent, *given, token, "argon2", "password"]


ALL_CASES = [
    pytest.param(operation, case, id=f"{operation} {number}")
    for operation, cases in CASES.items()
    for number, case in enumerate(cases)
]


def test_every_operation_that_writes_has_a_case(app):
    writing = {operation for operation, _ in operations(app) if operation.split()[0] in WRITING}

    assert [f"no case for {operation}" for operation in writing - set(CASES)] == []
    assert set(CASES) | set(REFUSALS) == writing


def about(accion, id, before, after, of_path):
    """What an event tells of its thing, by how it was shown before and after.

    A relation has two tickets: its events are of that ``of_path``.
    """
    entidad = accion.partition(".")[0]
    if entidad == "sesion" or id is None:
        return {"id_entidad": id}
    if entidad == "seguidor":  # It comes and goes, and has no versions.
        told = {"id_tiquet": (before | after)["id_tiquet"], "cambios": changes(before, after)}
        return {"id_entidad": id, **told}
    id = after.get("id", id)
    return {
        "id_entidad": id,
        "id_tiquet": {"tiquet": id, "relacion": of_path}.get(entidad, (before | after).get("id_tiquet")),
        "version_resultante": after["version"] if after else before["version"] + 1,
        "cambios": changes(before, after),
    }


@pytest.mark.parametrize(("operation", "case"), ALL_CASES)
def test_a_change_leaves_exactly_its_events(app, client, session, operation, case):
    call = Call(app, client, operation, case)
    admin = reader_of(call)
    expected = [call.thing_of(one) for one in case.events]
    before = [shown(client, admin, call.address_of(*one)) for one in expected]
    mark = last_event()

    answer = call.send()

    assert answer.status_code == success_of(call.about), answer.get_data(as_text=True)
    events = events_after(mark)
    where = [call.address_of(*one) or address_in(answer) for one in expected]
    after = [shown(client, admin, address) for address in where]
    of_path = call.ids[0] if call.ids else None
    things = [about(*one, *states, of_path) for one, *states in zip(expected, before, after, strict=True)]
    # What somebody without a user says by mail is the desk's doing.
    by_mail = {"tipo_actor": "sistema", "origen": "correo"} if "/correo/" in call.path else {}
    assert [told(one) for one in events] == [
        event(accion, answer, None if case.anonimo else call.yo.id, **thing | by_mail)
        for (accion, _), thing in zip(expected, things, strict=True)
    ]
    text = json.dumps(events, default=str, ensure_ascii=False)
    assert [secret for secret in secrets_of(call, answer) if secret in text] == []


@pytest.mark.parametrize("operation", [name for name in CASES if name.split()[0] in ("PUT", "PATCH")])
def test_what_is_sent_as_it_is_leaves_no_event(app, client, session, operation):
    call = Call(app, client, operation, CASES[operation][0])
    whole = client.get(filled(call.path, call.ids), headers=call.headers)
    before = snapshot("Cerrojo")

    answers = [call.send(json=body, more=more) for body in ({}, whole.json) for more in ({}, tagged(whole))]

    assert [(answer.status_code, answer.json) for answer in answers] == [(200, whole.json)] * 4
    assert snapshot("Cerrojo") == before


def tagged(answer):
    return {"If-Match": answer.headers["ETag"]}


def test_who_is_deactivated_already_leaves_no_event(app, client, session):
    call = Call(app, client, f"DELETE {USERS}/{{id}}", Case((), on={"activo": False}))
    before = snapshot("Cerrojo")

    assert call.send().status_code == 200
    assert snapshot("Cerrojo") == before


def keyed(operation):
    return operation.startswith("POST") and AUTH not in operation


@pytest.mark.parametrize("operation", [*filter(keyed, CASES)])
def test_a_repeated_key_leaves_no_second_event(app, client, session, operation):
    call, key = Call(app, client, operation, CASES[operation][0]), {"Idempotency-Key": "una vez"}
    first = call.send(more=key)
    assert first.status_code == success_of(call.about)
    before = snapshot()

    again = call.send(more=key)

    assert again.status_code == first.status_code
    if call.path.startswith(WEBHOOKS):
        assert again.json == {name: value for name, value in first.json.items() if name != "secreto"}
    else:
        assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert snapshot() == before


def refusals_of_any(call):
    """What every operation like this one refuses: status, and what is sent otherwise."""
    parameters, permiso = parameters_of(call.about), call.about.get("x-permiso")
    yield 422, {"query_string": {"no_hay": 1}}
    if call.about.get("security") != []:
        yield 401, {"headers": {}}
        yield 401, {"headers": bearer("a.b.c")}
    if permiso:
        allowed = POLITICA[Permiso(permiso)][0]
        yield from ((403, {"by": quien(role)}) for role in ROLES if role not in allowed)
        needed = ALCANCE_DE.get(Permiso(permiso))
        yield 403, {"by": programa(call.yo.id, *(ALCANCES.keys() - {needed}))}
        if "Técnico" in allowed and not call.path.startswith(AUTH):
            yield 403, {"by": quien("Técnico", debe_cambiar_clave=True)}
    if isinstance(call.body, Form):
        yield 400, {"data": b"--a", "content_type": "multipart/form-data; boundary=b"}
        yield 413, {"json": Form(archivo=("grande.txt", b" " * (25 * 1024**2 + 1)))}
        yield 415, {"data": b"{}", "content_type": "application/json"}
        yield 422, {"json": call.body | {"no_hay": 1}}
    elif isinstance(call.body, Mail):
        yield 413, {"data": b" " * (25 * 1024**2 + 1), "content_type": "message/rfc822"}
        yield 415, {"data": b"{}", "content_type": "application/json"}
        yield 422, {"json": call.body | {"no_hay": 1}}
    elif "requestBody" in call.about:
        yield 400, {"data": b"{", "content_type": "application/json"}
        yield 413, {"data": b" " * (256 * 1024 + 1), "content_type": "application/json"}
        yield 415, {"data": b"{}", "content_type": "text/plain"}
        yield 422, {"json": call.body | {"no_hay": 1}}
    for known in range(len(call.ids)):
        yield 404, {"ids": call.ids[:known] + (UNKNOWN,) * (len(call.ids) - known)}
    if "If-Match" in parameters:
        yield 400, {"more": {"If-Match": "sin comillas"}}
        yield 412, {"more": {"If-Match": STALE}}
    if "Idempotency-Key" in parameters:
        yield 400, {"more": {"Idempotency-Key": "ñ"}}
        yield 409, {"more": in_flight(call)}
        yield 422, {"more": used_otherwise(call)}
        yield 410, {"more": forgotten(call)}


def in_flight(call):
    """The key of a request like ``call`` that has no answer yet."""
    key = {"Idempotency-Key": "en curso"}
    assert call.send(more=key).status_code < 300
    db.session.execute(update(Idempotencia).values(estado=None))
    db.session.commit()
    return key


def forgotten(call):
    """The key of a request like ``call``, which was ``in_flight``; its answer held what was erased since."""
    row = db.session.scalars(select(Idempotencia).where(Idempotencia.clave == "en curso")).one()
    told = {name: getattr(row, name) for name in ("id_usuario", "huella", "ruta", "creado", "vence")}
    db.session.add(Idempotencia(**told, clave="olvidada", estado=200))
    db.session.commit()
    return {"Idempotency-Key": "olvidada"}


def used_otherwise(call):
    """The key of another request."""
    about = {"huella": "0" * 64, "ruta": "POST /", "creado": AHORA, "vence": AHORA}
    db.session.add(Idempotencia(id_usuario=call.yo.id, clave="usada", **about))
    db.session.commit()
    return {"Idempotency-Key": "usada"}


def denial(answer, quien):
    """The event of a 403."""
    told = {
        "motivo": answer.json["codigo"],
        "permiso": answer.json.get("permiso"),
        "peticion": f"{answer.request.method} {answer.request.path}",
    }
    changed = {name: (None, value) for name, value in told.items() if value}
    by = {"tipo_actor": "token", "origen": f"token {quien.id_token}"} if isinstance(quien, Programa) else {}
    return event("acceso.denegado", answer, quien.id, cambios=changed, **by)


@pytest.mark.parametrize("operation", CASES)
def test_a_refusal_leaves_nothing_but_the_event_of_a_403(
    app, client, session, operation, with_settings, record_testsuite_property
):
    call = Call(app, client, operation, CASES[operation][0])
    todo = [(call, status, sent) for status, sent in refusals_of_any(call)]
    for row in REFUSALS.get(operation, []):
        own = Call(app, client, operation, row, call.yo if row.role == "Administrador" else None)
        if row.planted:
            row.planted(*own.ids)
        todo.append((own, row.status, {"ids": (own.yo.id,)} if row.of_caller else {}))
    seen, wrong, before = Counter(), {}, snapshot(LOG, TRIED)

    def refused(one, status, sent):
        mark = last_event()
        answer = one.send(**sent)
        expected = [denial(answer, sent.get("by", one.yo))] if status == 403 else []
        if answer.status_code != status or [told(one) for one in events_after(mark)] != expected:
            wrong[f"{status} {sent} {one.body}"] = (answer.get_data(as_text=True), events_after(mark))
        seen[status] += 1

    for one in todo:
        refused(*one)
    if "If-Match" in parameters_of(call.about):
        with_settings(EXIGIR_IF_MATCH="true")
        refused(call, 428, {})

    assert wrong == {}
    assert snapshot(LOG, TRIED) == before
    documented = {int(status) for status in call.about["responses"] if status.startswith("4")}
    assert documented - set(seen) - {429} == ELSEWHERE.get(operation, set())
    for status, count in seen.items():
        record_testsuite_property(f"{operation} {status}", count)


@pytest.mark.parametrize("who", ["unknown", "wrong", "deactivated"])
def test_a_refused_sign_in_leaves_one_event_and_nothing_else(client, session, who):
    user = caller("Técnico", activo=who != "deactivated")
    body = {
        "email": "nadie@example.org" if who == "unknown" else user.email,
        "password": "no es esta" if who == "wrong" else CLAVE_DE_DEMO,
    }
    before, mark = snapshot(LOG, TRIED), last_event()

    answer = client.post("/api/auth/login", json=body)

    events = events_after(mark)
    whose = None if who == "unknown" else user.id
    assert answer.status_code == 401
    assert [told(one) for one in events] == [event("sesion.rechazada", answer, None, id_entidad=whose)]
    assert [secret for secret in body.values() if secret in repr(events)] == []
    assert snapshot(LOG, TRIED) == before


def test_a_refresh_token_that_comes_again_leaves_the_event_of_the_end_of_its_session(client, session):
    user = caller("Técnico")
    old = bearer(refresh_token(user))
    assert client.post("/api/auth/refresh", headers=old).status_code == 200
    mark, others = last_event(), snapshot(LOG, "Sesion")

    answers = [client.post("/api/auth/refresh", headers=old) for _ in range(2)]

    assert [answer.json["codigo"] for answer in answers] == ["refresco_reutilizado", "sesion_terminada"]
    reused = event("sesion.refresco_reutilizado", answers[0], None, id_entidad=user.id)
    assert [told(one) for one in events_after(mark)] == [reused]
    assert snapshot(LOG, "Sesion") == others


def test_a_password_that_changed_meanwhile_is_409_and_leaves_no_event(app, client, session, monkeypatch):
    call, hashing = Call(app, client, "POST /api/auth/me/password", Case(())), passwords.hash_password

    def while_another_changes_it(password):
        db.session.execute(update(Usuario).where(Usuario.id == call.yo.id).values(password_hash=HASH))
        db.session.commit()
        states.append(snapshot())
        return hashing(password)

    states = []
    monkeypatch.setattr(passwords, "hash_password", while_another_changes_it)

    assert call.send().status_code == 409
    assert states == [snapshot()]


def test_whose_version_is_stale_hears_of_what_changed_it_not_of_comments(client, session):
    admin, tecnico, path = quien("Administrador"), quien("Técnico"), f"{TIQUETS}/{tiquet()}"
    seen = tagged(client.get(path, headers=admin.headers))
    mark = last_event()
    client.put(path, json={"id_prioridad": 3}, headers=tecnico.headers)
    client.post(f"{path}/comentarios", json={"mensaje": "Lo miro"}, headers=admin.headers)

    stale = client.put(path, json={"titulo": "Otro"}, headers=admin.headers | seen).json

    assert (stale["campos"], stale["modificado_por"]["id"]) == (["id_prioridad"], tecnico.id)
    assert stale["modificado_en"] == f"{events_after(mark)[0]['fecha'].isoformat()}Z"

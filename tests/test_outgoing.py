"""Where requests to addresses of users may go: nowhere that they could not reach themselves."""

import socket
import ssl
from time import monotonic, sleep

import pytest

from app.services.log import outgoing
from app.services.log.outgoing import Refused
from tests.certificates import certificate
from tests.receivers import LOOPBACK, receiver

PUBLIC = "93.184.216.34"
# As an address may be written, and as what a name may lead to.
INTERNAL = [
    *("127.0.0.1", "127.255.0.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
    *("100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fc00::1", "ff02::1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "2001:db8::1"),
]
# What resolvers take for 127.0.0.1.
ODD = [
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0x7F.0.0.0x1",
    "1.1.1.1.0x7f",
]


@pytest.fixture
def connects(monkeypatch):
    """Addresses that somebody connected to, or tried to: nothing but the loopback is there."""
    made, real = [], socket.create_connection

    def connect(address, timeout):
        made.append(address[0])
        if address[0] != "127.0.0.1":
            raise ConnectionRefusedError
        return real(address, timeout)

    monkeypatch.setattr(socket, "create_connection", connect)
    return made


class Names(list):
    asked = 0


@pytest.fixture
def names(monkeypatch):
    """A resolver: its answers, one after the other; and how often it was asked."""
    answers = Names()

    def resolve(_host, _port):
        answers.asked += 1
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(outgoing, "resolve", resolve)
    return answers


def refused(url):
    with pytest.raises(Refused) as error:
        outgoing.post(url, {}, b"{}")
    return error.value.codigo


def bracketed(address):
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("host", [*map(bracketed, INTERNAL), *ODD])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_an_address_that_is_not_public_is_refused_at_once_and_reached_by_nobody(
    session, connects, names, host, scheme
):
    assert refused(f"{scheme}://{host}:8080/") in ("destino_no_permitido", "url_invalida")
    assert (connects, names.asked) == ([], 0)


@pytest.mark.parametrize("address", INTERNAL)
def test_a_name_that_leads_inside_is_reached_by_nobody(session, connects, names, address):
    for answer in ([address], [PUBLIC, address], [address, PUBLIC]):
        names[:] = [answer]
        assert refused("https://avisos.example.org/") == "destino_no_permitido"
    assert connects == []


@pytest.mark.parametrize("answer", [socket.gaierror(-2, "unknown"), UnicodeError(), [], ["no es una"]])
def test_a_name_that_cannot_be_resolved_is_reached_by_nobody(session, connects, names, answer):
    names[:] = [answer]

    assert refused("https://avisos.example.org/") == "sin_resolver"
    assert connects == []


def test_a_name_is_resolved_once_and_what_was_judged_is_what_is_connected_to(session, connects, names):
    names[:] = [[PUBLIC], ["127.0.0.1"]]

    assert refused("https://avisos.example.org/") == "sin_conexion"
    assert connects == [PUBLIC]
    assert names.asked == 1


def test_an_allowed_network_allows_itself_and_nothing_else(session, connects, names, with_settings):
    with_settings(**LOOPBACK)

    assert refused("https://10.0.0.1/") == "destino_no_permitido"
    assert refused("https://[::1]/") == "destino_no_permitido"
    assert refused(f"http://{PUBLIC}/") == "solo_https"
    names[:] = [[PUBLIC]]
    assert refused("http://avisos.example.org/") == "solo_https"
    names[:] = [["127.0.0.1", "10.0.0.1"]]
    assert refused("http://avisos.example.org/") == "destino_no_permitido"
    names[:] = [["127.0.0.1", PUBLIC]]
    assert refused("http://avisos.example.org/") == "solo_https"
    assert connects == []
    with receiver() as own:
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"):
            with_settings(WEBHOOKS_ALLOWED_NETWORKS="127.0.0.1/32")
            codigo = outgoing.admit("http", [outgoing.literal(host.strip("[]"))])
            assert codigo is None
        assert outgoing.post(own.url, {}, b"{}").estado == 204


@pytest.mark.parametrize(
    "url",
    [
        *("https://ana:clave@example.org/", "https://example.org/#a", "https://example.org:99999/"),
        *("https://", "ftp://example.org/", "https://[::1/", "https://exa mple.org/", "//example.org/"),
        *("https://example.org\\@127.0.0.1/", "https://ejemplo.españa/", "https://example.org/\r\nX: y"),
        *("https://example.org\t/", "https://1.2.3.4.5/"),
    ],
)
def test_what_is_no_plain_address_is_refused(session, connects, names, url):
    assert refused(url) == "url_invalida"
    assert connects == []


def test_a_redirect_is_an_answer_and_is_not_followed(session, connects, with_settings):
    with_settings(**LOOPBACK)
    with receiver() as inside:

        def lead(_arrival):
            told = f"HTTP/1.1 302 Found\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n"
            return lambda out: out.write(told.encode())

        with receiver(lead) as own:
            answer = outgoing.post(own.url, {}, b"{}")

    assert (answer.estado, answer.cabeceras["Location"]) == (302, inside.url)
    assert inside.arrivals == []
    assert connects == ["127.0.0.1"]


def test_of_an_answer_without_an_end_the_beginning_is_kept(session, with_settings):
    with_settings(**LOOPBACK)
    sent = []

    def flood(out):
        out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(100_000):
            out.write(b"\xff\0" * 512)
            sent.append(1024)

    with receiver(lambda _arrival: flood) as own:
        start = monotonic()
        answer = outgoing.post(own.url, {}, b"{}")
        took = monotonic() - start

    assert (answer.estado, answer.cabeceras) == (200, {"Content-Type": "text/plain"})
    assert answer.cuerpo == "\ufffd" * outgoing.KEPT
    assert took < outgoing.LIMIT / 2
    assert sum(sent) < 20 * 1024**2  # what lies in buffers


def dripping(at_once, slowly):
    """An answer of which the rest comes byte by byte."""

    def write(out):
        out.write(at_once)
        for byte in slowly:
            out.write(bytes([byte]))
            sleep(0.1)

    return lambda _arrival: write


@pytest.mark.alone
def test_the_time_is_for_all_of_it_however_steadily_the_bytes_come(session, with_settings, monkeypatch):
    with_settings(**LOOPBACK)
    monkeypatch.setattr(outgoing, "LIMIT", 0.8)

    with receiver(dripping(b"", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100)) as own:
        start = monotonic()
        assert refused(own.url) == "tiempo_agotado"
        assert monotonic() - start < 1.2

    with receiver(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 100)) as own:
        start = monotonic()
        answer = outgoing.post(own.url, {}, b"{}")
        assert monotonic() - start < 1.2
    assert (answer.estado, set(answer.cuerpo)) == (200, {"a"})  # It was taken; how it says so is all one.


def test_who_does_not_answer_or_not_in_http_is_told_apart(session, with_settings, names):
    with_settings(**LOOPBACK)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/") == "sin_conexion"
    with receiver(lambda _arrival: lambda out: out.write(b"hola\r\n\r\n")) as own:
        assert refused(own.url) == "respuesta_invalida"
        assert refused(own.url.replace("http:", "https:")) == "tls"


def test_by_tls_name_and_certificate_are_those_of_the_address(
    session, with_settings, names, monkeypatch, tmp_path
):
    with_settings(**LOOPBACK)
    made, asked = certificate(tmp_path), []
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(made.pem, made.key)
    served.sni_callback = lambda _socket, name, _context: asked.append(name)
    names[:] = [["127.0.0.1"]]

    with receiver(context=served) as own:
        url = f"https://avisos.example.org:{own.port}/a%20b?c=d"
        assert refused(url) == "tls"  # Nobody vouches for it.
        trusting = ssl.create_default_context(cafile=str(made.pem))
        monkeypatch.setattr(outgoing, "context", lambda: trusting)
        assert outgoing.post(url, {}, b"{}").estado == 204
        assert refused(url.replace("avisos", "otros")) == "tls"

    assert asked == ["avisos.example.org", "avisos.example.org", "otros.example.org"]
    (arrival,) = own.arrivals
    assert (arrival.path, arrival.headers["host"]) == ("/a%20b?c=d", f"avisos.example.org:{own.port}")

"""What a mail says, by samples of what mail programs send, and by garbage."""

import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.errors import Invalid
from app.services.mail import reading, wording

pytestmark = pytest.mark.usefixtures("without_app")

MAILS = Path(__file__).parent / "mails"
FROM = b"From: Ana <ana@example.org>\n"
IMPRESORA = "Sí, ya la reinicié dos veces y sigue igual."
# Sample -> subject, what its sender adds, the names of its files.
SAID = {
    "gmail": ("Re: No imprime", IMPRESORA, []),
    "gmail_html": ("Re: No imprime", IMPRESORA, []),
    "gmail_ingles": ("Re: No imprime", "It is fine now, thanks.", []),
    "outlook": ("RE: No imprime", "Ahora sale en blanco, ¿qué hago?\n\nSaludos", []),
    "outlook_original": ("RE: No imprime", "Ya quedó.", []),
    "apple": ("Re: No imprime", "Le mando la foto:\n\n\nSe ve la luz roja.", ["foto.png"]),
    "thunderbird": ("Re: No imprime", "Sí, la reinicié.", []),
    "intercalado": ("Re: No imprime", "Sí.\nTambién.", []),
    "solo_cita": ("Re: No imprime", "> ¿Puede reiniciarla?\n> Sí o no.", []),
    "base64": ("La impresora no responde — piso 3", "La impresora del piso 3 no responde.", []),
    "latin1": ("Avión sin señal", "No hay señal en el avión.", []),
    "windows1252": ("Cotización", "Cuesta 30 € según el “portal”…", []),
    "sin_charset": ("Sin charset", "Tildes áéí sin decir en qué.", []),
    "charset_inventado": ("Charset raro", "Aun así se lee: ñandú.", []),
    "solo_html": ("Aviso", "Hola,\n\nel servidor no arranca & pita.\n\nuno\n\ndos", []),
    "anidado": ("Con todo dentro", "Texto de dentro.", ["adjunto-6.png", "año.csv"]),
    "calendario": ("Invitación: revisión", "Nos vemos el lunes.", ["adjunto-3.ics"]),
    "winmail": ("Desde Exchange", "Va el informe.", ["winmail.dat"]),
    "reenviado_como_adjunto": ("Mire este correo", "Es sospechoso.", ["Gane dinero.eml"]),
    "sin_asunto": ("", "No puedo entrar.", []),
    "sin_fecha_ni_id": ("Sin fecha", "No puedo entrar.", []),
    "emoji": ("🔥 Se quema el servidor 🔥", "¡Vengan ya! 😱👩‍🚒", []),
    "arabe": ("الطابعة لا تعمل", "الطابعة لا تعمل", []),
    "asunto_con_saltos": ("Hola Bcc: todos@example.org cuerpo", "Nada.", []),
}
IGNORED = {
    "rebote": "rebote",
    "vacaciones": "respuesta_automatica",
    "vacaciones_exchange": "respuesta_automatica",
    "lista": "correo_masivo",
}


def sample(name):
    return (MAILS / f"{name}.eml").read_bytes()


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_a_sample_says_what_its_sender_wrote(name, end):
    found = reading.read(sample(name).replace(b"\n", end))

    own = wording.own(found.texto, found.asunto)
    assert (found.asunto, own, [file.nombre for file in found.archivos]) == SAID[name]
    assert (found.remitente, found.nombre, found.motivo) == ("ana.ruiz@example.org", "Ana Ruiz", None)


@pytest.mark.parametrize("name", IGNORED)
def test_what_no_person_wrote_is_known(name):
    assert reading.read(sample(name)).motivo == IGNORED[name]


@pytest.mark.parametrize(
    ("header", "motivo"),
    [
        ("Auto-Submitted: no", None),
        ("Auto-Submitted: AUTO-GENERATED; x=y", "respuesta_automatica"),
        ("X-Autoreply: yes", "respuesta_automatica"),
        ("Precedence: BULK", "correo_masivo"),
        ("Precedence: normal", None),
        ("Return-Path: <>", "rebote"),
        ("Return-Path: <ana@example.org>", None),
    ],
)
def test_headers_tell_what_no_person_wrote(header, motivo):
    assert reading.read(FROM + header.encode() + b"\n\nx").motivo == motivo


def test_what_is_forwarded_stays_whole():
    found = reading.read(sample("outlook_reenvio"))

    assert wording.own(found.texto, found.asunto) == found.texto
    assert "La licencia vence mañana." in found.texto


def test_an_address_in_the_name_is_not_the_sender():
    assert reading.read(sample("nombre_con_trampa")).remitente == "ana.ruiz@example.org"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Subject: x\n",
        b"From: nadie\n",
        b"From: a@example.org, b@example.org\n",
        b"From: a@example.org\nFrom: b@example.org\n",
        b"From: <a@example.org>, <>, <b@example.org>\n",
        b"From: a\xe2\x80\xae@example.org\n",
        b"From: " + b"a" * 65 + b"@example.org\n",
        b"From: (" + b"(" * 19_000 + b"\n",
    ],
)
def test_a_mail_that_names_no_one_sender_is_refused(head):
    with pytest.raises(Invalid) as refused:
        reading.read(head + b"\nHola\n")

    assert refused.value.codigo == "correo_ilegible"


def test_the_same_message_id_is_the_same_mail_and_without_one_the_same_bytes():
    one = reading.read(FROM + b"Message-ID: <a@b>\n\nuno").huella

    assert reading.read(b"Received: x\n" + FROM + b"Message-Id:\n <a@b>\n\ndos").huella == one
    assert reading.read(FROM + b"Message-ID: <A@b>\n\nuno").huella != one
    assert reading.read(FROM + b"\nuno").huella == reading.read(FROM + b"\nuno").huella
    assert reading.read(FROM + b"\nuno").huella != reading.read(FROM + b"\ndos").huella


def nested(depth):
    parts = (f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return FROM + "".join(parts).encode() + b"Content-Type: text/plain\n\nHola\n"


def test_parts_may_lie_in_parts_but_not_without_end():
    assert reading.read(nested(15)).texto == "Hola"
    for depth in (30, 60, 5000):
        with pytest.raises(Invalid):
            reading.read(nested(depth))


def test_a_mail_in_a_mail_that_cannot_be_written_out_again_is_refused():
    inner = b"Content-Type: message/rfc822\n\nSubject: Hola\x0bTo: nadie\n\nHola\n"
    with pytest.raises(Invalid):
        reading.read(FROM + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + inner + b"--b--\n")


@pytest.mark.parametrize(("parts", "read"), [(400, True), (600, False)])
def test_a_mail_may_have_many_parts_but_not_any_number(parts, read):
    body = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * parts
    with nullcontext() if read else pytest.raises(Invalid):
        assert reading.read(FROM + body).texto.split() == ["x"] * parts


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Type: text/html\n\n" + b"<!--" * 500_000,
        b"Content-Type: text/html\n\n" + b"<a " * 700_000,
        b"Content-Type: text/html\n\n" + b"<blockquote>x" * 100_000,
        b"Content-Type: text/plain; charset=punycode\n\n" + b"a-b" * 700_000,
        b"\n" + b"On 1111111111111111111111111111111\n" * 50_000,
        b"\n" + b"De: x\nEnviado: y\n" * 100_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 160_000,
    ],
    ids=["comment", "tag", "quote", "punycode", "introduction", "outlook", "parts"],
)
def test_two_megabytes_of_malice_take_seconds_at_most(body):
    start = time.process_time()
    try:
        found = reading.read(FROM + body)
        wording.own(found.texto, found.asunto)
    except Invalid:
        pass
    assert time.process_time() - start < 10


SAMPLES = [path.read_bytes() for path in sorted(MAILS.glob("*.eml"))]
PIECES = st.sampled_from(
    [
        *(
            b"From: a@b.c\n",
            b"\n",
            b"\n\n",
            b"--b\n",
            b"--b--\n",
            b"=?utf-8?b?",
            b"?=",
            b"=?x?q?=zz?=",
            b"\xff\x00",
        ),
        *(
            b"Content-Type: multipart/mixed; boundary=b\n",
            b"Content-Type: message/rfc822\n",
            b"Content-Type: ;;\n",
        ),
        *(
            b"Content-Transfer-Encoding: base64\n",
            b"Content-Transfer-Encoding: x-uuencode\n",
            b"A=",
            b"<!",
            b"<p",
        ),
        *(
            b"Content-Disposition: attachment; filename*0*=x'y",
            b"Content-Type: text/html; charset=utf-7\n",
            b"+2AA-",
        ),
        b"Content-Type: text/plain; charset*=a'b'%ff; name*=utf-8''%e9\n",
    ]
)


def read_or_refused(raw):
    try:
        found = reading.read(raw)
    except reading.Unreadable:
        return
    for text in (found.texto, found.asunto, found.nombre, wording.own(found.texto, found.asunto)):
        text.encode()  # No lone surrogate, which no database takes.
        assert not wording.UNWANTED.search(text)
    assert "\n" not in found.asunto + found.nombre


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES | st.binary(max_size=20), max_size=25))
@example([b"From: a@b.c\n", b"Content-Type: text/html; charset=utf-7\n", b"\n", b"+2AA-"])
def test_garbage_is_read_or_refused_and_nothing_else(pieces):
    read_or_refused(FROM + b"".join(pieces))
    read_or_refused(b"".join(pieces))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_a_broken_sample_is_read_or_refused_and_nothing_else(raw, data):
    place = data.draw(st.integers(0, len(raw)))
    read_or_refused(
        raw[:place] + data.draw(st.binary(max_size=8)) + raw[place + data.draw(st.integers(0, 40)) :]
    )

"""No answer of any test tells a secret: what looks at each of them, and what it finds."""

import pytest

from tests.client import TOLD_ONCE, assert_no_secret, operations
from tests.factories import CLAVE, quien, segundo_factor
from tests.world import VISTAS, bearer, refresh_token

TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"
HUELLA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "told",
    [
        {"password": "x"},
        {"user": {"id": 1, "password_hash": None}},
        {"data": [{"id": 1}, {"id": 2, "huella": "x"}]},
        {"data": [{"refresh_token": TOKEN}]},
        {"nombre": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"},
        {"notas": f"{HUELLA}"},
        {"id_externo": "scrypt:32768:8:1$sal$00"},
        {"cambios": [{"campo": "nombre", "anterior": "a", "nuevo": HUELLA}]},
        {"cambios": [{"campo": "password_hash", "anterior": None, "nuevo": None}]},
    ],
)
def test_an_answer_that_told_a_secret_would_fail_its_test(told):
    with pytest.raises(AssertionError):
        assert_no_secret(told)


@pytest.mark.parametrize(
    "told",
    [
        {"id": 1, "email": "a@example.org", "segundo_factor": True, "debe_cambiar_clave": False},
        {"sha256": HUELLA},
        {"cambios": [{"campo": "sha256", "anterior": None, "nuevo": HUELLA}]},
    ],
)
def test_other_answers_do_not(told):
    assert_no_secret(told)


def test_whoever_tells_a_secret_once_does_so_by_name(app):
    """An operation that is renamed does not stay in the list of those that may."""
    assert set(TOLD_ONCE) <= {about["operationId"] for _, about in operations(app)}


MARCA = "marca-de-la-clave-7319"


def test_what_one_sends_as_a_secret_comes_back_in_no_answer(call, client, admin):
    """A password, right or wrong, a token and a code: not in what is refused either."""
    who = quien("Técnico")
    segundo_factor(who.id)
    refresh = refresh_token(who)
    answers = [
        call(None, "POST", "/api/auth/login", {"email": who.email, "password": MARCA}),
        call(None, "POST", "/api/auth/login", {"email": MARCA, "password": MARCA}),
        call(None, "POST", "/api/auth/login/segundo-factor", {"desafio": MARCA, "codigo": MARCA}),
        call(who, "POST", "/api/auth/me/password", {"password_actual": MARCA, "password_nuevo": MARCA}),
        call(who, "POST", "/api/auth/me/password", {"password_actual": CLAVE, "password_nuevo": MARCA[:5]}),
        call(admin, "POST", f"/api/users/{who.id}/password", {"password": MARCA[:5]}),
        call(who, "POST", "/api/auth/segundo-factor", {"password": MARCA}),
        client.get(f"{VISTAS}?{MARCA}=1", headers=bearer(MARCA)),
        client.get(f"/api/auth/me?access_token={MARCA}"),
        client.post("/api/auth/refresh", headers=bearer(refresh + "x")),
    ]

    assert [answer.status_code for answer in answers] == [401, 422, 401, 403, 422, 422, 403, 401, 401, 401]
    for answer in answers:
        written = answer.text + str(answer.headers)
        assert not any(secret in written for secret in (MARCA, MARCA[:5], CLAVE, refresh)), (
            answer.request.path
        )

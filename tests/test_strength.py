"""Passwords that anybody would try first are refused, wherever one is set; others are not."""

import random
import string
from itertools import cycle, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.access import strength
from app.services.access.users import MIN_CLAVE
from tests import factories
from tests.client import codes
from tests.factories import CLAVE

USERS, PASSWORD = "/api/users", "/api/auth/me/password"
ROSA = {
    "email": "rosa.lima@empresa.example.org",
    "nombre": "Rosa María",
    "apellido": "Ñandú",
    "tipo_usuario": "Técnico",
}
ABOUT = [ROSA[name] for name in ("email", "nombre", "apellido")]

AROUND = (
    *("{}123", "{}1234", "{}12345", "{}2024", "{}2026!", "{}!", "{}.", "123{}", "{}123456", "{}@123"),
    *("{0}{0}", "{}_01", "{}#2025", "1{}1", "{} 99"),
)


def title(word):
    return word.title()


def leet(word):
    return word[0] + word[1:-2].translate(str.maketrans("aeos", "4305")) + word[-2:]


# The words with what people put around them, each written in one of four ways.
KNOWN = list(
    islice(
        (
            password
            for word, around, write in zip(
                sorted(strength.common_words()) * 3,
                cycle(AROUND),
                cycle([str, title, str.upper, leet]),
                strict=False,
            )
            if len(password := around.format(write(word))) >= MIN_CLAVE
        ),
        3000,
    )
)
PATTERNS = """
1234567890 0987654321 1111111111 1234554321 1212121212 1122334455 123456789a a123456789 1029384756
7894561230 147258369147 12345678910 abcdefghij abcd123456 qwertyuiop qwertyuiop123 QWERTYUIOP poiuytrewq
asdfghjkl1 1q2w3e4r5t 1qaz2wsx3edc zaq12wsxcde3 qazwsxedcrfv aaaaaaaaaa abcabcabcabc abc123abc123
qwer1234qwer kx7kx7kx7kx7 kx7mq2kx7mq2 xyxyxyxyxyxyx !!!!!!!!!!! 98765432109876543210
""".split()  # noqa: SIM905  (to be read)
WELL_KNOWN = """
password12 Password123! P@ssw0rd123 pa55word12 Passw0rd!! p.a.s.s.w.o.r.d password.1 passwordpassword
contraseña123 Contraseña2026 contrasena1 soporte2024 Soporte_123 s0p0rt3!!! SECRET1234 letmein1234
welcome2026 admin12345 administrator administrador1 iloveyou123 teamomucho diosesamor jesucristo
christopher elizabeth1 Alejandro1 guatemala1 barcelona1 realmadrid chocolate1 pokemon123 basketball
footballer 2024password admin@12345 qwerty12345 noviembre2026 admin12345admin
1.p.a.s.s.w.o.r.d.23 50p0rt3!!! 115oporte!
""".split()  # noqa: SIM905
GOOD = [
    "tres tigres en el trigal",
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "mi gato come sopa",
    "pW3v0c8mZq5u",
    "xavier#9281$kd",
    "8305719264",
    "jcontraseña",  # A letter more makes it no word of the list.
    # Almost patterns: five runs in ten characters, every second one a run, short runs, a block of seven.
    *("k12345mz98", "1k2x3q4m5z", "12k34m56q8", "kx7mq2wkx7mq2w"),
    "ñoño y ñandú al sol",
    "长城长城上的猫和狗走路",
]
LIKE = [
    *("rosa.lima2026", "Rosa.Lima@empresa.example.org", "xx-amil.asor-9", "empresa-7731-kq", "77aserpme77kq"),
    "kq-example-7731",
    *("7Maria#kq90", "kq ÑANDU 8351", "nandú.8351.kq", "8351 údnañ kq", "R0s4#8351kq"),
]


def refused(password):
    return {falla.codigo for falla in strength.faults(password, ABOUT)}


def test_three_thousand_well_known_passwords_are_refused():
    assert len(set(KNOWN)) == 3000

    assert [password for password in KNOWN if "clave_comun" not in refused(password)] == []


@pytest.mark.parametrize("password", [*PATTERNS, *WELL_KNOWN])
def test_a_pattern_and_a_word_with_something_around_it_are_refused(password):
    assert "clave_comun" in refused(password)


@pytest.mark.parametrize("password", LIKE)
def test_what_one_is_called_is_no_password(password):
    assert "clave_parecida" in refused(password)


def test_how_the_address_of_many_ends_says_nothing_of_anybody():
    assert list(strength.faults("kq-online-7731", ["rosa@empresa.online", "Rosa"])) == []


@pytest.mark.parametrize("password", GOOD)
def test_several_words_are_a_good_password_and_so_is_chance(password):
    assert list(strength.faults(password, ["ana@b.example", "Ana", "Paz"])) == []


def test_hardly_any_password_by_chance_is_refused():
    chance = random.Random(7)
    for alphabet in (string.digits, string.ascii_lowercase, string.ascii_letters + string.digits):
        some = ["".join(chance.choices(alphabet, k=MIN_CLAVE)) for _ in range(2000)]
        assert sum(bool(refused(password)) for password in some) < 40


@settings(max_examples=200, deadline=None, database=None)
@given(st.text(min_size=10, max_size=128), st.lists(st.text(max_size=120), max_size=3))
def test_whatever_it_is_it_is_judged_in_time(password, about):
    assert {falla.codigo for falla in strength.faults(password, about)} <= {"clave_comun", "clave_parecida"}


def test_the_list_is_small_and_not_read_before_it_is_needed():
    assert strength.WORDS.stat().st_size < 100_000
    assert len(strength.common_words()) > 5000
    assert all(word.isascii() and word.islower() and len(word) >= 4 for word in strength.common_words())


@pytest.mark.parametrize(
    ("password", "codigo"),
    [("Soporte-2026", "clave_comun"), ("qwertyuiop", "clave_comun"), ("Ñandú-73-xyq", "clave_parecida")],
)
def test_wherever_a_password_is_set_it_is_refused_at_its_field(call, admin, password, codigo):
    names = {name: ROSA[name] for name in ("email", "nombre", "apellido")}
    who = factories.quien("Técnico", **names | {"email": "otra@example.org"})

    created = call(admin, "POST", USERS, ROSA | {"password": password})
    reset = call(admin, "POST", f"{USERS}/{who.id}/password", {"password": password})
    own = call(who, "POST", PASSWORD, {"password_actual": CLAVE, "password_nuevo": password})

    assert (created.status_code, codes(created)) == (422, {"password": [codigo]})
    assert (reset.status_code, codes(reset)) == (422, {"password": [codigo]})
    assert (own.status_code, codes(own)) == (422, {"password_nuevo": [codigo]})


def test_a_hundred_of_them_are_refused_over_http(call, admin):
    for password in KNOWN[::30]:
        answer = call(admin, "POST", USERS, ROSA | {"password": password})
        assert (answer.status_code, set(codes(answer))) == (422, {"password"}), password


def test_the_first_administrador_gets_no_better_deal(app, session):
    runner = app.test_cli_runner()

    ended = runner.invoke(args=["create-admin", "ana@example.org"], input="administrador2026\n")

    assert ended.exit_code == 1
    assert "password: Es una contraseña conocida" in ended.output

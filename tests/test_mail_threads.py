"""The marks by which mail about a ticket hangs together: what is written is read again."""

import pytest

from app.services.mail import threads

DOMINIO = "soporte.example.org"


def test_a_mail_about_an_event_names_it_and_answers_its_ticket():
    assert threads.message_id(123, "abc-0", DOMINIO) == "<tiquet-123.abc-0@soporte.example.org>"
    assert threads.thread_id(123, DOMINIO) == "<tiquet-123@soporte.example.org>"


def test_the_domain_is_that_of_whoever_sends():
    assert threads.domain_of("Soporte <Ayuda@Example.ORG>") == "example.org"
    assert threads.domain_of("ayuda@example.org") == "example.org"


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ("<tiquet-123.abc-0@soporte.example.org>", 123),
        ("<tiquet-123@soporte.example.org> <x@y>\r\n <tiquet-123.b-1@SOPORTE.example.org>", 123),
        ("<tiquet-1@soporte.example.org> <tiquet-2.a-0@soporte.example.org> <x@y>", 2),
        ("<tiquet-1@soporte.example.org> <tiquet-2@elsewhere.example.org>", 1),
        ("<tiquet-1@evil-soporte.example.org>", None),
        ("<tiquet-1@soporte.example.org.evil.test>", None),
        ("<tiquet-0@soporte.example.org>", None),
        ("<tiquet-9999999999@soporte.example.org>", None),
        ("<tiquet-٣@soporte.example.org>", None),
        ("", None),
    ],
)
def test_an_answer_is_known_by_what_it_refers_to(headers, id):
    assert threads.ticket_of_references(headers, DOMINIO) == id


@pytest.mark.parametrize(
    ("subject", "id"),
    [
        ("[SP-000123] No imprime", 123),
        ("RE: Rv: [sp-000123] No imprime [SP-000007]", 123),
        ("[SP-1234567] Muchos", 1_234_567),
        ("SP-000123 sin corchetes", None),
        ("[SP-123] corto", None),
        ("[SP-000000] ninguno", None),
        ("[SP-9999999999] imposible", None),
        ("", None),
    ],
)
def test_a_subject_names_its_ticket(subject, id):
    assert threads.ticket_of_subject(subject) == id


def test_a_subject_is_one_line_and_is_read_again():
    subject = threads.subject(123, "No imprime\r\nBcc: otro@example.org\t ni escanea")
    assert subject == "[SP-000123] No imprime Bcc: otro@example.org ni escanea"
    assert threads.ticket_of_subject(f"Re: {subject}") == 123

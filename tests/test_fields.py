"""The document's patterns and the parser judge texts alike."""

import pytest
from apispec import APISpec
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from marshmallow import ValidationError

from app.schemas.desk.tickets import Etiqueta
from app.schemas.fields import Codigo, Color, Correo, Texto
from app.utils.documents.openapi import Plugin

FIELDS = {
    "one line": Texto(max=12),
    "several lines": Texto(max=12, lines=True),
    "three characters": Texto(min=3, max=12),
    "optional": Texto(max=12, allow_none=True),
    "optional lines": Texto(max=12, lines=True, allow_none=True),
    "label": Etiqueta(max=12),
    "code": Codigo(),
    "colour": Color(allow_none=True),
    "e-mail": Correo(),
    "optional e-mail": Correo(allow_none=True),
}
# What the patterns tell apart: letters, marks, controls, spaces of all kinds, what shows nothing.
ALPHABET = (
    "aB1_#@.,;é😀 \t\n\r\x00\x0b\x1c\x7f\x85\xa0\xad\u180e\u2000\u2003\u200b\u200e\u2028\u202e\u2060\ufeff"
)
PIECES = ("a@b.co", "#00fF9a", "codigo_1", " ", "\n", "\u200b", "abc")
TEXTS = st.one_of(
    st.text(ALPHABET, max_size=14),
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
)


@pytest.fixture(scope="module")
def converter():
    plugin = Plugin()
    plugin.init_spec(APISpec("", "", "3.1.0", plugins=[]))
    return plugin.converter


def taken(field, text):
    try:
        field.deserialize(text)
    except ValidationError:
        return False
    return True


@pytest.mark.usefixtures("without_app")
@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
@given(text=TEXTS)
def test_a_text_is_taken_when_its_document_says_so(converter, field, text):
    documented = Draft202012Validator(converter.field2property(field)).is_valid(text)

    assert taken(field, text) == documented

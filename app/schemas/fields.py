"""The kinds of values that come in, each with its faults by code."""

import re
import unicodedata
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Self
from zoneinfo import available_timezones

import marshmallow as ma
import orjson
from marshmallow import fields, validate

from app import patterns
from app.errors import Falla
from app.services.access.users import MAX_CLAVE

MAX_ID = 2147483647

RFC3339 = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)

SHARED = {
    "required": Falla("requerido"),
    "null": Falla("nulo"),
    "validator_failed": Falla("tipo", esperado="un valor"),
}


class Shared(ma.Schema):
    """One instance for all: flask-smorest copies what it documents, with its fields, at each decorator."""

    def __deepcopy__(self, _memo: Any) -> Self:
        return self


class Out(Shared):
    """What goes out, for the document: rows are written as they are, without a schema."""


class Schema(Shared):
    """What comes in: unknown fields are refused by name."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {"unknown": Falla("desconocido")}  # noqa: RUF012 (marshmallow's own form)


class VacioArgs(Schema):
    """Un cuerpo sin campos; también puede faltar."""


class Cambios(Schema):
    """A change: fields that may be written, and by ``changes_of`` those that are only shown."""

    SOLO_LECTURA: ClassVar[tuple[str, ...]] = ()

    @ma.post_load
    def set_read_only_apart(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        kept = {name: data.pop(name) for name in self.SOLO_LECTURA if name in data}
        return {**data, "solo_lectura": kept} if kept else data


def changes_of(shown: type[ma.Schema]) -> Callable[[type[Cambios]], type[Cambios]]:
    """Let a ``Cambios`` take what ``shown`` shows beyond it, apart, under ``solo_lectura``.

    Whoever reads, edits and sends a whole object sends its read-only fields too.
    """

    def decorator(changes: type[Cambios]) -> type[Cambios]:
        known = changes._declared_fields
        changes.SOLO_LECTURA = tuple(name for name in shown._declared_fields if name not in known)
        about = {"description": "Solo lectura: se admite sin cambios.", "readOnly": True}
        for name in changes.SOLO_LECTURA:
            known[name] = fields.Raw(allow_none=True, metadata=about)
        return changes

    return decorator


def requires(*names: str) -> Callable[[type[Schema]], type[Schema]]:
    """Make fields that a schema has from its parents obligatory."""

    def decorator(schema: type[Schema]) -> type[Schema]:
        for name in names:
            field = copy(schema._declared_fields[name])
            field.required = True
            schema._declared_fields[name] = field
        return schema

    return decorator


class Texto(fields.String):
    """Text: NFC, trimmed, without control characters, ``min`` to ``max`` characters long.

    What is left must match ``form``, if there is one.
    """

    default_error_messages = {  # noqa: RUF012
        **SHARED,
        "invalid": Falla("tipo", esperado="un texto"),
        "characters": Falla("caracteres"),
    }

    def __init__(
        self, min: int = 1, max: int = 200, lines: bool = False, form: str | None = None, **options: Any
    ) -> None:
        self.length = validate.Length(min=min, max=max, error=Falla("longitud"))
        self.allowed = patterns.allowed(lines)
        self.form = form
        super().__init__(validate=self.length, **options)

    @property
    def constraints(self) -> dict[str, Any]:
        """What the document says beside the length."""
        if self.form:
            return patterns.keywords(patterns.around(self.form, self.allow_none), self.allowed)
        may_be_blank = self.allow_none or not self.length.min
        return patterns.keywords(self.allowed, None if may_be_blank else patterns.ends(self.length.min or 0))

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        sent = str(super()._deserialize(value, attr, data, **kwargs))
        if len(sent) > (self.length.max or 0):
            self.length(sent)
        if not re.fullmatch(self.allowed, sent):
            raise self.make_error("characters")
        text = unicodedata.normalize("NFC", sent).strip(patterns.BLANKS)
        if text and self.form and not re.fullmatch(self.form, text):
            raise self.make_error("form")
        # Blank and absent are the same where a value may be missing.
        return None if not text and self.allow_none else text

    def _validate(self, value: Any) -> None:
        if value is not None:
            super()._validate(value)


class Clave(fields.String):
    """A password: taken as it is, to the last space."""

    default_error_messages = Texto.default_error_messages

    def __init__(self, min: int = 1, **options: Any) -> None:
        length = validate.Length(min=min, max=MAX_CLAVE, error=Falla("longitud"))
        super().__init__(validate=length, **options)


class Correo(Texto):
    """An e-mail address, lower case."""

    default_error_messages = {"form": Falla("email")}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(min=3, max=254, form=patterns.EMAIL, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return text and unicodedata.normalize("NFC", text.lower())


class Entero(fields.Integer):
    """A whole number; in a query string as digits, in JSON only as a number."""

    default_error_messages = {  # noqa: RUF012
        **SHARED,
        "invalid": Falla("tipo", esperado="un número entero"),
        "too_large": Falla("rango", min=1, max=MAX_ID),
    }

    def __init__(self, min: int = 1, max: int = MAX_ID, query: bool = False, **options: Any) -> None:
        self.query = query
        bounds = validate.Range(min=min, max=max, error=Falla("rango"))
        super().__init__(validate=[bounds], **options)

    def _validated(self, value: Any) -> int:
        if not self.is_readable(value):
            raise self.make_error("invalid")
        return int(super()._validated(value))

    def is_readable(self, value: Any) -> bool:
        if self.query:
            return bool(re.fullmatch(r"-?\d{1,19}", value, re.ASCII))
        return type(value) is int or (type(value) is float and value.is_integer())  # 5.0 is 5.


class Booleano(fields.Boolean):
    """True or false; in a query string the two words, in JSON only the values."""

    default_error_messages = {**SHARED, "invalid": Falla("tipo", esperado="true o false")}  # noqa: RUF012

    def __init__(self, query: bool = False, **options: Any) -> None:
        self.words = {"true": True, "false": False} if query else {}
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, bool):
            return value
        if not isinstance(value, str) or value not in self.words:
            raise self.make_error("invalid")
        return self.words[value]


class Color(Texto):
    """A colour, ``#RRGGBB``, upper case."""

    default_error_messages = {"form": Falla("color")}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(max=7, form=patterns.COLOR, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return text and text.upper()


class Codigo(Texto):
    """A name for programs."""

    default_error_messages = {"form": Falla("codigo")}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(max=40, form=patterns.CODIGO, **options)


class Objeto(fields.Dict):
    """A JSON object of at most ``max`` bytes, kept as it is."""

    default_error_messages = {**SHARED, "invalid": Falla("tipo", esperado="un objeto")}  # noqa: RUF012

    def __init__(self, max: int, **options: Any) -> None:
        self.max = max
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        if len(orjson.dumps(found)) > self.max:
            raise ma.ValidationError([Falla("demasiado_grande", max=self.max)])
        return found


class Preferencias(Objeto):
    """What somebody's program keeps, and under ``correo`` which mail they want: kind -> whether."""

    def __init__(self, avisos: tuple[str, ...], **options: Any) -> None:
        self.avisos = avisos
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        if faults := self.faults(found.get("correo", {})):
            raise ma.ValidationError(faults)
        return found

    def faults(self, correo: Any) -> dict[str, Any]:
        if not isinstance(correo, dict):
            return {"correo": [Falla("tipo", esperado="un objeto")]}
        wrong = {name: [Falla("desconocido")] for name in correo if name not in self.avisos}
        wrong |= {
            name: [Falla("tipo", esperado="true o false")]
            for name, wanted in correo.items()
            if name in self.avisos and not isinstance(wanted, bool)
        }
        return {f"correo.{name}": faults for name, faults in wrong.items()}


@cache
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # Reads files, so only once.


class ZonaHoraria(Texto):
    """A time zone by its IANA name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max=40, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        name = super()._deserialize(value, attr, data, **kwargs)
        if name not in time_zones():
            raise ma.ValidationError([Falla("zona_horaria")])
        return name


class Opcion(fields.String):
    """One of a few words."""

    default_error_messages = Texto.default_error_messages

    def __init__(self, *choices: str, **options: Any) -> None:
        one = validate.OneOf(choices, error=Falla("opcion", opciones=", ".join(choices)))
        super().__init__(validate=one, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return unicodedata.normalize("NFC", str(super()._deserialize(value, attr, data, **kwargs)))


class Instante(fields.Field[datetime]):
    """An instant, RFC 3339 with an offset; naive UTC inside."""

    default_error_messages = {**SHARED, "invalid": Falla("instante")}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not RFC3339.fullmatch(value):
            raise self.make_error("invalid")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC).replace(tzinfo=None)
        except (ValueError, OverflowError) as error:
            raise self.make_error("invalid") from error


class Lista(fields.List[Any]):
    """A list of ``min`` to ``max`` values, of which each counts once."""

    default_error_messages = {**SHARED, "invalid": Falla("tipo", esperado="una lista")}  # noqa: RUF012

    def __init__(self, inner: fields.Field[Any], max: int, min: int | None = None, **options: Any) -> None:
        length = validate.Length(min=min, max=max, error=Falla("cantidad" if min else "demasiados"))
        super().__init__(inner, validate=length, **options)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        found = super().deserialize(value, attr, data, **kwargs)
        return list(dict.fromkeys(found)) if isinstance(found, list) else found


class IdOPalabra(fields.Field[Any]):
    """In a query: an id, or one of a few words that stand for one."""

    default_error_messages = {**SHARED, "invalid": Falla("tipo", esperado="un número entero")}  # noqa: RUF012

    def __init__(self, *words: str, **options: Any) -> None:
        self.words = words
        self.number = Entero(query=True)
        super().__init__(**options)

    @property
    def constraints(self) -> dict[str, Any]:
        """What the document says."""
        return {"anyOf": [{"enum": list(self.words)}, {"type": "integer", "minimum": 1, "maximum": MAX_ID}]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return value if value in self.words else self.number.deserialize(value, attr, data)

"""What comes in: strict JSON, and each fault of a field by its code."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import unquote, unquote_to_bytes

import orjson
from flask import Request, g, request
from marshmallow import Schema, ValidationError, fields
from webargs import core
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import BadRequest, Falla, Invalid, UnsupportedMediaType
from app.utils.files.uploads import load_multipart

MAX_DEPTH = 20
MAX_DIGITS = 18  # All such integers fit into 64 bits, with either sign.
LONGEST_KEPT = 200  # bytes of a query whose meaning is kept for the next request that has it

STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")
LONG_NUMBER = re.compile(rb"\d{%d}" % (MAX_DIGITS + 1))


def load_json(body: bytes) -> Any:
    """The value of ``body``, refusing what JSON parsers take in different ways or choke on."""
    try:
        value = orjson.loads(body)  # Strict about UTF-8, lone surrogates, NaN and depth; json is not.
    except orjson.JSONDecodeError as error:
        raise BadRequest("json_invalido") from error
    outline = STRINGS.sub(b"", body)
    if outline.count(b"[") + outline.count(b"{") > MAX_DEPTH:
        check_depth(outline)
    if LONG_NUMBER.search(outline):
        raise BadRequest("json_numero_demasiado_largo", max=MAX_DIGITS)
    if outline.count(b":") != pairs_in(value):  # Of a repeated key orjson keeps the last value.
        json.loads(body, object_pairs_hook=refuse_repeated_key)
    return value


def check_depth(outline: bytes) -> None:
    depth = 0
    for bracket in BRACKETS.findall(outline):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise BadRequest("json_demasiado_profundo", max=MAX_DEPTH)


def pairs_in(value: Any) -> int:
    """How many keys all objects in ``value`` have."""
    if isinstance(value, dict):
        return len(value) + sum(map(pairs_in, value.values()))
    return sum(map(pairs_in, value)) if isinstance(value, list) else 0


def refuse_repeated_key(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _value in pairs:
        if key in seen:
            raise BadRequest("json_clave_repetida", clave=key[:40])
        seen.add(key)


class Parser(FlaskParser):
    """webargs with our JSON and our errors."""

    __location_map__ = {**FlaskParser.__location_map__, "multipart": "load_multipart"}  # noqa: RUF012
    # None: the schema's own Meta.unknown counts, and that is RAISE.
    DEFAULT_UNKNOWN_BY_LOCATION = dict.fromkeys([*FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "multipart"])

    def parse(
        self, argmap: Any, req: Request | None = None, *, location: str | None = None, **options: Any
    ) -> Any:
        """What is in the query is read once a request: some views are prepared for before they are called.

        No view of ours has ``options`` for it but what webargs takes unasked.
        """
        if location != "query":
            return super().parse(argmap, req, location=location, **options)
        parsed: dict[Any, Any] = g.setdefault("parsed", {})
        if argmap not in parsed:
            query = request.query_string
            parsed[argmap] = (
                deepcopy(meaning(self, argmap, query))
                if len(query) <= LONGEST_KEPT
                else self.parse_query(argmap)
            )
        return parsed[argmap]

    def parse_query(self, argmap: Any) -> Any:
        return super().parse(argmap, request, location="query")

    def load_json(self, req: Request, schema: Any) -> Any:
        body = req.get_data(cache=True)
        if req.content_length is None and len(body) == req.max_content_length:
            raise RequestEntityTooLarge  # Werkzeug stops reading a chunked body at the limit, without a word.
        if not body.strip():
            return {}  # An empty body and {} are the same.
        charset = req.mimetype_params.get("charset", "utf-8").lower()
        if not core.is_json(req.mimetype) or charset not in ("utf-8", "utf8"):
            raise UnsupportedMediaType
        return load_json(body)

    def load_querystring(self, req: Request, schema: Any) -> Any:
        refuse_other_encodings(req.query_string)
        refuse_repeated(req.args, schema)
        proxy = super().load_querystring(req, schema)
        return {name: proxy[name] for name in req.args}  # A dict: marshmallow asks it for every field.

    def load_multipart(self, req: Request, schema: Any) -> Any:
        sent = load_multipart(req, schema.SIZES)
        refuse_repeated(sent, schema)
        return self._makeproxy(sent, schema)

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Any,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        raise Invalid({k: v for located in error.messages_dict.values() for k, v in flatten(located).items()})


@lru_cache(maxsize=1024)
def meaning(parser: Parser, schema: Schema, _query: bytes) -> Any:
    """What the query of this request means, the same in each that has it; what is refused is not kept."""
    return parser.parse_query(schema)


def refuse_repeated(sent: MultiDict[str, Any], schema: Any) -> None:
    """Refuse what has one value but was sent twice."""
    single = [name for name in sent if not isinstance(schema.fields.get(name), fields.List)]
    repeated = {name: [Falla("repetido")] for name in single if len(sent.getlist(name)) > 1}
    if repeated:
        raise Invalid(repeated)


def refuse_other_encodings(query: bytes) -> None:
    """Refuse values that are not UTF-8: Werkzeug takes ``%FF`` for these three letters."""
    wrong = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        try:
            unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            wrong[unquote(name)] = [Falla("codificacion")]
    if wrong:
        raise Invalid(wrong)


def flatten(messages: Any, path: str = "") -> dict[str, list[Falla]]:
    """marshmallow's nested messages as dotted field -> faults; ``_schema`` stands for the whole body."""
    if not isinstance(messages, dict):
        return {path: [f if isinstance(f, Falla) else Falla("tipo", esperado="un objeto") for f in messages]}
    found: dict[str, list[Falla]] = {}
    for key, value in messages.items():
        found |= flatten(value, f"{path}.{key}".lstrip("."))
    return found


def refuse_parameters() -> None:
    """For views that take no query parameters."""
    if request.args:
        raise Invalid({name: [Falla("desconocido")] for name in request.args})

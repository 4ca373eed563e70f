"""JSON out: orjson, with instants as RFC 3339 in UTC."""

from typing import Any

import orjson
from flask.json.provider import JSONProvider

OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, option=OPTIONS)


class OrjsonProvider(JSONProvider):
    """What Flask and its extensions write JSON with."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        return orjson.loads(s)

"""What may stand in a path."""

from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, IntegerConverter

from app.schemas.fields import MAX_ID


class IdConverter(IntegerConverter):
    """An id: 1 to 2147483647, plain digits; anything else is no address of ours (404)."""

    regex = r"[1-9][0-9]{0,9}"

    def to_python(self, value: str) -> int:
        if int(value) > MAX_ID:
            raise NotFound  # A ValidationError would be a 405: the rules for other methods match so far.
        return int(value)


class SesionConverter(BaseConverter):
    """The id of a session, as its tokens name it."""

    regex = r"[0-9a-f]{32}"

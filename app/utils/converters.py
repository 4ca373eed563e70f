"""What may stand in a path."""

from werkzeug.routing import IntegerConverter


class IdConverter(IntegerConverter):
    """An id: 1 to 2147483647, plain digits; anything else is no address of ours (404)."""

    regex = r"[1-9][0-9]{0,9}"

    def __init__(self, map: object) -> None:
        super().__init__(map, min=1, max=2147483647)  # type: ignore[arg-type]  # werkzeug's own name

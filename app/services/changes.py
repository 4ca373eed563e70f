"""What a body asks to change of a thing: fields that are sent, less those that are so already."""

from collections.abc import Callable
from typing import Any

from app.errors import Falla, Invalid
from app.models import as_json

SIN_CAMBIO = "solo_lectura"  # Where a body's read-only fields are: accepted as they stand, refused otherwise.


def wanted(
    thing: Any,
    cambios: dict[str, Any],
    shown: Callable[[], dict[str, Any]],
    moving: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The fields of ``cambios`` in which ``thing`` is not so yet; ``shown`` is the thing as a client gets it.

    Whoever reads, edits and sends a whole object sends its read-only fields too; changing them is a mistake.
    Not so those in ``moving``, which others move without a new version, if the object is of this version.
    """
    sent = cambios.get(SIN_CAMBIO)
    if sent:
        present = shown()
        passed = moving if sent.get("version") == thing.version else ()
        changed = [
            n for n, value in sent.items() if n not in passed and as_json(present[n]) != as_json(value)
        ]
        if changed:
            raise Invalid({name: [Falla("solo_lectura")] for name in changed})
    return {
        name: value
        for name, value in cambios.items()
        if name != SIN_CAMBIO and as_json(getattr(thing, name)) != as_json(value)
    }

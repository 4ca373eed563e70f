"""What can be refused, and with which status; the words are in ``utils/messages.py``."""

from typing import Any


class Falla(str):
    """Why one field was refused: a stable code and the values its message is filled with.

    It is a string, so that marshmallow carries it wherever it would carry a message of its own.
    """

    codigo: str
    datos: dict[str, Any]

    def __new__(cls, codigo: str, **datos: Any) -> "Falla":
        self = super().__new__(cls, codigo)
        self.codigo = codigo
        self.datos = datos
        return self

    def format(self, *_args: object, **datos: Any) -> "Falla":
        """Called by marshmallow's validators with their bounds."""
        return Falla(self.codigo, **{**self.datos, **datos})


class AppError(Exception):
    """A request that is refused.

    ``datos`` fill the message, ``miembros`` stand in the answer beside it. With ``conserva`` the unit of
    work is committed all the same: a failed sign-in must be remembered although it is refused.
    """

    status = 500
    codigo = "error_interno"

    def __init__(
        self,
        codigo: str | None = None,
        *,
        miembros: dict[str, Any] | None = None,
        retry_after: int | None = None,
        conserva: bool = False,
        **datos: Any,
    ) -> None:
        self.codigo = codigo or self.codigo
        self.datos = datos
        self.miembros = miembros or {}
        self.retry_after = retry_after
        self.conserva = conserva
        super().__init__(self.codigo)


class BadRequest(AppError):
    """The request cannot be read: broken JSON, a foreign cursor, a malformed header."""

    status = 400
    codigo = "peticion_incorrecta"


class Unauthorized(AppError):
    """Nobody we know: no token, a bad one, a session that ended."""

    status = 401
    codigo = "token_invalido"


class Forbidden(AppError):
    """Somebody we know who may not do this."""

    status = 403
    codigo = "permiso_denegado"


class NotFound(AppError):
    """No such thing, or none that the caller may know of."""

    status = 404
    codigo = "no_encontrado"


class Conflict(AppError):
    """The present state does not allow it."""

    status = 409
    codigo = "conflicto"


class Gone(AppError):
    """It was here once, and will not be again."""

    status = 410
    codigo = "cursor_purgado"


class PreconditionFailed(AppError):
    """The caller has seen an older version."""

    status = 412
    codigo = "version_obsoleta"


class TooLarge(AppError):
    """More bytes than are taken."""

    status = 413
    codigo = "cuerpo_demasiado_grande"


class UnsupportedMediaType(AppError):
    """The body is not JSON, or a file is of a kind that is not taken."""

    status = 415
    codigo = "tipo_no_admitido"


class Invalid(AppError):
    """Fields with values that cannot be taken."""

    status = 422
    codigo = "datos_invalidos"

    def __init__(self, errores: dict[str, list[Falla]] | None = None, codigo: str | None = None) -> None:
        super().__init__(codigo)
        self.errores = errores or {}


class PreconditionRequired(AppError):
    """``If-Match`` is obligatory here."""

    status = 428
    codigo = "falta_if_match"


class TooMany(AppError):
    """Refused for how often it was asked; ``retry_after`` seconds later it may be asked again."""

    status = 429
    codigo = "demasiadas_peticiones"


class Unavailable(AppError):
    """Not now: the database is away, busy or too slow. The same request may be sent again."""

    status = 503
    codigo = "servicio_no_disponible"

    def __init__(self, codigo: str | None = None, retry_after: int = 1) -> None:
        super().__init__(codigo, retry_after=retry_after)


class InsufficientStorage(AppError):
    """The disk is full. Nothing was saved."""

    status = 507
    codigo = "sin_espacio"

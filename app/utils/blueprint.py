"""Our ``Blueprint``: permissions declared on the route, and the unit of work at the edge."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache, wraps
from typing import Any

import flask_smorest
from flask import Response, g, request
from marshmallow import Schema

from app.errors import Forbidden
from app.extensions import db, settings
from app.permissions import Permiso, require
from app.queries.along import Along
from app.schemas.simulation import SimularArgs
from app.transaction import read
from app.utils.access import cookies, passes
from app.utils.access.identity import authenticate, nobody
from app.utils.files.uploads import MAIL, load_mail
from app.utils.parser import Parser, refuse_parameters
from app.utils.requests import restart_clock
from app.utils.writes import idempotency, simulation

View = Callable[..., Response]
CORREO = {
    "schema": {
        "type": "string",
        "format": "binary",
        "minLength": 1,
        "description": "El correo, con sus cabeceras.",
    },
    "example": (
        "From: Ana Ruiz <ana.ruiz@example.org>\r\nTo: soporte@example.org\r\n"
        "Subject: La impresora no responde\r\nMessage-ID: <ejemplo-1@example.org>\r\n"
        "\r\nDesde esta mañana no imprime.\r\n"
    ),
}
SAFE = ("GET", "HEAD", "OPTIONS")


def in_no_transaction(**_path: Any) -> bool:
    """Whoever writes begins one later: a slow body must not hold a connection."""
    return request.method not in SAFE


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's, with what every route of ours has."""

    ARGUMENTS_PARSER = Parser()
    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING = {  # noqa: RUF012 (smorest's own form)
        **flask_smorest.Blueprint.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING,
        "multipart": "multipart/form-data",
    }

    def route(
        self,
        rule: str,
        *,
        permiso: Permiso,
        pase: bool = False,
        galleta: bool = False,
        alone: Callable[..., Along | bool] = in_no_transaction,
        **options: Any,
    ) -> Callable[[View], View]:
        """Register a view. A route that does not say who may call it does not exist.

        With ``pase`` a pass in the address stands for the token; with ``galleta``, the cookie of the session.
        ``alone`` says, of what stands in the address, whether who asks may be read in no transaction, apart
        from what the view reads; or what that will be, which is then read along.
        """
        register = super().route

        def decorator(view: View) -> View:
            @wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Response:
                if pase and "pase" in request.args:
                    g.sesion = passes.redeem(request.args["pase"])
                if galleta and cookies.by_cookie():
                    g.actor = nobody()  # Who is refused without the CSRF token of the session.
                    g.sesion = cookies.holder(request.cookies[cookies.REFRESCO])
                enter(permiso, alone(**kwargs))
                if not takes_parameters(view):
                    refuse_parameters()
                return view(*args, **kwargs)

            wrapper._apidoc = {**getattr(view, "_apidoc", {}), "permiso": permiso}  # type: ignore[attr-defined]
            own = getattr(view, "_apidoc", {}).get("manual_doc", {})
            document = self.doc(
                operationId=f"{self.name}_{view.__name__}", **({} if "security" in own else security(permiso))
            )
            return register(rule, **options)(document(wrapper))  # type: ignore[no-any-return]

        return decorator

    def arguments(self, schema: Any, **options: Any) -> Callable[[View], View]:
        """Take what comes in by one instance of ``schema``: webargs makes one at each request of a class."""
        return super().arguments(instance_of(schema), **options)  # type: ignore[no-any-return]

    def parameters(self, schema: type[Schema]) -> Any:
        """What stands in the query, as a view gets it by ``arguments`` of this schema; or ``Invalid``."""
        return self.ARGUMENTS_PARSER.parse(instance_of(schema), request, location="query")

    def response(
        self, status: int, schema: Any = None, *, unit: bool = True, **options: Any
    ) -> Callable[[View], View]:
        """Document the answer, and make the view one unit of work unless it says that it makes its own."""
        describe = super().response(status, instance_of(schema), **options)

        def decorator(view: View) -> View:
            inner = describe(view)
            wrapper = wraps(inner)(edge(inner) if unit else inner)
            wrapper._apidoc = inner._apidoc  # type: ignore[attr-defined]
            return wrapper

        return decorator

    def alt_response(self, status_code: int, *, schema: Any, **options: Any) -> Callable[[View], View]:
        """Document another answer."""
        return super().alt_response(status_code, schema=instance_of(schema), **options)  # type: ignore[no-any-return]

    def problems(self, *codigos: str) -> Callable[[View], View]:
        """Document which errors this view answers, beside those that any like it may (``openapi.py``)."""
        return self.doc(**{"x-problemas": list(codigos)})  # type: ignore[no-any-return]

    def tagged(self, view: View) -> View:
        """Document that this view answers an ETag, and when it reads, 304 to whoever has it."""
        return self.doc(**{"x-etag": True})(view)  # type: ignore[no-any-return]

    def several(self, view: View) -> View:
        """Document that this view may create several things at once: the answer as a whole has no version."""
        return self.doc(**{"x-varios": True})(view)  # type: ignore[no-any-return]

    def mergeable(self, view: View) -> View:
        """Document that this view heeds ``Prefer: merge``."""
        return self.doc(**{"x-mezcla": True})(view)  # type: ignore[no-any-return]

    def simulable(self, view: View) -> View:
        """Let this view be tried with ``?simular=true``: nothing of what it does then stays."""

        @wraps(view)
        def wrapper(args: dict[str, Any], **kwargs: Any) -> Response:
            simulation.heed(args)
            return view(**kwargs)

        document = self.doc(**{"x-simulable": True})
        return document(self.arguments(SimularArgs, location="query")(wrapper))  # type: ignore[no-any-return]

    def mail(self, view: View) -> View:
        """Give a view the mail that is the body, as ``{"mensaje": bytes}``."""

        @wraps(view)
        def wrapper(**kwargs: Any) -> Response:
            return view({"mensaje": load_mail(request)}, **kwargs)

        document = self.doc(requestBody={"required": True, "content": {MAIL: CORREO}})
        return document(wrapper)  # type: ignore[no-any-return]

    def streaming(self, view: View) -> View:
        """Document that this view answers a stream, and goes on from ``Last-Event-ID``."""
        return self.doc(**{"x-flujo": True})(view)  # type: ignore[no-any-return]

    def by_cookie(self, view: View) -> View:
        """Document that the cookie of the session does for this view, with its CSRF token."""
        return self.doc(**{"x-galleta": True})(view)  # type: ignore[no-any-return]

    def ranged(self, view: View) -> View:
        """Document that this view answers bytes, or a range of them."""
        return self.doc(**{"x-rango": True})(view)  # type: ignore[no-any-return]


@cache
def made(schema: type[Schema]) -> Schema:
    """One for all views: to make one takes half a millisecond."""
    return schema()


def instance_of(schema: Any) -> Any:
    return made(schema) if isinstance(schema, type) else schema


def prepare(step: Callable[..., dict[str, Any]], timed: bool = True) -> Callable[[View], View]:
    """Do to the body, ``step(actor, body, …)``, what is too slow for the transaction that follows.

    A step that is not ``timed`` may take longer than a request; what follows it has its whole time.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def wrapper(datos: dict[str, Any], **kwargs: Any) -> Response:
            ready = read(lambda: step(g.actor, datos, **kwargs), g.deadline)
            if not timed:
                restart_clock()
            return view(ready, **kwargs)

        return wrapper

    return decorator


def enter(permiso: Permiso, alone: Along | bool) -> None:
    """Who calls, and whether its role may, before the body is read."""
    if permiso is Permiso.PUBLICO:
        g.actor = nobody()
        return
    g.actor = authenticate(alone)
    if alone:
        db.session.remove()  # The transaction in which a service token was read.
    admit(permiso)


def admit(permiso: Permiso) -> None:
    require(permiso, g.actor)
    if request.blueprint == "auth":
        return
    if g.actor.debe_cambiar_clave:
        raise Forbidden("cambio_de_clave_requerido")
    if g.actor.tipo_usuario in settings().segundo_factor_roles and not g.actor.segundo_factor:
        raise Forbidden("segundo_factor_obligatorio")


def enter_again(permiso: Permiso) -> None:
    """After a wait, in which the caller's session may have ended or its role become another."""
    restart_clock()
    g.pop("service_holder", None)  # Its token may have been revoked,
    g.pop("acceso", None)  # or have ended.
    g.actor = authenticate()
    admit(permiso)


def takes_parameters(view: View) -> bool:
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(parameter.get("in") == "query" for parameter in arguments.get("parameters", []))


def security(permiso: Permiso) -> dict[str, Any]:
    return {"security": []} if permiso is Permiso.PUBLICO else {"x-permiso": permiso.value}


def edge(view: View) -> View:
    """Run a writing view, answer and all, as one unit of work; a reading one just retried."""

    def wrapper(*args: Any, **kwargs: Any) -> Response:
        if request.method in SAFE:
            return read(lambda: view(*args, **kwargs), g.deadline)

        def work() -> Response:
            return view(*deepcopy(args), **kwargs)

        if simulation.is_asked():
            return simulation.tried(work, simulation.of_ticket)
        return idempotency.once(work)

    return wrapper

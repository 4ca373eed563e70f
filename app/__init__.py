"""SoportePlus: the REST API of a technical-support desk."""

from collections.abc import Callable
from typing import Any

from flask import Flask, has_request_context
from flask.sessions import SessionInterface

from app import cli, database, models, routes
from app.extensions import cors, db, jwt
from app.services import worker
from app.utils import problems, requests
from app.utils.access import tokens
from app.utils.converters import IdConverter, SesionConverter
from app.utils.documents import openapi, pages
from app.utils.files.uploads import SpoolingRequest
from app.utils.json import OrjsonProvider
from app.utils.load import limits, measures, metrics
from app.utils.proxies import TrustedProxies
from config import logs
from config.config import Config
from config.places import INSTANCE

ALLOWED_HEADERS = (
    *("Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Prefer"),
    *("Accept-Language", "X-Request-Id", "X-CSRF-TOKEN", "Last-Event-ID"),
)
EXPOSED_HEADERS = (
    *(
        "ETag",
        "Location",
        "X-Request-Id",
        "Retry-After",
        *limits.HEADERS,
    ),
    *("Idempotent-Replayed", "Content-Disposition", "Preference-Applied"),
)

__all__ = ["create_app", "models"]


class NoCookieSessions(SessionInterface):
    """Who calls is told by a token: there is nothing to be read from a signed cookie, or written to one."""

    def open_session(self, *_: Any) -> None:
        return None

    def save_session(self, *_: Any) -> None:
        """Nothing is kept."""


class Desk(Flask):
    """Flask without what it does at each request for what this API has none of."""

    session_interface = NoCookieSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func  # No view or hook is a coroutine.


def create_app(config: Config | None = None) -> Flask:
    """Build the application from ``config``, or from the environment; raises ``ConfigError`` when unsafe."""
    config = config or Config.load()
    logs.configure(config.is_production)
    app = Desk(__name__, static_folder=None, instance_path=str(INSTANCE))
    app.json = OrjsonProvider(app)
    app.request_class = SpoolingRequest
    options = database.engine_options(config.database_url, config.database_ssl_ca)
    alone = database.alone_options(config.database_url, config.database_ssl_ca)
    binds = {database.ALONE: alone} if alone else {}
    app.config.update(config.flask(), SQLALCHEMY_ENGINE_OPTIONS=options, SQLALCHEMY_BINDS=binds)
    app.extensions["soporteplus"] = config
    app.url_map.converters |= {"id": IdConverter, "sesion": SesionConverter}
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    bind(app, config)
    measures.register(app)
    metrics.register(app)
    requests.register(app)
    problems.register(app)
    api = openapi.make_api(app)
    for blueprint, prefix in routes.BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=prefix)
    pages.register(app, api)
    limits.register(app, config)
    cli.register(app)
    if config.trusted_proxies:
        app.wsgi_app = TrustedProxies(app.wsgi_app, config.trusted_proxies)  # type: ignore[method-assign]
    return app


def serving() -> bool:
    """Whether a request is being served, or a worker works."""
    return has_request_context() or worker.running.is_set()


def bind(app: Flask, config: Config) -> None:
    """Bind the extensions to ``app``."""
    if config.database_url.get_backend_name() == "sqlite" and config.database_url.database:
        INSTANCE.mkdir(exist_ok=True)
    db.init_app(app)
    with app.app_context():
        database.prepare(db.engine, serving)
        if alone := db.engines.get(database.ALONE):
            database.prepare(alone, serving, alone=True)
    tokens.configure(app, config.jwt_access_minutes)
    jwt.init_app(app)
    if config.cors_origins:
        cors.init_app(
            app,
            origins=list(config.cors_origins),
            allow_headers=list(ALLOWED_HEADERS),
            expose_headers=list(EXPOSED_HEADERS),
            supports_credentials="*" not in config.cors_origins,
            max_age=600,
            always_send=False,
            vary_header=False,  # ``requests.finish`` says it.
        )

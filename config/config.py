"""Settings: read once from the environment and ``.env``, checked, then never changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import click
from dotenv import dotenv_values
from sqlalchemy.engine import URL

from config.places import ENV_FILE
from config.reader import Reader


class ConfigError(click.ClickException):
    """The settings are missing or unsafe; the message names each variable and what to set.

    Under the ``flask`` command it ends the process with status 78 (``EX_CONFIG``).
    """

    exit_code = 78

    def __init__(self, problems: list[str]) -> None:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"la configuración no permite arrancar:\n{lines}")
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that can be set from outside, each with a safe default."""

    env: str
    database_url: URL
    database_ssl_ca: str = ""
    secret_key: str
    jwt_secret_key: str
    jwt_secret_key_anterior: str = ""
    jwt_access_minutes: int = 60
    jwt_refresh_cookie: bool = False
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    ratelimit_enabled: bool = True
    redis_url: str = ""
    segundo_factor_roles: tuple[str, ...] = ()
    oidc_emisor: str = ""
    oidc_cliente_id: str = ""
    oidc_cliente_secreto: str = ""
    oidc_roles: tuple[tuple[str, str], ...] = ()
    oidc_grupos_claim: str = "groups"
    oidc_alcances: str = "openid email profile"
    oidc_retorno_frontend: str = ""
    metrics_token: str = ""
    web_concurrency: int = 4
    exigir_if_match: bool = False
    exigir_resolucion: bool = False
    dias_reapertura: int = 14
    dias_cierre: int = 7
    dias_papelera: int = 90
    dias_entregas: int = 30
    webhooks_allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    storage_url: str = ""
    storage_options: tuple[tuple[str, str], ...] = ()
    adjunto_max_mb: int = 25
    adjuntos_max_mb: int = 200
    importacion_max_mb: int = 100
    smtp_url: str = ""
    correo_de: str = "SoportePlus <soporte@localhost>"
    correo_entrante: str = ""
    url_publica: str = ""
    correo_max_mb: int = 25
    correo_desconocidos: str = "crear"
    correo_max_por_hora: int = 30
    correo_usuario: str = ""
    imap_url: str = ""

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def sends_mail(self) -> bool:
        """Whether mail leaves at all: without a server it is printed, but not in production."""
        return bool(self.smtp_url) or not self.is_production

    @property
    def limits_are_kept(self) -> str:
        """Where requests a minute are counted, for the log at the start; without the password of Redis."""
        if not self.ratelimit_enabled:
            return "desactivados (RATELIMIT_ENABLED=false)"
        if not self.redis_url:
            return "en la memoria de cada proceso; con REDIS_URL, uno solo para todos"
        return f"en Redis, {self.redis_url.rpartition('//')[2].rpartition('@')[2]}"

    @classmethod
    def load(cls) -> "Config":
        """Read ``.env`` and the environment, which wins."""
        return cls.from_mapping({**dotenv_values(ENV_FILE), **os.environ})

    @classmethod
    def from_mapping(cls, values: Mapping[str, str | None]) -> "Config":
        """Build the settings, or raise one ``ConfigError`` with all that is wrong."""
        read = Reader(values)
        env = read.choice("FLASK_ENV", ("production", "development", "testing"), "production")
        production = env == "production"
        config: dict[str, Any] = {
            "env": env,
            "database_url": (url := read.database(production)),
            "database_ssl_ca": read.authority("DATABASE_SSL_CA", url),
            "secret_key": read.secret("SECRET_KEY", production),
            "jwt_secret_key": read.secret("JWT_SECRET_KEY", production),
            "jwt_secret_key_anterior": read.optional_secret("JWT_SECRET_KEY_ANTERIOR", production),
            "jwt_access_minutes": read.integer("JWT_ACCESS_MINUTES", 60, 1, 1440),
            "jwt_refresh_cookie": read.boolean("JWT_REFRESH_COOKIE"),
            "cors_origins": read.origins(production),
            "trusted_proxies": read.networks("TRUSTED_PROXIES"),
            "ratelimit_enabled": read.boolean("RATELIMIT_ENABLED", True),
            "redis_url": read.redis("REDIS_URL"),
            "segundo_factor_roles": read.roles("SEGUNDO_FACTOR_ROLES"),
            "oidc_emisor": read.page("OIDC_EMISOR", production),
            "oidc_cliente_id": read.text("OIDC_CLIENTE_ID"),
            "oidc_cliente_secreto": read.text("OIDC_CLIENTE_SECRETO"),
            "oidc_roles": read.groups("OIDC_ROLES"),
            "oidc_grupos_claim": read.text("OIDC_GRUPOS_CLAIM", "groups"),
            "oidc_alcances": read.scopes("OIDC_ALCANCES", "openid email profile"),
            "oidc_retorno_frontend": read.page("OIDC_RETORNO_FRONTEND", production),
            "metrics_token": read.optional_secret("METRICS_TOKEN", production),
            "web_concurrency": read.integer("WEB_CONCURRENCY", 4, 1, 256),
            "exigir_if_match": read.boolean("EXIGIR_IF_MATCH"),
            "exigir_resolucion": read.boolean("EXIGIR_RESOLUCION"),
            "dias_reapertura": read.integer("DIAS_REAPERTURA", 14, 0, 3650),
            "dias_cierre": read.integer("DIAS_CIERRE", 7, 0, 3650),
            "dias_papelera": read.integer("DIAS_PAPELERA", 90, 1, 3650),
            "dias_entregas": read.integer("DIAS_ENTREGAS", 30, 1, 3650),
            "webhooks_allowed_networks": read.networks("WEBHOOKS_ALLOWED_NETWORKS"),
            "storage_url": read.storage("STORAGE_URL", production),
            "storage_options": read.given(
                "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"
            ),
            "adjunto_max_mb": read.integer("ADJUNTO_MAX_MB", 25, 1, 1024),
            "adjuntos_max_mb": read.integer("ADJUNTOS_MAX_MB", 200, 1, 10240),
            "importacion_max_mb": read.integer("IMPORTACION_MAX_MB", 100, 1, 10240),
            "smtp_url": read.smtp("SMTP_URL"),
            "correo_de": read.address("CORREO_DE", "SoportePlus <soporte@localhost>"),
            "correo_entrante": read.address("CORREO_ENTRANTE", ""),
            "url_publica": read.site("URL_PUBLICA"),
            "correo_max_mb": read.integer("CORREO_MAX_MB", 25, 1, 200),
            "correo_desconocidos": read.choice("CORREO_DESCONOCIDOS", ("crear", "rechazar"), "crear"),
            "correo_max_por_hora": read.integer("CORREO_MAX_POR_HORA", 30, 1, 100_000),
            "correo_usuario": read.text("CORREO_USUARIO"),
            "imap_url": read.imap("IMAP_URL"),
        }
        if production and config["secret_key"] and config["secret_key"] == config["jwt_secret_key"]:
            read.problems.append("JWT_SECRET_KEY: use un valor distinto del de SECRET_KEY")
        read.all_or_none("OIDC_EMISOR", "OIDC_CLIENTE_ID", "OIDC_ROLES", "OIDC_RETORNO_FRONTEND")
        if config["smtp_url"] and not read.text("CORREO_DE"):
            read.problems.append("CORREO_DE: falta; es quien envía, como SoportePlus <soporte@example.org>")
        if read.problems:
            raise ConfigError(read.problems)
        return cls(**config)

    def flask(self) -> dict[str, Any]:
        """The same in the names that Flask and its extensions look for."""
        return {
            "TESTING": self.env == "testing",
            "SECRET_KEY": self.secret_key,
            "MAX_CONTENT_LENGTH": 256 * 1024,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "JWT_SECRET_KEY": self.jwt_secret_key,
            "API_TITLE": "SoportePlus",
            "API_VERSION": "1.0.0",
            "OPENAPI_VERSION": "3.1.0",
        }

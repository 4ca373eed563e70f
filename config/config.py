"""Settings: read once from the environment and ``.env``, checked, then never changed."""

import os
import re
import secrets
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import click
from dotenv import dotenv_values
from filelock import FileLock
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
ENV_FILE = ROOT / ".env"
ROLES = ("Administrador", "Técnico", "Solicitante")  # as the model has them, which reads no settings
MIN_SECRET_BYTES = 32
# Its domain is short enough for an identifier with it to stand in one line of a header.
# As a browser sends it. Of what the CORS library takes for a pattern, nothing is in it.
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?")
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,57}")
# Whoever deploys with a value that anybody can read in this repository has no secret.
EXAMPLE_SECRETS = ("cambie", "change", "ejemplo", "example", "secret", "clave-", "dev-", "test-")

T = TypeVar("T")


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


class Reader:
    """Reads one variable at a time and collects what is wrong with them."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        self.values = values
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return (self.values.get(name) or default).strip()

    def parsed(self, name: str, default: T, parse: Callable[[str], T], wanted: str) -> T:
        text = self.text(name)
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError):
            self.problems.append(f"{name}: se esperaba {wanted}")
            return default

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        return self.parsed(
            name, default, lambda text: allowed[allowed.index(text)], "uno de " + ", ".join(allowed)
        )

    def boolean(self, name: str, default: bool = False) -> bool:
        words = {"true": True, "1": True, "si": True, "sí": True, "false": False, "0": False, "no": False}
        return self.parsed(name, default, lambda text: words[text.lower()], "true o false")

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        def parse(text: str) -> int:
            if not low <= (number := int(text)) <= high:
                raise ValueError
            return number

        return self.parsed(name, default, parse, f"un número entero entre {low} y {high}")

    def origins(self, production: bool) -> tuple[str, ...]:
        said = self.text("CORS_ORIGINS").lower().split(",")
        found = tuple(origin.strip().rstrip("/") for origin in said if origin.strip())
        for origin in found:
            if not ORIGIN.fullmatch(origin) and (production or origin != "*"):
                self.problems.append(
                    f"CORS_ORIGINS: «{origin}» no es un origen como https://mesa.example.org; en producción"
                    " se nombra cada uno y «*» no se admite"
                )
        return found

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """Addresses and CIDRs; never all there are, since anybody would be believed."""

        def parse(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
            found = tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
            if any(network.prefixlen == 0 for network in found):
                raise ValueError
            return found

        wanted = "direcciones o redes separadas por comas, como 127.0.0.1, 192.0.2.0/24, y nunca todas"
        return self.parsed(name, (), parse, wanted)

    def roles(self, name: str) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            return tuple(ROLES[ROLES.index(part.strip())] for part in text.split(",") if part.strip())

        return self.parsed(name, (), parse, "roles separados por comas: " + ", ".join(ROLES))

    def groups(self, name: str) -> tuple[tuple[str, str], ...]:
        """Pairs of a group and its role. A group may hold commas and equals signs, as those of LDAP do."""
        one = rf"(.+?)\s*=\s*({'|'.join(ROLES)})\s*"

        def parse(text: str) -> tuple[tuple[str, str], ...]:
            if not re.fullmatch(rf"{one}(,\s*{one})*", text):
                raise ValueError
            return tuple(re.findall(rf"{one}(?:,\s*|$)", text))

        return self.parsed(name, (), parse, "grupo=Rol, separados por comas; roles: " + ", ".join(ROLES))

    def scopes(self, name: str, default: str) -> str:
        def parse(text: str) -> str:
            if "openid" not in text.split():
                raise ValueError
            return " ".join(text.split())

        return self.parsed(name, default, parse, "alcances separados por espacios, y entre ellos openid")

    def page(self, name: str, production: bool) -> str:
        """An address that tokens may go to: by TLS, or not beyond a developer's own machine."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            local = not production and parts.hostname in ("localhost", "127.0.0.1", "::1")
            known = parts.scheme == "https" or (parts.scheme == "http" and local)
            if not (known and parts.hostname) or parts.fragment or parts.username or re.search(r"\s", text):
                raise ValueError
            return text

        return self.parsed(name, "", parse, "una dirección https://…, sin «#»")

    def all_or_none(self, *names: str) -> None:
        missing = [name for name in names if not self.text(name)]
        if 0 < len(missing) < len(names):
            self.problems += [f"{name}: falta; van juntas: {', '.join(names)}" for name in missing]

    def secret(self, name: str, production: bool) -> str:
        """A secret of the operator's; in development one that is made once and kept in ``instance/``."""
        value = self.text(name)
        advice = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        if not production:
            return value or kept_secret(name)
        if not value:
            self.problems.append(f"{name}: falta; genere uno con: {advice}")
        elif len(value.encode()) < MIN_SECRET_BYTES:
            self.problems.append(f"{name}: tiene menos de {MIN_SECRET_BYTES} bytes; genere uno con: {advice}")
        elif value.lower().startswith(EXAMPLE_SECRETS) or len(set(value)) < 8:
            self.problems.append(f"{name}: es un valor de ejemplo; genere uno con: {advice}")
        return value

    def optional_secret(self, name: str, production: bool) -> str:
        return self.text(name) and self.secret(name, production)

    def redis(self, name: str) -> str:
        """The address of a Redis server, which may hold a password."""

        def parse(text: str) -> str:
            if not re.fullmatch(r"rediss?://[^/\s]+(/\d+)?", text):
                raise ValueError
            return text

        return self.parsed(name, "", parse, "redis://servidor:puerto/0, o rediss:// con TLS")

    def smtp(self, name: str) -> str:
        """The address of a mail server, which may hold a password; that never goes without TLS."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            plain = parts.query == "tls=no" and parts.scheme == "smtp" and parts.username is None
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
                raise ValueError
            if (parts.query and not plain) or (parts.username is None) != (parts.password is None):
                raise ValueError
            if parts.port == 0:  # It raises by itself for what is no port.
                raise ValueError
            return text

        wanted = (
            "smtp://usuario:clave@servidor:587 (con STARTTLS), smtps://usuario:clave@servidor,"
            " o sin clave ni TLS smtp://servidor:25?tls=no"
        )
        return self.parsed(name, "", parse, wanted)

    def address(self, name: str, default: str) -> str:
        """One e-mail address in ASCII, with a name before it or without."""

        def parse(text: str) -> str:
            if not text.isprintable() or not ADDRESS.fullmatch(parseaddr(text)[1]):
                raise ValueError
            return text

        return self.parsed(name, default, parse, "una dirección, como SoportePlus <soporte@example.org>")

    def site(self, name: str) -> str:
        """Where people open the frontend; what is below it is added to this."""

        def parse(text: str) -> str:
            if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
                raise ValueError
            return text.rstrip("/")

        return self.parsed(name, "", parse, "la dirección del frontend, como https://soporte.example.org")

    def imap(self, name: str) -> str:
        """A mailbox with its user and password; only over TLS, since both travel."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            folder = unquote(parts.path[1:])
            named = unquote(parts.username or "") + unquote(parts.password or "") + folder
            clear = named.isascii() and folder.isprintable() and not set(folder) & set('"\\')
            if parts.scheme != "imaps" or not (
                parts.hostname and parts.username and parts.password and clear
            ):
                raise ValueError
            if not (parts.port or 993) > 0:
                raise ValueError
            return text

        found = self.parsed(name, "", parse, "imaps://usuario:clave@servidor:993/INBOX, con %40 por @")
        if found and not self.text("CORREO_USUARIO"):
            self.problems.append("CORREO_USUARIO: con IMAP_URL hace falta el correo de un Administrador")
        return found

    def database(self, production: bool) -> URL:
        default = f"sqlite:///{(INSTANCE / 'soporteplus.db').as_posix()}"
        try:
            url = make_url(self.text("DATABASE_URL", default))
        except ArgumentError:
            self.problems.append(
                "DATABASE_URL: no es una URL; ejemplo: mysql+pymysql://usuario:clave@host/base"
            )
            return make_url(default)
        if url.drivername in ("mysql", "mariadb", "mariadb+pymysql"):
            # One dialect name, so that options given for "mysql" reach MariaDB too.
            url = url.set(drivername="mysql+pymysql")
        if url.drivername not in ("mysql+pymysql", "mysql+mysqldb", "sqlite", "sqlite+pysqlite"):
            self.problems.append("DATABASE_URL: use sqlite:///…, mysql+pymysql://… o mysql+mysqldb://…")
        elif url.drivername == "mysql+mysqldb" and find_spec("MySQLdb") is None:
            self.problems.append("DATABASE_URL: mysql+mysqldb://… necesita «pip install mysqlclient»")
        if production and url.get_backend_name() == "sqlite":
            self.check_sqlite(url)
        return url

    def authority(self, name: str, url: URL) -> str:
        """The file of the certificates that may vouch for the database's server."""
        path = self.text(name)
        if path and url.get_backend_name() == "sqlite":
            self.problems.append(f"{name}: SQLite no usa la red; déjela vacía o ponga DATABASE_URL")
        elif path and url.get_driver_name() == "mysqldb":
            # Not every library below it can be told to check the host.
            self.problems.append(f"{name}: solo con mysql+pymysql://… en DATABASE_URL")
        elif path:
            try:
                ssl.create_default_context(cafile=path)
            except OSError:  # Not there, not readable, or no certificate.
                self.problems.append(f"{name}: se esperaba un archivo de certificados PEM que se pueda leer")
        return path

    def storage(self, name: str, production: bool) -> str:
        """Where attachments are kept: an absolute folder, or a bucket; in memory for tests only."""
        default = f"file://{(INSTANCE / 'adjuntos').as_posix()}"
        url = self.text(name, default)
        kinds = r"file:///.+|s3://[^/]+(/.*)?" + ("" if production else "|memory:///")
        if not re.fullmatch(kinds, url):
            self.problems.append(f"{name}: use file:///carpeta o s3://cubo/prefijo")
        elif url.startswith("file:"):
            self.make_folder(name, Path(url.removeprefix("file://")))
        return url

    def make_folder(self, name: str, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self.problems.append(f"{name}: no se puede crear {folder} ({error.strerror})")

    def given(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Those of these variables that are set, in lower case."""
        return tuple((name.lower(), self.text(name)) for name in names if self.text(name))

    def check_sqlite(self, url: URL) -> None:
        """Production on SQLite is a choice that somebody made, on a disk that stays."""
        if not self.boolean("PERMITIR_SQLITE"):
            self.problems.append(
                "DATABASE_URL: producción usa MariaDB (mysql+pymysql://…); para quedarse con SQLite"
                " en una sola máquina, ponga PERMITIR_SQLITE=true"
            )
        elif not url.database or url.database == ":memory:" or in_temporary_folder(url.database):
            self.problems.append(
                "DATABASE_URL: esa base de SQLite se perdería; use un archivo en un disco propio"
            )


def in_temporary_folder(path: str) -> bool:
    return Path(path).resolve().is_relative_to(Path(tempfile.gettempdir()).resolve())


def kept_secret(name: str) -> str:
    """A development secret, made at the first start and kept, so that tokens outlive a restart."""
    INSTANCE.mkdir(exist_ok=True)
    path = INSTANCE / f"{name.lower()}.txt"
    with FileLock(INSTANCE / "secretos.lock"):  # Four workers may meet here at the first start.
        if not path.exists():
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8").strip()

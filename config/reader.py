"""Reading settings: one method for each kind of value, and what is said of one that is wrong."""

import os
import re
import secrets
import ssl
import tempfile
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from filelock import FileLock
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from config.places import INSTANCE

ROLES = ("Administrador", "Técnico", "Solicitante")  # as the model has them, which reads no settings
MIN_SECRET_BYTES = 32
# As a browser sends it. Of what the CORS library takes for a pattern, nothing is in it.
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?")
# Its domain is short enough for an identifier with it to stand in one line of a header.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,57}")
# Whoever deploys with a value that anybody can read in this repository has no secret.
EXAMPLE_SECRETS = ("cambie", "change", "ejemplo", "example", "secret", "clave-", "dev-", "test-")

T = TypeVar("T")


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

"""What an operator should mend before the service can be relied on."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from app import database
from app.errors import Unavailable
from app.extensions import settings
from app.models import TIPOS_DE_ESTADO, utcnow
from app.queries import catalog, health, mail, storage
from app.services.mail import smtp
from config.places import ENV_FILE

OLDEST_MARIADB = (10, 11)
SKEW = timedelta(seconds=2)  # between our clock and the database's
AHEAD = timedelta(minutes=1)  # that an event may be in the future
MAIL_PATIENCE = 5.0  # seconds that each answer of the mail server may take
FREE = 200 * 1024**2  # bytes, with which there is still time to act

DATABASE_ADVICE = {
    1044: "el usuario no tiene permiso en esa base: GRANT ALL ON base.* TO usuario",
    1045: "el servidor no acepta el usuario o la clave de DATABASE_URL",
    1049: "la base no existe: CREATE DATABASE … CHARACTER SET utf8mb4",
    2002: "no hay servidor en la dirección de DATABASE_URL",
    2003: "no hay servidor en la dirección de DATABASE_URL, o DATABASE_SSL_CA no lo reconoce",
    2026: "el servidor no ofrece TLS, que DATABASE_SSL_CA exige",
}


class Wrong(Exception):
    """What is wrong, and what to do about it, in Spanish."""


class Advice(Exception):
    """What works, but could be safer, and how, in Spanish."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: fine, with a ``consejo``, or a ``problema``."""

    nombre: str
    detalle: str = ""
    problema: str = ""
    consejo: str = ""


def examine() -> Iterator[Finding]:
    """Look at one thing after the other; what needs the database, or its tables, ends with them."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("configuración", configuration),
        ("carpetas", folders),
        ("correo", mail_server),
        ("base de datos", server),
        ("migraciones", migrations),
        ("catálogos", catalogs),
        ("reloj", clock),
        ("registro", log),
        ("correos", mails),
    ]
    for nombre, check in checks:
        try:
            yield Finding(nombre, detalle=check())
        except Advice as advice:
            yield Finding(nombre, consejo=str(advice))
        except Wrong as error:
            yield Finding(nombre, problema=str(error))
            if check in (server, migrations):
                return


def configuration() -> str:
    """Unsafe settings have refused to start before this; what is left is who can read them."""
    if os.name == "posix" and ENV_FILE.exists() and ENV_FILE.stat().st_mode & 0o077:
        raise Wrong(f"otros usuarios pueden leer los secretos: chmod 600 {ENV_FILE}")
    return settings().env


def folders() -> str:
    needed = storage.folders()
    for folder in needed:
        if not folder.is_dir():
            raise Wrong(f"no existe {folder}: créela, del usuario que sirve")
        if not storage.is_writable(folder):
            raise Wrong(f"no se puede escribir en {folder}: hágala del usuario que sirve")
        if storage.free(folder) < FREE:
            raise Wrong(f"quedan menos de {FREE // 1024**2} MB libres en {folder}")
    return ", ".join(map(str, needed))


def mail_server() -> str:
    """Whether mail would go out. All else works without it, so that it stands in the way of no reload."""
    own = settings()
    if not own.sends_mail:
        raise Advice("falta SMTP_URL: no se envía correo, y nadie recupera su contraseña por él")
    try:
        with smtp.outgoing(MAIL_PATIENCE):
            pass
    except smtp.ServerDown as down:
        raise Advice(f"el servidor de SMTP_URL no nos atiende, y el correo espera: {down}") from down
    if not own.smtp_url:
        return "se escribe en el registro, porque falta SMTP_URL"
    if not own.url_publica:
        raise Advice("falta URL_PUBLICA: el correo va sin enlaces")
    return own.correo_de


def server() -> str:
    try:
        version, charset = health.server()
    except DBAPIError as error:
        advice = DATABASE_ADVICE.get(database.code_of(error) or 0, "revise DATABASE_URL")
        raise Wrong(f"{advice} ({error.orig})") from error
    if charset and charset != "utf8mb4":
        raise Wrong(f"la base usa {charset}: ALTER DATABASE … CHARACTER SET utf8mb4")
    if "MariaDB" in version and database.numbers(version)[:2] < OLDEST_MARIADB:
        raise Wrong(f"{version} es anterior a MariaDB 10.11, la más antigua que se prueba")
    return version


def migrations() -> str:
    try:
        health.check_migrations()
    except Unavailable as error:
        raise Wrong("no están al día: flask --app run db upgrade") from error
    return health.newest()


def catalogs() -> str:
    try:
        filled = catalog.load()
        filled.default("prioridades")
        for tipo in TIPOS_DE_ESTADO:
            filled.state_of_type(tipo)
    except Unavailable as error:
        raise Wrong("están vacíos, y sin ellos no se abre un tiquet: flask --app run seed") from error
    return f"{sum(map(len, filled.filas.values()))} filas"


def clock() -> str:
    """Tokens and the order of things hang on it."""
    skew = health.skew()
    if abs(skew) > SKEW:
        raise Wrong(
            f"difiere {skew.total_seconds():+.0f} s del de la base de datos: sincronice ambos con NTP"
        )
    ahead = health.newest_event_ahead()
    if ahead > AHEAD:
        raise Wrong(f"hay eventos de dentro de {ahead}: el reloj se atrasó; sincronícelo con NTP")
    return "en hora"


def mails() -> str:
    """What of the last day's mail did not get out."""
    failed = mail.failed_since(utcnow() - timedelta(days=1))
    if failed:
        raise Advice(
            f"{failed} no se pudieron enviar en un día: docs/operacion/correo.md dice dónde ver por qué"
        )
    return "ninguno falló en el último día"


def log() -> str:
    """What the service could do to the event log if somebody took it over."""
    too_much = health.too_much_on_the_log()
    if too_much:
        raise Advice(
            f"la cuenta de la base puede más de lo necesario con el registro ({', '.join(too_much)}):"
            " docs/operacion/auditoria.md dice cómo quitárselo"
        )
    return "solo se añade"

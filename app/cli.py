"""The commands that stand beside Flask's own: ``flask --app run <command>``."""

import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo, available_timezones

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import transaction
from app.errors import AppError, Invalid
from app.extensions import settings
from app.migrations import Commands
from app.permissions import SISTEMA
from app.queries.legacy import Source
from app.schemas.fields import Correo, Schema, Texto
from app.services import doctor as doctors
from app.services import legacy, maintenance
from app.services import worker as workers
from app.services.access import passwords, users
from app.services.demo import seed_demo
from app.services.log import chain, counts, purging, sequencer
from app.services.mail import mailbox
from app.services.seed import seed_catalogs
from app.utils.messages import text

NOMBRE = "Administrador"


class Alta(Schema):
    """What a new account is made of, the password apart."""

    email = Correo(required=True)
    nombre = Texto(max=120)
    apellido = Texto(min=0, max=120)


def register(app: Flask) -> None:
    """Add the commands to ``app``."""
    for command in (
        Commands("db", help="Las migraciones."),
        seed,
        create_admin,
        mantenimiento,
        worker,
        doctor,
        migrar_legado,
        reindexar,
        recontar,
        seguridad,
        auditoria,
        correo,
    ):
        app.cli.add_command(command)


@contextmanager
def refusals_told() -> Iterator[None]:
    """Say in Spanish, without a traceback, why a command cannot do what it was asked."""
    try:
        yield
    except AppError as error:
        raise click.ClickException(explain(error)) from error
    except (OperationalError, ProgrammingError) as error:
        wanted = text("migraciones_pendientes", {})
        raise click.ClickException(
            f"La base de datos rechazó la operación ({error.orig}). {wanted}"
        ) from error


def explain(error: AppError) -> str:
    if isinstance(error, Invalid) and error.errores:
        return "\n".join(
            f"{campo}: {text(falla.codigo, falla.datos)}"
            for campo, fallas in error.errores.items()
            for falla in fallas
        )
    return text(error.codigo, error.datos)


@click.command(help="Crea las filas de los catálogos que falten; se puede repetir.")
@click.option("--demo", is_flag=True, help="Crea también usuarios y tiquets de demostración.")
@with_appcontext
@refusals_told()
def seed(demo: bool) -> None:
    if demo and settings().is_production:
        raise click.ClickException("Los datos de demostración no se admiten en producción.")
    created = transaction.run(seed_catalogs)
    click.echo("Catálogos: creados." if created else "Catálogos: ya estaban completos.")
    if demo:
        created = seed_demo()
        click.echo("Demostración: datos creados." if created else "Demostración: los datos ya estaban.")


@click.command(
    help="Cierra lo resuelto hace DIAS_CIERRE, borra lo caducado (papelera, claves, sesiones, contenidos,"
    " correos) y numera el registro; para cron."
)
@with_appcontext
@refusals_told()
def mantenimiento() -> None:
    done = maintenance.maintain()
    click.echo(f"Tiquets cerrados: {done['cerrados']}. Tiquets borrados de la papelera: {done['purgados']}.")
    click.echo(f"Personas que se terminó de anonimizar: {done['anonimizados']}.")
    click.echo(f"Claves de idempotencia borradas: {done['claves']}. Sesiones borradas: {done['sesiones']}.")
    click.echo(f"Contenidos de adjuntos sin dueño borrados: {done['contenidos']}.")
    click.echo(f"Eventos numerados: {sequencer.number_events()}.")
    click.echo(f"Entregas de webhooks borradas: {done['entregas']}.")
    click.echo(f"Cuentas de intentos borradas: {done['intentos']}. Correos borrados: {done['correos']}.")
    click.echo(f"Marcas de correos sin tiquet borradas: {done['recibidos']}.")


@click.command(
    help="Hace lo que ninguna petición espera: numera el registro, envía webhooks y correo y, cada hora, hace"
    " el mantenimiento. Puede haber varios, en varias máquinas; con SIGTERM acaba lo que esté haciendo."
)
@click.option("--una-vez", is_flag=True, help="Hace lo que haya y termina; para cron.")
@with_appcontext
@refusals_told()
def worker(una_vez: bool) -> None:
    if una_vez:
        done = workers.once()
        for nombre, count in done.items():
            click.echo(f"{nombre}: {'falló' if count is None else count}")
        if None in done.values():
            raise click.ClickException("algo falló; el registro dice qué.")
        return
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    workers.work(stop, current_app._get_current_object().app_context)  # type: ignore[attr-defined]


@click.command(
    help="Escribe de nuevo, desde los textos, por qué palabras se encuentra cada tiquet; repetible."
)
@with_appcontext
@refusals_told()
def reindexar() -> None:
    click.echo(f"Tiquets: {maintenance.reindex()}.")


@click.command("recontar", help="Cuenta de nuevo los tiquets para el panel, tras cambiar la base a mano.")
@with_appcontext
@refusals_told()
def recontar() -> None:
    click.echo(f"Tiquets: {counts.recount()}.")


@click.command(
    "create-admin", help="Crea un Administrador; pide la contraseña o la lee de la entrada estándar."
)
@click.argument("email")
@click.option("--nombre", default=NOMBRE, show_default=True, help="Nombre de la persona.")
@click.option("--apellido", default="", help="Apellido de la persona.")
@with_appcontext
@refusals_told()
def create_admin(email: str, nombre: str, apellido: str) -> None:
    alta = checked(email, nombre, apellido)
    password = ask_password()
    users.check_new_password(password, alta.values())
    password_hash = passwords.hash_password(password)
    id = transaction.run(lambda: users.create_admin(SISTEMA, **alta, password_hash=password_hash))
    click.echo(f"Administrador creado: {alta['email']} (id {id}).")


def checked(email: str, nombre: str, apellido: str) -> dict[str, str]:
    """The account's fields as the API would take them."""
    try:
        alta: dict[str, str] = Alta().load(
            {"email": email, "nombre": nombre.strip() or NOMBRE, "apellido": apellido}
        )
    except ValidationError as error:
        raise Invalid(error.messages_dict) from error
    return alta


def ask_password() -> str:
    """Ask twice where somebody types, read one line where a program writes."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Contraseña", hide_input=True)
    if click.prompt("Repita la contraseña", hide_input=True) != password:
        raise click.ClickException("Las contraseñas no coinciden.")
    return password


@click.command(
    help="Comprueba configuración, carpetas, correo, base de datos, migraciones y reloj; dice qué arreglar."
)
@with_appcontext
def doctor() -> None:
    findings = []
    for finding in doctors.examine():
        mark = "MAL " if finding.problema else "ojo " if finding.consejo else "bien"
        click.echo(f"{mark} {finding.nombre}: {finding.problema or finding.consejo or finding.detalle}")
        findings.append(finding)
    if any(finding.problema for finding in findings):
        raise click.ClickException("hay algo que arreglar.")


@click.command(
    "migrar-legado",
    help="Trae la base de una SoportePlus anterior, que solo se lee; sin --aplicar, solo dice qué pasaría.",
)
@click.option(
    "--url",
    required=True,
    envvar="LEGADO_URL",
    help="La base anterior: mysql+pymysql://usuario:clave@host/base; o en la variable LEGADO_URL.",
)
@click.option("--aplicar", is_flag=True, help="Escribe. Se puede repetir: toma solo lo que falte.")
@click.option(
    "--informe",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default="informe-legado.jsonl",
    show_default=True,
    help="Dónde queda, línea a línea, cada fila que se cambió o no se pudo traer, y por qué.",
)
@click.option(
    "--zona",
    type=click.Choice(sorted(available_timezones())),
    metavar="ZONA",
    default="UTC",
    show_default=True,
    help="La zona horaria de sus fechas, como America/Guatemala.",
)
@with_appcontext
@refusals_told()
def migrar_legado(url: str, aplicar: bool, informe: Path, zona: str) -> None:
    start = time.monotonic()
    try:
        with Source(url) as source:
            informe.touch(mode=0o600)  # It names people.
            with informe.open("w", encoding="utf-8") as file:
                report = legacy.Report(file)
                legacy.migrate(source, report, aplicar, ZoneInfo(zona))
    except legacy.LegacyError as error:
        raise click.ClickException(str(error)) from error
    for tabla, found in report.counts.items():
        click.echo(f"{tabla}: " + ", ".join(f"{count} {what}" for what, count in found.items() if count))
    click.echo(f"Informe: {informe}. {time.monotonic() - start:.0f} s.")
    if not aplicar:
        click.echo("Simulación: no se escribió nada. Para traerla, repita con --aplicar.")


@click.group(help="Lo que conviene revisar de la seguridad.")
def seguridad() -> None:
    pass


@seguridad.command(
    "claves-antiguas", help="Cuenta las contraseñas guardadas como SHA-256 y las envuelve con argon2id."
)
@with_appcontext
@refusals_told()
def claves_antiguas() -> None:
    click.echo(f"Contraseñas en SHA-256 que se envolvieron: {users.wrap_old_hashes()}.")


def exported(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, str] | None:
    """Number and hash of a head as ``auditoria cabeza`` printed it."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,15}):([0-9a-f]{64})", value, re.ASCII)
    if found is None:
        raise click.BadParameter("no es una cabeza como las que escribe «auditoria cabeza».")
    return int(found[1]), found[2]


@click.group(help="El registro de eventos: si está como se escribió.")
def auditoria() -> None:
    pass


@auditoria.command(help="Numera lo que falte y escribe la cabeza, para guardarla fuera de la base.")
@with_appcontext
@refusals_told()
def cabeza() -> None:
    sequencer.number_events()
    head = chain.head()
    click.echo(f"{head['secuencia']}:{head['hash']} {head['fecha'] or 'sin eventos'}")


@auditoria.command(help="Recorre todo el registro; termina con 1 si algo no está como se escribió.")
@click.option(
    "--cabeza",
    callback=exported,
    metavar="SECUENCIA:HASH",
    help="Una cabeza guardada: descubre también un final cortado.",
)
@with_appcontext
@refusals_told()
def verificar(cabeza: tuple[int, str] | None) -> None:
    sequencer.number_events()
    found = chain.verify()
    error = found.get("primer_error") or (chain.matches(*cabeza) if cabeza else None)
    if error:
        raise click.ClickException(
            f"el registro no está íntegro: secuencia {error['secuencia']}, {error['motivo']}."
        )
    click.echo(f"Íntegro: {found['eventos']} eventos, {found['vaciados']} de ellos vaciados.")
    click.echo(f"Cabeza: {found['desde'] + found['eventos'] - 1}:{found['cabeza']}")


@auditoria.command(
    help="Borra para siempre los eventos hasta una cabeza guardada; el resto se sigue verificando."
)
@click.option(
    "--hasta", callback=exported, required=True, metavar="SECUENCIA:HASH", help="La cabeza guardada."
)
@click.option("--si", is_flag=True, help="Sin preguntar; para guiones.")
@with_appcontext
@refusals_told()
def purgar(hasta: tuple[int, str], si: bool) -> None:
    if not si:
        click.confirm(f"¿Borrar para siempre los eventos hasta la secuencia {hasta[0]}?", abort=True)
    click.echo(f"Eventos borrados: {purging.purge(*hasta)}.")


@click.group(help="El correo que entra.")
def correo() -> None:
    pass


@correo.command(help="Recoge lo que haya sin leer en el buzón de IMAP_URL; para cron, sin «worker».")
@with_appcontext
@refusals_told()
def recibir() -> None:
    if not settings().imap_url:
        raise click.ClickException("Falta IMAP_URL: imaps://usuario:clave@servidor/INBOX.")
    total: Counter[str] = Counter()
    while found := mailbox.receive():
        total.update(found)
    click.echo(", ".join(f"{what}: {count}" for what, count in sorted(total.items())) or "No había correo.")

"""From a row of the older database to one of ours. What cannot stay as it was is said to the report."""

import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app import patterns
from app.models import ADMINISTRADOR, SOLICITANTE, TECNICO, utcnow
from app.permissions import PERSONAL
from app.queries.legacy import Fila
from app.services.access import passwords
from app.services.access.users import normalize_email
from app.services.desk.lifecycle import SIN_RESOLUCION
from app.services.legacy.report import NotTaken, Report
from app.transitions import CERRADO, RESUELTO

ROLES = {1: ADMINISTRADOR, 2: TECNICO, 3: SOLICITANTE}
OLDEST = datetime(1990, 1, 1)
TITULO = 80  # characters of the description that make a title
CONTROLS = re.compile(f"[{patterns.FORBIDDEN}]")
EMAIL = re.compile(patterns.EMAIL)
SUBSTITUTE = "usuario-{}@legado.invalid"  # RFC 2606: nobody can ever have an address there.


@dataclass
class Context:
    """What the rows that are being converted may point at."""

    report: Report
    zona: ZoneInfo
    roles: dict[int, str] = field(default_factory=dict)  # of the older database, where they are not the usual
    users: dict[int, str] = field(default_factory=dict)  # tipo_usuario by id
    nobody: int = 0  # the account that stands for whoever is not known
    # By the older database's name of the catalog: the ids that there are, and the one for those that are not.
    catalogos: dict[str, set[int]] = field(default_factory=dict)
    defaults: dict[str, int] = field(default_factory=dict)
    tipos: dict[int, str] = field(default_factory=dict)  # of state, by id
    cancelados: set[int] = field(default_factory=set)
    id_prioridad: int = 0
    satisfaccion: dict[int, str] = field(default_factory=dict)
    tickets: set[int] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)


def text_of(value: Any, lines: bool = False) -> str:
    """A text as ours may be: composed, without controls, trimmed, on one line unless ``lines``."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = unicodedata.normalize("NFC", CONTROLS.sub("", str(value if value is not None else "")))
    return (text if lines else " ".join(text.split())).strip(patterns.BLANKS)


def instant(value: Any, zona: ZoneInfo) -> datetime | None:
    """An old date or time as ours; a bare date is its noon, so that it is that day wherever it is read.

    None for what is no date, or none that can be true.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:  # MariaDB's 0000-00-00
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(12))
    now = utcnow()
    # Before it is moved to UTC: 9999-12-31 is a usual «never», and has no next day.
    if not isinstance(value, datetime) or not OLDEST <= value <= now + timedelta(days=1):
        return None
    return min(value.replace(tzinfo=zona).astimezone(UTC).replace(tzinfo=None), now)


def title_from(description: str, id: int) -> str:
    """The first words of the description."""
    words = " ".join(description.split())
    if len(words) < 3:
        return f"Tiquet {id}"
    if len(words) <= TITULO:
        return words
    cut = words[: TITULO + 1].rpartition(" ")[0] or words[:TITULO]
    return f"{cut}…"


def shortened(report: Report, tabla: str, id: int, campo: str, text: str, max: int) -> str:
    if len(text) <= max:
        return text
    report.change(tabla, id, campo, f"pasaba de {max} caracteres", text, text[:max])
    return text[:max]


def user(row: Fila, context: Context) -> dict[str, Any]:
    id, say = row["id_usuario"], context.report.change
    nombre, apellido = text_of(row.get("nombre")), text_of(row.get("apellido"))
    if "apellido" not in row:
        nombre, _, apellido = nombre.partition(" ")
    if not nombre:
        nombre = f"Usuario {id}"
        say("usuario", id, "nombre", "no tenía nombre", row.get("nombre"), nombre)
    activo = True
    role = row.get("id_rol")
    tipo = context.roles.get(role, ROLES.get(role, "")) if role is not None else ""
    if not tipo:
        tipo, activo = SOLICITANTE, False
        say("usuario", id, "tipo_usuario", "su rol no existe: queda inactivo", role, tipo)
    email = email_of(row)
    if wrong := wrong_email(email, context):
        say("usuario", id, "email", f"{wrong}: queda inactivo", row.get("email"), SUBSTITUTE.format(id))
        email, activo = SUBSTITUTE.format(id), False
    context.emails.add(email)
    return {
        "id": id,
        "email": email,
        "nombre": shortened(context.report, "usuario", id, "nombre", nombre, 120),
        "apellido": shortened(context.report, "usuario", id, "apellido", apellido, 120),
        "tipo_usuario": tipo,
        "activo": activo,
        "categorias": [],
        "preferencias": {},
        **password(row, context),
    }


def email_of(row: Fila) -> str:
    return normalize_email(text_of(row.get("email")))


def wrong_email(email: str, context: Context) -> str:
    if not EMAIL.fullmatch(email) or len(email) > 254:
        return "no es un correo"
    return "otro usuario ya tiene ese correo" if email in context.emails else ""


def password(row: Fila, context: Context) -> dict[str, Any]:
    """Its hash, so that its owner goes on signing in; one that says nothing is replaced. Slow."""
    stored = text_of(row.get("password"))
    if passwords.SHA256_HEX.fullmatch(stored.lower()):
        return {"password_hash": passwords.wrap(stored.lower())}
    if passwords.is_known(stored):
        return {"password_hash": stored}
    context.report.change(
        "usuario", row["id_usuario"], "password", "no se reconoce: un Administrador debe darle otra"
    )
    return {"password_hash": passwords.hash_password(secrets.token_hex()), "debe_cambiar_clave": True}


def reference(row: Fila, tabla: str, campo: str, context: Context) -> int:
    """The id of a catalog's row, or of the one that stands for none."""
    id = row.get(campo)
    if id in context.catalogos[tabla]:
        return int(id)
    why = "no decía cuál" if id is None else "apunta a una fila que no existe"
    context.report.change("tiquet", row["id_tiquet"], f"id_{tabla}", why, id, context.defaults[tabla])
    return context.defaults[tabla]


def ticket(row: Fila, context: Context, first_comment: Any) -> dict[str, Any]:
    id, say = row["id_tiquet"], context.report.change
    descripcion = text_of(row.get("descripcion"), lines=True)
    if not descripcion:
        descripcion = "Sin descripción."
        say("tiquet", id, "descripcion", "estaba vacía", row.get("descripcion"), descripcion)
    elif descripcion != str(row["descripcion"]).strip():
        say(
            "tiquet", id, "descripcion", "tenía caracteres que no se admiten", row["descripcion"], descripcion
        )
    creador, telefono = creator(row, context)
    apertura = opening(row, context, first_comment)
    id_estado = reference(row, "estado", "estado", context)
    return {
        "id": id,
        "titulo": title_from(descripcion, id),
        "descripcion": descripcion,
        "id_categoria": reference(row, "categoria", "categoria", context),
        "id_criticidad": reference(row, "criticidad", "criticidad", context),
        "id_prioridad": context.id_prioridad,
        "id_ubicacion": reference(row, "ubicacion", "ubicacion", context),
        "id_estado": id_estado,
        "id_usuario_creador": creador,
        "id_usuario_asignado": assignee(row, context),
        "telefono_contacto": telefono,
        "canal": "importacion",
        "etiquetas": [],
        "fecha_creacion": apertura,
        **ending(row, context, id_estado, apertura),
    }


def creator(row: Fila, context: Context) -> tuple[int, str | None]:
    """Who opened it, and the telephone: ``Tel_ext`` held the one or the other, as versions went."""
    said = text_of(row.get("tel_ext"))
    if said.isascii() and said.isdigit() and int(said) in context.users:
        return int(said), None
    why = "no decía quién lo abrió" if not said else "no dice quién lo abrió: es una extensión de teléfono"
    context.report.change("tiquet", row["id_tiquet"], "id_usuario_creador", why, said or None, context.nobody)
    return context.nobody, said or None


def assignee(row: Fila, context: Context) -> int | None:
    id = row.get("user_asig")
    if id is None or context.users.get(id) in PERSONAL:
        return id
    why = "no es técnico ni administrador" if id in context.users else "apunta a un usuario que no existe"
    context.report.change("tiquet", row["id_tiquet"], "id_usuario_asignado", why, id, None)
    return None


def opening(row: Fila, context: Context, first_comment: Any) -> datetime:
    """When it was opened, by its date, or else by its first comment."""
    said = row.get("fecha_apertura")
    if found := instant(said, context.zona):
        return found
    found = instant(first_comment, context.zona)
    why = "no hay fecha de apertura" if said is None else "la fecha de apertura no puede ser"
    why += ": se tomó la del primer comentario" if found else ": se tomó la de esta migración"
    found = found or utcnow()
    context.report.change("tiquet", row["id_tiquet"], "fecha_creacion", why, said, found)
    return found


def ending(row: Fila, context: Context, id_estado: int, apertura: datetime) -> dict[str, Any]:
    """What a ticket has that is resolved or closed, and the date of its last change."""
    tipo, said = context.tipos[id_estado], row.get("fecha_cierre")
    if tipo not in (RESUELTO, CERRADO):
        if said is not None:
            context.report.change("tiquet", row["id_tiquet"], "fecha_cierre", "no está cerrado", said, None)
        return {"fecha_actualizacion": apertura}
    end = instant(said, context.zona)
    if end is None or end < apertura:
        why = "no hay fecha de cierre" if said is None else "la fecha de cierre no puede ser"
        context.report.change(
            "tiquet", row["id_tiquet"], "fecha_cierre", f"{why}: se tomó la de apertura", said, apertura
        )
        end = apertura
    ended: dict[str, Any] = {"fecha_actualizacion": end}
    if id_estado not in context.cancelados:
        ended |= {"fecha_resolucion": end, "resolucion": SIN_RESOLUCION}
    if tipo == CERRADO:
        motivo = "cancelado" if id_estado in context.cancelados else "resuelto"
        ended |= {"fecha_cierre": end, "motivo_cierre": motivo}
    return ended


def comment(row: Fila, context: Context) -> dict[str, Any]:
    """A comment of either variant. All of them could be read by those who asked, so none is internal."""
    id, say = row["id_comentario"], context.report.change
    id_tiquet = row.get("id_tiquet", row.get("tiquet"))
    if id_tiquet not in context.tickets:
        raise NotTaken("su tiquet no existe" if id_tiquet is not None else "no dice de qué tiquet es")
    said = row.get("mensaje", row.get("comentario"))
    mensaje = text_of(said, lines=True)
    if not mensaje:
        raise NotTaken("está vacío")
    if mensaje != str(said).strip():
        say("comentario", id, "mensaje", "tenía caracteres que no se admiten", said, mensaje)
    autor = row.get("usuario")
    if autor not in context.users:
        why = "no dice de quién es" if autor is None else "apunta a un usuario que no existe"
        say("comentario", id, "id_autor", why, autor, context.nobody)
        autor = context.nobody
    if (level := row.get("satisfaccion")) is not None:  # Ours has no place for it, but nothing is to be lost.
        mensaje = f"{mensaje}\n\nSatisfacción: {context.satisfaccion.get(level, level)}"
        say("comentario", id, "mensaje", "se le añadió el nivel de satisfacción", level)
    values = {"id": id, "id_tiquet": id_tiquet, "id_autor": autor, "mensaje": mensaje, "es_interno": False}
    return values | {"fecha_creacion": said_at(row, context)}


def said_at(row: Fila, context: Context) -> datetime:
    """When a comment was written."""
    said = row.get("fecha")
    if found := instant(said, context.zona):
        return found
    why = "no tenía fecha" if said is None else "su fecha no puede ser"
    now = utcnow()
    context.report.change(
        "comentario",
        row["id_comentario"],
        "fecha_creacion",
        f"{why}: se tomó la de esta migración",
        said,
        now,
    )
    return now


def log_entry(row: Fila, context: Context) -> dict[str, Any]:
    """What the older log said, for an event of ours."""
    id_tiquet, autor = row.get("tiquet"), row.get("usuario")
    said = text_of(row.get("accion"))
    if not said:
        raise NotTaken("no dice qué se hizo")
    if id_tiquet is not None and id_tiquet not in context.tickets:
        raise NotTaken("su tiquet no existe")
    known = autor in context.users
    return {
        "id_entidad": row["id_log"],
        "id_tiquet": id_tiquet,
        "id_usuario": autor if known else None,
        "tipo_actor": "usuario" if known else "anonimo",
        "fecha": instant(row.get("fecha"), context.zona) or utcnow(),
        "cambios": [{"campo": "accion", "anterior": None, "nuevo": said}],
    }

"""What is a person's alone: its name, its e-mails, and the accounts of its users."""

from sqlalchemy import delete, func, select

from app.extensions import db
from app.models import (
    Comentarios,
    Idempotencia,
    IdentidadExterna,
    Seguidores,
    SegundoFactor,
    Sesion,
    Tiquet,
    TokenServicio,
    Usuario,
    UsuarioCategoria,
    Vistas,
    utcnow,
)
from app.permissions import Actor
from app.queries.people import PERSONAS
from app.queries.privacy import anonymising as queries
from app.queries.privacy import personal
from app.queries.privacy.personal import Titular
from app.services import people
from app.services.access import attempts
from app.services.log import audit, webhooks
from app.services.mail import outbox
from app.services.privacy.steps import Paso, empty

NOMBRE, APELLIDO = "Usuario", "anonimizado"  # of a user
NADIE = "Anonimizado"  # of a person
SIN_CLAVE = "*"  # No password has this hash.


def erase(actor: Actor, who: Titular) -> Paso:
    """Last: the e-mails of it and its users, and all that is theirs alone."""
    webhooks.forget(who.entidad, [who.id])
    for entidad in personal.DE_CUENTA:
        webhooks.forget(entidad, who.usuarios)
    theirs = {f"id_{who.entidad}": [who.id], "id_usuario": who.usuarios}
    outbox.forget_person(who.correos, **theirs)
    persona = people.find(who.entidad, who.id)
    accounts = queries.locked_users(who)
    if persona.anonimizacion_pedida is None:
        return Paso.HECHO  # Another was faster.
    partes = queries.of_account(who)
    if any(queries.has_unnumbered(parte.where) for parte in partes):
        return Paso.NUMERAR
    if empty(*partes):
        return Paso.MAS
    for user in accounts:
        erase_account(actor, user)
    for name in (*PERSONAS[who.entidad].PROPIAS, "apellido", "email", "telefono", "id_ubicacion"):
        setattr(persona, name, None)
    persona.nombre, persona.notas, persona.id_externo, persona.activo = NADIE, None, None, False
    persona.anonimizacion_pedida, persona.fecha_anonimizado = None, utcnow()
    db.session.flush()
    audit.append(
        f"{who.entidad}.anonimizado",
        actor,
        id_entidad=persona.id,
        version_resultante=persona.version,
        cambios=audit.differences({}, counts(who)),
    )
    return Paso.HECHO


def counts(who: Titular) -> dict[str, int]:
    """How much of a person stays, without a text."""
    own = personal.asked_by(who)
    tickets = select(func.count()).select_from(Tiquet).where(own)
    comments = select(func.count()).select_from(Comentarios).join(Tiquet).where(own)
    return {
        "usuarios": len(who.usuarios),
        "tiquets": db.session.execute(tickets).scalar_one(),
        "comentarios": db.session.execute(comments).scalar_one(),
    }


def erase_account(actor: Actor, user: Usuario) -> None:
    """A user that nobody is any more."""
    id = user.id
    attempts.forget(attempts.of_email(user.email), attempts.of_user(id))
    for model in (
        Sesion,
        TokenServicio,
        Seguidores,
        Vistas,
        UsuarioCategoria,
        SegundoFactor,
        IdentidadExterna,
        Idempotencia,
    ):
        db.session.execute(delete(model).where(model.id_usuario == id))
    user.email = f"anonimizado-{id}@anonimizado.invalid"
    user.nombre, user.apellido, user.password_hash = NOMBRE, APELLIDO, SIN_CLAVE
    user.activo = user.disponible = user.segundo_factor = user.debe_cambiar_clave = False
    user.telefono = user.id_ubicacion = user.ultimo_acceso = None
    user.idioma, user.zona_horaria, user.preferencias, user.categorias = "es", "UTC", {}, []
    db.session.flush()
    audit.append("usuario.anonimizado", actor, id_entidad=id, version_resultante=user.version)

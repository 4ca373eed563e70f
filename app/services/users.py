"""Who signs in: new accounts, and what their e-mails and passwords must be like."""

import unicodedata

from app.errors import Conflict, Falla, Invalid
from app.extensions import db
from app.models import ADMINISTRADOR, Usuario
from app.permissions import Actor
from app.queries import users
from app.services import audit

MIN_CLAVE = 10
MAX_CLAVE = 128
CLAVE_DE_DEMO = "secret123"  # Everybody can read it here, so nobody else may have it.


def normalize_email(text: str) -> str:
    """The one form in which an e-mail is stored and looked up."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().lower())


def check_new_password(password: str, email: str) -> None:
    """Refuse a password that is too short, too long, or the first that anybody would try."""
    fallas = []
    if not MIN_CLAVE <= len(password) <= MAX_CLAVE:
        fallas.append(Falla("longitud", min=MIN_CLAVE, max=MAX_CLAVE))
    if password.lower() in (CLAVE_DE_DEMO, normalize_email(email)):
        fallas.append(Falla("clave_comun"))
    if fallas:
        raise Invalid({"password": fallas})


def create_admin(actor: Actor, email: str, nombre: str, apellido: str, password_hash: str) -> int:
    """Add an active Administrador, inside ``transaction.run``; answers its id."""
    email = normalize_email(email)
    if users.by_email(email) is not None:
        raise Conflict("email_ya_existe")
    user = Usuario(
        email=email,
        nombre=nombre,
        apellido=apellido,
        password_hash=password_hash,
        tipo_usuario=ADMINISTRADOR,
    )
    db.session.add(user)
    audit.record("usuario.creado", actor, user, {})
    return user.id

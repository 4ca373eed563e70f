"""Reading users."""

from typing import Any

from sqlalchemy import ColumnElement, select, true

from app.extensions import db
from app.models import Usuario
from app.permissions import PERSONAL, Actor, Permiso, allows
from app.queries.pagination import Corte, Pagina, after, capped_total

BREVES = ("id", "nombre", "apellido", "tipo_usuario")
COMPLETAS = (
    *(
        "id",
        "email",
        "nombre",
        "apellido",
        "tipo_usuario",
        "activo",
        "disponible",
        "telefono",
        "id_ubicacion",
    ),
    *("idioma", "zona_horaria", "preferencias", "segundo_factor", "debe_cambiar_clave"),
    *("ultimo_acceso", "fecha_creacion", "version"),
)
ORDEN = (Usuario.apellido, Usuario.nombre, Usuario.id)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """An Administrador sees all users, other staff the active ones."""
    return true() if allows(Permiso.VER_DATOS_DE_USUARIO, actor) else Usuario.activo.is_(True)


def keys_for(actor: Actor) -> tuple[str, ...]:
    return COMPLETAS if allows(Permiso.VER_DATOS_DE_USUARIO, actor) else BREVES


def get(actor: Actor, id: int) -> dict[str, Any] | None:
    """One user, as much of it as ``actor`` may know."""
    return fetch(keys_for(actor), Usuario.id == id, visible_to(actor))


def profile(id: int) -> dict[str, Any] | None:
    """A user as it sees itself."""
    return fetch(COMPLETAS, Usuario.id == id)


def fetch(keys: tuple[str, ...], *where: ColumnElement[bool]) -> dict[str, Any] | None:
    row = db.session.execute(select(*(getattr(Usuario, key) for key in keys)).where(*where)).one_or_none()
    return None if row is None else dict(zip(keys, row, strict=True))


def page(actor: Actor, filtros: dict[str, Any], limite: int, corte: Corte | None) -> Pagina:
    """Users by surname and name."""
    keys = keys_for(actor)
    query = select(*(getattr(Usuario, key) for key in keys)).where(visible_to(actor))
    if "tipo_usuario" in filtros:
        query = query.where(Usuario.tipo_usuario == filtros["tipo_usuario"])
    total = corte.total if corte else capped_total(query.with_only_columns(Usuario.id), {})
    if corte:
        query = query.where(after(list(ORDEN), list(corte.valores), descending=False))
    found = db.session.execute(query.order_by(*ORDEN).limit(limite + 1)).all()
    filas = [dict(zip(keys, row, strict=True)) for row in found[:limite]]
    last = filas[-1] if len(found) > limite else None
    return Pagina(
        filas, total, Corte((last["apellido"], last["nombre"], last["id"]), total) if last else None
    )


def by_email(email: str) -> Usuario | None:
    return db.session.scalars(select(Usuario).where(Usuario.email == email)).one_or_none()


def assignable(id: int) -> bool:
    """Whether a ticket can be given to this user: active staff."""
    found = select(Usuario.id).where(
        Usuario.id == id, Usuario.activo.is_(True), Usuario.tipo_usuario.in_(PERSONAL)
    )
    return db.session.scalar(found) is not None

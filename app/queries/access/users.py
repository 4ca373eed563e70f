"""Reading users."""

from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select, true

from app.extensions import db
from app.models import ADMINISTRADOR, Usuario, UsuarioCategoria
from app.permissions import PERSONAL, Actor, Permiso, allows, require
from app.queries.desk.search import searched
from app.queries.pagination import Corte, Pagina, page_of

BREVES = ("id", "nombre", "apellido", "tipo_usuario")
COMPLETAS = (
    *(
        "id",
        "email",
        "nombre",
        "apellido",
        "tipo_usuario",
        "id_cliente",
        "id_empleado",
        "activo",
        "disponible",
        "telefono",
        "id_ubicacion",
    ),
    *("idioma", "zona_horaria", "preferencias", "categorias", "segundo_factor", "debe_cambiar_clave"),
    *("ultimo_acceso", "fecha_creacion", "version"),
)
IDENTIDAD = ("email", "nombre", "apellido")  # what a password must not be like
DE_ADMINISTRADOR = {"activo", "disponible", "id_ubicacion", "email", "id_categoria"}
ORDEN = (Usuario.apellido, Usuario.nombre, Usuario.id)
ACTIVE_STAFF = and_(Usuario.activo.is_(True), Usuario.tipo_usuario.in_(PERSONAL))


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
    """Users by surname and name; to filter by what only an Administrador sees takes one."""
    if DE_ADMINISTRADOR & set(filtros):
        require(Permiso.VER_DATOS_DE_USUARIO, actor)
    query = select(*(getattr(Usuario, key) for key in keys_for(actor))).where(visible_to(actor))
    for name in ("tipo_usuario", "activo", "disponible", "id_ubicacion", "email"):
        if name in filtros:
            query = query.where(getattr(Usuario, name) == filtros[name])
    if "id_categoria" in filtros:
        serving = select(UsuarioCategoria.id_usuario)
        query = query.where(
            Usuario.id.in_(serving.where(UsuarioCategoria.id_categoria == filtros["id_categoria"]))
        )
    if "q" in filtros:
        query = searched(query, Usuario, filtros["q"])
    return page_of(query, ORDEN, limite, corte)


def identity_of(id: int) -> tuple[str, ...]:
    """The e-mail and the names of a user; nothing of one that is not there."""
    found = fetch(IDENTIDAD, Usuario.id == id) or {}
    return tuple(found.values())


def hash_of(id: int) -> str:
    """The password's hash of a user that exists."""
    return db.session.scalars(select(Usuario.password_hash).where(Usuario.id == id)).one()


def signing_in(id: int) -> Row[str, str, bool, bool] | None:
    """What a sign-in has to know of an account."""
    columns = (Usuario.email, Usuario.password_hash, Usuario.activo, Usuario.segundo_factor)
    return db.session.execute(select(*columns).where(Usuario.id == id)).one_or_none()


def locked(id: int) -> Usuario | None:
    """A user to be changed."""
    return db.session.scalars(select(Usuario).where(Usuario.id == id).with_for_update()).one_or_none()


def categories_of(id: int) -> set[int]:
    """The categories that a user serves, by the rows that it is searched by."""
    rows = select(UsuarioCategoria.id_categoria).where(UsuarioCategoria.id_usuario == id)
    return set(db.session.scalars(rows))


def there_is_an_administrator() -> bool:
    """Whether anybody is left who can appoint others."""
    active = select(Usuario.id).where(Usuario.tipo_usuario == ADMINISTRADOR, Usuario.activo.is_(True))
    return db.session.scalar(active.limit(1)) is not None


def by_email(email: str) -> Usuario | None:
    return db.session.scalars(select(Usuario).where(Usuario.email == email)).one_or_none()


def assignable(id: int) -> bool:
    """Whether a ticket can be given to this user: active staff."""
    return db.session.scalar(select(Usuario.id).where(Usuario.id == id, ACTIVE_STAFF)) is not None


def staff_with(emails: list[str]) -> list[int]:
    """Active staff that has one of these e-mails."""
    return list(db.session.scalars(select(Usuario.id).where(Usuario.email.in_(emails), ACTIVE_STAFF)))


def bare_hashes(limite: int = 100) -> list[tuple[int, str]]:
    """Accounts whose password is kept as 64 hex digits, an unsalted SHA-256."""
    bare = select(Usuario.id, Usuario.password_hash).where(
        func.length(Usuario.password_hash) == 64, Usuario.password_hash.regexp_match("^[0-9a-f]{64}$")
    )
    return [
        (row.id, row.password_hash) for row in db.session.execute(bare.order_by(Usuario.id).limit(limite))
    ]

"""Who signs in: accounts, their roles, and what their e-mails and passwords must be like."""

import unicodedata
from collections.abc import Iterable
from functools import partial
from time import monotonic
from typing import Any

from sqlalchemy import delete, update

from app import transaction
from app.errors import Conflict, Falla, Forbidden, Invalid, NotFound
from app.extensions import db
from app.models import ADMINISTRADOR, SOLICITANTE, Usuario, UsuarioCategoria
from app.permissions import SISTEMA, Actor, Permiso, permissions_of, require
from app.queries import people
from app.queries.access import users as queries
from app.queries.catalog import all_catalogs
from app.services import changes, locks
from app.services.access import attempts, passwords, sessions, strength
from app.services.log import audit
from app.services.references import SOLICITANTE_DE, Errores, refuse, wrong_references, wrong_requester
from app.services.versions import Precondicion, check_version

MIN_CLAVE = 10
MAX_CLAVE = 128
DE_UN_ROL = ("tipo_usuario", "categorias", *SOLICITANTE_DE)
CLAVE_DE_DEMO = "secret123"  # Everybody can read it here, so nobody else may have it.


def normalize_email(text: str) -> str:
    """The one form in which an e-mail is stored and looked up."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().lower())


def check_new_password(password: str, about: Iterable[str], campo: str = "password") -> None:
    """Refuse a password that is too short, too long, or among the first that anybody would try.

    ``about`` are the e-mail and the names of whose it is to be.
    """
    fallas = []
    if not MIN_CLAVE <= len(password) <= MAX_CLAVE:
        fallas.append(Falla("longitud", min=MIN_CLAVE, max=MAX_CLAVE))
    fallas += strength.faults(password, about)
    if fallas:
        raise Invalid({campo: fallas})


def hash_for_new(_actor: Actor, datos: dict[str, Any]) -> dict[str, Any]:
    """The data of a new account with its password's hash in place of the password; slow."""
    datos = dict(datos)
    password = datos.pop("password")
    check_new_password(password, [datos[name] for name in queries.IDENTIDAD])
    with passwords.turn():
        return {**datos, "password_hash": passwords.hash_password(password)}


def hash_for(_actor: Actor, datos: dict[str, Any], id: int) -> dict[str, Any]:
    """The hash of the password that somebody else sets for the user ``id``; slow."""
    about = queries.identity_of(id)
    db.session.remove()  # No connection is held while the hash is computed.
    check_new_password(datos["password"], about)
    with passwords.turn():
        return {"password_hash": passwords.hash_password(datos["password"])}


def hash_for_own(actor: Actor, datos: dict[str, Any]) -> dict[str, Any]:
    """The hash of the actor's new password, when it knows the present one; slow."""
    id, deadline = actor.id or 0, monotonic() + transaction.LIMIT
    about, stored = queries.identity_of(id), queries.hash_of(id)
    db.session.remove()
    with passwords.turn():
        check_own_password(id, stored, datos["password_actual"], deadline)
        check_new_password(datos["password_nuevo"], about, "password_nuevo")
        if datos["password_nuevo"] == datos["password_actual"]:  # A temporary one would stay.
            raise Invalid({"password_nuevo": [Falla("clave_repetida")]})
        return {"stored_hash": stored, "password_hash": passwords.hash_password(datos["password_nuevo"])}


def check_own_password(id: int, stored: str, password: str, deadline: float) -> None:
    """Refuse a password that is not the present one, which counts; within a turn to hash."""
    transaction.run(lambda: attempts.count_password(attempts.of_user(id)), deadline=deadline)
    if not passwords.verify(stored, password)[0]:
        raise Forbidden("clave_actual_incorrecta")
    transaction.run(lambda: attempts.forget(attempts.of_user(id)), deadline=deadline)


def create(actor: Actor, datos: dict[str, Any]) -> int:
    """Add an account; answers its id."""
    require(Permiso.ADMINISTRAR_USUARIO, actor)
    check_references(actor, datos, Usuario())
    return add(actor, datos)


def create_admin(actor: Actor, email: str, nombre: str, apellido: str, password_hash: str) -> int:
    """Add an active Administrador for an operator; answers its id."""
    names = {"nombre": nombre, "apellido": apellido}
    secret = {"password_hash": password_hash, "tipo_usuario": ADMINISTRADOR}
    return add(actor, {"email": normalize_email(email), **names, **secret})


def add(actor: Actor, datos: dict[str, Any]) -> int:
    user = Usuario(**{"categorias": [], "preferencias": {}} | datos)
    db.session.add(user)
    db.session.flush()
    write_categories(user)
    audit.record("usuario.creado", actor, user, {})
    return user.id


def profile(id: int) -> dict[str, Any]:
    """An account as its holder sees it, or 404."""
    found = queries.profile(id)
    if found is None:
        raise NotFound("usuario_no_encontrado")
    return found


def own_profile(actor: Actor) -> dict[str, Any]:
    """The actor's own account, with what its role allows."""
    return {**profile(actor.id or 0), "permisos": permissions_of(actor)}


def update_user(actor: Actor, id: int, cambios: dict[str, Any], precondicion: Precondicion) -> int:
    """Change the given fields of an account; answers its id."""
    return change(actor, find_to_administer(actor, id, cambios), cambios, precondicion)


def update_own(actor: Actor, cambios: dict[str, Any], precondicion: Precondicion) -> int:
    """Change the actor's own profile; which fields, its schema says."""
    return change(actor, find_to_change(actor.id or 0), cambios, precondicion)


def change(
    actor: Actor,
    user: Usuario,
    cambios: dict[str, Any],
    precondicion: Precondicion,
    accion: str = "usuario.actualizado",
) -> int:
    check_version("usuario", user, precondicion)
    shown = partial(own_profile, actor) if user.id == actor.id else partial(profile, user.id)
    cambios = changes.wanted(user, cambios, shown, moving=("ultimo_acceso",))
    before = audit.snapshot(user)
    check_references(actor, cambios, user)
    was_administrator = user.activo and user.tipo_usuario == ADMINISTRADOR
    for name, value in cambios.items():
        setattr(user, name, value)
    if "categorias" in cambios:
        write_categories(user)
    audit.record(accion, actor, user, before)
    if was_administrator and not queries.there_is_an_administrator():
        raise Conflict("ultimo_administrador")
    if "activo" in cambios and not user.activo:
        sessions.end_all(user.id)
    return user.id


def deactivate(actor: Actor, id: int, precondicion: Precondicion) -> int:
    """Let a user sign in no more; its history stays. Answers its id."""
    cambios = {"activo": False}
    user = find_to_administer(actor, id, cambios)
    return change(actor, user, cambios, precondicion, "usuario.desactivado")


def reset_password(actor: Actor, id: int, password_hash: str) -> int:
    """Give somebody else a temporary password and end its sessions; answers its id."""
    user = find_to_administer(actor, id, {})
    if user.id == actor.id:
        raise Conflict("clave_propia")
    before = audit.snapshot(user)
    user.password_hash, user.debe_cambiar_clave = password_hash, True
    audit.record("usuario.clave_restablecida", actor, user, before, always=True)
    sessions.end_all(user.id)
    return id


def unlock(actor: Actor, id: int) -> int:
    """Forget the wrong passwords that were tried for an account; answers its id."""
    user = find_to_administer(actor, id, {})
    if attempts.forget(attempts.of_email(user.email), attempts.of_user(id)):
        audit.append("usuario.desbloqueado", actor, id_entidad=id)
    return id


def change_own_password(actor: Actor, stored_hash: str, password_hash: str) -> None:
    """Set the actor's new password and end its other sessions; 409 if the old one was changed meanwhile."""
    user = find(actor.id or 0)
    if user.password_hash != stored_hash:
        raise Conflict
    before = audit.snapshot(user)
    user.password_hash, user.debe_cambiar_clave = password_hash, False
    audit.record("usuario.clave_cambiada", actor, user, before, always=True)
    sessions.end_all(user.id, but=actor.id_sesion)


def find_to_administer(actor: Actor, id: int, cambios: dict[str, Any]) -> Usuario:
    """The user, locked; and first the lock of those who appoint and dismiss, if it is about that."""
    require(Permiso.ADMINISTRAR_USUARIO, actor)
    if {"activo", "tipo_usuario"} & set(cambios):
        locks.hold("administradores")
    return find_to_change(id)


def find_to_change(id: int) -> Usuario:
    """The user, locked; 409 where the data of whom it asks for were erased, or what was would come back."""
    user = find(id)
    for campo, entidad in SOLICITANTE_DE.items():
        asks_for = getattr(user, campo)
        if asks_for is not None and people.is_erased(entidad, asks_for):
            raise Conflict("persona_anonimizada")
    return user


def find(id: int) -> Usuario:
    user = queries.locked(id)
    if user is None:
        raise NotFound("usuario_no_encontrado")
    return user


def check_references(actor: Actor, datos: dict[str, Any], user: Usuario) -> None:
    """Whatever ``datos`` name exists and is in use, and ``user`` will have only what is of its role."""
    catalogos = all_catalogs(actor)
    errores = wrong_references(datos, {"id_ubicacion": "ubicaciones"}, catalogos)
    for place, id in enumerate(datos.get("categorias", [])):
        if id in (user.categorias or ()):
            continue  # It may have been put out of use since.
        wrong = wrong_references({"id": id}, {"id": "categorias"}, catalogos)
        errores |= {f"categorias.{place}": fallas for fallas in wrong.values()}
    becoming = {name: datos.get(name, getattr(user, name)) for name in DE_UN_ROL}
    if becoming.keys() & datos.keys():
        errores |= wrong_requester(datos, becoming) | wrong_role(becoming)
    refuse(errores)


def wrong_role(becoming: dict[str, Any]) -> Errores:
    """Only a Solicitante asks for somebody, only others serve categories; they do not go by themselves."""
    if becoming["tipo_usuario"] == SOLICITANTE:
        return {"categorias": [Falla("solo_del_personal")]} if becoming["categorias"] else {}
    return {campo: [Falla("solo_de_solicitante")] for campo in SOLICITANTE_DE if becoming[campo]}


def write_categories(user: Usuario) -> None:
    """Make the rows that those who serve a category are searched by the same as what the user shows.

    Those that stay are left alone: they know when it was their turn.
    """
    kept = queries.categories_of(user.id)
    gone, new = kept - set(user.categorias), [id for id in user.categorias if id not in kept]
    theirs = UsuarioCategoria.id_usuario == user.id
    if gone:
        db.session.execute(delete(UsuarioCategoria).where(theirs, UsuarioCategoria.id_categoria.in_(gone)))
    db.session.add_all(UsuarioCategoria(id_usuario=user.id, id_categoria=id) for id in new)


def wrap_old_hashes() -> int:
    """Put an argon2id around each bare SHA-256, whose owner goes on signing in; answers how many."""
    done = 0
    while rows := transaction.read(queries.bare_hashes):
        wrapped = {id: (stored, passwords.wrap(stored)) for id, stored in rows}  # slow, outside the unit

        def unit(wrapped: dict[int, tuple[str, str]] = wrapped) -> int:
            return sum(replace_hash(id, *hashes) for id, hashes in wrapped.items())

        done += transaction.run(unit)
    return done


def replace_hash(id: int, stored: str, wrapped: str) -> int:
    """Unless its owner has signed in meanwhile. No change of the user: its version stays."""
    same = update(Usuario).where(Usuario.id == id, Usuario.password_hash == stored)
    changed: int = db.session.execute(same.values(password_hash=wrapped)).rowcount  # type: ignore[attr-defined]
    if changed:
        audit.append("usuario.clave_envuelta", SISTEMA, id_entidad=id)
    return changed

"""Test data: each factory takes only what the test is about."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, timedelta
from io import BytesIO
from itertools import count
from typing import Any

import factory
import pyotp

from app.extensions import db
from app.models import (
    CATALOGOS,
    Adjuntos,
    Clientes,
    Comentarios,
    Empleados,
    Entregas,
    Recuperacion,
    Relaciones,
    Seguidores,
    SegundoFactor,
    Sesion,
    Tiquet,
    TokenServicio,
    Usuario,
    Vistas,
    Webhooks,
    utcnow,
)
from app.services.access import recovery
from app.services.access.passwords import hash_password
from app.services.access.sessions import digest
from app.services.catalog import touch_catalogs
from app.services.log.webhooks import new_secret
from app.storage import new_name, store
from app.utils.access import tokens

CLAVE = "una clave de prueba"
HASH = hash_password(CLAVE)


class Factory(factory.alchemy.SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_factory = lambda: db.session  # noqa: E731
        sqlalchemy_session_persistence = "commit"


class UsuarioFactory(Factory):
    class Meta:
        model = Usuario

    email = factory.LazyFunction(lambda: f"{uuid.uuid4().hex[:12]}@example.org")
    nombre = factory.Faker("first_name", locale="es_MX")
    apellido = factory.Faker("last_name", locale="es_MX")
    password_hash = HASH
    tipo_usuario = "Técnico"


class ClienteFactory(Factory):
    class Meta:
        model = Clientes

    nombre = factory.Faker("first_name", locale="es_MX")


class EmpleadoFactory(Factory):
    class Meta:
        model = Empleados

    nombre = factory.Faker("first_name", locale="es_MX")


class TiquetFactory(Factory):
    class Meta:
        model = Tiquet

    titulo = factory.Faker("sentence", locale="es_ES", nb_words=4)
    descripcion = "No funciona"
    id_categoria = 1
    id_criticidad = 2
    id_prioridad = 2
    id_ubicacion = 1
    id_estado = 1
    etiquetas: Any = factory.LazyFunction(list)
    id_usuario_creador = factory.LazyFunction(lambda: UsuarioFactory().id)


class ComentarioFactory(Factory):
    class Meta:
        model = Comentarios

    id_tiquet = factory.LazyFunction(lambda: TiquetFactory(numero_comentarios=1).id)
    id_autor = factory.LazyFunction(lambda: UsuarioFactory().id)
    mensaje = "Se revisó"


class RelacionFactory(Factory):
    class Meta:
        model = Relaciones

    id_tiquet = factory.LazyFunction(lambda: TiquetFactory().id)
    id_relacionado = factory.LazyFunction(lambda: TiquetFactory().id)
    tipo = "relacionado"
    id_autor = factory.LazyFunction(lambda: UsuarioFactory().id)


class AdjuntoFactory(Factory):
    class Meta:
        model = Adjuntos

    id_tiquet = factory.LazyFunction(lambda: TiquetFactory(numero_adjuntos=1).id)
    id_autor = factory.LazyFunction(lambda: UsuarioFactory().id)
    nombre = "nota.txt"
    tipo_mime = "text/plain"


class VistaFactory(Factory):
    class Meta:
        model = Vistas

    id_usuario = factory.LazyFunction(lambda: UsuarioFactory().id)
    nombre = factory.LazyFunction(lambda: f"vista {uuid.uuid4().hex}")
    compartida = True
    filtros: Any = factory.LazyFunction(lambda: {"id_estado": [1]})


def adjunto(content: bytes = b"Se adjunta la nota.", **fields: Any) -> Any:
    """A new file of a ticket, with its content in the store."""
    name = new_name()
    store().put(name, BytesIO(content))
    known = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "objeto": name}
    return AdjuntoFactory(**known | fields)


class WebhookFactory(Factory):
    class Meta:
        model = Webhooks

    url = "https://avisos.example.org/soporte"
    eventos: Any = factory.LazyFunction(lambda: ["tiquet.*"])
    filtros: Any = factory.LazyFunction(dict)
    secreto = factory.LazyFunction(new_secret)
    hasta_secuencia = 0


class EntregaFactory(Factory):
    """Delivered already, so that nobody sends it."""

    class Meta:
        model = Entregas

    id_webhook = factory.LazyFunction(lambda: WebhookFactory().id)
    id_evento = factory.LazyFunction(lambda: f"{uuid.uuid4().hex}-0")
    accion = "tiquet.creado"
    estado = "entregada"
    cuerpo = "{}"


class SeguidorFactory(Factory):
    class Meta:
        model = Seguidores

    id_tiquet = factory.LazyFunction(lambda: TiquetFactory().id)
    id_usuario = factory.LazyFunction(lambda: UsuarioFactory().id)
    motivo = "manual"


@dataclass(frozen=True)
class Quien:
    """Somebody who has signed in, and the headers that say so."""

    id: int
    email: str
    sid: str
    headers: dict[str, str]


def quien(tipo_usuario: str, **fields: Any) -> Quien:
    """A new user of this role, signed in."""
    user = UsuarioFactory(tipo_usuario=tipo_usuario, **fields)
    id, email = user.id, user.email
    return Quien(id, email, *signed_in(id))


def signed_in(id_usuario: int, **fields: Any) -> tuple[str, dict[str, str]]:
    """A session of the user's, by its id and the headers that carry its token."""
    from flask import current_app

    sid = uuid.uuid4().hex
    now = utcnow()
    about: dict[str, Any] = {"refresco": "0" * 64, "fecha_creacion": now, "ultimo_uso": now}
    about |= {"vence": now + timedelta(days=1)} | fields
    db.session.add(Sesion(id=sid, id_usuario=id_usuario, **about))
    db.session.commit()
    with current_app.app_context():
        pair = tokens.pair(id_usuario, sid)
    return sid, {"Authorization": f"Bearer {pair['access_token']}"}


class TokenFactory(Factory):
    class Meta:
        model = TokenServicio

    id_usuario = factory.LazyFunction(lambda: UsuarioFactory().id)
    nombre = "Panel de la entrada"
    huella = factory.LazyFunction(lambda: secrets.token_hex(32))
    alcances: Any = factory.LazyFunction(lambda: ["tickets:leer"])
    vence = factory.LazyFunction(lambda: utcnow() + timedelta(days=1))


@dataclass(frozen=True)
class Programa:
    """A program with a service token: its owner's id, the token's, and the headers that carry it."""

    id: int
    id_token: int
    token: str
    headers: dict[str, str]


def programa(id_usuario: int, *alcances: str, **fields: Any) -> Programa:
    """A program of this user's that has these scopes; it was used just now, so that nothing notes it."""
    token = f"spt_{secrets.token_urlsafe(32)}"
    about = {"ultimo_uso": utcnow()} | fields
    made = TokenFactory(id_usuario=id_usuario, huella=digest(token), alcances=list(alcances), **about)
    return Programa(id_usuario, made.id, token, {"Authorization": f"Bearer {token}"})


SECRETO = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
DE_RECUPERACION = "abcd-efgh-ijkl-mnop"


def segundo_factor(id_usuario: int, activo: bool = True) -> None:
    """Give a user a second factor, by ``SECRETO``, with one recovery code."""
    factor = {"secreto": SECRETO, "codigos": [digest(DE_RECUPERACION.replace("-", ""))], "activo": activo}
    db.session.add(SegundoFactor(id_usuario=id_usuario, **factor))
    db.session.execute(db.update(Usuario).where(Usuario.id == id_usuario).values(segundo_factor=activo))
    db.session.commit()


RECUPERACION = "lo-que-llego-por-correo-hace-un-momento"


def recuperacion(id_usuario: int) -> None:
    """Let a user choose another password by ``RECUPERACION``."""
    marca = recovery.mark_of(db.session.get_one(Usuario, id_usuario))
    about = {"huella": digest(RECUPERACION), "marca": marca, "vence": utcnow() + timedelta(minutes=15)}
    db.session.merge(Recuperacion(id_usuario=id_usuario, **about))
    db.session.commit()


def codigo(steps: int = 0) -> str:
    """The code that ``SECRETO`` makes so many time steps from now."""
    return pyotp.TOTP(SECRETO).at(utcnow().replace(tzinfo=UTC), counter_offset=steps)


def tiquet(**fields: Any) -> int:
    """A new ticket; answers its id."""
    return int(TiquetFactory(**fields).id)


def fila(name: str, **fields: Any) -> int:
    """A new row of a catalog; answers its id."""
    nombre = f"fila_{uuid.uuid4().hex[:12]}"
    own = {"estados": {"tipo": "en_espera"}, "criticidades": {"nivel": 9}, "prioridades": {"nivel": 9}}
    row: Any = CATALOGOS[name](**{"codigo": nombre, "nombre": nombre} | own.get(name, {}) | fields)
    db.session.add(row)
    touch_catalogs()
    db.session.commit()
    return int(row.id)


NUEVO = {
    "titulo": "Problema con impresora",
    "descripcion": "La impresora no responde",
    "id_categoria": 1,
    "id_criticidad": 2,
    "id_ubicacion": 1,
}
numbers = count(1)

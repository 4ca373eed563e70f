"""Who signs in, and the sessions they hold."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, Json, Texto40, Texto120, Texto200, Versioned, utcnow
from app.models.busqueda import Buscable

ADMINISTRADOR = "Administrador"
TECNICO = "Técnico"
SOLICITANTE = "Solicitante"
ROLES = (ADMINISTRADOR, TECNICO, SOLICITANTE)


class Usuario(Versioned, Buscable, Base):
    """A person who signs in with e-mail and password. Never erased: the history names it."""

    BUSCABLES = ("nombre", "apellido")  # Not the e-mail: a Técnico may search, and must not learn it.
    __tablename__ = "Usuario"
    __table_args__ = (
        CheckConstraint(f"tipo_usuario IN {ROLES}", name="tipo_usuario"),
        CheckConstraint("idioma IN ('es', 'en')", name="idioma"),
        CheckConstraint("id_cliente IS NULL OR id_empleado IS NULL", name="un_solicitante"),
        Index(None, "id_ubicacion"),
        Index(None, "id_cliente"),
        Index(None, "id_empleado"),
        Index(None, "apellido", "nombre", "id"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Exact(254), unique=True)
    nombre: Mapped[Texto120]
    apellido: Mapped[Texto120]
    # A PHC string of argon2id; 64 hex digits are an unsalted SHA-256 of an older database.
    password_hash: Mapped[str] = mapped_column(Exact(255, "ascii"))
    tipo_usuario: Mapped[str] = mapped_column(String(20))
    # Whose tickets a Solicitante sees beside its own; nobody else has either.
    id_cliente: Mapped[int | None] = mapped_column(ForeignKey("Clientes.id"))
    id_empleado: Mapped[int | None] = mapped_column(ForeignKey("Empleados.id"))
    activo: Mapped[bool] = mapped_column(default=True)
    disponible: Mapped[bool] = mapped_column(default=True)
    telefono: Mapped[Texto40 | None]
    id_ubicacion: Mapped[int | None] = mapped_column(ForeignKey("Ubicaciones.id"))
    idioma: Mapped[str] = mapped_column(String(2), default="es")
    zona_horaria: Mapped[Texto40] = mapped_column(default="UTC")
    preferencias: Mapped[Any] = mapped_column(Json, default=dict, nullable=False)
    # The ids it serves, shown from here; UsuarioCategoria holds the same to be searched by.
    categorias: Mapped[Any] = mapped_column(Json, default=list, nullable=False, server_default=text("('[]')"))
    segundo_factor: Mapped[bool] = mapped_column(default=False)
    debe_cambiar_clave: Mapped[bool] = mapped_column(default=False)
    ultimo_acceso: Mapped[datetime | None]
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)


class UsuarioCategoria(Base):
    """Which categories a technician serves."""

    __tablename__ = "Usuario_categoria"
    __table_args__ = (Index(None, "id_categoria"), TABLE)

    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"), primary_key=True)
    id_categoria: Mapped[int] = mapped_column(ForeignKey("Cat_tiquet.id"), primary_key=True)
    # When it last got a ticket of this category without anybody giving it.
    ultima_asignacion: Mapped[datetime | None]


class Sesion(Base):
    """A sign-in and the family of refresh tokens that followed it; one of them is valid at a time."""

    __tablename__ = "Sesion"
    __table_args__ = (Index(None, "id_usuario", "fecha_creacion", "id"), Index(None, "vence"), TABLE)

    id: Mapped[str] = mapped_column(Exact(32, "ascii"), primary_key=True)
    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    # SHA-256 of the refresh token that is good now; the token itself is nowhere in the database.
    refresco: Mapped[str] = mapped_column(Exact(64, "ascii"))
    fecha_creacion: Mapped[datetime]
    ultimo_uso: Mapped[datetime]
    vence: Mapped[datetime]
    fin: Mapped[datetime | None]
    agente: Mapped[Texto200 | None]
    ip: Mapped[Texto40 | None]

"""Tickets, their labels, their comments and their files."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, validates

from app.models.base import TABLE, Base, Exact, Json, Largo, Texto40, Texto120, Texto200, Versioned, utcnow

CANALES = ("api", "web", "correo", "telefono", "importacion")
MOTIVOS_DE_CIERRE = ("resuelto", "duplicado", "cancelado", "fusionado")
MANUAL, CREADOR, ASIGNADO, MENCION = MOTIVOS_DE_SEGUIR = ("manual", "creador", "asignado", "mencion")

# The columns that a list can be filtered by; each has an index that gives its rows in the list's order.
FILTRABLES = (
    "id_estado",
    "id_categoria",
    "id_criticidad",
    "id_prioridad",
    "id_ubicacion",
    "id_usuario_asignado",
    "id_usuario_creador",
    "id_cliente",
    "id_empleado",
)

LISTADOS = ((), *((column,) for column in FILTRABLES))


def list_index(*columns: str, by: str = "creacion") -> Index:
    """An index whose equal part is ``columns`` and "not in the trash", so that a page is one range of it.

    The filtered column comes first: InnoDB then takes the index for the foreign key too.
    """
    return Index(list_index_name(*columns, by=by), *columns, "fecha_eliminacion", f"fecha_{by}", "id")


def list_index_name(*columns: str, by: str = "creacion") -> str:
    """The index that gives a list in the order of one of its dates, which is most often the creation."""
    return "_".join(("ix_Tiquet_lista", *(() if by == "creacion" else (by,)), *columns))


class Tiquet(Versioned, Base):
    """A support request, from the moment it is opened until it is closed."""

    __tablename__ = "Tiquet"
    __table_args__ = (
        CheckConstraint(f"canal IN {CANALES}", name="canal"),
        CheckConstraint(f"motivo_cierre IN {MOTIVOS_DE_CIERRE}", name="motivo_cierre"),
        CheckConstraint("id_cliente IS NULL OR id_empleado IS NULL", name="un_solicitante"),
        UniqueConstraint("origen_externo", "id_externo"),
        *(list_index(*column, by=by) for by in ("creacion", "actualizacion") for column in LISTADOS),
        list_index("id_estado", "id_prioridad"),
        Index(None, "id_problema"),
        Index(None, "id_tiquet_padre"),
        Index(None, "id_tiquet_fusionado"),
        Index(None, "fecha_resolucion"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    titulo: Mapped[Texto200]
    descripcion: Mapped[Largo]
    id_categoria: Mapped[int] = mapped_column(ForeignKey("Cat_tiquet.id"))
    id_problema: Mapped[int | None] = mapped_column(ForeignKey("Cat_problema.id"))
    id_criticidad: Mapped[int] = mapped_column(ForeignKey("Catalogo_criticidad.id"))
    id_prioridad: Mapped[int] = mapped_column(ForeignKey("Prioridades.id"))
    id_ubicacion: Mapped[int] = mapped_column(ForeignKey("Ubicaciones.id"))
    id_estado: Mapped[int] = mapped_column(ForeignKey("Estado_tiquet.id"))
    id_cliente: Mapped[int | None] = mapped_column(ForeignKey("Clientes.id"))
    id_empleado: Mapped[int | None] = mapped_column(ForeignKey("Empleados.id"))
    id_usuario_creador: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    id_usuario_asignado: Mapped[int | None] = mapped_column(ForeignKey("Usuario.id"))
    canal: Mapped[str] = mapped_column(String(20), default="api")
    # Shown from here; EtiquetaTiquet holds the same to be searched by.
    etiquetas: Mapped[Any] = mapped_column(Json, default=list, nullable=False)
    telefono_contacto: Mapped[Texto40 | None]
    resolucion: Mapped[Largo | None]
    motivo_cierre: Mapped[str | None] = mapped_column(String(20))
    # As it stands in Relaciones, which is the record.
    id_tiquet_padre: Mapped[int | None] = mapped_column(ForeignKey("Tiquet.id"))
    id_tiquet_fusionado: Mapped[int | None] = mapped_column(ForeignKey("Tiquet.id"))
    origen_externo: Mapped[str | None] = mapped_column(Exact(40))
    id_externo: Mapped[str | None] = mapped_column(Exact(120))
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
    fecha_actualizacion: Mapped[datetime] = mapped_column(default=utcnow)
    # The same for who sees no internal comments; None where none was written since the last other change.
    fecha_actualizacion_publica: Mapped[datetime | None]
    fecha_asignacion: Mapped[datetime | None]
    fecha_primera_respuesta: Mapped[datetime | None]
    fecha_resolucion: Mapped[datetime | None]
    fecha_cierre: Mapped[datetime | None]
    fecha_eliminacion: Mapped[datetime | None]
    veces_reabierto: Mapped[int] = mapped_column(default=0)
    numero_comentarios: Mapped[int] = mapped_column(default=0)
    numero_adjuntos: Mapped[int] = mapped_column(default=0)

    @validates("fecha_actualizacion")
    def changed_for_all(self, _key: str, value: datetime) -> datetime:
        """Whoever sees a ticket sees what changes it by its object; what is hidden is written around that."""
        self.fecha_actualizacion_publica = None
        return value


class EtiquetaTiquet(Base):
    """One label of one ticket, in the order in which tickets are listed."""

    __tablename__ = "Etiqueta_tiquet"
    __table_args__ = (Index(None, "etiqueta", "fecha_creacion", "id_tiquet"), TABLE)

    id_tiquet: Mapped[int] = mapped_column(ForeignKey("Tiquet.id"), primary_key=True)
    etiqueta: Mapped[str] = mapped_column(Exact(40), primary_key=True)
    fecha_creacion: Mapped[datetime]


class Seguidores(Base):
    """Who among the staff gets a ticket's news, and what first made it so."""

    __tablename__ = "Seguidores"
    __table_args__ = (
        CheckConstraint(f"motivo IN {MOTIVOS_DE_SEGUIR}", name="motivo"),
        Index(None, "id_usuario"),
        TABLE,
    )

    id_tiquet: Mapped[int] = mapped_column(ForeignKey("Tiquet.id"), primary_key=True)
    id_usuario: Mapped[int] = mapped_column(ForeignKey("Usuario.id"), primary_key=True)
    motivo: Mapped[str] = mapped_column(String(20))
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)


class Comentarios(Versioned, Base):
    """A message in a ticket's conversation; internal ones are for staff."""

    __tablename__ = "Comentarios"
    __table_args__ = (
        Index(None, "id_tiquet", "fecha_creacion", "id"),
        Index(None, "id_autor"),
        Index(None, "id_cliente"),
        Index(None, "id_empleado"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    id_tiquet: Mapped[int] = mapped_column(ForeignKey("Tiquet.id"))
    id_autor: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    mensaje: Mapped[Largo]
    es_interno: Mapped[bool] = mapped_column(default=True)
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
    fecha_edicion: Mapped[datetime | None]
    # Whose words these are when they came by mail from one who has no user; the author wrote them down.
    id_cliente: Mapped[int | None] = mapped_column(ForeignKey("Clientes.id"))
    id_empleado: Mapped[int | None] = mapped_column(ForeignKey("Empleados.id"))


class Adjuntos(Versioned, Base):
    """A file of a ticket, or of one of its comments. Its bytes are in the store, under ``objeto``."""

    __tablename__ = "Adjuntos"
    __table_args__ = (
        Index(None, "id_tiquet", "fecha_creacion", "id"),
        Index(None, "id_comentario"),
        Index(None, "id_autor"),
        TABLE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    id_tiquet: Mapped[int] = mapped_column(ForeignKey("Tiquet.id"))
    id_comentario: Mapped[int | None] = mapped_column(ForeignKey("Comentarios.id"))
    id_autor: Mapped[int] = mapped_column(ForeignKey("Usuario.id"))
    nombre: Mapped[Texto200]
    tipo_mime: Mapped[Texto120]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Exact(64, "ascii"))
    objeto: Mapped[str] = mapped_column(Exact(40, "ascii"), unique=True)
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)

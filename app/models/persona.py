"""Who asks for help without signing in: customers and employees."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.models.base import TABLE, Base, Exact, Largo, Texto40, Texto120, Texto200, Versioned, utcnow
from app.models.busqueda import Buscable


def list_indexes() -> list[Index]:
    """Such that a page of everybody, or of one filter, is one range of an index in the list's order."""
    order = ("nombre", "apellido", "id")
    return [
        Index(None, *order),
        Index(None, "activo", *order),
        Index(None, "id_ubicacion", *order),
        Index(None, "email"),
        Index(None, "anonimizacion_pedida"),
    ]


class Persona(Versioned, Buscable):
    """What customers and employees have in common."""

    # Columns that only one of them has, in the order in which they are shown.
    PROPIAS: ClassVar[tuple[str, ...]] = ()
    BUSCABLES: ClassVar[tuple[str, ...]] = ("nombre", "apellido", "email", "id_externo")

    id: Mapped[int] = mapped_column(primary_key=True)
    nombre: Mapped[Texto120]
    apellido: Mapped[Texto120 | None]
    email: Mapped[str | None] = mapped_column(Exact(254))
    telefono: Mapped[Texto40 | None]
    notas: Mapped[Largo | None]
    id_externo: Mapped[str | None] = mapped_column(Exact(120), unique=True)
    activo: Mapped[bool] = mapped_column(default=True)
    fecha_creacion: Mapped[datetime] = mapped_column(default=utcnow)
    # While its personal data are being erased: since when. Who was stopped in the middle finds it by this.
    anonimizacion_pedida: Mapped[datetime | None]
    fecha_anonimizado: Mapped[datetime | None]  # when that was done

    @declared_attr
    @classmethod
    def id_ubicacion(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("Ubicaciones.id"))


class Clientes(Persona, Base):
    """A customer from outside."""

    PROPIAS = ("empresa", "direccion")
    BUSCABLES = (*Persona.BUSCABLES, "empresa")
    __tablename__ = "Clientes"
    __table_args__ = (*list_indexes(), TABLE)

    empresa: Mapped[Texto200 | None]
    direccion: Mapped[Texto200 | None]


class Empleados(Persona, Base):
    """A colleague from inside."""

    PROPIAS = ("codigo_empleado", "puesto", "departamento")
    BUSCABLES = (*Persona.BUSCABLES, "codigo_empleado", "departamento")
    __tablename__ = "Empleados"
    __table_args__ = (*list_indexes(), TABLE)

    codigo_empleado: Mapped[str | None] = mapped_column(Exact(40), unique=True)
    puesto: Mapped[Texto120 | None]
    departamento: Mapped[Texto120 | None]

"""The six catalogs and the counter that tells caches of a change in them."""

from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import TABLE, Base, Exact, Texto120, Texto500, Versioned

TIPOS_DE_ESTADO = ("nuevo", "en_proceso", "en_espera", "resuelto", "cerrado")
NINGUNA, ROTATIVA, MENOS_CARGA = ASIGNACIONES = ("ninguna", "rotativa", "menos_carga")


class Catalogo(Versioned):
    """What the rows of all six catalogs have in common."""

    # Columns that only some catalogs have, in the order in which they are shown.
    PROPIAS: ClassVar[tuple[str, ...]] = ()

    id: Mapped[int] = mapped_column(primary_key=True)
    codigo: Mapped[str] = mapped_column(Exact(40), unique=True)
    nombre: Mapped[str] = mapped_column(Exact(120), unique=True)
    descripcion: Mapped[Texto500 | None]
    orden: Mapped[int] = mapped_column(default=0)
    color: Mapped[str | None] = mapped_column(String(7))
    activo: Mapped[bool] = mapped_column(default=True)
    predeterminado: Mapped[bool] = mapped_column(default=False)


class CatTiquet(Catalogo, Base):
    """What a ticket is about: hardware, network, … and who gets it when nobody is named."""

    PROPIAS = ("unidad_corresponde", "asignacion")
    __tablename__ = "Cat_tiquet"
    __table_args__ = (CheckConstraint(f"asignacion IN {ASIGNACIONES}", name="asignacion"), TABLE)

    unidad_corresponde: Mapped[Texto120 | None]
    asignacion: Mapped[str] = mapped_column(String(20), default=NINGUNA, server_default=NINGUNA)


class EstadoTiquet(Catalogo, Base):
    """A state by name; its ``tipo`` is what the rules look at (``transitions.py``)."""

    PROPIAS = ("tipo",)
    __tablename__ = "Estado_tiquet"
    __table_args__ = (CheckConstraint(f"tipo IN {TIPOS_DE_ESTADO}", name="tipo"), TABLE)

    tipo: Mapped[str] = mapped_column(String(20))


class CatalogoCriticidad(Catalogo, Base):
    """How bad it is; ``nivel`` grows with it."""

    PROPIAS = ("nivel",)
    __tablename__ = "Catalogo_criticidad"
    __table_args__ = TABLE

    nivel: Mapped[int]


class Prioridades(Catalogo, Base):
    """How soon it is to be looked at; ``nivel`` grows with urgency."""

    PROPIAS = ("nivel",)
    __tablename__ = "Prioridades"
    __table_args__ = TABLE

    nivel: Mapped[int]


class Ubicaciones(Catalogo, Base):
    """Where: a tree by ``id_padre``."""

    PROPIAS = ("id_padre",)
    __tablename__ = "Ubicaciones"
    __table_args__ = (Index(None, "id_padre"), TABLE)

    id_padre: Mapped[int | None] = mapped_column(ForeignKey("Ubicaciones.id"))


class CatProblema(Catalogo, Base):
    """A usual problem, of one category or of any."""

    PROPIAS = ("id_categoria",)
    __tablename__ = "Cat_problema"
    __table_args__ = (Index(None, "id_categoria"), TABLE)

    id_categoria: Mapped[int | None] = mapped_column(ForeignKey("Cat_tiquet.id"))


class CatalogoEpoca(Base):
    """One row: a number that is another after every change of a catalog, so that memory can be trusted."""

    __tablename__ = "Catalogo_epoca"
    __table_args__ = TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    epoca: Mapped[int] = mapped_column(BigInteger)


CATALOGOS: dict[str, type[Catalogo]] = {
    "categorias": CatTiquet,
    "estados": EstadoTiquet,
    "criticidades": CatalogoCriticidad,
    "prioridades": Prioridades,
    "ubicaciones": Ubicaciones,
    "problemas": CatProblema,
}
# Catalog -> the entity of its rows in the event log.
ENTIDADES = {
    "categorias": "categoria",
    "estados": "estado",
    "criticidades": "criticidad",
    "prioridades": "prioridad",
    "ubicaciones": "ubicacion",
    "problemas": "problema",
}

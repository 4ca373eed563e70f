"""The six catalogs and their epoch."""

import sqlalchemy as sa
from alembic import op

from migrations.types import TABLE, exact

revision = "0001"
down_revision = None


def create_catalog(name: str, *own: sa.Column | sa.Constraint | sa.Index) -> None:
    """Create one catalog: the columns that all six have, and its ``own``."""
    op.create_table(
        name,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("codigo", exact(40), nullable=False),
        sa.Column("nombre", exact(120), nullable=False),
        sa.Column("descripcion", sa.String(500)),
        sa.Column("orden", sa.Integer, nullable=False),
        sa.Column("color", sa.String(7)),
        sa.Column("activo", sa.Boolean, nullable=False),
        sa.Column("predeterminado", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        *own,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("codigo", name=f"uq_{name}_codigo"),
        sa.UniqueConstraint("nombre", name=f"uq_{name}_nombre"),
        **TABLE,
    )


def upgrade() -> None:
    create_catalog("Cat_tiquet", sa.Column("unidad_corresponde", sa.String(120)))
    create_catalog(
        "Estado_tiquet",
        sa.Column("tipo", sa.String(20), nullable=False),
        sa.CheckConstraint(
            "tipo IN ('nuevo', 'en_proceso', 'en_espera', 'resuelto', 'cerrado')",
            name=op.f("ck_Estado_tiquet_tipo"),
        ),
    )
    create_catalog("Catalogo_criticidad", sa.Column("nivel", sa.Integer, nullable=False))
    create_catalog("Prioridades", sa.Column("nivel", sa.Integer, nullable=False))
    create_catalog(
        "Ubicaciones",
        sa.Column("id_padre", sa.Integer),
        sa.ForeignKeyConstraint(["id_padre"], ["Ubicaciones.id"], name="fk_Ubicaciones_id_padre"),
        sa.Index("ix_Ubicaciones_id_padre", "id_padre"),
    )
    create_catalog(
        "Cat_problema",
        sa.Column("id_categoria", sa.Integer),
        sa.ForeignKeyConstraint(["id_categoria"], ["Cat_tiquet.id"], name="fk_Cat_problema_id_categoria"),
        sa.Index("ix_Cat_problema_id_categoria", "id_categoria"),
    )
    op.create_table(
        "Catalogo_epoca",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("epoca", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Catalogo_epoca"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Catalogo_epoca")
    op.drop_table("Cat_problema")
    op.drop_table("Ubicaciones")
    op.drop_table("Prioridades")
    op.drop_table("Catalogo_criticidad")
    op.drop_table("Estado_tiquet")
    op.drop_table("Cat_tiquet")

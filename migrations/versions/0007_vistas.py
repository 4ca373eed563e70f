"""Views: filters of the list of tickets that are kept."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, LONG_TEXT, TABLE, exact

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "Vistas",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("id_usuario", sa.Integer, nullable=False),
        sa.Column("nombre", exact(120), nullable=False),
        sa.Column("compartida", sa.Boolean, nullable=False),
        sa.Column("filtros", LONG_TEXT, nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Vistas"),
        sa.UniqueConstraint("id_usuario", "nombre", name="uq_Vistas_id_usuario_nombre"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Vistas_id_usuario"),
        sa.Index("ix_Vistas_compartida_nombre_id", "compartida", "nombre", "id"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Vistas")

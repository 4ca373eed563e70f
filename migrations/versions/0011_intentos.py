"""Tries of passwords are counted, and sessions are listed from the newest on."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, TABLE, exact_ascii

revision = "0011"
down_revision = "0010"

LISTED = "ix_Sesion_id_usuario_fecha_creacion_id"


def upgrade() -> None:
    op.create_table(
        "Intentos",
        sa.Column("clave", exact_ascii(64), nullable=False),
        sa.Column("cuenta", sa.Integer, nullable=False),
        sa.Column("vence", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("clave", name="pk_Intentos"),
        sa.Index("ix_Intentos_vence", "vence"),
        **TABLE,
    )
    # The new one first: the foreign key needs one of them at any time.
    op.create_index(LISTED, "Sesion", ["id_usuario", "fecha_creacion", "id"])
    op.drop_index("ix_Sesion_id_usuario", "Sesion")


def downgrade() -> None:
    op.create_index("ix_Sesion_id_usuario", "Sesion", ["id_usuario"])
    op.drop_index(LISTED, "Sesion")
    op.drop_table("Intentos")

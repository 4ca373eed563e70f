"""Service tokens: programs act as their owner, within scopes."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, LONG_TEXT, TABLE, exact_ascii

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "Token_servicio",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("id_usuario", sa.Integer, nullable=False),
        sa.Column("nombre", sa.String(120), nullable=False),
        sa.Column("huella", exact_ascii(64), nullable=False),
        sa.Column("alcances", LONG_TEXT, nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("vence", INSTANT, nullable=False),
        sa.Column("ultimo_uso", INSTANT, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Token_servicio"),
        sa.UniqueConstraint("huella", name="uq_Token_servicio_huella"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Token_servicio_id_usuario"),
        sa.Index("ix_Token_servicio_id_usuario_fecha_creacion_id", "id_usuario", "fecha_creacion", "id"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Token_servicio")

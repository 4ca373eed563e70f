"""Who somebody is to an issuer of OpenID Connect."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, TABLE, exact_ascii

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "Identidad_externa",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("emisor", exact_ascii(255), nullable=False),
        sa.Column("sujeto", exact_ascii(255), nullable=False),
        sa.Column("id_usuario", sa.Integer, nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Identidad_externa"),
        sa.UniqueConstraint("emisor", "sujeto", name="uq_Identidad_externa_emisor_sujeto"),
        sa.UniqueConstraint("id_usuario", "emisor", name="uq_Identidad_externa_id_usuario_emisor"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Identidad_externa_id_usuario"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Identidad_externa")

"""Files of tickets and comments."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, TABLE, exact_ascii

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "Adjuntos",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("id_tiquet", sa.Integer, nullable=False),
        sa.Column("id_comentario", sa.Integer),
        sa.Column("id_autor", sa.Integer, nullable=False),
        sa.Column("nombre", sa.String(200), nullable=False),
        sa.Column("tipo_mime", sa.String(120), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", exact_ascii(64), nullable=False),
        sa.Column("objeto", exact_ascii(40), nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Adjuntos"),
        sa.UniqueConstraint("objeto", name="uq_Adjuntos_objeto"),
        sa.ForeignKeyConstraint(["id_tiquet"], ["Tiquet.id"], name="fk_Adjuntos_id_tiquet"),
        sa.ForeignKeyConstraint(["id_comentario"], ["Comentarios.id"], name="fk_Adjuntos_id_comentario"),
        sa.ForeignKeyConstraint(["id_autor"], ["Usuario.id"], name="fk_Adjuntos_id_autor"),
        sa.Index("ix_Adjuntos_id_tiquet_fecha_creacion_id", "id_tiquet", "fecha_creacion", "id"),
        sa.Index("ix_Adjuntos_id_comentario", "id_comentario"),
        sa.Index("ix_Adjuntos_id_autor", "id_autor"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Adjuntos")

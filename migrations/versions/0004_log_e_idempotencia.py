"""What happened, and the answers kept for requests that may come again."""

import sqlalchemy as sa
from alembic import op

from migrations.types import BIG_ID, INSTANT, LONG_BYTES, LONG_TEXT, TABLE, exact_ascii

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "Log_transaccional",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("id_evento", exact_ascii(40), nullable=False),
        sa.Column("secuencia", sa.BigInteger),
        sa.Column("fecha", INSTANT, nullable=False),
        sa.Column("tipo_actor", sa.String(20), nullable=False),
        sa.Column("id_usuario", sa.Integer),
        sa.Column("accion", sa.String(60), nullable=False),
        sa.Column("entidad", sa.String(40), nullable=False),
        sa.Column("id_entidad", sa.Integer),
        sa.Column("id_tiquet", sa.Integer),
        sa.Column("version_resultante", sa.Integer),
        sa.Column("cambios", LONG_TEXT, nullable=False),
        sa.Column("origen", sa.String(20), nullable=False),
        sa.Column("id_solicitud", sa.String(64)),
        sa.Column("ip", sa.String(40)),
        sa.Column("hash_anterior", exact_ascii(64)),
        sa.Column("hash", exact_ascii(64)),
        sa.PrimaryKeyConstraint("id", name="pk_Log_transaccional"),
        sa.UniqueConstraint("id_evento", name="uq_Log_transaccional_id_evento"),
        sa.UniqueConstraint("secuencia", name="uq_Log_transaccional_secuencia"),
        sa.CheckConstraint(
            "tipo_actor IN ('usuario', 'token', 'sistema', 'anonimo')",
            name=op.f("ck_Log_transaccional_tipo_actor"),
        ),
        sa.Index(
            "ix_Log_transaccional_entidad_id_entidad_version_resultante",
            "entidad",
            "id_entidad",
            "version_resultante",
        ),
        sa.Index("ix_Log_transaccional_id_tiquet_id", "id_tiquet", "id"),
        **TABLE,
    )
    op.create_table(
        "Idempotencia",
        sa.Column("id_usuario", sa.Integer, nullable=False),
        sa.Column("clave", exact_ascii(128), nullable=False),
        sa.Column("huella", exact_ascii(64), nullable=False),
        sa.Column("ruta", sa.String(200), nullable=False),
        sa.Column("estado", sa.Integer),
        sa.Column("cabeceras", LONG_TEXT),
        sa.Column("cuerpo", LONG_BYTES),
        sa.Column("creado", INSTANT, nullable=False),
        sa.Column("vence", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id_usuario", "clave", name="pk_Idempotencia"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Idempotencia_id_usuario"),
        sa.Index("ix_Idempotencia_vence", "vence"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Idempotencia")
    op.drop_table("Log_transaccional")

"""Webhooks and their deliveries."""

import sqlalchemy as sa
from alembic import op

from migrations.types import BIG_ID, INSTANT, LONG_TEXT, TABLE, exact_ascii

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "Webhooks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("url", exact_ascii(1000), nullable=False),
        sa.Column("descripcion", sa.String(200), nullable=True),
        sa.Column("eventos", LONG_TEXT, nullable=False),
        sa.Column("filtros", LONG_TEXT, nullable=False),
        sa.Column("activo", sa.Boolean, nullable=False),
        sa.Column("motivo_pausa", sa.String(40), nullable=True),
        sa.Column("fecha_pausa", INSTANT, nullable=True),
        sa.Column("secreto", exact_ascii(64), nullable=False),
        sa.Column("secreto_anterior", exact_ascii(64), nullable=True),
        sa.Column("secreto_anterior_vence", INSTANT, nullable=True),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("hasta_secuencia", sa.BigInteger, nullable=False),
        sa.Column("fallos_seguidos", sa.Integer, nullable=False),
        sa.Column("fallos_desde", INSTANT, nullable=True),
        sa.Column("fecha_ultima_entrega", INSTANT, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Webhooks"),
        **TABLE,
    )
    op.create_table(
        "Entregas",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("id_webhook", sa.Integer, nullable=False),
        sa.Column("secuencia", sa.BigInteger, nullable=True),
        sa.Column("id_evento", exact_ascii(40), nullable=False),
        sa.Column("accion", sa.String(60), nullable=False),
        sa.Column("id_tiquet", sa.Integer, nullable=True),
        sa.Column("estado", sa.String(10), nullable=False),
        sa.Column("intentos", sa.Integer, nullable=False),
        sa.Column("proximo_intento", INSTANT, nullable=True),
        sa.Column("tomado_por", exact_ascii(32), nullable=True),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("cuerpo", LONG_TEXT, nullable=True),
        sa.Column("fecha_intento", INSTANT, nullable=True),
        sa.Column("milisegundos", sa.Integer, nullable=True),
        sa.Column("url", exact_ascii(1000), nullable=True),
        sa.Column("cabeceras", LONG_TEXT, nullable=True),
        sa.Column("error", sa.String(40), nullable=True),
        sa.Column("respuesta_estado", sa.Integer, nullable=True),
        sa.Column("respuesta_cabeceras", LONG_TEXT, nullable=True),
        sa.Column("respuesta_cuerpo", LONG_TEXT, nullable=True),
        sa.CheckConstraint("estado IN ('pendiente', 'entregada', 'muerta')", name=op.f("ck_Entregas_estado")),
        sa.PrimaryKeyConstraint("id", name="pk_Entregas"),
        sa.UniqueConstraint("id_webhook", "secuencia", name="uq_Entregas_id_webhook_secuencia"),
        sa.Index("ix_Entregas_id_webhook_id", "id_webhook", "id"),
        sa.Index("ix_Entregas_id_webhook_estado_id", "id_webhook", "estado", "id"),
        sa.Index(
            "ix_Entregas_id_webhook_estado_proximo_intento_id",
            *("id_webhook", "estado", "proximo_intento", "id"),
        ),
        sa.Index(
            "ix_Entregas_id_webhook_id_tiquet_estado_secuencia",
            *("id_webhook", "id_tiquet", "estado", "secuencia"),
        ),
        sa.Index("ix_Entregas_fecha_creacion_id", "fecha_creacion", "id"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Entregas")
    op.drop_table("Webhooks")

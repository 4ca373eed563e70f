"""Mail: what is to be sent, how far the log was read for it, and what lets a password be set anew."""

import sqlalchemy as sa
from alembic import op

from migrations.types import BIG_ID, INSTANT, TABLE, exact, exact_ascii

revision = "0021"
down_revision = "0020"

TIPOS = ("mencion", "asignacion", "comentario", "resolucion", "nuevo", "recuperacion")
ESTADOS = ("pendiente", "enviado", "fallido", "omitido")
INDEXES = {
    "ix_Correos_estado_proximo_id": ["estado", "proximo", "id"],
    "ix_Correos_id_tiquet_estado_id": ["id_tiquet", "estado", "id"],
    "ix_Correos_fecha_creacion": ["fecha_creacion"],
    **{
        f"ix_Correos_{column}": [column]
        for column in ("direccion", "id_usuario", "id_cliente", "id_empleado")
    },
}


def upgrade() -> None:
    op.create_table(
        "Correos",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("id_evento", exact_ascii(40), nullable=False),
        sa.Column("tipo", sa.String(20), nullable=False),
        sa.Column("direccion", exact(254), nullable=False),
        *(sa.Column(name, sa.Integer) for name in ("id_usuario", "id_cliente", "id_empleado")),
        *(sa.Column(name, sa.Integer) for name in ("id_tiquet", "id_comentario")),
        sa.Column("estado", sa.String(20), nullable=False),
        sa.Column("intentos", sa.Integer, nullable=False),
        sa.Column("proximo", INSTANT, nullable=False),
        sa.Column("marca", exact_ascii(32)),
        sa.Column("vence", INSTANT, nullable=False),
        sa.Column("error", sa.String(200)),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("fecha_envio", INSTANT),
        sa.CheckConstraint(f"tipo IN {TIPOS}", name=op.f("ck_Correos_tipo")),
        sa.CheckConstraint(f"estado IN {ESTADOS}", name=op.f("ck_Correos_estado")),
        sa.UniqueConstraint("id_evento", "direccion", name="uq_Correos_id_evento_direccion"),
        sa.PrimaryKeyConstraint("id", name="pk_Correos"),
        **TABLE,
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "Correos", columns)
    op.create_table(
        "Lectura",
        sa.Column("nombre", exact_ascii(40), nullable=False),
        sa.Column("secuencia", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("nombre", name="pk_Lectura"),
        **TABLE,
    )
    op.create_table(
        "Recuperacion",
        sa.Column("id_usuario", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("huella", exact_ascii(64), nullable=False),
        sa.Column("marca", exact_ascii(64), nullable=False),
        sa.Column("vence", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Recuperacion_id_usuario"),
        sa.UniqueConstraint("huella", name="uq_Recuperacion_huella"),
        sa.PrimaryKeyConstraint("id_usuario", name="pk_Recuperacion"),
        **TABLE,
    )
    op.create_index("ix_Recuperacion_vence", "Recuperacion", ["vence"])


def downgrade() -> None:
    for table in ("Recuperacion", "Lectura", "Correos"):
        op.drop_table(table)

"""Tickets are related to each other, and a merged one points at where it went."""

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from migrations.types import INSTANT, TABLE

revision = "0008"
down_revision = "0007"

# Locks of rules over several rows.
CERROJO = sa.table("Cerrojo", sa.column("nombre", sa.String), sa.column("vueltas", sa.BigInteger))
CHECKS = {
    "ck_Tiquet_canal": "canal IN ('api', 'web', 'correo', 'telefono', 'importacion')",
    "ck_Tiquet_motivo_cierre": "motivo_cierre IN ('resuelto', 'duplicado', 'cancelado', 'fusionado')",
    "ck_Tiquet_un_solicitante": "id_cliente IS NULL OR id_empleado IS NULL",
}


def change_tickets() -> AbstractContextManager[BatchOperations]:
    """Change the tickets; SQLite does it by a copy, into which its checks have to be written again."""
    copied = op.get_context().dialect.name == "sqlite" and not op.get_context().as_sql
    return op.batch_alter_table(
        "Tiquet",
        recreate="always" if copied else "never",
        table_args=[sa.CheckConstraint(rule, name=op.f(name)) for name, rule in CHECKS.items()],
        table_kwargs={"sqlite_autoincrement": True},
    )


def upgrade() -> None:
    with change_tickets() as batch:
        batch.add_column(sa.Column("id_tiquet_fusionado", sa.Integer))
        batch.create_index("ix_Tiquet_id_tiquet_fusionado", ["id_tiquet_fusionado"])
        if not (op.get_context().as_sql and op.get_context().dialect.name == "sqlite"):
            batch.create_foreign_key(
                "fk_Tiquet_id_tiquet_fusionado", "Tiquet", ["id_tiquet_fusionado"], ["id"]
            )
    op.create_table(
        "Relaciones",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("id_tiquet", sa.Integer, nullable=False),
        sa.Column("id_relacionado", sa.Integer, nullable=False),
        sa.Column("tipo", sa.String(20), nullable=False),
        sa.Column("id_autor", sa.Integer, nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Relaciones"),
        sa.UniqueConstraint(
            "id_tiquet", "id_relacionado", "tipo", name="uq_Relaciones_id_tiquet_id_relacionado_tipo"
        ),
        sa.ForeignKeyConstraint(["id_tiquet"], ["Tiquet.id"], name="fk_Relaciones_id_tiquet"),
        sa.ForeignKeyConstraint(["id_relacionado"], ["Tiquet.id"], name="fk_Relaciones_id_relacionado"),
        sa.ForeignKeyConstraint(["id_autor"], ["Usuario.id"], name="fk_Relaciones_id_autor"),
        sa.CheckConstraint(
            "tipo IN ('padre', 'duplicado_de', 'relacionado')", name=op.f("ck_Relaciones_tipo")
        ),
        sa.Index("ix_Relaciones_id_tiquet_id", "id_tiquet", "id"),
        sa.Index("ix_Relaciones_id_relacionado_id", "id_relacionado", "id"),
        sa.Index("ix_Relaciones_id_autor", "id_autor"),
        **TABLE,
    )
    op.bulk_insert(CERROJO, [{"nombre": "relaciones", "vueltas": 0}])


def downgrade() -> None:
    op.execute(CERROJO.delete().where(CERROJO.c.nombre == "relaciones"))
    op.drop_table("Relaciones")
    with change_tickets() as batch:
        batch.drop_constraint("fk_Tiquet_id_tiquet_fusionado", type_="foreignkey")
        batch.drop_index("ix_Tiquet_id_tiquet_fusionado")
        batch.drop_column("id_tiquet_fusionado")

"""Whose personal data are being erased, and whose are."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT

revision = "0018"
down_revision = "0017"

TABLES = ("Clientes", "Empleados")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("anonimizacion_pedida", INSTANT))
        op.add_column(table, sa.Column("fecha_anonimizado", INSTANT))
        op.create_index(f"ix_{table}_anonimizacion_pedida", table, ["anonimizacion_pedida"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_anonimizacion_pedida", table)
        op.drop_column(table, "fecha_anonimizado")
        op.drop_column(table, "anonimizacion_pedida")

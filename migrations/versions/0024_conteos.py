"""Counts of tickets, kept by whoever reads the log for them."""

import sqlalchemy as sa
from alembic import op

from migrations.types import TABLE, exact_ascii

revision = "0024"
down_revision = "0023"

LECTURA = sa.table("Lectura", sa.column("nombre", sa.String))


def upgrade() -> None:
    op.create_table(
        "Conteo",
        sa.Column("campo", exact_ascii(40), nullable=False),
        sa.Column("clave", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("cantidad", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("campo", "clave", name="pk_Conteo"),
        **{**TABLE, "sqlite_autoincrement": False},
    )


def downgrade() -> None:
    op.execute(LECTURA.delete().where(LECTURA.c.nombre == "conteos"))
    op.drop_table("Conteo")

"""Mail comes in, once each; a comment tells whose words it holds when that is one who has no user."""

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from migrations.types import INSTANT, LONG_TEXT, TABLE, exact_ascii

revision = "0022"
down_revision = "0021"

TABLES = {"id_cliente": "Clientes", "id_empleado": "Empleados"}
CERROJO = sa.table("Cerrojo", sa.column("nombre", sa.String), sa.column("vueltas", sa.BigInteger))


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def change_comments() -> AbstractContextManager[BatchOperations]:
    """Change the table; SQLite does it by a copy."""
    return op.batch_alter_table(
        "Comentarios",
        recreate="always" if on_sqlite() else "never",
        table_kwargs={"sqlite_autoincrement": True},
    )


def upgrade() -> None:
    if on_sqlite() and op.get_context().as_sql:
        add_by_script()
    else:
        add_to_comments()
    op.create_table(
        "Correo_recibido",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("huella", exact_ascii(64), nullable=False),
        sa.Column("remitente", exact_ascii(64), nullable=False),
        sa.Column("id_tiquet", sa.Integer),
        sa.Column("respuesta", LONG_TEXT),
        sa.Column("fecha", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Correo_recibido"),
        sa.UniqueConstraint("huella", name="uq_Correo_recibido_huella"),
        sa.ForeignKeyConstraint(["id_tiquet"], ["Tiquet.id"], name="fk_Correo_recibido_id_tiquet"),
        sa.Index("ix_Correo_recibido_remitente_fecha", "remitente", "fecha"),
        sa.Index("ix_Correo_recibido_id_tiquet", "id_tiquet"),
        sa.Index("ix_Correo_recibido_fecha", "fecha"),
        **TABLE,
    )
    op.bulk_insert(CERROJO, [{"nombre": "remitentes", "vueltas": 0}])


def add_by_script() -> None:
    """A script cannot copy a table that it does not see: the same rules, as parts of the columns."""
    for column, table in TABLES.items():
        key = f'CONSTRAINT "fk_Comentarios_{column}" REFERENCES "{table}" (id)'
        op.execute(f'ALTER TABLE "Comentarios" ADD COLUMN {column} INTEGER {key}')
        op.create_index(f"ix_Comentarios_{column}", "Comentarios", [column])


def add_to_comments() -> None:
    with change_comments() as batch:
        for column, table in TABLES.items():
            batch.add_column(sa.Column(column, sa.Integer))
            batch.create_index(f"ix_Comentarios_{column}", [column])
            batch.create_foreign_key(f"fk_Comentarios_{column}", table, [column], ["id"])


def downgrade() -> None:
    op.execute(CERROJO.delete().where(CERROJO.c.nombre == "remitentes"))
    op.drop_table("Correo_recibido")
    with change_comments() as batch:
        for column in TABLES:
            batch.drop_constraint(f"fk_Comentarios_{column}", type_="foreignkey")
            batch.drop_index(f"ix_Comentarios_{column}")
            batch.drop_column(column)

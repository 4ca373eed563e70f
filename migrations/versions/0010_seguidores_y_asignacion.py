"""Staff follows tickets, and a category may say who gets its new ones."""

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from migrations.types import INSTANT, TABLE

revision = "0010"
down_revision = "0009"

NAME, RULE = "ck_Cat_tiquet_asignacion", "asignacion IN ('ninguna', 'rotativa', 'menos_carga')"


def upgrade() -> None:
    op.create_table(
        "Seguidores",
        sa.Column("id_tiquet", sa.Integer, nullable=False),
        sa.Column("id_usuario", sa.Integer, nullable=False),
        sa.Column("motivo", sa.String(20), nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id_tiquet", "id_usuario", name="pk_Seguidores"),
        sa.ForeignKeyConstraint(["id_tiquet"], ["Tiquet.id"], name="fk_Seguidores_id_tiquet"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Seguidores_id_usuario"),
        sa.CheckConstraint(
            "motivo IN ('manual', 'creador', 'asignado', 'mencion')", name=op.f("ck_Seguidores_motivo")
        ),
        sa.Index("ix_Seguidores_id_usuario", "id_usuario"),
        **TABLE,
    )
    op.add_column("Usuario_categoria", sa.Column("ultima_asignacion", INSTANT))
    with change("Cat_tiquet") as batch:
        # With a default in the database, so that the release that is still serving can add rows.
        batch.add_column(sa.Column("asignacion", sa.String(20), nullable=False, server_default="ninguna"))
        if not added():
            batch.create_check_constraint(op.f(NAME), sa.text(RULE))


def downgrade() -> None:
    with change("Cat_tiquet") as batch:
        if not added():
            batch.drop_constraint(op.f(NAME), type_="check")
        batch.drop_column("asignacion")
    op.drop_column("Usuario_categoria", "ultima_asignacion")
    op.drop_table("Seguidores")


def change(table: str) -> AbstractContextManager[BatchOperations]:
    """Change a table; SQLite does it by a copy."""
    return op.batch_alter_table(
        table,
        recreate="never" if added() else "auto",
        table_kwargs={"sqlite_autoincrement": True},
    )


def added() -> bool:
    """Whether columns are all that can be changed: a script cannot copy a table of SQLite."""
    return op.get_context().dialect.name == "sqlite" and op.get_context().as_sql

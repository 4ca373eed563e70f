"""Users who ask for somebody, and what of a ticket's last change they may know."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from migrations.types import INSTANT

revision = "0012"
down_revision = "0011"

TABLES = {"id_cliente": "Clientes", "id_empleado": "Empleados"}
CHECKS = {
    "ck_Usuario_tipo_usuario": "tipo_usuario IN ('Administrador', 'Técnico', 'Solicitante')",
    "ck_Usuario_idioma": "idioma IN ('es', 'en')",
}
DEFAULTS = {"busqueda": sa.text("''"), "categorias": sa.text("('[]')")}
UN_SOLICITANTE = "id_cliente IS NULL OR id_empleado IS NULL"


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


@contextmanager
def change_users() -> Iterator[BatchOperations]:
    """Change the table; SQLite does it by a copy, into which its checks and defaults are written again."""
    with op.batch_alter_table(
        "Usuario",
        recreate="always" if on_sqlite() else "never",
        table_args=[sa.CheckConstraint(rule, name=op.f(name)) for name, rule in CHECKS.items()],
        table_kwargs={"sqlite_autoincrement": True},
    ) as batch:
        for column, default in DEFAULTS.items() if on_sqlite() else ():
            batch.alter_column(column, server_default=default)
        yield batch


def upgrade() -> None:
    if on_sqlite() and op.get_context().as_sql:
        add_by_script()
    else:
        add_to_users()
    op.add_column("Tiquet", sa.Column("fecha_actualizacion_publica", INSTANT))
    op.execute(fill())


def add_by_script() -> None:
    """A script cannot copy a table that it does not see: the same rules, as parts of the columns."""
    check = f' CONSTRAINT "ck_Usuario_un_solicitante" CHECK ({UN_SOLICITANTE})'
    for column, table in TABLES.items():
        key = f'CONSTRAINT "fk_Usuario_{column}" REFERENCES "{table}" (id)'
        last = check if column == "id_empleado" else ""
        op.execute(f'ALTER TABLE "Usuario" ADD COLUMN {column} INTEGER {key}{last}')
        op.create_index(f"ix_Usuario_{column}", "Usuario", [column])


def add_to_users() -> None:
    with change_users() as batch:
        for column, table in TABLES.items():
            batch.add_column(sa.Column(column, sa.Integer))
            batch.create_index(f"ix_Usuario_{column}", [column])
            batch.create_foreign_key(f"fk_Usuario_{column}", table, [column], ["id"])
        batch.create_check_constraint(op.f("ck_Usuario_un_solicitante"), UN_SOLICITANTE)


def downgrade() -> None:
    op.drop_column("Tiquet", "fecha_actualizacion_publica")
    with change_users() as batch:
        batch.drop_constraint(op.f("ck_Usuario_un_solicitante"), type_="check")
        for column in TABLES:
            batch.drop_constraint(f"fk_Usuario_{column}", type_="foreignkey")
            batch.drop_index(f"ix_Usuario_{column}")
            batch.drop_column(column)


def fill() -> sa.Update:
    """Where the last change was an internal comment: when anything else is known to have happened last."""
    dates = ("fecha_asignacion", "fecha_primera_respuesta", "fecha_resolucion", "fecha_cierre")
    tiquet = sa.table(
        "Tiquet",
        *(sa.column(name) for name in ("id", "fecha_creacion", "fecha_actualizacion", *dates)),
        sa.column("fecha_actualizacion_publica"),
    )
    comentario = sa.table(
        "Comentarios",
        *(sa.column(name) for name in ("id_tiquet", "fecha_creacion")),
        sa.column("es_interno", sa.Boolean),
    )
    said = comentario.c.id_tiquet == tiquet.c.id
    spoken = (
        sa.select(sa.func.max(comentario.c.fecha_creacion))
        .where(said, comentario.c.es_interno == sa.false())
        .correlate(tiquet)
        .scalar_subquery()
    )
    last = sa.exists().where(
        said,
        comentario.c.es_interno == sa.true(),
        comentario.c.fecha_creacion == tiquet.c.fecha_actualizacion,
    )
    greatest = sa.func.max if on_sqlite() else sa.func.greatest
    known = (
        sa.func.coalesce(date, tiquet.c.fecha_creacion) for date in (*(tiquet.c[d] for d in dates), spoken)
    )
    return (
        tiquet.update()
        .where(last.correlate(tiquet))
        .values(fecha_actualizacion_publica=greatest(tiquet.c.fecha_creacion, *known))
    )

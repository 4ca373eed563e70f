"""The log refuses to be changed, and has a base: how far it was purged, and the hash it goes on from."""

import warnings
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import triggers

revision = "0017"
down_revision = "0016"

HEAD = sa.table("Log_cabeza", sa.column("id"), sa.column("secuencia"), sa.column("hash"))
LOG = sa.table("Log_transaccional", sa.column("secuencia"), sa.column("hash_anterior"))


def upgrade() -> None:
    op.execute(HEAD.insert().from_select(["id", "secuencia", "hash"], base()))
    if op.get_context().as_sql:
        for statement in triggers.script(op.get_context().dialect.name == "mysql"):
            op.execute(statement)
    elif not triggers.create(op.get_bind()):
        warnings.warn(
            "Este servidor no permite crear los disparadores del registro: docs/operacion/auditoria.md",
            stacklevel=1,
        )


def base() -> sa.Select[Any]:
    """Where what there is begins: at the start, but for a log that had been purged before a downgrade."""
    first = sa.select(sa.func.min(LOG.c.secuencia)).where(LOG.c.secuencia > 0).scalar_subquery()
    before = sa.select(LOG.c.hash_anterior).where(LOG.c.secuencia == first).scalar_subquery()
    return sa.select(
        sa.literal_column("2"),
        sa.func.coalesce(first - sa.literal_column("1"), HEAD.c.secuencia),
        sa.func.coalesce(before, HEAD.c.hash),
    ).where(HEAD.c.id == sa.literal_column("1"))


def downgrade() -> None:
    triggers.drop(op.get_bind())
    op.execute(HEAD.delete().where(HEAD.c.id == sa.literal_column("2")))

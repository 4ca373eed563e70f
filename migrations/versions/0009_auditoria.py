"""The log is read by what it tells, numbered in the order of its commits, and chained."""

import sqlalchemy as sa
from alembic import op

from migrations.types import TABLE, exact_ascii

revision = "0009"
down_revision = "0008"

LOG = "Log_transaccional"
BY_DATE: tuple[list[str], ...] = ([], ["id_usuario"], ["tipo_actor"], ["entidad"], ["accion"])
INDEXES = {
    f"ix_{LOG}_{'_'.join(columns)}": columns for columns in ([*equal, "fecha", "id"] for equal in BY_DATE)
}


def upgrade() -> None:
    # Columns that may be NULL are added in place, on both databases: the log is the largest table.
    op.add_column(LOG, sa.Column("sal", exact_ascii(32)))
    op.add_column(LOG, sa.Column("digesto", exact_ascii(64)))
    for name, columns in INDEXES.items():
        op.create_index(name, LOG, columns)
    head = op.create_table(
        "Log_cabeza",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("secuencia", sa.BigInteger, nullable=False),
        sa.Column("hash", exact_ascii(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Log_cabeza"),
        **TABLE,
    )
    op.bulk_insert(head, [{"id": 1, "secuencia": 0, "hash": "0" * 64}])


def downgrade() -> None:
    op.drop_table("Log_cabeza")
    for name in INDEXES:
        op.drop_index(name, LOG)
    # Without digests the chain tells nothing any more; another upgrade numbers and chains anew.
    log = sa.table(LOG, sa.column("secuencia"), sa.column("hash_anterior"), sa.column("hash"))
    op.execute(log.update().values(secuencia=None, hash_anterior=None, hash=None))
    op.drop_column(LOG, "digesto")
    op.drop_column(LOG, "sal")

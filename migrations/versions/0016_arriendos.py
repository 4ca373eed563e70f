"""Leases, by which the workers show themselves and share out what one does at a time."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, TABLE, exact_ascii

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "Arriendo",
        sa.Column("nombre", exact_ascii(100), nullable=False),
        sa.Column("hasta", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("nombre", name="pk_Arriendo"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Arriendo")

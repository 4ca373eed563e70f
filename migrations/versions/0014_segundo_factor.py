"""The second factor of who signs in: secret, recovery codes, and the last code taken."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, LONG_TEXT, TABLE, exact_ascii

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "Segundo_factor",
        sa.Column("id_usuario", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("secreto", exact_ascii(32), nullable=False),
        sa.Column("codigos", LONG_TEXT, nullable=False),
        sa.Column("activo", sa.Boolean, nullable=False),
        sa.Column("ultimo_paso", sa.BigInteger, nullable=True),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id_usuario", name="pk_Segundo_factor"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Segundo_factor_id_usuario"),
        **TABLE,
    )


def downgrade() -> None:
    """Without its secret a second factor is none."""
    users = sa.table("Usuario", sa.column("segundo_factor", sa.Boolean))
    op.execute(users.update().where(users.c.segundo_factor).values(segundo_factor=False))
    op.drop_table("Segundo_factor")

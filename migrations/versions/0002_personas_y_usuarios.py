"""Who asks, who serves, and who is signed in."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, LONG_TEXT, TABLE, exact, exact_ascii

revision = "0002"
down_revision = "0001"


def create_persona(name: str, *own: sa.Column | sa.Constraint) -> None:
    """Create the table of those who ask without signing in: the columns that both have, and its ``own``."""
    op.create_table(
        name,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("nombre", sa.String(120), nullable=False),
        sa.Column("apellido", sa.String(120)),
        sa.Column("email", exact(254)),
        sa.Column("telefono", sa.String(40)),
        sa.Column("notas", LONG_TEXT),
        sa.Column("id_externo", exact(120)),
        sa.Column("id_ubicacion", sa.Integer),
        sa.Column("activo", sa.Boolean, nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        *own,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("id_externo", name=f"uq_{name}_id_externo"),
        sa.ForeignKeyConstraint(["id_ubicacion"], ["Ubicaciones.id"], name=f"fk_{name}_id_ubicacion"),
        sa.Index(f"ix_{name}_id_ubicacion", "id_ubicacion"),
        sa.Index(f"ix_{name}_nombre_id", "nombre", "id"),
        sa.Index(f"ix_{name}_email", "email"),
        **TABLE,
    )


def upgrade() -> None:
    create_persona(
        "Clientes",
        sa.Column("empresa", sa.String(200)),
        sa.Column("direccion", sa.String(200)),
    )
    create_persona(
        "Empleados",
        sa.Column("codigo_empleado", exact(40)),
        sa.Column("puesto", sa.String(120)),
        sa.Column("departamento", sa.String(120)),
        sa.UniqueConstraint("codigo_empleado", name="uq_Empleados_codigo_empleado"),
    )
    op.create_table(
        "Usuario",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("email", exact(254), nullable=False),
        sa.Column("nombre", sa.String(120), nullable=False),
        sa.Column("apellido", sa.String(120), nullable=False),
        sa.Column("password_hash", exact_ascii(255), nullable=False),
        sa.Column("tipo_usuario", sa.String(20), nullable=False),
        sa.Column("activo", sa.Boolean, nullable=False),
        sa.Column("disponible", sa.Boolean, nullable=False),
        sa.Column("telefono", sa.String(40)),
        sa.Column("id_ubicacion", sa.Integer),
        sa.Column("idioma", sa.String(2), nullable=False),
        sa.Column("zona_horaria", sa.String(40), nullable=False),
        sa.Column("preferencias", LONG_TEXT, nullable=False),
        sa.Column("segundo_factor", sa.Boolean, nullable=False),
        sa.Column("debe_cambiar_clave", sa.Boolean, nullable=False),
        sa.Column("ultimo_acceso", INSTANT),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Usuario"),
        sa.UniqueConstraint("email", name="uq_Usuario_email"),
        sa.ForeignKeyConstraint(["id_ubicacion"], ["Ubicaciones.id"], name="fk_Usuario_id_ubicacion"),
        sa.CheckConstraint(
            "tipo_usuario IN ('Administrador', 'Técnico', 'Solicitante')",
            name=op.f("ck_Usuario_tipo_usuario"),
        ),
        sa.CheckConstraint("idioma IN ('es', 'en')", name=op.f("ck_Usuario_idioma")),
        sa.Index("ix_Usuario_id_ubicacion", "id_ubicacion"),
        sa.Index("ix_Usuario_apellido_nombre_id", "apellido", "nombre", "id"),
        **TABLE,
    )
    op.create_table(
        "Usuario_categoria",
        sa.Column("id_usuario", sa.Integer, nullable=False),
        sa.Column("id_categoria", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id_usuario", "id_categoria", name="pk_Usuario_categoria"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Usuario_categoria_id_usuario"),
        sa.ForeignKeyConstraint(
            ["id_categoria"], ["Cat_tiquet.id"], name="fk_Usuario_categoria_id_categoria"
        ),
        sa.Index("ix_Usuario_categoria_id_categoria", "id_categoria"),
        **TABLE,
    )
    op.create_table(
        "Sesion",
        sa.Column("id", exact_ascii(32), nullable=False),
        sa.Column("id_usuario", sa.Integer, nullable=False),
        sa.Column("refresco", exact_ascii(64), nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("ultimo_uso", INSTANT, nullable=False),
        sa.Column("vence", INSTANT, nullable=False),
        sa.Column("fin", INSTANT),
        sa.Column("agente", sa.String(200)),
        sa.Column("ip", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_Sesion"),
        sa.ForeignKeyConstraint(["id_usuario"], ["Usuario.id"], name="fk_Sesion_id_usuario"),
        sa.Index("ix_Sesion_id_usuario", "id_usuario"),
        sa.Index("ix_Sesion_vence", "vence"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Sesion")
    op.drop_table("Usuario_categoria")
    op.drop_table("Usuario")
    op.drop_table("Empleados")
    op.drop_table("Clientes")

"""Tickets, their labels and their comments."""

import sqlalchemy as sa
from alembic import op

from migrations.types import INSTANT, LONG_TEXT, TABLE, exact

revision = "0003"
down_revision = "0002"


def lista(*columns: str) -> sa.Index:
    """An index that gives the tickets with equal ``columns`` in the order in which they are listed."""
    return sa.Index(
        f"ix_Tiquet_lista_{'_'.join(columns)}", *columns, "fecha_eliminacion", "fecha_creacion", "id"
    )


def upgrade() -> None:
    op.create_table(
        "Tiquet",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("titulo", sa.String(200), nullable=False),
        sa.Column("descripcion", LONG_TEXT, nullable=False),
        sa.Column("id_categoria", sa.Integer, nullable=False),
        sa.Column("id_problema", sa.Integer),
        sa.Column("id_criticidad", sa.Integer, nullable=False),
        sa.Column("id_prioridad", sa.Integer, nullable=False),
        sa.Column("id_ubicacion", sa.Integer, nullable=False),
        sa.Column("id_estado", sa.Integer, nullable=False),
        sa.Column("id_cliente", sa.Integer),
        sa.Column("id_empleado", sa.Integer),
        sa.Column("id_usuario_creador", sa.Integer, nullable=False),
        sa.Column("id_usuario_asignado", sa.Integer),
        sa.Column("canal", sa.String(20), nullable=False),
        sa.Column("etiquetas", LONG_TEXT, nullable=False),
        sa.Column("telefono_contacto", sa.String(40)),
        sa.Column("resolucion", LONG_TEXT),
        sa.Column("motivo_cierre", sa.String(20)),
        sa.Column("id_tiquet_padre", sa.Integer),
        sa.Column("origen_externo", exact(40)),
        sa.Column("id_externo", exact(120)),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("fecha_actualizacion", INSTANT, nullable=False),
        sa.Column("fecha_asignacion", INSTANT),
        sa.Column("fecha_primera_respuesta", INSTANT),
        sa.Column("fecha_resolucion", INSTANT),
        sa.Column("fecha_cierre", INSTANT),
        sa.Column("fecha_eliminacion", INSTANT),
        sa.Column("veces_reabierto", sa.Integer, nullable=False),
        sa.Column("numero_comentarios", sa.Integer, nullable=False),
        sa.Column("numero_adjuntos", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Tiquet"),
        sa.UniqueConstraint("origen_externo", "id_externo", name="uq_Tiquet_origen_externo_id_externo"),
        sa.ForeignKeyConstraint(["id_categoria"], ["Cat_tiquet.id"], name="fk_Tiquet_id_categoria"),
        sa.ForeignKeyConstraint(["id_problema"], ["Cat_problema.id"], name="fk_Tiquet_id_problema"),
        sa.ForeignKeyConstraint(
            ["id_criticidad"], ["Catalogo_criticidad.id"], name="fk_Tiquet_id_criticidad"
        ),
        sa.ForeignKeyConstraint(["id_prioridad"], ["Prioridades.id"], name="fk_Tiquet_id_prioridad"),
        sa.ForeignKeyConstraint(["id_ubicacion"], ["Ubicaciones.id"], name="fk_Tiquet_id_ubicacion"),
        sa.ForeignKeyConstraint(["id_estado"], ["Estado_tiquet.id"], name="fk_Tiquet_id_estado"),
        sa.ForeignKeyConstraint(["id_cliente"], ["Clientes.id"], name="fk_Tiquet_id_cliente"),
        sa.ForeignKeyConstraint(["id_empleado"], ["Empleados.id"], name="fk_Tiquet_id_empleado"),
        sa.ForeignKeyConstraint(["id_usuario_creador"], ["Usuario.id"], name="fk_Tiquet_id_usuario_creador"),
        sa.ForeignKeyConstraint(
            ["id_usuario_asignado"], ["Usuario.id"], name="fk_Tiquet_id_usuario_asignado"
        ),
        sa.ForeignKeyConstraint(["id_tiquet_padre"], ["Tiquet.id"], name="fk_Tiquet_id_tiquet_padre"),
        sa.CheckConstraint(
            "canal IN ('api', 'web', 'correo', 'telefono', 'importacion')", name=op.f("ck_Tiquet_canal")
        ),
        sa.CheckConstraint(
            "motivo_cierre IN ('resuelto', 'duplicado', 'cancelado', 'fusionado')",
            name=op.f("ck_Tiquet_motivo_cierre"),
        ),
        sa.CheckConstraint(
            "id_cliente IS NULL OR id_empleado IS NULL", name=op.f("ck_Tiquet_un_solicitante")
        ),
        sa.Index("ix_Tiquet_lista", "fecha_eliminacion", "fecha_creacion", "id"),
        sa.Index("ix_Tiquet_lista_actualizacion", "fecha_eliminacion", "fecha_actualizacion", "id"),
        lista("id_estado"),
        lista("id_categoria"),
        lista("id_criticidad"),
        lista("id_prioridad"),
        lista("id_ubicacion"),
        lista("id_usuario_asignado"),
        lista("id_usuario_creador"),
        lista("id_cliente"),
        lista("id_empleado"),
        lista("id_estado", "id_prioridad"),
        sa.Index("ix_Tiquet_id_problema", "id_problema"),
        sa.Index("ix_Tiquet_id_tiquet_padre", "id_tiquet_padre"),
        sa.Index("ix_Tiquet_fecha_resolucion", "fecha_resolucion"),
        **TABLE,
    )
    op.create_table(
        "Etiqueta_tiquet",
        sa.Column("id_tiquet", sa.Integer, nullable=False),
        sa.Column("etiqueta", exact(40), nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id_tiquet", "etiqueta", name="pk_Etiqueta_tiquet"),
        sa.ForeignKeyConstraint(["id_tiquet"], ["Tiquet.id"], name="fk_Etiqueta_tiquet_id_tiquet"),
        sa.Index(
            "ix_Etiqueta_tiquet_etiqueta_fecha_creacion_id_tiquet", "etiqueta", "fecha_creacion", "id_tiquet"
        ),
        **TABLE,
    )
    op.create_table(
        "Comentarios",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("id_tiquet", sa.Integer, nullable=False),
        sa.Column("id_autor", sa.Integer, nullable=False),
        sa.Column("mensaje", LONG_TEXT, nullable=False),
        sa.Column("es_interno", sa.Boolean, nullable=False),
        sa.Column("fecha_creacion", INSTANT, nullable=False),
        sa.Column("fecha_edicion", INSTANT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_Comentarios"),
        sa.ForeignKeyConstraint(["id_tiquet"], ["Tiquet.id"], name="fk_Comentarios_id_tiquet"),
        sa.ForeignKeyConstraint(["id_autor"], ["Usuario.id"], name="fk_Comentarios_id_autor"),
        sa.Index("ix_Comentarios_id_tiquet_fecha_creacion_id", "id_tiquet", "fecha_creacion", "id"),
        sa.Index("ix_Comentarios_id_autor", "id_autor"),
        **TABLE,
    )


def downgrade() -> None:
    op.drop_table("Comentarios")
    op.drop_table("Etiqueta_tiquet")
    op.drop_table("Tiquet")

"""Lists of one filter in the order of the last change, each by an index of its own."""

from alembic import op

revision = "0023"
down_revision = "0022"

FILTRABLES = (
    "id_estado",
    "id_categoria",
    "id_criticidad",
    "id_prioridad",
    "id_ubicacion",
    "id_usuario_asignado",
    "id_usuario_creador",
    "id_cliente",
    "id_empleado",
)


def upgrade() -> None:
    for column in FILTRABLES:
        op.create_index(
            f"ix_Tiquet_lista_actualizacion_{column}",
            "Tiquet",
            [column, "fecha_eliminacion", "fecha_actualizacion", "id"],
        )


def downgrade() -> None:
    for column in FILTRABLES:
        op.drop_index(f"ix_Tiquet_lista_actualizacion_{column}", "Tiquet")

"""Reading what happened to a ticket, in words that a person understands."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Clientes, Empleados, LogTransaccional, Usuario
from app.permissions import Actor, Permiso, allows
from app.queries.catalog import DE_TIQUET, all_catalogs
from app.queries.desk.tickets import numero, person
from app.queries.log import audit
from app.queries.pagination import Corte, Pagina, page_of

# Recorded field -> how a person calls it. Others are called by their names.
ETIQUETAS = {
    "titulo": "Título",
    "descripcion": "Descripción",
    "id_categoria": "Categoría",
    "id_problema": "Problema",
    "id_criticidad": "Criticidad",
    "id_prioridad": "Prioridad",
    "id_ubicacion": "Ubicación",
    "id_estado": "Estado",
    "id_cliente": "Cliente",
    "id_empleado": "Empleado",
    "id_usuario_creador": "Creado por",
    "id_usuario_asignado": "Asignado a",
    "canal": "Canal",
    "etiquetas": "Etiquetas",
    "telefono_contacto": "Teléfono de contacto",
    "resolucion": "Resolución",
    "motivo_cierre": "Motivo del cierre",
    "id_tiquet": "Tiquet",
    "id_tiquet_padre": "Tiquet principal",
    "id_tiquet_fusionado": "Fusionado en",
    "id_relacionado": "Tiquet relacionado",
    "tipo": "Tipo",
    "origen_externo": "Sistema de origen",
    "id_externo": "Id en el sistema de origen",
    "fecha_creacion": "Fecha de creación",
    "fecha_asignacion": "Fecha de asignación",
    "fecha_primera_respuesta": "Primera respuesta",
    "fecha_resolucion": "Fecha de resolución",
    "fecha_cierre": "Fecha de cierre",
    "fecha_eliminacion": "Enviado a la papelera",
    "fecha_edicion": "Fecha de edición",
    "veces_reabierto": "Veces reabierto",
    "numero_comentarios": "Número de comentarios",
    "numero_adjuntos": "Número de adjuntos",
    "id_autor": "Autor",
    "mensaje": "Mensaje",
    "es_interno": "Interno",
    "id_comentario": "Comentario",
    "nombre": "Nombre",
    "tipo_mime": "Tipo",
    "bytes": "Bytes",
    "sha256": "SHA-256",
}
PERSONA_DE: dict[str, type[Any]] = {
    **dict.fromkeys(("id_usuario_creador", "id_usuario_asignado", "id_autor"), Usuario),
    "id_cliente": Clientes,
    "id_empleado": Empleados,
}
DE_TIQUETS = ("id_tiquet", "id_tiquet_padre", "id_tiquet_fusionado", "id_relacionado")
SOLO_DE_AUDITORIA = ("ip", "hash_anterior", "hash")

Nombrar = Callable[[str, Any], str | None]


def page(actor: Actor, id_tiquet: int, orden: str, limite: int, corte: Corte | None) -> Pagina:
    """What happened to a ticket that ``actor`` sees, from the beginning unless ``orden`` is ``-fecha``.

    By id, which within one ticket is the order of its changes, whatever the clocks of the machines say.
    """
    of_ticket = (
        audit.events()
        .outerjoin(Usuario, Usuario.id == LogTransaccional.id_usuario)
        .where(LogTransaccional.id_tiquet == id_tiquet)
        # Near the end of the log MariaDB may take all that is behind the cursor, whosever it is.
        .with_hint(LogTransaccional, "FORCE INDEX (ix_Log_transaccional_id_tiquet_id)", "mysql")
    )
    found = page_of(of_ticket, (LogTransaccional.id,), limite, corte, descending=orden.startswith("-"))
    eventos = [audit.shape(fila) for fila in found.filas]
    name = naming(actor, [change for evento in eventos for change in evento["cambios"]])
    hidden = () if allows(Permiso.VER_AUDITORIA, actor) else SOLO_DE_AUDITORIA
    filas = [
        {key: value for key, value in evento.items() if key not in hidden}
        | {"cambios": [told(change, name) for change in evento["cambios"]]}
        for evento in eventos
    ]
    return Pagina(filas, found.total, found.siguiente)


def told(change: dict[str, Any], name: Nombrar) -> dict[str, Any]:
    """A change with the words for its field and for the ids in it."""
    campo = change["campo"]
    return {
        **change,
        "etiqueta": ETIQUETAS.get(campo, campo.replace("_", " ").capitalize()),
        "anterior_nombre": name(campo, change["anterior"]),
        "nuevo_nombre": name(campo, change["nuevo"]),
    }


def naming(actor: Actor, changes: list[dict[str, Any]]) -> Nombrar:
    """What gives the names of all ids in ``changes``, each kind of people read at once."""
    wanted: dict[type[Any], set[int]] = defaultdict(set)
    for change in changes:
        if model := PERSONA_DE.get(change["campo"]):
            wanted[model] |= {id for id in (change["anterior"], change["nuevo"]) if id is not None}
    known = {model: names(model, ids) for model, ids in wanted.items() if ids}
    catalogos = all_catalogs(actor)

    def name(campo: str, id: Any) -> str | None:
        if id is None:
            return None
        if catalogo := DE_TIQUET.get(campo):
            return catalogos[catalogo].get(id, {}).get("nombre")
        if campo in DE_TIQUETS:
            return numero(id)
        return known[PERSONA_DE[campo]].get(id) if campo in PERSONA_DE else None

    return name


def names(model: type[Any], ids: set[int]) -> dict[int, str]:
    rows = db.session.execute(select(model.id, model.nombre, model.apellido).where(model.id.in_(ids)))
    return {row.id: named["nombre"] for row in rows if (named := person(*row))}

"""The rows that every installation starts with: the catalogs, under the same ids everywhere."""

from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import CATALOGOS, Catalogo, CatalogoEpoca
from app.services.catalog import EPOCA_ID, PASO, touch_catalogs


def fila(id: int, codigo: str, nombre: str, **propias: Any) -> dict[str, Any]:
    """One catalog row; the gaps in ``orden`` are for the rows that an operator adds."""
    return {"id": id, "codigo": codigo, "nombre": nombre, "orden": PASO * id, **propias}


def estado(
    id: int, codigo: str, nombre: str, tipo: str, color: str, predeterminado: bool = True
) -> dict[str, Any]:
    return fila(id, codigo, nombre, tipo=tipo, color=color, predeterminado=predeterminado)


def nivel(id: int, codigo: str, nombre: str, color: str) -> dict[str, Any]:
    """A row of criticality or priority: it grows with its id, and the second is the usual one."""
    return fila(id, codigo, nombre, nivel=id, color=color, predeterminado=id == 2)


FILAS: dict[str, list[dict[str, Any]]] = {
    "categorias": [
        fila(1, "hardware", "Hardware", unidad_corresponde="Soporte en sitio"),
        fila(2, "software", "Software", unidad_corresponde="Aplicaciones"),
        fila(3, "redes", "Redes", unidad_corresponde="Infraestructura"),
        fila(4, "correo_electronico", "Correo electrónico", unidad_corresponde="Infraestructura"),
        fila(5, "cuentas_y_accesos", "Cuentas y accesos", unidad_corresponde="Seguridad informática"),
        fila(6, "telefonia", "Telefonía", unidad_corresponde="Infraestructura"),
        fila(7, "impresoras", "Impresoras", unidad_corresponde="Soporte en sitio"),
        fila(8, "otros", "Otros", unidad_corresponde="Mesa de ayuda"),
    ],
    "estados": [
        estado(1, "abierto", "Abierto", "nuevo", "#2563EB"),
        estado(2, "en_proceso", "En proceso", "en_proceso", "#D97706"),
        estado(3, "en_espera_cliente", "En espera de cliente", "en_espera", "#7C3AED"),
        estado(4, "en_espera_tercero", "En espera de tercero", "en_espera", "#9333EA", predeterminado=False),
        estado(5, "resuelto", "Resuelto", "resuelto", "#16A34A"),
        estado(6, "cerrado", "Cerrado", "cerrado", "#4B5563"),
        estado(7, "cancelado", "Cancelado", "cerrado", "#9CA3AF", predeterminado=False),
    ],
    "criticidades": [
        nivel(1, "baja", "Baja", "#16A34A"),
        nivel(2, "media", "Media", "#CA8A04"),
        nivel(3, "alta", "Alta", "#EA580C"),
        nivel(4, "critica", "Crítica", "#DC2626"),
    ],
    "prioridades": [
        nivel(1, "baja", "Baja", "#16A34A"),
        nivel(2, "normal", "Normal", "#2563EB"),
        nivel(3, "alta", "Alta", "#EA580C"),
        nivel(4, "urgente", "Urgente", "#DC2626"),
    ],
    "ubicaciones": [  # Parents stand before their children.
        fila(1, "sede_central", "Sede central"),
        fila(2, "sede_central_planta_baja", "Sede central, planta baja", id_padre=1),
        fila(3, "sede_central_piso_1", "Sede central, primer piso", id_padre=1),
        fila(4, "sede_central_piso_2", "Sede central, segundo piso", id_padre=1),
        fila(5, "sede_central_piso_3", "Sede central, tercer piso", id_padre=1),
        fila(6, "sucursal_norte", "Sucursal Norte"),
        fila(7, "sucursal_norte_almacen", "Sucursal Norte, almacén", id_padre=6),
        fila(8, "sucursal_sur", "Sucursal Sur"),
        fila(9, "teletrabajo", "Teletrabajo"),
    ],
    "problemas": [
        fila(1, "equipo_no_enciende", "El equipo no enciende", id_categoria=1),
        fila(2, "equipo_lento", "El equipo va lento", id_categoria=1),
        fila(3, "periferico_averiado", "Periférico averiado", id_categoria=1),
        fila(4, "error_de_aplicacion", "Error de una aplicación", id_categoria=2),
        fila(5, "instalacion_de_programa", "Instalación de un programa", id_categoria=2),
        fila(6, "sin_conexion", "Sin conexión a la red", id_categoria=3),
        fila(7, "wifi_inestable", "Wi-Fi inestable", id_categoria=3),
        fila(8, "correo_no_llega", "El correo no sale o no llega", id_categoria=4),
        fila(9, "buzon_lleno", "Buzón lleno", id_categoria=4),
        fila(10, "clave_olvidada", "Contraseña olvidada", id_categoria=5),
        fila(11, "cambio_de_accesos", "Alta o cambio de accesos", id_categoria=5),
        fila(12, "telefono_sin_linea", "Teléfono sin línea", id_categoria=6),
        fila(13, "atasco_de_papel", "Atasco de papel", id_categoria=7),
        fila(14, "impresora_no_responde", "La impresora no responde", id_categoria=7),
    ],
}


def seed_catalogs() -> bool:
    """Fill the catalogs that are empty, inside ``transaction.run``; answers whether any was.

    A catalog with rows is its operator's: what was edited stays, what was erased does not come back.
    """
    filled = [fill(CATALOGOS[name], filas) for name, filas in FILAS.items()]
    changed = any(filled)
    if changed or db.session.get(CatalogoEpoca, EPOCA_ID) is None:
        touch_catalogs()
        return True
    return False


def fill(model: type[Catalogo], filas: list[dict[str, Any]]) -> bool:
    if db.session.scalar(select(model.id).limit(1)) is not None:
        return False
    db.session.add_all(model(**fila) for fila in filas)
    db.session.flush()
    return True

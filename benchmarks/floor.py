"""The floor: about the least that the same answers can cost with gunicorn, PyMySQL and orjson.

A bare WSGI program with hand-written SQL, which checks nothing but the signature and the end of a token. It
reads and writes the same rows, and answers the columns and names that a ticket has.
"""

import base64
import hmac
import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import orjson
import pymysql

PROPIOS = (
    *("id", "titulo", "descripcion", "id_categoria", "id_problema", "id_criticidad", "id_prioridad"),
    *("id_ubicacion", "id_estado", "id_cliente", "id_empleado", "id_usuario_creador", "id_usuario_asignado"),
    *("canal", "etiquetas", "telefono_contacto", "resolucion", "motivo_cierre", "id_tiquet_padre"),
    *("id_tiquet_fusionado", "origen_externo", "id_externo", "fecha_creacion", "fecha_actualizacion"),
    *("fecha_asignacion", "fecha_primera_respuesta", "fecha_resolucion", "fecha_cierre"),
    *("fecha_eliminacion", "veces_reabierto", "numero_comentarios", "numero_adjuntos", "version"),
)
NOMBRES = (
    *("categoria", "problema", "criticidad", "prioridad", "ubicacion", "estado"),
    *("usuario_creador", "usuario_asignado", "cliente", "empleado"),
)
CLAVES = (*PROPIOS, *NOMBRES)
NAMED = f"""
SELECT {", ".join(f"t.{name}" for name in PROPIOS)},
    c1.nombre, c2.nombre, c3.nombre, c4.nombre, c5.nombre, c6.nombre, CONCAT_WS(' ', p1.nombre, p1.apellido),
    CONCAT_WS(' ', p2.nombre, p2.apellido), CONCAT_WS(' ', p3.nombre, p3.apellido),
    CONCAT_WS(' ', p4.nombre, p4.apellido)
FROM {{source}}
LEFT JOIN Cat_tiquet c1 ON c1.id = t.id_categoria LEFT JOIN Cat_problema c2 ON c2.id = t.id_problema
LEFT JOIN Catalogo_criticidad c3 ON c3.id = t.id_criticidad
LEFT JOIN Prioridades c4 ON c4.id = t.id_prioridad
LEFT JOIN Ubicaciones c5 ON c5.id = t.id_ubicacion LEFT JOIN Estado_tiquet c6 ON c6.id = t.id_estado
LEFT JOIN Usuario p1 ON p1.id = t.id_usuario_creador LEFT JOIN Usuario p2 ON p2.id = t.id_usuario_asignado
LEFT JOIN Clientes p3 ON p3.id = t.id_cliente LEFT JOIN Empleados p4 ON p4.id = t.id_empleado
"""
ONE = NAMED.format(source="Tiquet t") + "WHERE t.id = %s AND t.fecha_eliminacion IS NULL"
PAGE = (
    NAMED.format(
        source="""(
    SELECT id, fecha_creacion FROM Tiquet FORCE INDEX (ix_Tiquet_lista_id_estado)
    WHERE id_estado = %s AND fecha_eliminacion IS NULL
    ORDER BY fecha_creacion DESC, id DESC LIMIT %s) AS page JOIN Tiquet t ON t.id = page.id"""
    )
    + "ORDER BY page.fecha_creacion DESC, page.id DESC"
)
OPEN = """
INSERT INTO Tiquet (titulo, descripcion, id_categoria, id_criticidad, id_prioridad, id_ubicacion, id_estado,
    id_usuario_creador, canal, etiquetas, fecha_creacion, fecha_actualizacion, veces_reabierto,
    numero_comentarios, numero_adjuntos, version)
VALUES (%s, %s, %s, %s, 2, %s, 1, %s, 'api', '[]', %s, %s, 0, 0, 0, 1)
"""
TELL = """
INSERT INTO Log_transaccional (id_evento, fecha, tipo_actor, id_usuario, accion, entidad, id_entidad,
    id_tiquet, version_resultante, cambios, origen, ip)
VALUES (%s, %s, 'usuario', %s, 'tiquet.creado', 'tiquet', %s, %s, 1, %s, 'api', %s)
"""
FIND = "INSERT INTO Busqueda_tiquet (id_tiquet, mes, publico, interno) VALUES (%s, %s, %s, %s)"
FOLLOW = (
    "INSERT INTO Seguidores (id_tiquet, id_usuario, motivo, fecha_creacion) VALUES (%s, %s, 'creador', %s)"
)
COUNT = "SELECT {0}, COUNT(*) FROM Tiquet WHERE fecha_eliminacion IS NULL GROUP BY {0}"
COUNTED = (
    "id_estado",
    "id_criticidad",
    "id_prioridad",
    "id_categoria",
    "id_ubicacion",
    "id_usuario_asignado",
)
PER_DAY = """
SELECT DATE({0}), COUNT(*) FROM Tiquet
WHERE fecha_eliminacion IS NULL AND {0} >= UTC_DATE() - INTERVAL 29 DAY GROUP BY DATE({0})
"""

KEY = os.environ.get("JWT_SECRET_KEY", "").encode()
OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
TICKETS = "/api/tickets/tickets"
control_socket_disable = True  # gunicorn reads its settings here too.

mine = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    status, thing = answer(environ)
    body = orjson.dumps(thing, option=OPTIONS)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def answer(environ: dict[str, Any]) -> tuple[str, Any]:
    user = holder(environ.get("HTTP_AUTHORIZATION", ""))
    path = environ["PATH_INFO"]
    if user is None:
        return "401 Unauthorized", None
    if environ["REQUEST_METHOD"] == "POST":
        sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        return "201 Created", create(user, environ.get("REMOTE_ADDR"), orjson.loads(sent))
    if path == TICKETS:
        asked = parse_qs(environ["QUERY_STRING"])
        return "200 OK", {"data": rows(PAGE, int(asked["id_estado"][0]), int(asked["limite"][0]))}
    if path.startswith(TICKETS):
        found = rows(ONE, int(path.rpartition("/")[2]))
        return ("200 OK", found[0]) if found else ("404 Not Found", None)
    return "200 OK", stats()


def holder(header: str) -> int | None:
    """Whose token it is, by its signature (HS256) and its end."""
    signed, _, signature = header.removeprefix("Bearer ").encode().rpartition(b".")
    if not hmac.compare_digest(decoded(signature), hmac.digest(KEY, signed, "sha256")):
        return None
    claims = orjson.loads(decoded(signed.partition(b".")[2]))
    return int(claims["sub"]) if claims["exp"] > time.time() else None


def decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"==")


def connection() -> Any:
    """This thread's connection."""
    if not hasattr(mine, "connection"):
        url = urlsplit(os.environ["DATABASE_URL"])
        place: dict[str, Any] = {"host": url.hostname, "port": url.port, "database": url.path[1:]}
        mine.connection = pymysql.connect(**place, user=url.username, charset="utf8mb4", autocommit=True)
    return mine.connection


def select(statement: str, *values: Any) -> Any:
    with connection().cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def rows(statement: str, *values: Any) -> list[dict[str, Any]]:
    found = [dict(zip(CLAVES, row, strict=True)) for row in select(statement, *values)]
    for tiquet in found:
        tiquet["etiquetas"] = orjson.loads(tiquet["etiquetas"])
    return found


def create(user: int, ip: str | None, sent: dict[str, Any]) -> dict[str, Any]:
    """Open a ticket in one transaction: the ticket, its event, its words, and who follows it."""
    now = datetime.now(UTC).replace(tzinfo=None)
    ids = (sent["id_categoria"], sent["id_criticidad"], sent["id_ubicacion"])
    mark = now.strftime("m%m")
    words = " ".join(mark + word for word in f"{sent['titulo']} {sent['descripcion']}".casefold().split())
    cambios = [{"campo": name, "anterior": None, "nuevo": value} for name, value in sent.items()]
    said = orjson.dumps(cambios).decode()
    connection().begin()
    with connection().cursor() as cursor:
        cursor.execute(OPEN, (sent["titulo"], sent["descripcion"], *ids, user, now, now))
        id = cursor.lastrowid
        cursor.execute(FIND, (id, mark, words, words))
        cursor.execute(FOLLOW, (id, user, now))
        cursor.execute(TELL, (uuid4().hex, now, user, id, id, said, ip))
    (tiquet,) = rows(ONE, id)
    connection().commit()
    return tiquet


def stats() -> dict[str, Any]:
    found = {f"por_{name}": select(COUNT.format(name)) for name in COUNTED}
    for name in ("fecha_creacion", "fecha_resolucion"):
        found[f"por_{name}"] = select(PER_DAY.format(name))
    return found

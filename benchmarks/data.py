"""A desk to measure on: many tickets, found by common and by rare words, and who works on them."""

import random
import uuid
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from sqlalchemy import insert, select, text

from app.extensions import db
from app.models import ADMINISTRADOR, TECNICO, Clientes, Empleados, Sesion, Usuario, month_mark, utcnow
from app.models.busqueda import FULLTEXT
from app.queries.desk.search import MARK
from app.services.desk.search import joined
from app.services.log import counts

USUARIOS = 1000  # So many that no one asks more often than the limits of requests allow.
TECNICOS = 50  # of those, who tickets are assigned to; the others are administrators
PERSONAS = 500  # customers, and as many employees
TEXTOS = 20_000
SYLLABLES = ("ca", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve")
NOMBRES = ("Ana", "Beatriz", "Carlos", "Diego", "Elena", "Fabián", "Gloria", "Héctor", "Inés", "Joaquín")
APELLIDOS = ("Álvarez", "Benítez", "Castro", "Domínguez", "Estévez", "Flores", "García", "Hernández", "Núñez")

# The newer half is all in the first state, as at a real desk, where what is new is open. The last two years
# took all of it, evenly.
PLANT = """
INSERT INTO Tiquet (
    id, titulo, descripcion, id_categoria, id_problema, id_criticidad, id_prioridad, id_ubicacion, id_estado,
    id_cliente, id_empleado, id_usuario_creador, id_usuario_asignado, canal, etiquetas, resolucion,
    motivo_cierre, fecha_creacion, fecha_actualizacion, fecha_asignacion, fecha_resolucion, fecha_cierre,
    veces_reabierto, numero_comentarios, numero_adjuntos, version)
SELECT
    seq, titulo, descripcion, 1 + seq % 8, IF(seq % 4, NULL, 1 + seq % 9), 1 + seq % 4, 1 + seq * 7 % 4,
    1 + seq % 9, estado,
    IF(seq % 3 = 0, :cliente + seq * 7 % :personas, NULL),
    IF(seq % 3 = 1, :empleado + seq * 11 % :personas, NULL),
    :usuario + seq * 13 % :usuarios, asignado, 'api', '[]',
    IF(estado > 4, 'Se cambió la pieza.', NULL), IF(estado > 5, 'resuelto', NULL),
    opened, opened + INTERVAL seq % 60 HOUR, IF(asignado, opened + INTERVAL 1 HOUR, NULL),
    IF(estado > 4, opened + INTERVAL 1 DAY, NULL), IF(estado > 5, opened + INTERVAL 2 DAY, NULL),
    0, seq % 7, 0, 1
FROM (
    SELECT seq, 1 + seq % :textos AS texto, IF(seq > :tiquets DIV 2, 1, 1 + seq % 7) AS estado,
        IF(seq % 4 = 0, NULL, :usuario + seq * 17 % :tecnicos) AS asignado,
        :now - INTERVAL (:tiquets - seq) * 63072000 DIV :tiquets SECOND AS opened
    FROM seq_1_to_{tiquets}) AS todos
JOIN Muestra ON Muestra.id = texto
ORDER BY seq
"""
# As ``services/desk/search.py`` writes them.
SEARCHED = """
INSERT INTO Busqueda_tiquet (id_tiquet, mes, publico, interno)
SELECT id, mes, words, words FROM (
    SELECT Tiquet.id, mes, REPLACE(
        CONCAT(' -sp', LPAD(Tiquet.id, 6, '0'), ' -', LPAD(Tiquet.id, 6, '0'), ' -_ ', busqueda, ' '),
        '-', mes) AS words
    FROM Tiquet JOIN Muestra ON Muestra.id = 1 + Tiquet.id % :textos
    JOIN Mes ON Mes.primero = CAST(DATE_FORMAT(fecha_creacion, '%Y-%m-01') AS DATE)) AS todos
"""


def plant(tiquets: int) -> dict[str, str]:
    """Fill an empty database with people and ``tiquets`` tickets; the session of each user by its id."""
    chance = random.Random(6)
    textos = min(tiquets, TEXTOS)
    sample(chance, textos)
    first = {"usuario": users(chance), "cliente": people(Clientes), "empleado": people(Empleados)}
    values = first | {
        "usuarios": USUARIOS,
        "tecnicos": TECNICOS,
        "personas": PERSONAS,
        "textos": textos,
        "tiquets": tiquets,
    }
    db.session.execute(text("SET unique_checks = 0, foreign_key_checks = 0, max_statement_time = 0"))
    # An index of full text takes many times as long row by row.
    for column in ("publico", "interno"):
        db.session.execute(text(f"ALTER TABLE Busqueda_tiquet DROP INDEX ft_Busqueda_tiquet_{column}"))
    db.session.execute(text(PLANT.format(tiquets=tiquets)), values | {"now": utcnow()})
    db.session.execute(text(SEARCHED), {"textos": textos})
    db.session.commit()
    for statement in (*FULLTEXT["mysql"], "DROP TABLE Muestra, Mes", "ANALYZE TABLE Tiquet, Busqueda_tiquet"):
        db.session.execute(text(statement))
    opened = sessions(first["usuario"])
    db.session.commit()
    counts.recount()
    return opened


def sample(chance: random.Random, textos: int) -> None:
    """A table of texts whose second most common word is half as common as the first, and so on."""
    words = ["".join(parts) for parts in product(SYLLABLES, repeat=3)]
    chance.shuffle(words)
    weights = [1 / rank for rank in range(1, len(words) + 1)]

    def said(id: int) -> dict[str, Any]:
        found = chance.choices(words, weights, k=chance.randint(12, 40))
        titulo, descripcion = " ".join(found[:5]).capitalize(), " ".join(found[5:]).capitalize()
        busqueda = joined([titulo, descripcion], MARK).strip()
        return {"id": id, "titulo": titulo, "descripcion": descripcion, "busqueda": busqueda}

    columns = "id INT PRIMARY KEY, titulo VARCHAR(200), descripcion TEXT, busqueda TEXT"
    db.session.execute(text(f"CREATE TABLE Muestra ({columns}) CHARACTER SET utf8mb4"))
    rows = [said(id) for id in range(1, textos + 1)]
    db.session.execute(text("INSERT INTO Muestra VALUES (:id, :titulo, :descripcion, :busqueda)"), rows)
    now = utcnow()
    months = [datetime(now.year - 3 + n // 12, 1 + n % 12, 1) for n in range(48)]
    db.session.execute(text("CREATE TABLE Mes (primero DATE PRIMARY KEY, mes CHAR(3) CHARACTER SET ascii)"))
    marks = [{"primero": first, "mes": month_mark(first)} for first in months]
    db.session.execute(text("INSERT INTO Mes VALUES (:primero, :mes)"), marks)


def users(chance: random.Random) -> int:
    """Staff; the id of the first, which is a technician."""
    rows = [
        {
            "email": f"tecnico{number}@example.org",
            "nombre": chance.choice(NOMBRES),
            "apellido": chance.choice(APELLIDOS),
            "password_hash": "!",  # Nobody signs in with a password here.
            "tipo_usuario": TECNICO if number < TECNICOS else ADMINISTRADOR,
            "version": 1,
        }
        for number in range(USUARIOS)
    ]
    db.session.execute(insert(Usuario), rows)
    return first_of(Usuario)


def people(model: Any) -> int:
    rows = [
        {"nombre": NOMBRES[number % 10], "apellido": APELLIDOS[number % 9], "version": 1}
        for number in range(PERSONAS)
    ]
    db.session.execute(insert(model), rows)
    return first_of(model)


def first_of(model: Any) -> int:
    return db.session.scalars(select(model.id).order_by(model.id)).first() or 0


def sessions(first: int) -> dict[str, str]:
    """A session of each user: its id by that of the user."""
    now = utcnow()
    opened = {str(first + number): uuid.uuid4().hex for number in range(USUARIOS)}
    times = {"fecha_creacion": now, "ultimo_uso": now, "vence": now + timedelta(days=1)}
    rows = [{"id": sid, "id_usuario": int(id), "refresco": sid, **times} for id, sid in opened.items()]
    db.session.execute(insert(Sesion), rows)
    return opened

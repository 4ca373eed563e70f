"""A desk in the middle of its work, to try the API with; never in production."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app import transaction
from app.extensions import db
from app.models import (
    ASIGNADO,
    CREADOR,
    Clientes,
    Comentarios,
    Empleados,
    EtiquetaTiquet,
    Tiquet,
    Usuario,
    utcnow,
)
from app.permissions import SISTEMA
from app.queries.access import users
from app.services import demo_data as datos
from app.services.access import passwords
from app.services.access.users import CLAVE_DE_DEMO
from app.services.demo_data import Caso, Mensaje
from app.services.desk import enrolment, search
from app.services.log import audit

CANALES = ("web", "correo", "telefono", "web", "api")


class Grupo(NamedTuple):
    """The tickets of one state, the first of them ``desde`` days old, the last ``hasta``."""

    id_estado: int
    casos: tuple[Caso, ...]
    desde: float
    hasta: float
    asignado: bool = True
    motivo_cierre: str | None = None


GRUPOS = (
    Grupo(1, datos.ABIERTOS, 3, 0.02, asignado=False),
    Grupo(2, datos.EN_PROCESO, 14, 0.3),
    Grupo(3, datos.EN_ESPERA_DE_CLIENTE, 18, 2),
    Grupo(4, datos.EN_ESPERA_DE_TERCERO, 24, 3),
    Grupo(5, datos.RESUELTOS, 6, 1),
    Grupo(6, datos.CERRADOS, 89, 10, motivo_cierre="resuelto"),
    Grupo(7, datos.CANCELADOS, 70, 25, asignado=False, motivo_cierre="cancelado"),
)


class Gente(NamedTuple):
    """The ids of those who appear in tickets."""

    usuarios: list[int]
    clientes: list[int]
    empleados: list[int]


def seed_demo() -> bool:
    """Write the demonstration, once; answers whether it did. Opens its own unit of work."""
    if transaction.read(is_there):
        return False
    password_hash = passwords.hash_password(CLAVE_DE_DEMO)  # Slow: before any transaction.
    return transaction.run(lambda: plant(password_hash))


def is_there() -> bool:
    return users.by_email(datos.USUARIOS[0]["email"]) is not None


def plant(password_hash: str) -> bool:
    if is_there():
        return False
    now = utcnow()
    gente = plant_people(password_hash, since=now - timedelta(days=90))
    dated = [
        (now - age(grupo, position), grupo, caso)
        for grupo in GRUPOS
        for position, caso in enumerate(grupo.casos)
    ]
    for number, (creation, grupo, caso) in enumerate(sorted(dated, key=lambda one: one[0])):
        plant_ticket(number, gente, grupo, caso, Fechas(creation, life(number, now - creation)))
    return True


def age(grupo: Grupo, position: int) -> timedelta:
    """The group's tickets are spread evenly over its days."""
    return timedelta(days=grupo.desde - (grupo.desde - grupo.hasta) * position / (len(grupo.casos) - 1))


def life(number: int, age: timedelta) -> timedelta:
    """How long something happens to a ticket: from four hours to four days, and never into the future."""
    return min(timedelta(hours=4 + 17 * number % 92), age)


class Fechas(NamedTuple):
    """When what happens to a ticket happens: assigned, discussed, resolved and closed, in this order."""

    creation: datetime
    life: timedelta

    def at(self, share: float) -> datetime:
        return self.creation + self.life * share

    @property
    def assignment(self) -> datetime:
        return self.at(0.1)

    def message(self, position: int, count: int) -> datetime:
        return self.at(0.1 + 0.7 * (position + 1) / (count + 1))

    @property
    def resolution(self) -> datetime:
        return self.at(0.8)

    @property
    def closing(self) -> datetime:
        return self.at(1)


def plant_people(password_hash: str, since: datetime) -> Gente:
    keys = ("nombre", "apellido", "email", "telefono")
    client_keys, employee_keys = (*keys, "empresa"), (*keys, "codigo_empleado", "puesto", "departamento")
    users = [Usuario(**one, password_hash=password_hash, fecha_creacion=since) for one in datos.USUARIOS]
    clients = [person(Clientes, client_keys, row, since) for row in datos.CLIENTES]
    employees = [person(Empleados, employee_keys, row, since) for row in datos.EMPLEADOS]
    return Gente(
        [plant_one("usuario", one) for one in users],
        [plant_one("cliente", one) for one in clients],
        [plant_one("empleado", one) for one in employees],
    )


def person(model: Any, keys: tuple[str, ...], row: tuple[str, ...], since: datetime) -> Any:
    return model(**dict(zip(keys, row, strict=True)), fecha_creacion=since)


def plant_one(entidad: str, thing: Any, id_tiquet: int | None = None) -> int:
    """Add one row with the event of its creation; answers its id."""
    db.session.add(thing)
    audit.record(f"{entidad}.creado", SISTEMA, thing, {}, id_tiquet)
    id: int = thing.id
    return id


def plant_ticket(number: int, gente: Gente, grupo: Grupo, caso: Caso, fechas: Fechas) -> None:
    """One ticket with its labels and comments."""
    categoria, problema, criticidad, prioridad, ubicacion = caso.ids
    tiquet = Tiquet(
        titulo=caso.titulo,
        descripcion=caso.descripcion,
        id_categoria=categoria,
        id_problema=problema,
        id_criticidad=criticidad,
        id_prioridad=prioridad,
        id_ubicacion=ubicacion,
        id_estado=grupo.id_estado,
        id_usuario_creador=turn(gente.usuarios, number),
        canal=turn(CANALES, number),
        etiquetas=list(caso.etiquetas),
        resolucion=caso.resolucion,
        motivo_cierre=grupo.motivo_cierre,
        numero_comentarios=len(caso.mensajes),
        **requester(number, gente),
        **progress(number, gente, grupo, caso, fechas),
    )
    db.session.add(tiquet)
    db.session.flush()
    for etiqueta in caso.etiquetas:
        db.session.add(
            EtiquetaTiquet(id_tiquet=tiquet.id, etiqueta=etiqueta, fecha_creacion=tiquet.fecha_creacion)
        )
    plant_one("tiquet", tiquet)
    enrolment.enrol(CREADOR, [(tiquet.id, tiquet.id_usuario_creador)])
    if tiquet.id_usuario_asignado:
        enrolment.enrol(ASIGNADO, [(tiquet.id, tiquet.id_usuario_asignado)])
    plant_messages(tiquet, caso.mensajes, fechas)
    search.index(tiquet)


def turn(things: Any, number: int) -> Any:
    return things[number % len(things)]


def requester(number: int, gente: Gente) -> dict[str, Any]:
    """Of three tickets one is a customer's, one an employee's, one of whoever opened it."""
    if number % 3 == 0:
        return {"id_cliente": turn(gente.clientes, number // 3)}
    if number % 3 == 1:
        position = number // 3
        return {
            "id_empleado": turn(gente.empleados, position),
            "telefono_contacto": turn(datos.EMPLEADOS, position)[3],
        }
    return {}


def progress(number: int, gente: Gente, grupo: Grupo, caso: Caso, fechas: Fechas) -> dict[str, Any]:
    """The assignee and the instants that the state and the conversation demand."""
    count = len(caso.mensajes)
    spoken = [fechas.message(position, count) for position in range(count)]
    public = [when for when, mensaje in zip(spoken, caso.mensajes, strict=True) if not mensaje.es_interno]
    happened = {
        "fecha_creacion": fechas.creation,
        "fecha_asignacion": fechas.assignment if grupo.asignado else None,
        "fecha_primera_respuesta": public[0] if public else None,
        "fecha_resolucion": fechas.resolution if caso.resolucion else None,
        "fecha_cierre": fechas.closing if grupo.motivo_cierre else None,
    }
    return {
        **happened,
        "id_usuario_asignado": turn(gente.usuarios[1:], number) if grupo.asignado else None,
        "fecha_actualizacion": max([*filter(None, happened.values()), *spoken]),
        "fecha_actualizacion_publica": max([*filter(None, happened.values()), *public]),
    }


def plant_messages(tiquet: Tiquet, mensajes: tuple[Mensaje, ...], fechas: Fechas) -> None:
    """What the assignee wrote, or in its absence who opened the ticket."""
    for position, mensaje in enumerate(mensajes):
        comentario = Comentarios(
            id_tiquet=tiquet.id,
            id_autor=tiquet.id_usuario_asignado or tiquet.id_usuario_creador,
            mensaje=mensaje.texto,
            es_interno=mensaje.es_interno,
            fecha_creacion=fechas.message(position, len(mensajes)),
        )
        plant_one("comentario", comentario, tiquet.id)

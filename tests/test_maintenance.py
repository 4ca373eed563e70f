"""What time brings, once and from several machines at once."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import (
    Adjuntos,
    Comentarios,
    EtiquetaTiquet,
    Idempotencia,
    LogTransaccional,
    Sesion,
    Tiquet,
    utcnow,
)
from app.services import maintenance
from tests import factories
from tests.factories import quien
from tests.test_lifecycle import tiquet_en
from tests.threads import at_once

NOTHING = dict.fromkeys(
    (
        *("cerrados", "purgados", "anonimizados", "claves", "sesiones", "contenidos", "intentos", "entregas"),
        *("correos", "recuperaciones", "recibidos"),
    ),
    0,
)


def days_ago(days):
    return utcnow() - timedelta(days=days, seconds=1)


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_ticket_resolved_long_enough_ago_closes_by_itself(client, admin):
    due, fresh = (tiquet_en("resuelto", fecha_resolucion=days_ago(days)) for days in (7, 6))
    in_trash = tiquet_en("resuelto", fecha_resolucion=days_ago(7), fecha_eliminacion=utcnow())

    assert maintenance.maintain() == NOTHING | {"cerrados": 1}

    shown = client.get(f"/api/tickets/tickets/{due}", headers=admin.headers).json
    assert (shown["estado"]["tipo"], shown["motivo_cierre"], shown["version"]) == ("cerrado", "resuelto", 2)
    assert shown["fecha_cierre"] is not None
    assert client.get(f"/api/tickets/tickets/{fresh}", headers=admin.headers).json["version"] == 1
    event = db.session.query(LogTransaccional).one()
    assert (event.accion, event.tipo_actor, event.id_tiquet) == ("tiquet.actualizado", "sistema", due)
    assert db.session.get(Tiquet, in_trash).fecha_cierre is None
    assert maintenance.maintain() == NOTHING


def test_the_days_are_the_desks_own(with_settings):
    tiquet_en("resuelto", fecha_resolucion=days_ago(1))

    with_settings(DIAS_CIERRE="1")

    assert maintenance.maintain()["cerrados"] == 1


def test_a_ticket_long_in_the_trash_is_erased_with_all_that_belongs_to_it():
    who = factories.UsuarioFactory().id
    gone = factories.tiquet(fecha_eliminacion=days_ago(90), etiquetas=["vpn"], id_usuario_creador=who)
    kept = factories.tiquet(fecha_eliminacion=days_ago(89), id_usuario_creador=who)
    child = factories.tiquet(id_tiquet_padre=gone, id_usuario_creador=who)
    db.session.add_all(
        (
            EtiquetaTiquet(id_tiquet=gone, etiqueta="vpn", fecha_creacion=utcnow()),
            Comentarios(id_tiquet=gone, id_autor=who, mensaje="Hola"),
        )
    )
    db.session.commit()
    comment = db.session.scalar(select(Comentarios.id))
    factories.adjunto(id_tiquet=gone, id_comentario=comment, id_autor=who)

    assert maintenance.maintain() == NOTHING | {"purgados": 1}

    assert set(db.session.scalars(select(Tiquet.id))) == {kept, child}
    assert db.session.get(Tiquet, child).id_tiquet_padre is None
    assert (count(EtiquetaTiquet), count(Comentarios), count(Adjuntos)) == (0, 0, 0)
    events = db.session.query(LogTransaccional).order_by(LogTransaccional.id)
    assert [(event.accion, event.id_tiquet) for event in events] == [
        ("tiquet.actualizado", child),
        ("tiquet.purgado", gone),
    ]


@pytest.mark.parametrize("rows", [3, 1201])
def test_expired_keys_and_dead_sessions_go_in_batches(rows):
    who = quien("Técnico")
    now = utcnow()
    same = {"id_usuario": who.id, "huella": "x", "ruta": "x", "creado": now}
    db.session.add_all(
        Idempotencia(**same, clave=f"k{n}", vence=now - timedelta(seconds=1)) for n in range(rows)
    )
    db.session.add(Idempotencia(**same, clave="viva", vence=now + timedelta(hours=1)))
    about = {"id_usuario": who.id, "refresco": "0" * 64, "fecha_creacion": now, "ultimo_uso": now}
    db.session.add_all(
        (
            Sesion(id="caducada", vence=days_ago(7), **about),
            Sesion(id="terminada", vence=now + timedelta(days=9), fin=days_ago(7), **about),
            Sesion(id="reciente", vence=now + timedelta(days=9), fin=days_ago(1), **about),
        )
    )
    db.session.commit()

    assert maintenance.maintain() == NOTHING | {"claves": rows, "sesiones": 2}

    assert [key.clave for key in db.session.query(Idempotencia)] == ["viva"]
    assert {session.id for session in db.session.query(Sesion)} == {"reciente", who.sid}


def test_four_machines_at_once_close_each_ticket_once(committed):
    ids = [tiquet_en("resuelto", fecha_resolucion=days_ago(8)) for _ in range(20)]

    def work(_number):
        with committed.app_context():
            return maintenance.maintain()["cerrados"]

    assert sum(at_once(4, work)) == len(ids)
    db.session.rollback()
    assert {tiquet.version for tiquet in db.session.query(Tiquet)} == {2}
    assert count(LogTransaccional) == len(ids)


def test_the_command_says_what_it_did(app, session):
    tiquet_en("resuelto", fecha_resolucion=days_ago(8))

    ended = app.test_cli_runner().invoke(args=["mantenimiento"])

    assert ended.exit_code == 0, ended.output
    assert "Tiquets cerrados: 1." in ended.output

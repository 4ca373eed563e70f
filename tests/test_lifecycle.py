"""The life of a ticket by PUT, against the table of the contract."""

from datetime import timedelta

import pytest
import time_machine

from app.extensions import db
from app.models import LogTransaccional, Tiquet, utcnow
from tests import factories
from tests.catalogs import add_row

ESTADO = {"nuevo": 1, "en_proceso": 2, "en_espera": 3, "resuelto": 5, "cerrado": 6}
# From -> to -> whether an Administrador gets there by PUT.
ALCANZABLES = {
    "nuevo": {"nuevo", "en_proceso", "en_espera", "resuelto", "cerrado"},
    "en_proceso": {"nuevo", "en_proceso", "en_espera", "resuelto", "cerrado"},
    "en_espera": {"nuevo", "en_proceso", "en_espera", "resuelto", "cerrado"},
    "resuelto": {"resuelto", "en_proceso", "cerrado"},
    "cerrado": {"cerrado", "en_proceso"},
}


def put(client, quien, id, **cambios):
    return client.put(f"/api/tickets/tickets/{id}", json=cambios, headers=quien.headers)


def tiquet_en(tipo, **fields):
    """A ticket as it would be in a state of this type."""
    now = utcnow()
    if tipo != "nuevo":
        fields.setdefault("id_usuario_asignado", factories.UsuarioFactory().id)
    if tipo in ("resuelto", "cerrado"):
        fields = {"resolucion": "Se cambió el cable", "fecha_resolucion": now, **fields}
    if tipo == "cerrado":
        fields = {"fecha_cierre": now, "motivo_cierre": "resuelto", **fields}
    return factories.tiquet(**{"id_estado": ESTADO[tipo], **fields})


@pytest.mark.parametrize("desde", ESTADO)
@pytest.mark.parametrize("hacia", ESTADO)
def test_put_follows_the_table(client, admin, desde, hacia):
    id = tiquet_en(desde)

    answer = put(client, admin, id, id_estado=ESTADO[hacia], resolucion="Arreglado")

    if hacia in ALCANZABLES[desde]:
        assert answer.status_code == 200, answer.json
        assert answer.json["estado"]["tipo"] == hacia
    else:
        assert answer.status_code == 409
        assert answer.json["codigo"] == "transicion_no_permitida"
        assert isinstance(answer.json["transiciones_permitidas"], list)


def test_starting_work_on_a_free_ticket_takes_it(client, tecnico):
    answer = put(client, tecnico, factories.tiquet(), id_estado=2)

    assert answer.json["id_usuario_asignado"] == tecnico.id
    assert answer.json["fecha_asignacion"] is not None


def test_assigning_a_new_ticket_starts_work_on_it(client, admin, tecnico):
    answer = put(client, admin, factories.tiquet(), id_usuario_asignado=tecnico.id)

    assert answer.json["estado"]["tipo"] == "en_proceso"


def test_releasing_makes_the_ticket_new_again(client, tecnico):
    id = tiquet_en("en_proceso", id_usuario_asignado=tecnico.id)

    answer = put(client, tecnico, id, id_usuario_asignado=None)

    assert answer.json["estado"]["tipo"] == "nuevo"
    assert answer.json["id_usuario_asignado"] is None


def test_a_technician_cannot_release_what_another_has(client, tecnico):
    answer = put(client, tecnico, tiquet_en("en_proceso"), id_estado=1)

    assert answer.status_code == 403
    assert answer.json["permiso"] == "tiquet.asignar"


def test_taking_what_another_has_says_who_has_it(client, tecnico):
    otro = factories.UsuarioFactory(nombre="Elena", apellido="Ruiz").id
    id = tiquet_en("en_proceso", id_usuario_asignado=otro)

    answer = put(client, tecnico, id, id_usuario_asignado=tecnico.id)

    assert (answer.status_code, answer.json["codigo"]) == (409, "tiquet_ya_asignado")
    assert "Elena Ruiz" in answer.json["detail"]


@pytest.mark.parametrize("fields", [{"activo": False}, {"tipo_usuario": "Solicitante"}])
def test_only_active_staff_can_be_assigned(client, admin, fields):
    otro = factories.UsuarioFactory(**fields).id

    answer = put(client, admin, factories.tiquet(), id_usuario_asignado=otro)

    assert answer.status_code == 422
    assert answer.json["errores"]["id_usuario_asignado"][0]["codigo"] == "usuario_no_asignable"


def test_resolving_needs_a_resolution_and_takes_a_free_ticket(client, tecnico):
    id = factories.tiquet()

    refused = put(client, tecnico, id, id_estado=5)
    done = put(client, tecnico, id, id_estado=5, resolucion="Se cambió el tóner")

    assert (refused.status_code, list(refused.json["errores"])) == (422, ["resolucion"])
    assert done.json["id_usuario_asignado"] == tecnico.id
    assert done.json["fecha_resolucion"] is not None


def test_older_clients_close_in_one_step(client, tecnico):
    answer = put(client, tecnico, factories.tiquet(), id_estado=6)

    assert answer.status_code == 200
    assert answer.json["motivo_cierre"] == "resuelto"
    assert answer.json["resolucion"] == "Cerrado sin indicar una resolución."
    assert None not in (answer.json["fecha_resolucion"], answer.json["fecha_cierre"])


def test_a_desk_can_insist_on_a_resolution(client, tecnico, with_settings):
    with_settings(EXIGIR_RESOLUCION="true")

    answer = put(client, tecnico, factories.tiquet(), id_estado=6)

    assert (answer.status_code, list(answer.json["errores"])) == (422, ["resolucion"])


def test_cancelling_resolves_nothing(client, tecnico):
    answer = put(client, tecnico, factories.tiquet(), id_estado=7)

    assert answer.json["motivo_cierre"] == "cancelado"
    assert answer.json["fecha_resolucion"] is None
    assert answer.json["resolucion"] is None


def test_reopening_is_counted_and_clears_the_end(client, tecnico):
    answer = put(client, tecnico, tiquet_en("resuelto"), id_estado=2)

    assert answer.json["veces_reabierto"] == 1
    assert answer.json["fecha_resolucion"] is None
    assert answer.json["resolucion"] is None


def test_only_an_administrador_reopens_a_closed_ticket_and_only_in_time(client, admin, tecnico):
    fresh, old = tiquet_en("cerrado"), tiquet_en("cerrado", fecha_cierre=utcnow() - timedelta(days=15))

    assert put(client, tecnico, fresh, id_estado=2).status_code == 403
    assert put(client, admin, fresh, id_estado=2).status_code == 200
    late = put(client, admin, old, id_estado=2)
    assert (late.status_code, late.json["codigo"]) == (409, "plazo_de_reapertura_vencido")
    assert "14 días" in late.json["detail"]


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (1, 409)])
def test_the_last_instant_of_the_days_to_reopen_is_one_of_them(client, admin, seconds, status):
    with time_machine.travel("2026-03-15T12:00:00Z", tick=False):
        who = factories.quien("Administrador")
        id = tiquet_en("cerrado", fecha_cierre=utcnow() - timedelta(days=14, seconds=seconds))

        assert put(client, who, id, id_estado=2).status_code == status


def test_it_is_reopened_for_somebody_in_one_step(client, admin, tecnico):
    answer = put(client, admin, tiquet_en("resuelto"), id_usuario_asignado=tecnico.id, id_estado=2)

    assert (answer.status_code, answer.json["id_usuario_asignado"]) == (200, tecnico.id)
    assert answer.json["estado"]["tipo"] == "en_proceso"


def test_each_time_that_it_is_reopened_counts(client, tecnico):
    id = tiquet_en("resuelto", veces_reabierto=1)

    assert put(client, tecnico, id, id_estado=2).json["veces_reabierto"] == 2


def test_a_refusal_says_from_where_and_where_to(client, admin):
    answer = put(client, admin, tiquet_en("resuelto"), id_estado=3)

    assert "«resuelto»" in answer.json["detail"]
    assert "«en_espera»" in answer.json["detail"]


def test_who_gets_a_ticket_that_is_being_worked_on_gets_it_in_the_state_that_it_is_in(call, admin, tecnico):
    own = add_row(call, admin, "estados", "En el taller", tipo="en_proceso")["id"]
    id = tiquet_en("en_proceso", id_estado=own)

    answer = call(admin, "PUT", f"/api/tickets/tickets/{id}", {"id_usuario_asignado": tecnico.id})

    assert (answer.json["id_usuario_asignado"], answer.json["id_estado"]) == (tecnico.id, own)


def test_state_and_assignee_that_contradict_each_other_are_refused(client, admin, tecnico):
    id = tiquet_en("en_proceso")

    answer = put(client, admin, id, id_estado=1, id_usuario_asignado=tecnico.id)

    assert (answer.status_code, answer.json["codigo"]) == (409, "cambios_incompatibles")


def test_a_reason_to_close_belongs_to_a_closed_ticket(client, tecnico):
    answer = put(client, tecnico, factories.tiquet(), motivo_cierre="duplicado")

    assert (answer.status_code, list(answer.json["errores"])) == (422, ["motivo_cierre"])


@pytest.mark.parametrize(
    ("tipo", "field"), [("resuelto", "resolucion"), ("cerrado", "resolucion"), ("cerrado", "motivo_cierre")]
)
def test_a_ticket_keeps_what_its_end_was_told_by(client, admin, tipo, field):
    id = tiquet_en(tipo)

    refused = put(client, admin, id, **{field: None})
    changed = put(client, admin, id, **{field: "duplicado"})

    assert (refused.status_code, list(refused.json["errores"])) == (422, [field])
    assert (changed.status_code, changed.json[field]) == (200, "duplicado")


def test_what_may_be_done_now_is_told(client, admin, tecnico):
    new, closed = factories.tiquet(), tiquet_en("cerrado")

    def told(quien, id):
        return client.get(f"/api/tickets/tickets/{id}", headers=quien.headers).json["transiciones_permitidas"]

    assert told(tecnico, new) == ["pedir_datos", "responder", "resolver", "cancelar"]
    assert told(tecnico, closed) == []
    assert told(admin, closed) == ["reabrir"]


def test_each_change_leaves_one_event_with_before_and_after(client, tecnico):
    id = factories.tiquet()

    put(client, tecnico, id, titulo="Otro título", id_estado=2)

    rows = db.session.query(LogTransaccional).filter_by(id_tiquet=id).all()
    assert [row.accion for row in rows] == ["tiquet.actualizado"]
    changed = {c["campo"]: (c["anterior"], c["nuevo"]) for c in rows[0].cambios}
    assert changed["id_estado"] == (1, 2)
    assert changed["titulo"][1] == "Otro título"
    assert rows[0].version_resultante == 2
    assert rows[0].id_usuario == tecnico.id


def test_a_put_that_changes_nothing_leaves_version_and_log_alone(client, tecnico):
    id = factories.tiquet()
    whole = client.get(f"/api/tickets/tickets/{id}", headers=tecnico.headers).json

    answer = client.put(f"/api/tickets/tickets/{id}", json=whole, headers=tecnico.headers)

    assert answer.json == whole
    assert db.session.query(LogTransaccional).filter_by(id_tiquet=id).count() == 0


def test_a_discarded_ticket_is_gone_for_everybody(client, admin):
    id = factories.tiquet()

    assert client.delete(f"/api/tickets/tickets/{id}", headers=admin.headers).status_code == 204
    assert client.get(f"/api/tickets/tickets/{id}", headers=admin.headers).status_code == 404
    assert client.delete(f"/api/tickets/tickets/{id}", headers=admin.headers).status_code == 404
    assert db.session.get(Tiquet, id).fecha_eliminacion is not None

"""Webhooks and their deliveries."""

from marshmallow import fields

from app.errors import Falla
from app.schemas.fields import (
    Booleano,
    Cambios,
    Entero,
    Instante,
    Lista,
    Opcion,
    Out,
    Schema,
    Texto,
    changes_of,
    requires,
)
from app.schemas.pages import PaginaArgs, pagina_de
from app.services.log.webhooks import TEMAS

ESTADOS = ("pendiente", "entregada", "muerta")
PATRON = rf"(\*|({'|'.join(TEMAS)})\.(\*|[a-z_]+))"
URL = r"https?://[!-~]+"
MAX_SECUENCIA = 9_007_199_254_740_991  # what every client's numbers can hold


class Direccion(Texto):
    """The address of a service."""

    default_error_messages = {"form": Falla("url_invalida")}  # noqa: RUF012


class Patron(Texto):
    """Which actions."""

    default_error_messages = {"form": Falla("patron_de_evento")}  # noqa: RUF012


def ids(nombre: str) -> Lista:
    about = {"description": f"Hasta ocho ids de {nombre}."}
    return Lista(Entero(), min=1, max=8, metadata=about)


class FiltrosSchema(Schema):
    """De qué tiquets: uno de estos ids de cada campo, ahora o antes del evento."""

    id_categoria = ids("categorías")
    id_estado = ids("estados")
    id_prioridad = ids("prioridades")


class WebhookFields(Schema):
    """What may be written of a webhook at any time."""

    url = Direccion(
        max=1000,
        form=URL,
        metadata={
            "description": "Adónde se envía: `https`, a direcciones públicas; otras redes, y `http`, solo si"
            " están en `WEBHOOKS_ALLOWED_NETWORKS`."
        },
    )
    descripcion = Texto(max=200, allow_none=True, metadata={"description": "Para qué es."})
    eventos = Lista(
        Patron(max=60, form=PATRON),
        min=1,
        max=50,
        metadata={
            "description": "Acciones, como `tiquet.creado`; todas las de una entidad, como `tiquet.*`; o `*`,"
            " todas menos las de `webhook`."
        },
    )
    filtros = fields.Nested(
        FiltrosSchema,
        metadata={"description": "Con alguno, solo eventos de tiquets que los cumplan todos. `{}`: ninguno."},
    )
    activo = Booleano(
        metadata={"description": "Al pasar a `true`, sigue donde se quedó, con lo que tenga pendiente."}
    )


@requires("url", "eventos")
class WebhookCreateArgs(WebhookFields):
    """Un webhook nuevo."""


class RotarArgs(Schema):
    """Cuánto vale aún el secreto anterior."""

    horas = Entero(
        min=0,
        max=168,
        load_default=24,
        metadata={"description": "Horas en las que se firma también con el anterior; `0`, ninguna."},
    )


class WebhookSchema(Out):
    """A quién se avisa de qué, sin el secreto."""

    id = fields.Integer(required=True)
    url = fields.String(required=True)
    descripcion = fields.String(required=True, allow_none=True)
    eventos = fields.List(fields.String(), required=True)
    filtros = fields.Dict(required=True)
    activo = fields.Boolean(required=True)
    motivo_pausa = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Por qué se dejó de enviar: `fallos`, cien seguidos durante un día o más;"
            " `ya_no_existe`, respondió 410."
        },
    )
    fecha_pausa = fields.DateTime(required=True, allow_none=True)
    secreto_anterior_vence = fields.DateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Hasta cuándo se firma también con el secreto de antes de rotarlo."},
    )
    fecha_creacion = fields.DateTime(required=True)
    fallos_seguidos = fields.Integer(required=True)
    fecha_ultima_entrega = fields.DateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)


class WebhookNuevoSchema(WebhookSchema):
    """Un webhook con un secreto nuevo."""

    secreto = fields.String(
        metadata={
            "description": "Con qué se firma. Solo se muestra aquí: guárdelo. Falta en la respuesta repetida"
            " por una `Idempotency-Key`; entonces, rótelo."
        },
    )


@changes_of(WebhookSchema)
class WebhookUpdateArgs(WebhookFields, Cambios):
    """Los campos que cambian. Los de solo lectura se admiten si no cambian."""


class EntregasArgs(PaginaArgs):
    """Qué página de las entregas."""

    estado = Opcion(*ESTADOS, metadata={"description": "Solo las que están así."})


class ReenviarArgs(Schema):
    """Qué entregas se reenvían: las que lo cumplan todo. Al menos un campo."""

    desde_secuencia = Entero(max=MAX_SECUENCIA, metadata={"description": "De este evento en adelante."})
    hasta_secuencia = Entero(max=MAX_SECUENCIA, metadata={"description": "Hasta este evento, incluido."})
    desde = Instante(metadata={"description": "Hechas desde este instante."})
    hasta = Instante(metadata={"description": "Hechas antes de este instante."})
    estado = Opcion(*ESTADOS[1:], metadata={"description": "Las que terminaron así."})


class PeticionSchema(Out):
    """Lo que se envió la última vez."""

    url = fields.String(required=True, allow_none=True)
    cabeceras = fields.Dict(required=True)
    cuerpo = fields.String(
        required=True, allow_none=True, metadata={"description": "`null`: se vació con los datos de alguien."}
    )


class RespuestaSchema(Out):
    """Lo que respondió la última vez."""

    estado = fields.Integer(required=True)
    cabeceras = fields.Dict(required=True)
    cuerpo = fields.String(
        required=True, allow_none=True, metadata={"description": "Los primeros 4 kB, como texto."}
    )


class EntregaSchema(Out):
    """Un evento para un webhook, con su último envío."""

    id = fields.Integer(required=True)
    id_webhook = fields.Integer(required=True)
    secuencia = fields.Integer(
        required=True, allow_none=True, metadata={"description": "La del evento; `null` en una prueba."}
    )
    id_evento = fields.String(
        required=True, metadata={"description": "La cabecera `webhook-id`: la misma en cada intento."}
    )
    accion = fields.String(required=True)
    id_tiquet = fields.Integer(required=True, allow_none=True)
    estado = fields.String(required=True, metadata={"enum": list(ESTADOS)})
    intentos = fields.Integer(required=True)
    fecha_creacion = fields.DateTime(required=True)
    fecha_intento = fields.DateTime(required=True, allow_none=True)
    milisegundos = fields.Integer(required=True, allow_none=True)
    error = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Por qué no hubo respuesta: `sin_resolver`, `destino_no_permitido`, `solo_https`,"
            " `sin_conexion`, `tls`, `tiempo_agotado`, `respuesta_invalida`, `url_invalida` o"
            " `evento_purgado`."
        },
    )
    proximo_intento = fields.DateTime(
        required=True,
        allow_none=True,
        metadata={"description": "`null` si terminó, se está enviando o espera a otra del mismo tiquet."},
    )
    peticion = fields.Nested(PeticionSchema, required=True)
    respuesta = fields.Nested(RespuestaSchema, required=True, allow_none=True)


class ReenviadasSchema(Out):
    """Cuántas entregas se reenvían."""

    reenviadas = fields.Integer(required=True)
    siguiente_secuencia = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Si quedan más, el `desde_secuencia` con que se piden; `null`, si no."},
    )


WebhooksPaginaSchema = pagina_de(WebhookSchema)
EntregasPaginaSchema = pagina_de(EntregaSchema)

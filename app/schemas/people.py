"""Customers and employees."""

from marshmallow import fields

from app.schemas.fields import Booleano, Cambios, Correo, Entero, Out, Schema, Texto, changes_of, requires
from app.schemas.pages import PaginaArgs


class PersonasArgs(PaginaArgs):
    """Filtros que tienen los clientes y los empleados."""

    q = Texto(
        max=100,
        metadata={"description": "Principios de palabra de nombre, correo y códigos; sin acentos también."},
    )
    email = Correo(metadata={"description": "El correo, entero."})
    id_externo = Texto(max=120, metadata={"description": "El id en otro sistema, entero."})
    id_ubicacion = Entero(query=True, metadata={"description": "Dónde está."})
    activo = Booleano(query=True, metadata={"description": "Si puede pedir tiquets nuevos."})


class ClientesArgs(PersonasArgs):
    """Filtros de la lista de clientes."""


class EmpleadosArgs(PersonasArgs):
    """Filtros de la lista de empleados."""

    codigo_empleado = Texto(max=40, metadata={"description": "El código de empleado, entero."})


class PersonaFields(Schema):
    """What may be written of anybody at any time."""

    nombre = Texto(max=120, metadata={"description": "Nombre de pila."})
    apellido = Texto(max=120, allow_none=True, metadata={"description": "Apellidos."})
    email = Correo(allow_none=True, metadata={"description": "Su correo."})
    telefono = Texto(max=40, allow_none=True, metadata={"description": "Su teléfono, como se escriba."})
    id_ubicacion = Entero(allow_none=True, metadata={"description": "Dónde está."})
    notas = Texto(max=10_000, lines=True, allow_none=True, metadata={"description": "Lo que convenga saber."})
    id_externo = Texto(max=120, allow_none=True, metadata={"description": "Su id en otro sistema; único."})
    activo = Booleano(metadata={"description": "Si puede pedir tiquets nuevos."})


class ClienteFields(PersonaFields):
    """What may be written of a customer."""

    empresa = Texto(max=200, allow_none=True, metadata={"description": "Para quién trabaja."})
    direccion = Texto(max=200, allow_none=True, metadata={"description": "Su dirección postal."})


class EmpleadoFields(PersonaFields):
    """What may be written of an employee."""

    codigo_empleado = Texto(max=40, allow_none=True, metadata={"description": "Único."})
    puesto = Texto(max=120, allow_none=True, metadata={"description": "Qué hace."})
    departamento = Texto(max=120, allow_none=True, metadata={"description": "Dónde trabaja."})


@requires("nombre")
class ClienteCreateArgs(ClienteFields):
    """Un cliente nuevo."""


@requires("nombre")
class EmpleadoCreateArgs(EmpleadoFields):
    """Un empleado nuevo."""


class PersonaSchema(Out):
    id = fields.Integer(required=True)
    nombre = fields.String(required=True)
    apellido = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    telefono = fields.String(required=True, allow_none=True)
    id_ubicacion = fields.Integer(required=True, allow_none=True)
    notas = fields.String(required=True, allow_none=True)
    id_externo = fields.String(required=True, allow_none=True)
    activo = fields.Boolean(required=True)
    fecha_creacion = fields.DateTime(required=True)
    anonimizacion_pedida = fields.DateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Desde cuándo se están borrando sus datos personales."},
    )
    fecha_anonimizado = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Cuándo se borraron."}
    )
    version = fields.Integer(required=True)


class ClienteSchema(PersonaSchema):
    """Un cliente: alguien de fuera que pide ayuda."""

    empresa = fields.String(required=True, allow_none=True)
    direccion = fields.String(required=True, allow_none=True)


class EmpleadoSchema(PersonaSchema):
    """Un empleado: alguien de dentro que pide ayuda."""

    codigo_empleado = fields.String(required=True, allow_none=True)
    puesto = fields.String(required=True, allow_none=True)
    departamento = fields.String(required=True, allow_none=True)


@changes_of(ClienteSchema)
class ClienteUpdateArgs(ClienteFields, Cambios):
    """Los campos que cambian. Los de solo lectura se admiten si no cambian."""


@changes_of(EmpleadoSchema)
class EmpleadoUpdateArgs(EmpleadoFields, Cambios):
    """Los campos que cambian. Los de solo lectura se admiten si no cambian."""

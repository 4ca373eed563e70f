"""Users: accounts as an Administrador keeps them, and the own profile."""

from marshmallow import fields

from app.schemas.fields import (
    Booleano,
    Cambios,
    Clave,
    Correo,
    Entero,
    Lista,
    Opcion,
    Out,
    Preferencias,
    Schema,
    Texto,
    ZonaHoraria,
    changes_of,
    requires,
)
from app.schemas.pages import PaginaArgs
from app.services.access.users import MIN_CLAVE
from app.services.mail.texts import A_ELEGIR

ROLES = ("Administrador", "Técnico", "Solicitante")
MAX_PREFERENCIAS = 4000  # bytes of JSON
SECRETA = {"description": "Ni conocida, ni fácil de adivinar, ni parecida al correo o al nombre."}
EJEMPLO = {
    "email": "rosa.lima@example.org",
    "nombre": "Rosa",
    "apellido": "Lima",
    "password": "tres tigres en el trigal",
    "tipo_usuario": "Técnico",
}


class UsuariosArgs(PaginaArgs):
    """Filtros de la lista de usuarios. Salvo `q` y `tipo_usuario`, son de un Administrador."""

    q = Texto(max=100, metadata={"description": "Principios de palabra del nombre o del apellido."})
    tipo_usuario = Opcion(*ROLES, metadata={"description": "El rol."})
    activo = Booleano(query=True, metadata={"description": "Si puede iniciar sesión."})
    disponible = Booleano(query=True, metadata={"description": "Si recibe tiquets."})
    id_ubicacion = Entero(query=True, metadata={"description": "Dónde está."})
    id_categoria = Entero(query=True, metadata={"description": "Qué categoría atiende."})
    email = Correo(metadata={"description": "El correo, entero."})


class PerfilFields(Schema):
    """What everybody may say of itself."""

    nombre = Texto(max=120, metadata={"description": "Nombre de pila."})
    apellido = Texto(min=0, max=120, metadata={"description": "Apellidos; vacío si no los tiene."})
    telefono = Texto(max=40, allow_none=True, metadata={"description": "Su teléfono, como se escriba."})
    idioma = Opcion("es", "en", metadata={"description": "En qué idioma quiere leer."})
    preferencias = Preferencias(
        avisos=A_ELEGIR,
        max=MAX_PREFERENCIAS,
        metadata={
            "description": f"Lo que su programa guarde; hasta {MAX_PREFERENCIAS} bytes de JSON. En `correo`,"
            f" qué correos quiere ({', '.join(A_ELEGIR)}): todos, menos los que sean false.",
            "properties": {
                "correo": {
                    "type": "object",
                    "properties": {aviso: {"type": "boolean"} for aviso in A_ELEGIR},
                    "additionalProperties": False,
                }
            },
        },
    )


class UsuarioFields(PerfilFields):
    """What an Administrador may say of anybody."""

    email = Correo(metadata={"description": "Con qué inicia sesión; único, en minúsculas."})
    tipo_usuario = Opcion(*ROLES, metadata={"description": "Su rol."})
    id_cliente = Entero(
        allow_none=True,
        metadata={"description": "El cliente por quien pide un Solicitante; no junto a `id_empleado`."},
    )
    id_empleado = Entero(
        allow_none=True,
        metadata={"description": "El empleado que es un Solicitante; no junto a `id_cliente`."},
    )
    activo = Booleano(metadata={"description": "Si puede iniciar sesión."})
    disponible = Booleano(metadata={"description": "Si recibe tiquets."})
    id_ubicacion = Entero(allow_none=True, metadata={"description": "Dónde está."})
    zona_horaria = ZonaHoraria(metadata={"description": "Nombre de IANA, como `America/Mexico_City`."})
    categorias = Lista(Entero(), max=100, metadata={"description": "Ids de las categorías que atiende."})


@requires("email", "nombre", "apellido", "tipo_usuario")
class UsuarioCreateArgs(UsuarioFields):
    """Una cuenta nueva."""

    password = Clave(min=MIN_CLAVE, required=True, metadata=SECRETA)


class ClaveArgs(Schema):
    """Una contraseña temporal."""

    password = Clave(min=MIN_CLAVE, required=True, metadata=SECRETA)


class ClavePropiaArgs(Schema):
    """La contraseña actual y la nueva."""

    password_actual = Clave(required=True, metadata={"description": "La que tiene ahora."})
    password_nuevo = Clave(min=MIN_CLAVE, required=True, metadata=SECRETA)


class UsuarioSchema(Out):
    """Un usuario. Un Técnico ve de los demás solo los cuatro campos obligatorios."""

    id = fields.Integer(required=True)
    nombre = fields.String(required=True)
    apellido = fields.String(required=True)
    tipo_usuario = fields.String(required=True)
    email = fields.String()
    id_cliente = fields.Integer(allow_none=True)
    id_empleado = fields.Integer(allow_none=True)
    activo = fields.Boolean()
    disponible = fields.Boolean()
    telefono = fields.String(allow_none=True)
    id_ubicacion = fields.Integer(allow_none=True)
    idioma = fields.String()
    zona_horaria = fields.String()
    preferencias = fields.Dict()
    categorias = fields.List(fields.Integer())
    segundo_factor = fields.Boolean()
    debe_cambiar_clave = fields.Boolean()
    ultimo_acceso = fields.DateTime(allow_none=True)
    fecha_creacion = fields.DateTime()
    version = fields.Integer()


class TiquetsAbiertosSchema(Out):
    """Cuántos tiquets sin resolver tiene un usuario."""

    tiquets_abiertos = fields.Integer(required=True)


class TraspasoArgs(Schema):
    """A quién pasan los tiquets sin resolver de un usuario."""

    id_usuario = Entero(
        required=True,
        allow_none=True,
        metadata={"description": "Alguien del personal, activo; con null quedan sin asignar."},
    )


class TraspasoSchema(Out):
    """Cuántos tiquets pasaron a otras manos, y cuántos quedan por pasar."""

    movidos = fields.Integer(required=True)
    restantes = fields.Integer(
        required=True, metadata={"description": "Si no es 0, la misma llamada sigue con ellos."}
    )


class UsuarioDesactivadoSchema(UsuarioSchema, TiquetsAbiertosSchema):
    """Un usuario que ya no inicia sesión, y cuántos tiquets sin resolver deja."""


class PerfilSchema(UsuarioSchema):
    """El propio usuario, con lo que su rol permite."""

    permisos = fields.List(fields.String(), required=True)


@changes_of(UsuarioSchema)
class UsuarioUpdateArgs(UsuarioFields, Cambios):
    """Los campos que cambian. Los de solo lectura se admiten si no cambian."""


@changes_of(PerfilSchema)
class PerfilUpdateArgs(PerfilFields, Cambios):
    """Los campos que cambian. Los de solo lectura se admiten si no cambian."""

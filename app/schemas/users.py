"""Users."""

from marshmallow import Schema as Out
from marshmallow import fields

from app.schemas.fields import Opcion
from app.schemas.pages import PaginaArgs


class UsuariosArgs(PaginaArgs):
    """Filtros de la lista de usuarios."""

    tipo_usuario = Opcion("Administrador", "Técnico", "Solicitante")


class UsuarioSchema(Out):
    """Un usuario. Un Técnico ve de los demás solo los cuatro campos obligatorios."""

    id = fields.Integer(required=True)
    nombre = fields.String(required=True)
    apellido = fields.String(required=True)
    tipo_usuario = fields.String(required=True)
    email = fields.String()
    activo = fields.Boolean()
    disponible = fields.Boolean()
    telefono = fields.String(allow_none=True)
    id_ubicacion = fields.Integer(allow_none=True)
    idioma = fields.String()
    zona_horaria = fields.String()
    preferencias = fields.Dict()
    segundo_factor = fields.Boolean()
    debe_cambiar_clave = fields.Boolean()
    ultimo_acceso = fields.DateTime(allow_none=True)
    fecha_creacion = fields.DateTime()
    version = fields.Integer()


class PerfilSchema(UsuarioSchema):
    """El propio usuario, con lo que su rol permite."""

    permisos = fields.List(fields.String(), required=True)

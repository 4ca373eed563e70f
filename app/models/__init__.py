"""The tables. Importing this package makes all of them known to ``Base.metadata``."""

from app.models.arriendo import Arriendo
from app.models.base import Base, as_json, utcnow
from app.models.busqueda import END, Buscable, BusquedaTiquet, fold, tokens
from app.models.catalogo import (
    CATALOGOS,
    ENTIDADES,
    MENOS_CARGA,
    NINGUNA,
    ROTATIVA,
    TIPOS_DE_ESTADO,
    Catalogo,
    CatalogoCriticidad,
    CatalogoEpoca,
    CatProblema,
    CatTiquet,
    EstadoTiquet,
    Prioridades,
    Ubicaciones,
)
from app.models.cerrojo import CERROJOS, Cerrojo
from app.models.idempotencia import Idempotencia
from app.models.identidad import IdentidadExterna
from app.models.intento import Intento
from app.models.log import AUDITABLES, BASE_ID, CABEZA_ID, GENESIS, LogCabeza, LogTransaccional
from app.models.persona import Clientes, Empleados, Persona
from app.models.relacion import DUPLICADO_DE, PADRE, RELACIONADO, TIPOS_DE_RELACION, Relaciones
from app.models.segundo_factor import SegundoFactor
from app.models.tiquet import (
    ASIGNADO,
    CANALES,
    CREADOR,
    FILTRABLES,
    MANUAL,
    MENCION,
    MOTIVOS_DE_CIERRE,
    Adjuntos,
    Comentarios,
    EtiquetaTiquet,
    Seguidores,
    Tiquet,
)
from app.models.token import TokenServicio
from app.models.usuario import ADMINISTRADOR, ROLES, SOLICITANTE, TECNICO, Sesion, Usuario, UsuarioCategoria
from app.models.vista import Vistas

__all__ = [
    "ADMINISTRADOR",
    "ASIGNADO",
    "AUDITABLES",
    "BASE_ID",
    "CABEZA_ID",
    "CANALES",
    "CATALOGOS",
    "CERROJOS",
    "CREADOR",
    "DUPLICADO_DE",
    "END",
    "ENTIDADES",
    "FILTRABLES",
    "GENESIS",
    "MANUAL",
    "MENCION",
    "MENOS_CARGA",
    "MOTIVOS_DE_CIERRE",
    "NINGUNA",
    "PADRE",
    "RELACIONADO",
    "ROLES",
    "ROTATIVA",
    "SOLICITANTE",
    "TECNICO",
    "TIPOS_DE_ESTADO",
    "TIPOS_DE_RELACION",
    "Adjuntos",
    "Arriendo",
    "Base",
    "Buscable",
    "BusquedaTiquet",
    "CatProblema",
    "CatTiquet",
    "Catalogo",
    "CatalogoCriticidad",
    "CatalogoEpoca",
    "Cerrojo",
    "Clientes",
    "Comentarios",
    "Empleados",
    "EstadoTiquet",
    "EtiquetaTiquet",
    "Idempotencia",
    "IdentidadExterna",
    "Intento",
    "LogCabeza",
    "LogTransaccional",
    "Persona",
    "Prioridades",
    "Relaciones",
    "Seguidores",
    "SegundoFactor",
    "Sesion",
    "Tiquet",
    "TokenServicio",
    "Ubicaciones",
    "Usuario",
    "UsuarioCategoria",
    "Vistas",
    "as_json",
    "fold",
    "tokens",
    "utcnow",
]

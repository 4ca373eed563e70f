"""The tables. Importing this package makes all of them known to ``Base.metadata``."""

from app.models.base import Base, utcnow
from app.models.catalogo import (
    CATALOGOS,
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
from app.models.idempotencia import Idempotencia
from app.models.log import LogTransaccional
from app.models.persona import Clientes, Empleados
from app.models.tiquet import CANALES, FILTRABLES, MOTIVOS_DE_CIERRE, Comentarios, EtiquetaTiquet, Tiquet
from app.models.usuario import ADMINISTRADOR, ROLES, SOLICITANTE, TECNICO, Sesion, Usuario, UsuarioCategoria

__all__ = [
    "ADMINISTRADOR",
    "CANALES",
    "CATALOGOS",
    "FILTRABLES",
    "MOTIVOS_DE_CIERRE",
    "ROLES",
    "SOLICITANTE",
    "TECNICO",
    "TIPOS_DE_ESTADO",
    "Base",
    "CatProblema",
    "CatTiquet",
    "Catalogo",
    "CatalogoCriticidad",
    "CatalogoEpoca",
    "Clientes",
    "Comentarios",
    "Empleados",
    "EstadoTiquet",
    "EtiquetaTiquet",
    "Idempotencia",
    "LogTransaccional",
    "Prioridades",
    "Sesion",
    "Tiquet",
    "Ubicaciones",
    "Usuario",
    "UsuarioCategoria",
    "utcnow",
]

"""The tables. Importing this package makes all of them known to ``Base.metadata``."""

from app.models.base import Base, as_json, utcnow
from app.models.busqueda import Buscable, fold
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
from app.models.cerrojo import CERROJOS, Cerrojo
from app.models.idempotencia import Idempotencia
from app.models.log import AUDITABLES, CABEZA_ID, GENESIS, LogCabeza, LogTransaccional
from app.models.persona import Clientes, Empleados, Persona
from app.models.relacion import DUPLICADO_DE, PADRE, RELACIONADO, TIPOS_DE_RELACION, Relaciones
from app.models.tiquet import (
    CANALES,
    FILTRABLES,
    MOTIVOS_DE_CIERRE,
    Adjuntos,
    Comentarios,
    EtiquetaTiquet,
    Tiquet,
)
from app.models.usuario import ADMINISTRADOR, ROLES, SOLICITANTE, TECNICO, Sesion, Usuario, UsuarioCategoria
from app.models.vista import Vistas

__all__ = [
    "ADMINISTRADOR",
    "AUDITABLES",
    "CABEZA_ID",
    "CANALES",
    "CATALOGOS",
    "CERROJOS",
    "DUPLICADO_DE",
    "FILTRABLES",
    "GENESIS",
    "MOTIVOS_DE_CIERRE",
    "PADRE",
    "RELACIONADO",
    "ROLES",
    "SOLICITANTE",
    "TECNICO",
    "TIPOS_DE_ESTADO",
    "TIPOS_DE_RELACION",
    "Adjuntos",
    "Base",
    "Buscable",
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
    "LogCabeza",
    "LogTransaccional",
    "Persona",
    "Prioridades",
    "Relaciones",
    "Sesion",
    "Tiquet",
    "Ubicaciones",
    "Usuario",
    "UsuarioCategoria",
    "Vistas",
    "as_json",
    "fold",
    "utcnow",
]

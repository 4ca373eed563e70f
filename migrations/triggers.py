"""The triggers that keep the log append-only, on servers that let us make them.

Never change what they are called: migrations have run with it. Rows are added; a number and its seal are
given once; a sealed text is emptied or stays; and only what lies behind the base, which is purged, is erased.
"""

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

LOG = "Log_transaccional"
NAMES = ("tr_Log_transaccional_cambia", "tr_Log_transaccional_borra")
# Binary logging without log_bin_trust_function_creators; no TRIGGER right on the database or the table.
NOT_ALLOWED = (1419, 1142, 1227, 1044)

FIXED = (
    *("id", "id_evento", "fecha", "tipo_actor", "id_usuario", "accion", "entidad", "id_entidad"),
    *("id_tiquet", "version_resultante", "origen", "id_solicitud", "ip"),
)
SEAL = ("secuencia", "hash_anterior", "hash", "digesto")


def same(mysql: bool, *columns: str) -> str:
    form = "BINARY NEW.{0} <=> BINARY OLD.{0}" if mysql else "NEW.{0} IS OLD.{0}"
    return " AND ".join(form.format(column) for column in columns)


def rules(mysql: bool) -> tuple[str, str]:
    """What must hold of a change, and of an erasure."""
    changed = f"""
        {same(mysql, *FIXED)}
        AND (OLD.secuencia IS NULL OR {same(mysql, *SEAL)})
        AND (
            ({same(mysql, "cambios")} AND (OLD.secuencia IS NULL OR {same(mysql, "sal")}))
            OR (OLD.secuencia IS NOT NULL AND NEW.cambios = '[]' AND NEW.sal IS NULL)
        )"""
    erased = "COALESCE(OLD.secuencia <= (SELECT secuencia FROM Log_cabeza WHERE id = 2), 0)"
    return changed, erased


def statements(mysql: bool) -> list[str]:
    made = []
    for name, moment, rule in zip(NAMES, ("UPDATE", "DELETE"), rules(mysql), strict=True):
        refusal = f"{LOG}: solo se añade"
        body = (
            f"IF NOT ({rule}) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{refusal}'; END IF"
            if mysql
            else f"WHEN NOT ({rule}) BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
        made.append(f"CREATE TRIGGER {name} BEFORE {moment} ON {LOG} FOR EACH ROW {body}")
    return made


def script(mysql: bool) -> list[str]:
    """The statements for a file: the client of MariaDB ends them at semicolons, of which these have some."""
    made = statements(mysql)
    return [f"DELIMITER //\n{statement}\n//\nDELIMITER ;\nDO 0" for statement in made] if mysql else made


def create(connection: sa.Connection) -> bool:
    """Make them, anew if they are there; False where the server does not let us."""
    try:
        drop(connection)
        for statement in statements(connection.dialect.name == "mysql"):
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if connection.dialect.name == "mysql" and error.orig and error.orig.args[0] in NOT_ALLOWED:
            return False
        raise
    return True


def drop(connection: sa.Connection) -> None:
    for name in NAMES:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")

"""Statements that the driver itself executes: SQLAlchemy's connections and errors, without the rest of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from blinker import Signal
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

# Sent by an engine before a statement of ``execute``, of which its own listeners do not hear.
executing = Signal()


def fetch(engine: Engine, sql: str, parameters: Any) -> Sequence[Any]:
    """What one statement finds, for an engine that begins no transactions, by SQLAlchemy's pool.

    To begin and end none takes SQLAlchemy as long as to ask.
    """
    driver = engine.dialect.loaded_dbapi
    try:
        connection = engine.raw_connection()
    except driver.Error as error:
        raise DBAPIError.instance(None, None, error, driver.Error, dialect=engine.dialect) from error
    try:
        return execute(engine, connection, sql, parameters, connection.invalidate)[0]
    finally:
        connection.close()


def execute(
    engine: Engine,
    connection: PoolProxiedConnection,
    sql: str,
    parameters: Any,
    invalidate: Callable[[BaseException], None],
) -> tuple[Sequence[Any], int | None]:
    """Have the driver itself execute a statement: the rows that it found, and the last id that it gave.

    Its errors are raised as SQLAlchemy's; a connection that is lost is let go by ``invalidate``.
    """
    driver, cursor = engine.dialect.loaded_dbapi, connection.cursor()
    try:
        executing.send(engine, sql=sql, parameters=parameters)
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else [], cursor.lastrowid
    except driver.Error as error:
        lost = engine.dialect.is_disconnect(error, connection, cursor)
        if lost:
            invalidate(error)
            engine.dispose()  # Those that wait in the pool are as old.
        raise DBAPIError.instance(
            sql,
            parameters,
            error,
            driver.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=engine.dialect,
        ) from error
    except BaseException as error:  # Whatever broke it off, its answer may still come, and is nobody else's.
        invalidate(error)
        raise
    finally:
        with suppress(driver.Error):  # Of a connection that is gone: what there was to say has been said.
            cursor.close()

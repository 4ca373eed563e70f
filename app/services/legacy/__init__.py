"""Coming from the older SoportePlus: its database is read, ours is written, each row once.

A row that was taken leaves an event whose id names it (``queries.legacy.mark``), in the transaction that
wrote it. So a run that was cut off goes on where it was, and another one takes what has come since.
"""

from app.queries.legacy import LegacyError
from app.services.legacy.migrate import migrate
from app.services.legacy.report import Report

__all__ = ["LegacyError", "Report", "migrate"]

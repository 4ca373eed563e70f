"""Who points at a row."""

from typing import Any

from sqlalchemy import func, select

from app.extensions import db
from app.models import Base


def uses_of(row: Any) -> int:
    """How many rows of any table refer to ``row``, those in the trash too; counted by index, all at once."""
    table = row.__table__
    counts = [
        select(func.count()).where(key.parent == row.id).scalar_subquery()
        for other in Base.metadata.sorted_tables
        for key in other.foreign_keys
        if key.column.table is table
    ]
    return sum(db.session.execute(select(*counts)).one()) if counts else 0

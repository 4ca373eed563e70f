"""Statements compiled once, as the driver takes them: for the few that nearly every request sends.

SQLAlchemy finds what it has compiled by the whole structure of a statement, and makes a handful of objects to
execute it: as much work as the driver's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Insert, Select

Process = Callable[[Any], Any]


@dataclass(frozen=True)
class Prepared:
    """One statement, or several that MariaDB runs in turn, of which the last one finds something."""

    sql: str
    lists: bool  # Whether values (IN) are to be written into it each time: then it is of no use.
    order: tuple[str, ...] | None  # of the parameters, where they have no names
    fixed: dict[str, Any]  # what stands in the statement itself
    outgoing: dict[str, Process]
    incoming: tuple[Process | None, ...]

    def filled(self, values: dict[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        filled = self.fixed | values
        for name, process in self.outgoing.items():
            filled[name] = process(filled[name])
        return filled if self.order is None else tuple(filled[name] for name in self.order)

    def read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """A row, from how the driver gave it."""
        return tuple(
            process(value) if process else value for process, value in zip(self.incoming, row, strict=True)
        )


@lru_cache(maxsize=1024)
def prepared(dialect: Dialect, *statements: Insert | Select[Any]) -> Prepared:
    """For statements that are made once.

    Several are for MariaDB, and none of them has a parameter called like one of another.
    """
    compiled: list[Any] = [statement.compile(dialect=dialect) for statement in statements]
    texts = [one.string for one in compiled]
    named = [pair for one in compiled for pair in one.bind_names.items()]
    return Prepared(
        sql=texts[0] if len(texts) == 1 else f"BEGIN NOT ATOMIC {'; '.join(texts)}; END",
        lists=any(one.post_compile_params or one.literal_execute_params for one in compiled),
        order=tuple(name for one in compiled for name in one.positiontup) if compiled[0].positional else None,
        fixed={name: parameter.value for parameter, name in named if not parameter.required},
        outgoing={
            name: process
            for parameter, name in named
            if (process := parameter.type.dialect_impl(dialect).bind_processor(dialect))
        },
        incoming=tuple(
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in getattr(statements[-1], "selected_columns", ())
        ),
    )

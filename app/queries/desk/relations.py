"""Reading how tickets belong together."""

from typing import Any

from sqlalchemy import Select, and_, func, literal, or_, select, union_all

from app.extensions import db
from app.models import DUPLICADO_DE, PADRE, RELACIONADO, Relaciones, Tiquet, Usuario
from app.permissions import Actor
from app.queries.catalog import Catalogos, all_catalogs
from app.queries.desk.tickets import numero, person, visible_to
from app.queries.pagination import Corte, Pagina, capped_total, total_of

MAX_NIVELES = 10  # tickets, one within the other
# What the ticket at the other end is called by the one at the second end.
INVERSO = {PADRE: "hijo", DUPLICADO_DE: "duplicado_por", RELACIONADO: RELACIONADO}
# Of a relation, of the ticket at its other end, and of its author.
SHOWN: tuple[Any, ...] = (
    Relaciones.id,
    Relaciones.tipo,
    Relaciones.fecha_creacion,
    Relaciones.version,
    Tiquet.id.label("id_tiquet"),
    Tiquet.titulo,
    Tiquet.id_estado,
    Usuario.id.label("id_autor"),
    Usuario.nombre,
    Usuario.apellido,
)


def side(actor: Actor, id_tiquet: int, own: Any, other: Any) -> Select[Any]:
    """The relations of a ticket that stands in the column ``own``, to those in ``other`` that are seen."""
    return (
        select(*SHOWN, literal(own is Relaciones.id_relacionado).label("inversa"))
        .join(Tiquet, Tiquet.id == other)
        .outerjoin(Usuario, Usuario.id == Relaciones.id_autor)
        .where(own == id_tiquet, visible_to(actor))
    )


def sides(actor: Actor, id_tiquet: int) -> list[Select[Any]]:
    """All relations of a ticket; apart, because one condition with OR has no index that gives their order."""
    ends = (Relaciones.id_tiquet, Relaciones.id_relacionado)
    return [side(actor, id_tiquet, own, other) for own, other in (ends, ends[::-1])]


def page(actor: Actor, id_tiquet: int, limite: int, corte: Corte | None) -> Pagina:
    """The relations of a ticket as it sees them, the oldest first."""
    branches = sides(actor, id_tiquet)
    last = corte.valores[0] if corte else 0
    bounded = [
        branch.where(Relaciones.id > last).order_by(Relaciones.id).limit(limite + 1) for branch in branches
    ]
    both = union_all(*(select(branch.subquery()) for branch in bounded)).subquery()
    found = db.session.execute(select(both).order_by(both.c.id).limit(limite + 1)).mappings().all()
    ids = union_all(*(branch.with_only_columns(Relaciones.id) for branch in branches)).subquery()
    total = total_of(corte, len(found), limite, lambda: capped_total(select(ids.c.id)))
    catalogos = all_catalogs(actor)
    filas = [shape(row, catalogos) for row in found[:limite]]
    more = len(found) > limite
    return Pagina(filas, total, Corte((filas[-1]["id"],), total) if more else None)


def get(actor: Actor, id_tiquet: int, id: int) -> dict[str, Any] | None:
    """One relation as this ticket sees it."""
    both = union_all(*(branch.where(Relaciones.id == id) for branch in sides(actor, id_tiquet)))
    row = db.session.execute(both).mappings().one_or_none()
    return None if row is None else shape(row, all_catalogs(actor))


def shape(row: Any, catalogos: Catalogos) -> dict[str, Any]:
    return {
        "id": row["id"],
        "tipo": INVERSO[row["tipo"]] if row["inversa"] else row["tipo"],
        "id_tiquet": row["id_tiquet"],
        "tiquet": {
            "id": row["id_tiquet"],
            "numero": numero(row["id_tiquet"]),
            "titulo": row["titulo"],
            "estado": catalogos.brief("estados", row["id_estado"]),
        },
        "autor": person(row["id_autor"], row["nombre"], row["apellido"]),
        "fecha_creacion": row["fecha_creacion"],
        "version": row["version"],
    }


def of_ticket(id_tiquet: int) -> Any:
    """Whether a relation has this ticket at either end."""
    return or_(Relaciones.id_tiquet == id_tiquet, Relaciones.id_relacionado == id_tiquet)


def find(id_tiquet: int, id: int) -> Relaciones | None:
    """A relation of a ticket; whoever changes it holds the lock of all relations."""
    return db.session.scalars(
        select(Relaciones).where(Relaciones.id == id, of_ticket(id_tiquet))
    ).one_or_none()


def between(tipo: str, id_tiquet: int, id_relacionado: int) -> Relaciones | None:
    """The relation of this type from one ticket to another."""
    same = and_(Relaciones.id_tiquet == id_tiquet, Relaciones.id_relacionado == id_relacionado)
    return db.session.scalars(select(Relaciones).where(same, Relaciones.tipo == tipo)).one_or_none()


def children(id_tiquet: int) -> list[tuple[Relaciones, Tiquet]]:
    """What makes tickets the children of this one, and they to be changed; those in the trash too."""
    found = (
        select(Relaciones, Tiquet)
        .join(Tiquet, Tiquet.id == Relaciones.id_tiquet)
        .where(Relaciones.id_relacionado == id_tiquet, Relaciones.tipo == PADRE)
        .order_by(Tiquet.id)
        .with_for_update()
    )
    return [(row[0], row[1]) for row in db.session.execute(found)]


def pointing_at(id_tiquet: int, column: Any) -> list[Tiquet]:
    """The tickets whose ``column`` names this one, to be changed; those in the trash too."""
    found = select(Tiquet).where(column == id_tiquet).order_by(Tiquet.id)
    return list(db.session.scalars(found.with_for_update()))


def above(tipo: str, id_tiquet: int) -> dict[int, int]:
    """A ticket and all that it lies in, or is a duplicate of -> how many steps away."""
    return chain(tipo, id_tiquet, Relaciones.id_tiquet, Relaciones.id_relacionado)


def below(tipo: str, id_tiquet: int) -> dict[int, int]:
    """A ticket and all that lies in it, or is a duplicate of it -> how many steps away."""
    return chain(tipo, id_tiquet, Relaciones.id_relacionado, Relaciones.id_tiquet)


def chain(tipo: str, id_tiquet: int, own: Any, other: Any) -> dict[int, int]:
    here = select(literal(id_tiquet).label("id"), literal(0).label("paso")).cte("cadena", recursive=True)
    step = select(other, here.c.paso + 1).where(
        own == here.c.id, Relaciones.tipo == tipo, here.c.paso < MAX_NIVELES
    )
    steps = here.union(step)
    found = select(steps.c.id, func.max(steps.c.paso)).group_by(steps.c.id)
    return {row[0]: row[1] for row in db.session.execute(found)}

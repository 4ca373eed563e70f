"""Two customers with marked data: nothing of the one gets to the other, by no route, filter or figure."""

import io
import re
import zipfile
from urllib.parse import urlencode

import pytest

from tests import factories
from tests.client import operations
from tests.factories import NUEVO, quien
from tests.rows import LISTA
from tests.world import parameters_of

MARKS = {"zafiro": "zafiro7319", "rubi": "rubi5527"}
PUBLICO = {"es_interno": False}


class Customer:
    """Somebody who asks for a customer, with a ticket of each kind; all of it says the mark."""

    def __init__(self, call, tecnico, mark):
        self.mark, self.word = mark, MARKS[mark]
        cliente = factories.ClienteFactory(nombre=self.word, empresa=self.word, notas=self.word)
        self.cliente = cliente.id
        self.yo = quien("Solicitante", id_cliente=self.cliente, nombre=self.word, apellido=self.word)
        said = {"titulo": f"Dice {self.word}", "descripcion": self.word, "telefono_contacto": self.word}
        opened = call(self.yo, "POST", LISTA, NUEVO | said)
        assert opened.status_code == 201, opened.json
        self.ticket = opened.json["id"]
        # Another one, which staff opened for the same customer.
        about = {"id_cliente": self.cliente, "etiquetas": [self.word], "origen_externo": self.word}
        self.other = call(tecnico, "POST", LISTA, NUEVO | said | about | {"id_externo": "1"}).json["id"]
        path = f"{LISTA}/{self.ticket}"
        self.comment = call(self.yo, "POST", f"{path}/comentarios", {"mensaje": self.word}).json["id"]
        call(tecnico, "POST", f"{path}/comentarios", {"mensaje": f"Interno: {self.word}", "es_interno": True})
        self.file = factories.adjunto(
            self.word.encode(), id_tiquet=self.ticket, id_autor=self.yo.id, nombre=f"{self.word}.txt"
        ).id
        resolved = {"accion": "resolver"}
        call(tecnico, "POST", f"{LISTA}/{self.other}/transiciones", resolved | {"resolucion": self.word})

    def ids(self):
        return {
            "id_comentario": self.comment,
            "id_adjunto": self.file,
            "id_usuario": self.yo.id,
            "sesion": self.yo.sid,
        }


def paths(operation, customers):
    """The path of an operation, about each of what the customers have."""
    path = operation.split()[1]
    for customer in customers:
        tickets = [customer.ticket, customer.other]
        first = tickets if "/tickets/tickets/{" in path else [customer.yo.id, customer.cliente, 1]
        for id in first if "{" in path else [0]:
            filled = path.replace("{id}", str(id), 1)
            for name, other in customer.ids().items():
                filled = filled.replace(f"{{{name}}}", str(other))
            yield re.sub(r"{\w+}", "1", filled)


def queries(about, customer):
    """No parameter, and each one that the operation takes with something of this customer's."""
    values = {
        "q": [customer.word, f'"{customer.word}"', customer.word[:5], f"SP-{customer.ticket:06d}"],
        "etiqueta": [customer.word],
        "id_cliente": [customer.cliente],
        "id_usuario_creador": [customer.yo.id],
        "id_usuario": [customer.yo.id],
        "origen_externo": [customer.word],
        "formato": ["csv", "ndjson", "xlsx"],
        "orden": ["-fecha_creacion", "fecha_actualizacion"],
        "limite": [200],
        "id_estado": [1, 5],
        "tipo_estado": ["resuelto"],
    }
    yield ""
    for name in sorted(parameters_of(about)):
        for value in values.get(name, []):
            yield "?" + urlencode({name: value})


def text_of(answer):
    """All that an answer says, its headers and what is packed in it too."""
    said = str(answer.headers)
    if answer.data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            return said + "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return said + answer.data.decode("utf-8", "replace")


@pytest.mark.parametrize(("reader", "owner"), [("zafiro", "rubi"), ("rubi", "zafiro")])
def test_a_mark_of_one_customer_gets_to_the_other_by_no_route(app, call, client, tecnico, reader, owner):
    made = {mark: Customer(call, tecnico, mark) for mark in MARKS}
    mine, theirs = made[reader], made[owner]
    leaks, seen_by, asked = [], set(), 0

    for operation, about in operations(app):
        if not operation.startswith("GET "):
            continue
        for path in dict.fromkeys(paths(operation, (mine, theirs))):
            for customer in (mine, theirs):
                for query in queries(about, customer):
                    asked += 1
                    answer = client.get(path + query, headers=mine.yo.headers)
                    text = text_of(answer)
                    if theirs.mark in text:
                        leaks.append(path + query)
                    if mine.mark in text and answer.status_code == 200:
                        seen_by.add(operation)

    assert leaks == []
    assert asked > 200
    # The mark is where it can be seen at all: of its own, by whoever it belongs to.
    assert seen_by >= {
        "GET /api/auth/me",
        f"GET {LISTA}",
        f"GET {LISTA}/{{id}}",
        f"GET {LISTA}/{{id}}/comentarios",
        f"GET {LISTA}/{{id}}/comentarios/{{id_comentario}}",
        f"GET {LISTA}/{{id}}/adjuntos",
        f"GET {LISTA}/{{id}}/adjuntos/{{id_adjunto}}/contenido",
    }


def test_figures_and_totals_count_ones_own_only(call, tecnico):
    mine, theirs = (Customer(call, tecnico, mark) for mark in MARKS)
    for n in range(5):
        call(theirs.yo, "POST", LISTA, NUEVO | {"titulo": f"{theirs.word} {n}"})

    stats = call(mine.yo, "GET", "/api/tickets/dashboard/stats").json
    page = call(mine.yo, "GET", f"{LISTA}?limite=1").json["paginacion"]
    found = call(mine.yo, "GET", f"{LISTA}?q=Dice").json["paginacion"]

    assert (stats["total"], page["total"], found["total"]) == (2, 2, 2)
    assert sum(one["cantidad"] for one in stats["por_estado"]) == 2
    assert call(theirs.yo, "GET", f"{LISTA}?limite=1").json["paginacion"]["total"] == 7

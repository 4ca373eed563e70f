"""Programs that receive webhooks: real HTTP servers on the loopback, which note what comes."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic
from typing import Any

LOOPBACK = {"WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8"}


@dataclass
class Arrival:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    when: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def secuencia(self) -> int:
        return int(self.json["data"]["secuencia"])


def accept(_arrival: Arrival) -> Any:
    return 204


@dataclass
class Receiver:
    """What came in; ``answer`` says with which status, or itself writes to the connection it is given."""

    answer: Callable[[Arrival], Any] = accept
    port: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    at_once: int = 0  # requests that are being served
    most: int = 0  # that were served at the same time
    lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/avisos"

    def of_tickets(self) -> dict[int, list[int]]:
        """Ticket -> the numbers of its events, as each came for the first time."""
        found: dict[int, list[int]] = {}
        for arrival in list(self.arrivals):
            numbers = found.setdefault(arrival.json["data"]["id_tiquet"], [])
            if arrival.secuencia not in numbers:
                numbers.append(arrival.secuencia)
        return found


@contextmanager
def receiver(
    answer: Callable[[Arrival], Any] = accept, context: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A server that receives; with a ``context`` by TLS."""
    own = Receiver(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with own.lock:
                own.at_once += 1
                own.most = max(own.most, own.at_once)
            try:
                self.take()
            finally:
                with own.lock:
                    own.at_once -= 1

        def take(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            arrival = Arrival(self.path, headers, body, monotonic())
            own.arrivals.append(arrival)
            status = own.answer(arrival)
            if callable(status):
                status(self.wfile)
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: Any) -> None:  # Whoever asked has gone.
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    own.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)

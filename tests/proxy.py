"""A TCP proxy before a MariaDB that loses answers, as networks do."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import IO, Any, Self

COM_QUERY = 3


class Proxy:
    """Passes packets on, but eats the server's answer to every ``eat_every``-th COMMIT, and hangs up."""

    def __init__(self, target_host: str, target_port: int, eat_every: int = 0) -> None:
        self.target = (target_host, target_port)
        self.eat_every = eat_every
        self.commits = self.eaten = 0
        self.closing = False
        self.flowing = Event()
        self.lock = Lock()
        self.sockets: set[socket.socket] = set()
        self.threads: list[Thread] = []

    def __enter__(self) -> Self:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.resume()
        self.spawn(self.listen)
        return self

    def __exit__(self, *_: object) -> None:
        self.closing = True
        self.resume()
        hang_up(self.listener, *self.sockets)
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def stall(self) -> None:
        """Become a black hole: connections stay open, nothing passes."""
        self.flowing.clear()

    def resume(self) -> None:
        self.flowing.set()

    def spawn(self, target: Callable[..., None], *args: Any) -> Thread:
        thread = Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def listen(self) -> None:
        with suppress(OSError):
            while True:
                self.spawn(self.serve, self.listener.accept()[0])

    def serve(self, client: socket.socket) -> None:
        """Pass on one connection until either side hangs up."""
        hungry = Event()  # The answer that comes next is to be eaten.

        def ask(packet: bytes) -> bool:
            if is_commit(packet) and self.count_commit():
                hungry.set()
            return True

        def answer(_packet: bytes) -> bool:
            if hungry.is_set():
                with self.lock:
                    self.eaten += 1
            return not hungry.is_set()

        with client, suppress(OSError), socket.create_connection(self.target) as server:
            both = {client, server}
            self.sockets |= both
            if self.closing:
                return
            back = self.spawn(self.pump, server, client, answer)
            self.pump(client, server, ask)
            back.join()
            self.sockets -= both

    def pump(self, source: socket.socket, sink: socket.socket, passes: Callable[[bytes], bool]) -> None:
        with suppress(OSError), source.makefile("rb") as stream:
            for packet in packets(stream):
                self.flowing.wait()
                if not passes(packet):
                    break
                sink.sendall(packet)
        hang_up(source, sink)

    def count_commit(self) -> bool:
        """Count one more, and say whether its answer is to be eaten."""
        with self.lock:
            self.commits += 1
            return self.eat_every > 0 and self.commits % self.eat_every == 0


def packets(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole MySQL packets, each with its header: three bytes of length and one of number."""
    while len(header := stream.read(4)) == 4:
        yield header + stream.read(int.from_bytes(header[:3], "little"))


def is_commit(packet: bytes) -> bool:
    # Number 0 starts a command; the packets of the handshake have higher ones.
    return packet[3:5] == bytes([0, COM_QUERY]) and packet[5:].strip(b" ;").upper() == b"COMMIT"


def hang_up(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)

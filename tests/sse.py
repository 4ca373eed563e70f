"""Reading server-sent events as a browser does; without the application, which takes long to load."""

import http.client
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

LOST = (OSError, http.client.HTTPException)  # what a connection says that broke


class Message(NamedTuple):
    id: str
    event: str
    data: Any


def messages(lines: Iterator[str]) -> Iterator[Message]:
    """What a stream says, as the standard reads it: an id without data, as in a heartbeat, is no message."""
    fields: dict[str, str] = {}
    for line in lines:
        if line == "":
            if "data" in fields:
                yield Message(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            assert name not in fields, line
            fields[name] = value


class Listener:
    """A client of a real server that reads a stream line by line."""

    def __init__(self, connection: http.client.HTTPConnection, path: str, **headers: str) -> None:
        self.connection = connection
        connection.request("GET", path, headers={n.replace("_", "-"): v for n, v in headers.items()})
        self.answer = connection.getresponse()
        self.messages = messages(self.lines())

    def lines(self) -> Iterator[str]:
        for line in self.answer:
            yield line.decode().removesuffix("\n")

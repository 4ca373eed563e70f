"""A Redis server for one test, on a free port, with nothing on the disk."""

import subprocess
from contextlib import suppress
from time import sleep
from typing import Self

import redis

from tests.mariadb import free_port


class RedisServer:
    """``redis-server``, which can be killed and started again."""

    def __enter__(self) -> Self:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(200):
                with suppress(redis.ConnectionError):
                    if client.ping():
                        return
                sleep(0.05)
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def holds_something(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            return bool(client.dbsize())

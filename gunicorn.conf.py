"""gunicorn in production: ``gunicorn`` alone reads this file; its command line wins over it.

It imports only what may be as old as the first start: a reload (SIGHUP) gives the workers new code, but not
this process.
"""

import gc
import os
import shutil
import sys
import tempfile
from itertools import count
from typing import Any

from gunicorn import glogging

from config import logs
from config.config import Config, ConfigError

try:
    settings = Config.load()
except ConfigError as error:
    error.show()
    sys.exit(error.exit_code)

wsgi_app = "app:create_app()"
bind = "127.0.0.1:5000"
workers = settings.web_concurrency
worker_class = "gthread"
threads = 4
limit_request_line = 8190  # The longest it takes: a search in Spanish is three times as long when encoded.
# Outermost longest: a stop has 20 s, a proxy 15, a request 10.
graceful_timeout = 20
timeout = 30
max_requests = 10_000
max_requests_jitter = 1_000
# In memory, where there is such a folder: a slow disk must not look like a dead worker.
worker_tmp_dir = next(filter(os.path.isdir, ["/dev/shm"]), None)  # noqa: S108
control_socket_disable = True
forwarded_allow_ips = ""  # Which proxies count is said once, by TRUSTED_PROXIES.
logconfig_dict = logs.logging_config(settings.is_production)


class logger_class(glogging.Logger):  # noqa: N801
    """gunicorn's, without access lines: the application writes better ones."""

    def access(self, *_: Any) -> None:
        return


def on_starting(server: Any) -> None:
    server.log.info("Límites de peticiones: %s.", settings.limits_are_kept)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="soporteplus-metricas-")


def on_exit(_server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker a place. Its counts go on where the last one on that place left off.

    By process id, as the library does it, each of thousands of workers would leave its files behind.
    """
    taken = {other.place for other in server.WORKERS.values()}
    worker.place = next(place for place in count(1) if place not in taken)


def post_fork(_server: Any, worker: Any) -> None:
    os.environ["METRICS_PLACE"] = str(worker.place)
    os.environ["HILOS"] = str(worker.cfg.threads)
    gc.disable()  # What is loaded becomes no garbage: to look for some takes an eighth of the import.


def post_worker_init(worker: Any) -> None:
    """Let requests that wait see that the worker is to end."""
    from app.utils.live import waiting

    waiting.stopping = lambda: not worker.alive
    gc.freeze()  # Nor is it looked through later.
    gc.enable()


def child_exit(_server: Any, worker: Any) -> None:
    """What a worker held when it ended, connections for one, is held no more."""
    from prometheus_client import multiprocess  # Not before its folder is set.

    multiprocess.mark_process_dead(worker.place)

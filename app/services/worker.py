"""Work that no request waits for. Any number of workers may run, on any number of machines, and be killed.

What a job does is claimed in the database, piece by piece; a worker that dies leaves nothing that another
would not find. Without a worker all goes on but what only jobs do.
"""

import logging
import os
import random
import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from uuid import uuid4

from app.queries import backlog
from app.queries import leases as queries
from app.services import leases, maintenance
from app.services.log import counts, deliveries, sequencer
from app.services.mail import mailbox, notices, outbox

LOG = logging.getLogger(__name__)
Scope = Callable[[], AbstractContextManager[object]]  # in which a job has a session of its own

TRABAJADOR = "trabajador:"  # how the leases by which workers show themselves begin
MANTENIMIENTO = "mantenimiento"
BEAT = timedelta(seconds=15)  # between two signs of life; after four it is dead
UPKEEP = timedelta(hours=1)  # between two rounds of maintenance, whoever does them
AFTER_A_FAULT = 5.0  # seconds until a job that failed is tried again
STOP = 20.0  # seconds that what is being done has when the worker is told to end

running = Event()  # Set while this process is a worker: its statements have the limits of a request's.


@dataclass(frozen=True)
class Job:
    """Something that is done again and again, each time a piece that takes a few seconds at most."""

    nombre: str
    work: Callable[[], int]  # Answers how much it did; after nothing it rests.
    every: float  # seconds of rest, or a bit less
    threads: int = 1  # that do it at the same time


def number() -> int:
    return sequencer.number_events(sequencer.EN_UNA_PETICION)


def upkeep() -> int:
    """Maintenance, when nobody has done it for a while."""
    return sum(maintenance.maintain().values()) if leases.take(MANTENIMIENTO, UPKEEP) else 0


JOBS = (
    Job("numeración", number, 1.0),
    Job("reparto de webhooks", deliveries.fan_out, 0.2),
    Job("entrega de webhooks", deliveries.deliver, 0.5, threads=8),
    Job("avisos", notices.read_on, 1.0),
    Job("correo", outbox.send_due, 1.0),
    Job("conteos", counts.read_on, 5.0),
    Job("mantenimiento", upkeep, 60.0),
    Job("correo entrante", mailbox.collect, 60.0),
)


def work(stop: Event, scope: Scope, jobs: tuple[Job, ...] = JOBS) -> None:
    """Do all the jobs, each in a thread of its own and in a ``scope``, until ``stop`` is set."""
    running.set()
    nombre = name()
    each = [job for job in jobs for _ in range(job.threads)]
    threads = [Thread(target=repeat, args=(job, stop, scope), name=job.nombre, daemon=True) for job in each]
    for thread in threads:
        thread.start()
    LOG.info("Trabajador %s en marcha", nombre)
    try:
        while not stop.is_set():
            attempt("señal de vida", lambda: leases.renew(nombre, 4 * BEAT), scope)
            stop.wait(BEAT.total_seconds())
    finally:
        end = monotonic() + STOP
        for thread in threads:
            thread.join(max(0.0, end - monotonic()))
        attempt("despedida", lambda: leases.end(nombre), scope)
        running.clear()
        LOG.info("Trabajador %s detenido", nombre)


def name() -> str:
    """A name for this worker that no other has."""
    machine = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40]
    return f"{TRABAJADOR}{machine}:{os.getpid()}:{uuid4().hex[:8]}"


def repeat(job: Job, stop: Event, scope: Scope) -> None:
    while not stop.is_set():
        done = attempt(job.nombre, job.work, scope)
        if not done:
            # Not all threads of a job at the same moment: what is new finds one that looks soon.
            stop.wait(AFTER_A_FAULT if done is None else random.uniform(0.5, 1) * job.every)


def attempt(nombre: str, piece: Callable[[], object], scope: Scope) -> object | None:
    """Do ``piece``; a fault is told in the log, answered by None, and ends nothing."""
    try:
        with scope():
            return piece() or 0
    except Exception:  # A worker goes on, whatever it met: the database may be back the next time.
        LOG.exception("Falló el trabajo «%s»", nombre)
        return None


def once(jobs: tuple[Job, ...] = JOBS) -> dict[str, int | None]:
    """Do each job until nothing is left; answers how much, or None where it failed."""
    running.set()
    try:
        return {job.nombre: exhaust(job) for job in jobs}
    finally:
        running.clear()


def exhaust(job: Job) -> int | None:
    total = 0
    try:
        while found := job.work():
            total += found
    except Exception:  # The jobs after it have nothing to do with it.
        LOG.exception("Falló el trabajo «%s»", job.nombre)
        return None
    return total


def is_any_alive() -> bool:
    """Whether some worker, on whatever machine, has shown itself lately."""
    return queries.count_of(TRABAJADOR) > 0


def late() -> backlog.Atraso:
    """How many workers there are, and what they are late with."""
    return backlog.found(TRABAJADOR)

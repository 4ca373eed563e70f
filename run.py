"""First start and development in one step: ``python run.py``.

Production runs gunicorn on ``app:create_app()`` instead.
"""

import os
import socket
import sys
from threading import Event, Thread

import click
from dotenv import load_dotenv
from flask import Flask

from app import create_app, migrations, transaction
from app.cli import refusals_told
from app.services import worker
from app.services.access.users import CLAVE_DE_DEMO
from app.services.demo import seed_demo
from app.services.demo_data import USUARIOS
from app.services.seed import seed_catalogs
from config.places import ROOT

HOST = "127.0.0.1"


def main() -> None:
    """Prepare the database and serve, or say in Spanish why not."""
    load_dotenv(ROOT / ".env")
    if not os.environ.get("FLASK_ENV"):
        os.environ["FLASK_ENV"] = "development"
    try:
        port = free_port(os.environ.get("PORT") or "5000")
        app = create_app()
        with app.app_context(), refusals_told():
            prepare(app)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    welcome(app, port)
    Thread(target=worker.work, args=(Event(), app.app_context), daemon=True).start()
    app.run(host=HOST, port=port, threaded=True, debug=False, load_dotenv=False)


def free_port(text: str) -> int:
    """The port to listen on, when nobody else does."""
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise click.ClickException(f"PORT: se esperaba un número entre 1 y 65535, no «{text}».")
    with socket.socket() as probe:
        if os.name == "posix":  # As the server does; on Windows it would share a port that is taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(text)))
        except OSError as error:
            raise click.ClickException(
                f"El puerto {text} está ocupado o no se permite usarlo. Cierre el programa que lo usa"
                " o elija otro puerto con la variable PORT, en el entorno o en el archivo .env."
            ) from error
    return int(text)


def prepare(app: Flask) -> None:
    """Bring the tables up to date and put in what they start with."""
    migrations.upgrade()
    transaction.run(seed_catalogs)
    if is_development(app):
        seed_demo()


def is_development(app: Flask) -> bool:
    return bool(app.extensions["soporteplus"].env == "development")


def welcome(app: Flask, port: int) -> None:
    """Say where everything is."""
    print("\nSoportePlus está en marcha. Para detenerlo, pulse Ctrl+C.\n")
    print(f"  API            http://{HOST}:{port}/")
    print(f"  Documentación  http://{HOST}:{port}/api/docs\n")
    if is_development(app):
        print(f"  Usuarios de demostración (contraseña: {CLAVE_DE_DEMO})")
        for user in USUARIOS:
            print(f"    {user['email']:<20} {user['tipo_usuario']}")
        print(flush=True)


if __name__ == "__main__":
    main()

"""The migrations, loaded by who asks for them: Alembic is large, and no request needs it."""

from typing import Any, cast

import click
from flask import current_app

from app.extensions import db
from config.places import ROOT

MIGRATIONS = ROOT / "migrations"


def bound() -> Any:
    """Flask-Migrate, bound to the application that is running."""
    import flask_migrate

    if "migrate" not in current_app.extensions:
        flask_migrate.Migrate(current_app, db, directory=MIGRATIONS, render_as_batch=True)
    return flask_migrate


def upgrade() -> None:
    """Bring the tables up to date."""
    bound().upgrade()


class Commands(click.Command):
    """``flask db …``, as Flask-Migrate has them."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        bound()
        from flask_migrate.cli import db

        return cast(click.Context, db.make_context(info_name, args, parent, **extra))

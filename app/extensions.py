"""The extensions, made here and bound to an application in the factory."""

from flask import current_app
from flask_cors import CORS
from flask_jwt_extended import JWTManager
from flask_sqlalchemy import SQLAlchemy

from app.models import Base
from config.config import Config

# Nothing is flushed on the way: a row that is changed twice in a unit has one new version, not two.
SESSION = {"autoflush": False, "join_transaction_mode": "create_savepoint"}

db = SQLAlchemy(model_class=Base, session_options=SESSION)
jwt = JWTManager()
cors = CORS()


def settings() -> Config:
    """The settings of the application that is running."""
    config: Config = current_app.extensions["soporteplus"]
    return config

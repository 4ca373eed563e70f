"""Migrations of the database, run by ``flask db upgrade``."""

"""The URL map on one screen."""

from app.routes import auth, catalog, service, tickets, users

# Blueprint, and where it stands.
BLUEPRINTS = (
    (auth.blp, "/api/auth"),
    (tickets.blp, "/api/tickets"),
    (catalog.blp, "/api/tickets"),
    (users.blp, "/api/users"),
    (service.blp, ""),
)

"""The URL map on one screen."""

from app.routes import catalog, incoming, people, service
from app.routes.access import auth, users
from app.routes.desk import (
    attachments,
    comments,
    followers,
    history,
    imports,
    lote,
    relations,
    tickets,
    transitions,
    views,
)
from app.routes.log import audit, feed, webhooks

# Blueprint, and where it stands.
BLUEPRINTS = (
    (auth.blp, "/api/auth"),
    (tickets.blp, "/api/tickets"),
    (transitions.blp, "/api/tickets/tickets"),
    (lote.blp, "/api/tickets/tickets"),
    (imports.blp, "/api/tickets/tickets"),
    (comments.blp, "/api/tickets/tickets"),
    (attachments.blp, "/api/tickets/tickets"),
    (views.blp, "/api/tickets"),
    (relations.blp, "/api/tickets/tickets"),
    (history.blp, "/api/tickets/tickets"),
    (followers.blp, "/api/tickets/tickets"),
    (catalog.blp, "/api/tickets"),
    (people.clientes, "/api/clientes"),
    (people.empleados, "/api/empleados"),
    (users.blp, "/api/users"),
    (audit.blp, "/api/auditoria"),
    (feed.blp, "/api/cambios"),
    (webhooks.blp, "/api/webhooks"),
    (incoming.blp, "/api/correo"),
    (service.blp, ""),
)

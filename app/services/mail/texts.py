"""What mail says, in Spanish and in English."""

from app.models import AVISOS

Texts = tuple[str, str]

IDIOMAS = ("es", "en")
A_ELEGIR = AVISOS  # the kinds of mail that one may want or not

# Kind of mail -> what stands above all. {autor} is who wrote the comment.
TITULOS: dict[str, Texts] = {
    "nuevo": ("Recibimos su solicitud", "We received your request"),
    "asignacion": ("Tiene un tiquet a su cargo", "A ticket was assigned to you"),
    "comentario": ("{autor} escribió un comentario", "{autor} wrote a comment"),
    "interno": ("{autor} escribió un comentario interno", "{autor} wrote an internal comment"),
    "resolucion": ("El tiquet se resolvió", "The ticket was resolved"),
    "cancelado": ("El tiquet se cerró sin resolver", "The ticket was closed without being resolved"),
    "mencion": ("{autor} le menciona en un comentario", "{autor} mentions you in a comment"),
    "recuperacion": ("Elija una contraseña nueva", "Choose a new password"),
}
# Kind of mail -> what is said below that.
PARRAFOS: dict[str, Texts] = {
    "nuevo": (
        "Quedó registrada como {numero}. Cuando haya novedades, se lo diremos por correo.",
        "It was recorded as {numero}. We will tell you by e-mail when there is news.",
    ),
    "recuperacion": (
        "Alguien, seguramente usted, olvidó la contraseña de {email}. Con lo que sigue puede elegir otra,"
        " una sola vez y durante {minutos} minutos. Sus sesiones abiertas se cerrarán.",
        "Somebody, probably you, forgot the password of {email}. With what follows you can choose another,"
        " once and within {minutos} minutes. Your open sessions will end.",
    ),
    "no_fue_usted": (
        "Si no fue usted, no haga nada: su contraseña sigue siendo la misma.",
        "If it was not you, do nothing: your password stays the same.",
    ),
    "responder": (
        "Lo que responda a este correo queda como comentario del tiquet.",
        "What you answer to this e-mail becomes a comment on the ticket.",
    ),
}
ASUNTO_DE_RECUPERACION: Texts = ("Su contraseña de SoportePlus", "Your SoportePlus password")
ENLACES: dict[str, Texts] = {
    "tiquet": ("Ver el tiquet", "See the ticket"),
    "recuperacion": ("Elegir la contraseña", "Choose the password"),
    "token": ("Su código:", "Your code:"),
}
DATOS: dict[str, Texts] = {
    "numero": ("Tiquet", "Ticket"),
    "estado": ("Estado", "State"),
    "prioridad": ("Prioridad", "Priority"),
    "categoria": ("Categoría", "Category"),
}
PIES: dict[str, Texts] = {
    "personal": (
        "Recibe este correo porque es del personal de soporte. Qué correos quiere se elige en su perfil.",
        "You get this e-mail because you are support staff. Choose which e-mails you want in your profile.",
    ),
    "cuenta": (
        "Recibe este correo porque pidió ayuda. Qué correos quiere se elige en su perfil.",
        "You get this e-mail because you asked for help. Choose which e-mails you want in your profile.",
    ),
    "persona": (
        "Recibe este correo porque pidió ayuda.",
        "You get this e-mail because you asked for help.",
    ),
    "recuperacion": (
        "Este correo lo envió un programa; nunca pedimos contraseñas por correo.",
        "This e-mail was sent by a program; we never ask for passwords by e-mail.",
    ),
}


def said(texts: Texts, idioma: str, **datos: object) -> str:
    return texts[IDIOMAS.index(idioma)].format(**datos)

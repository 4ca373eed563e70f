"""Signing in through an issuer of OpenID Connect."""

import marshmallow as ma

from app.schemas.fields import Schema, Texto


class RetornoArgs(Schema):
    """Con qué vuelve el navegador del emisor, que puede añadir lo que quiera."""

    class Meta:
        unknown = ma.EXCLUDE

    state = Texto(required=True, max=200, metadata={"description": "El de `/inicio`."})
    code = Texto(max=4000, metadata={"description": "El código del emisor."})
    error = Texto(max=200, metadata={"description": "Por qué el emisor no da código."})
    iss = Texto(max=255, metadata={"description": "Quién es el emisor (RFC 9207)."})


class CanjeArgs(Schema):
    """El código con el que el navegador volvió al frontend."""

    codigo = Texto(required=True, max=1000, metadata={"description": "El de la dirección de vuelta."})

"""What people read, in Spanish and English, by the stable code that programs read."""

from app.utils.field_messages import ESPERADOS, FALLAS

Texts = dict[str, str]

TITULOS: dict[int, tuple[str, str]] = {
    400: ("Petición incorrecta", "Bad request"),
    401: ("No autenticado", "Not authenticated"),
    403: ("No permitido", "Not allowed"),
    404: ("No encontrado", "Not found"),
    405: ("Método no permitido", "Method not allowed"),
    406: ("Formato no disponible", "Not acceptable"),
    409: ("Conflicto con el estado actual", "Conflict with the present state"),
    410: ("Ya no existe", "Gone"),
    412: ("Versión obsoleta", "Stale version"),
    413: ("Cuerpo demasiado grande", "Body too large"),
    414: ("Dirección demasiado larga", "Address too long"),
    415: ("Tipo de contenido no admitido", "Unsupported content type"),
    416: ("Rango no satisfacible", "Range not satisfiable"),
    422: ("Datos inválidos", "Invalid data"),
    428: ("Falta una precondición", "Precondition required"),
    429: ("Demasiadas peticiones", "Too many requests"),
    431: ("Cabeceras demasiado grandes", "Headers too large"),
    500: ("Error interno", "Internal error"),
    503: ("Servicio no disponible", "Service unavailable"),
    507: ("Sin espacio", "Insufficient storage"),
}

# Status -> code of a problem -> (Spanish, English).
PROBLEMAS_POR_ESTADO: dict[int, dict[str, tuple[str, str]]] = {
    400: {
        "peticion_incorrecta": ("La petición no se puede leer.", "The request cannot be read."),
        "json_invalido": ("El cuerpo no es JSON válido.", "The body is not valid JSON."),
        "json_demasiado_profundo": (
            "El JSON anida más de {max} niveles.",
            "The JSON nests more than {max} levels.",
        ),
        "json_numero_demasiado_largo": (
            "El JSON contiene un número de más de {max} cifras.",
            "The JSON holds a number of more than {max} digits.",
        ),
        "json_clave_repetida": (
            "El JSON repite la clave «{clave}» en un mismo objeto.",
            "The JSON repeats the key «{clave}» within one object.",
        ),
        "cursor_invalido": (
            "El cursor no es de esta lista; pida la primera página sin cursor.",
            "The cursor is not of this list; ask for the first page without one.",
        ),
        "formulario_invalido": (
            "El cuerpo no es un formulario «multipart/form-data» bien hecho.",
            "The body is no well-formed «multipart/form-data» form.",
        ),
        "cabecera_invalida": (
            "La cabecera {cabecera} no tiene la forma esperada.",
            "The header {cabecera} does not have the expected form.",
        ),
    },
    401: {
        "token_ausente": (
            "Falta la cabecera «Authorization: Bearer <token>».",
            "The header «Authorization: Bearer <token>» is missing.",
        ),
        "token_invalido": ("El token no es válido.", "The token is not valid."),
        "token_caducado": (
            "El token ha caducado; renueve la sesión o iníciela de nuevo.",
            "The token has expired; renew the session or sign in again.",
        ),
        "sesion_terminada": (
            "La sesión terminó; inicie sesión de nuevo.",
            "The session has ended; sign in again.",
        ),
        "refresco_reutilizado": (
            "Este token de refresco ya se usó; por seguridad se cerró la sesión.",
            "This refresh token was used before; the session was ended for safety.",
        ),
        "pase_invalido": (
            "El pase no es válido, caducó o ya se usó; pida otro en /api/cambios/pase.",
            "The pass is not valid, has expired or was used; ask for another at /api/cambios/pase.",
        ),
        "segundo_factor_requerido": (
            "Falta el segundo factor: envíe «desafio» y un código a /api/auth/login/segundo-factor.",
            "The second factor is due: send «desafio» and a code to /api/auth/login/segundo-factor.",
        ),
        "segundo_factor_incorrecto": (
            "El código no es correcto, o ya se usó; espere al siguiente.",
            "The code is not right, or was used before; wait for the next one.",
        ),
        "desafio_invalido": (
            "El desafío no es válido o ha caducado; empiece de nuevo con la contraseña.",
            "The challenge is not valid or has expired; begin again with the password.",
        ),
        "sso_estado_invalido": (
            "Este inicio de sesión no empezó en este navegador, caducó o ya se usó; empiece de nuevo.",
            "This sign-in did not begin in this browser, has expired or was used; begin again.",
        ),
        "sso_rechazado": (
            "El emisor no dio por bueno el inicio de sesión; empiece de nuevo.",
            "The issuer did not approve the sign-in; begin again.",
        ),
        "sso_token_invalido": (
            "Lo que el emisor dice de usted no se puede comprobar; avise a quien administra el servicio.",
            "What the issuer says of you cannot be verified; tell whoever runs the service.",
        ),
        "sso_codigo_invalido": (
            "El código no es válido, caducó, ya se usó o es de otro navegador; empiece de nuevo.",
            "The code is not valid, has expired, was used or is of another browser; begin again.",
        ),
        "recuperacion_invalida": (
            "El enlace no es válido, caducó o ya se usó; pida otro en /api/auth/recuperar.",
            "The link is not valid, has expired or was used; ask for another at /api/auth/recuperar.",
        ),
        "credenciales_invalidas": (
            "El correo o la contraseña no son correctos.",
            "The e-mail or the password is not right.",
        ),
    },
    403: {
        "permiso_denegado": (
            "Hace falta el permiso «{permiso}», que tiene el rol {roles}.",
            "The permission «{permiso}» is needed, which the role {roles} has.",
        ),
        "alcance_insuficiente": (
            "El token de servicio no tiene el alcance «{alcance}», que hace falta para «{permiso}».",
            "The service token does not have the scope «{alcance}», which «{permiso}» needs.",
        ),
        "solo_con_sesion": (
            "Esto no se hace con un token de servicio: inicie sesión.",
            "This is not done with a service token: sign in.",
        ),
        "cambio_de_clave_requerido": (
            "Su contraseña es temporal: cámbiela en /api/auth/me/password.",
            "Your password is temporary: change it at /api/auth/me/password.",
        ),
        "segundo_factor_obligatorio": (
            "Su rol pide un segundo factor: actívelo en /api/auth/segundo-factor.",
            "Your role requires a second factor: activate it at /api/auth/segundo-factor.",
        ),
        "csrf_invalido": (
            "Con la cookie hace falta el «csrf_token» de su sesión, en la cabecera X-CSRF-TOKEN.",
            "With the cookie the «csrf_token» of its session is needed, in the header X-CSRF-TOKEN.",
        ),
        "sso_sin_rol": (
            "Ninguno de sus grupos tiene un rol en SoportePlus.",
            "None of your groups has a role in SoportePlus.",
        ),
        "sso_correo_sin_verificar": (
            "El emisor no dice que su correo esté verificado, y sin eso no hay cuenta.",
            "The issuer does not say that your e-mail is verified, and without that there is no account.",
        ),
        "sso_cuenta_de_otra_identidad": (
            "La cuenta de su correo es de otra identidad del emisor; hable con un Administrador.",
            "The account of your e-mail is of another identity of the issuer; talk to an Administrador.",
        ),
        "clave_actual_incorrecta": (
            "La contraseña actual no es correcta.",
            "The present password is not right.",
        ),
    },
    404: {
        "no_encontrado": ("No hay nada en esta dirección.", "There is nothing at this address."),
        "sso_no_configurado": (
            "Aquí no se inicia sesión con un emisor de OpenID Connect.",
            "There is no sign-in by an issuer of OpenID Connect here.",
        ),
        "tiquet_no_encontrado": ("No existe ese tiquet.", "There is no such ticket."),
        "usuario_no_encontrado": ("No existe ese usuario.", "There is no such user."),
        "sesion_no_encontrada": ("No tiene usted esa sesión.", "You have no such session."),
        "segundo_factor_no_encontrado": (
            "No hay un segundo factor que confirmar o quitar.",
            "There is no second factor to confirm or remove.",
        ),
        "token_no_encontrado": ("No tiene usted ese token.", "You have no such token."),
        "cliente_no_encontrado": ("No existe ese cliente.", "There is no such customer."),
        "empleado_no_encontrado": ("No existe ese empleado.", "There is no such employee."),
        "comentario_no_encontrado": ("No existe ese comentario.", "There is no such comment."),
        "adjunto_no_encontrado": ("No existe ese adjunto.", "There is no such attachment."),
        "vista_no_encontrada": ("No existe esa vista.", "There is no such view."),
        "webhook_no_encontrado": ("No existe ese webhook.", "There is no such webhook."),
        "entrega_no_encontrada": ("Ese webhook no tiene esa entrega.", "That webhook has no such delivery."),
        "relacion_no_encontrada": ("No existe esa relación.", "There is no such relation."),
        "seguidor_no_encontrado": ("Esa persona no sigue el tiquet.", "They do not follow the ticket."),
        "fila_no_encontrada": ("No existe esa fila del catálogo.", "There is no such row in the catalog."),
    },
    405: {
        "metodo_no_permitido": (
            "Esta dirección no admite ese método; vea la cabecera Allow.",
            "This address does not take that method; see the header Allow.",
        ),
    },
    409: {
        "conflicto": ("El estado actual no lo permite.", "The present state does not allow it."),
        "ya_existe": (
            "Ya existe otro con el mismo valor en: {campos}.",
            "There is another with the same: {campos}.",
        ),
        "eventos_sin_enviar": (
            "El correo o algún webhook no van más allá de la secuencia {hasta}: espere a «flask worker».",
            "Mail or some webhook have not come beyond number {hasta}: let «flask worker» do its work.",
        ),
        "registro_alterado": (
            "El registro no está íntegro: secuencia {secuencia}, {motivo}.",
            "The log is not whole: number {secuencia}, {motivo}.",
        ),
        "persona_anonimizada": (
            "Sus datos personales se borraron, o se están borrando; no se vuelven a escribir.",
            "Their personal data were erased, or are being erased; they are not written again.",
        ),
        "en_uso": (
            "Está en uso ({usos}), así que no se borra; se puede dejar inactivo.",
            "It is in use ({usos}), so it is not erased; it can be made inactive.",
        ),
        "ultimo_administrador": (
            "Es el último Administrador activo; antes nombre a otro.",
            "It is the last active Administrador; appoint another first.",
        ),
        "clave_propia": (
            "Su propia contraseña se cambia en /api/auth/me/password, con la actual.",
            "Your own password is changed at /api/auth/me/password, with the present one.",
        ),
        "segundo_factor_activo": (
            "Ya tiene un segundo factor; antes quítelo, con la contraseña.",
            "You have a second factor already; remove it first, with the password.",
        ),
        "segundo_factor_propio": (
            "El suyo se quita en /api/auth/segundo-factor, con la contraseña.",
            "Your own is removed at /api/auth/segundo-factor, with the password.",
        ),
        "ultimo_de_su_tipo": (
            "Es el último estado activo del tipo «{tipo}»; antes active otro.",
            "It is the last active state of the type «{tipo}»; activate another first.",
        ),
        "fila_predeterminada": (
            "Es la fila predeterminada; antes marque otra.",
            "It is the default row; mark another first.",
        ),
        "no_esta_en_la_papelera": ("El tiquet no está en la papelera.", "The ticket is not in the trash."),
        "referencia_en_conflicto": (
            "Algo a lo que apunta cambió mientras tanto, o está en uso.",
            "Something that this points to changed meanwhile, or is in use.",
        ),
        "transicion_no_permitida": (
            "Un tiquet en «{desde}» no admite «{deseo}»; vea «transiciones_permitidas».",
            "A ticket in «{desde}» does not take «{deseo}»; see «transiciones_permitidas».",
        ),
        "cambios_incompatibles": (
            "El estado y la persona asignada que pide no pueden darse a la vez.",
            "The state and the assignee asked for cannot be had together.",
        ),
        "plazo_de_reapertura_vencido": (
            "Un tiquet cerrado se puede reabrir durante {dias} días; el plazo pasó.",
            "A closed ticket can be reopened for {dias} days; they are over.",
        ),
        "tiquet_fusionado": (
            "El tiquet se fusionó con otro y sigue en él; no se reabre.",
            "The ticket was merged into another and goes on there; it is not reopened.",
        ),
        "destino_cerrado": (
            "El tiquet de destino está cerrado; elija uno que no lo esté.",
            "The target ticket is closed; choose one that is not.",
        ),
        "ya_relacionados": (
            "Los dos tiquets ya están relacionados de ese modo.",
            "The two tickets are already related in that way.",
        ),
        "ya_tiene_padre": (
            "El tiquet ya está dentro de {numero}; antes quite esa relación.",
            "The ticket is already inside {numero}; end that relation first.",
        ),
        "tiquet_ya_asignado": ("El tiquet ya lo tiene {nombre}.", "{nombre} already has the ticket."),
        "sin_sitio_en_el_tiquet": (
            "Los adjuntos de un tiquet ocupan como mucho {max} MB; vea «bytes_libres».",
            "The attachments of a ticket take at most {max} MB; see «bytes_libres».",
        ),
        "correo_sin_usuario": (
            "CORREO_USUARIO no es el correo de un Administrador activo.",
            "CORREO_USUARIO is not the e-mail of an active Administrador.",
        ),
        "clave_en_curso": (
            "Una petición con la misma Idempotency-Key está en curso; repítala en un momento.",
            "A request with the same Idempotency-Key is in progress; send it again in a moment.",
        ),
    },
    410: {
        "estado_desconocido": (
            "El registro no dice cómo era en ese instante: lo de entonces se purgó, se borró o no se anotó.",
            "The log does not tell how it was at that instant: that was purged, erased or never written.",
        ),
        "respuesta_borrada": (
            "La petición se hizo; su respuesta se borró con los datos personales que tenía.",
            "The request was done; its answer was erased with the personal data in it.",
        ),
        "eventos_purgados": (
            "Los eventos hasta la secuencia {hasta} se purgaron.",
            "The events up to number {hasta} were purged.",
        ),
        "cursor_purgado": (
            "Lo que seguía a este cursor se purgó; lea de nuevo las listas y siga con «desde=ahora».",
            "What followed this cursor was purged; read the lists anew and go on with «desde=ahora».",
        ),
    },
    412: {
        "version_obsoleta": (
            "Alguien lo cambió después de que usted lo leyera; ahora va por la versión {version}.",
            "Somebody changed it after you read it; it is at version {version} now.",
        ),
    },
    413: {
        "cuerpo_demasiado_grande": ("El cuerpo supera los {max} bytes.", "The body is over {max} bytes."),
        "archivo_demasiado_grande": (
            "«{nombre}» ocupa más de {max} MB.",
            "«{nombre}» takes more than {max} MB.",
        ),
    },
    414: {
        "direccion_demasiado_larga": ("La dirección es demasiado larga.", "The address is too long."),
    },
    415: {
        "tipo_no_admitido": (
            "El cuerpo debe ser JSON: «Content-Type: application/json».",
            "The body must be JSON: «Content-Type: application/json».",
        ),
        "correo_esperado": (
            "El cuerpo debe ser un correo: «Content-Type: message/rfc822».",
            "The body must be a mail: «Content-Type: message/rfc822».",
        ),
        "formulario_esperado": (
            "El cuerpo debe ser un formulario: «Content-Type: multipart/form-data».",
            "The body must be a form: «Content-Type: multipart/form-data».",
        ),
        "archivo_no_admitido": (
            "«{nombre}» no es de un tipo admitido: texto, CSV, JSON, PDF, imagen, ofimática, zip o correo.",
            "«{nombre}» is of no kind that is taken: text, CSV, JSON, PDF, image, office, zip or mail.",
        ),
    },
    416: {
        "rango_no_satisfacible": (
            "El archivo no tiene los bytes que se piden; vea la cabecera Content-Range.",
            "The file does not have the bytes asked for; see the header Content-Range.",
        ),
    },
    422: {
        "datos_invalidos": (
            "Hay campos con valores que no se admiten; vea «errores».",
            "There are fields with values that cannot be taken; see «errores».",
        ),
        "correo_ilegible": (
            "No es un correo que se pueda leer, o no dice de un solo remitente que lo envía.",
            "This is no mail that can be read, or it does not name one sender.",
        ),
        "clave_reutilizada": (
            "Esa Idempotency-Key ya se usó con otra petición.",
            "That Idempotency-Key was used with another request.",
        ),
        "lote_rechazado": (
            "Se rechazaron {rechazados} de {total} tiquets, así que no cambió ninguno; vea «resultados».",
            "{rechazados} of {total} tickets were refused, so none was changed; see «resultados».",
        ),
    },
    428: {
        "falta_if_match": (
            "Envíe If-Match con el ETag que leyó.",
            "Send If-Match with the ETag that you read.",
        ),
        "faltan_versiones": (
            "Envíe en «versiones» la que leyó de cada tiquet.",
            "Send in «versiones» the one that you read of each ticket.",
        ),
    },
    429: {
        "demasiadas_peticiones": ("Espere antes de volver a intentarlo.", "Wait before you try again."),
        "cuenta_bloqueada": (
            "Demasiadas contraseñas equivocadas: espere, o pida a un Administrador que desbloquee la cuenta.",
            "Too many wrong passwords: wait, or ask an Administrador to unlock the account.",
        ),
    },
    431: {
        "cabeceras_demasiado_grandes": ("Las cabeceras son demasiado grandes.", "The headers are too large."),
    },
    500: {
        "error_interno": (
            "Algo falló de nuestro lado; cite «id_solicitud» si lo comunica.",
            "Something failed on our side; quote «id_solicitud» when you report it.",
        ),
    },
    503: {
        "servicio_no_disponible": ("Inténtelo de nuevo en un momento.", "Try again in a moment."),
        "demasiadas_esperas": (
            "Hay demasiadas peticiones a la espera de cambios; pregunte sin «espera», o más tarde.",
            "Too many requests are waiting for changes; ask without «espera», or later.",
        ),
        "sso_no_disponible": (
            "El emisor de OpenID Connect no responde como debe. Inténtelo de nuevo en un momento.",
            "The issuer of OpenID Connect does not answer as it should. Try again in a moment.",
        ),
        "servicio_ocupado": (
            "Hay muchos inicios de sesión a la vez. Inténtelo de nuevo en un momento.",
            "There are many sign-ins at once. Try again in a moment.",
        ),
        "correo_desactivado": (
            "Este servicio no envía correo; pida a un Administrador una contraseña temporal.",
            "This service sends no mail; ask an Administrador for a temporary password.",
        ),
        "base_de_datos_no_disponible": (
            "La base de datos no responde; no se guardó nada. Inténtelo de nuevo en un momento.",
            "The database does not answer; nothing was saved. Try again in a moment.",
        ),
        "base_de_datos_ocupada": (
            "La base de datos está ocupada; no se guardó nada. Inténtelo de nuevo en un momento.",
            "The database is busy; nothing was saved. Try again in a moment.",
        ),
        "resultado_desconocido": (
            "Se perdió la conexión al guardar y no se sabe si quedó hecho. Repita la misma petición con la"
            " misma Idempotency-Key, o lea antes de repetirla.",
            "The connection was lost while saving and the outcome is not known. Repeat the same request with"
            " the same Idempotency-Key, or read before you repeat it.",
        ),
        "buzon_no_disponible": (
            "El buzón de IMAP_URL no responde, o no acepta el usuario o la carpeta; el registro dice qué.",
            "The mailbox of IMAP_URL is away, or refuses the user or the folder; the log tells which.",
        ),
        "migraciones_pendientes": (
            "Faltan migraciones: ejecute «flask --app run db upgrade».",
            "Migrations are missing: run «flask --app run db upgrade».",
        ),
        "catalogos_vacios": (
            "Faltan los catálogos: ejecute «flask --app run seed».",
            "The catalogs are missing: run «flask --app run seed».",
        ),
        "almacenamiento_no_disponible": (
            "No queda disco, o no se puede escribir en él: «flask --app run doctor» dice dónde.",
            "The disk is full or cannot be written to: «flask --app run doctor» tells where.",
        ),
    },
    507: {
        "sin_espacio": (
            "No queda sitio en el disco; no se guardó nada.",
            "There is no room left on the disk; nothing was saved.",
        ),
    },
}
PROBLEMAS = {codigo: texts for some in PROBLEMAS_POR_ESTADO.values() for codigo, texts in some.items()}
ESTADO_DE = {codigo: status for status, some in PROBLEMAS_POR_ESTADO.items() for codigo in some}


def text(codigo: str, datos: dict[str, object], idioma: str = "es") -> str:
    """The sentence of ``codigo``, of a problem or of a field, with ``datos`` filled in."""
    spanish, english = PROBLEMAS.get(codigo) or FALLAS[codigo]
    if idioma == "en":
        return english.format(**{k: ESPERADOS.get(str(v), v) for k, v in datos.items()})
    return spanish.format(**datos)


def title(status: int, idioma: str = "es") -> str:
    spanish, english = TITULOS.get(status, TITULOS[500 if status >= 500 else 400])
    return english if idioma == "en" else spanish

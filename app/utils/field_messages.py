"""Why a field is refused, in Spanish and English, by the stable code that programs read."""

# Code of a field's error -> (Spanish, English).
FALLAS: dict[str, tuple[str, str]] = {
    "requerido": ("Falta este campo.", "This field is missing."),
    "nulo": ("No puede ser null.", "It cannot be null."),
    "tipo": ("Se esperaba {esperado}.", "{esperado} was expected."),
    "desconocido": ("No existe este campo o parámetro.", "There is no such field or parameter."),
    "repetido": ("Solo se admite una vez.", "It is taken only once."),
    "demasiados": ("Se admiten como mucho {max} valores.", "At most {max} values are taken."),
    "cantidad": ("Debe haber entre {min} y {max}.", "There must be {min} to {max}."),
    "longitud": ("Debe tener entre {min} y {max} caracteres.", "It must have {min} to {max} characters."),
    "rango": ("Debe estar entre {min} y {max}.", "It must be between {min} and {max}."),
    "opcion": ("Debe ser uno de: {opciones}.", "It must be one of: {opciones}."),
    "caracteres": (
        "Contiene caracteres de control o de dirección de texto, que no se admiten.",
        "It holds control or text-direction characters, which are not taken.",
    ),
    "email": ("No es una dirección de correo válida.", "It is not a valid e-mail address."),
    "url_invalida": (
        "No es una dirección http(s) completa, sin usuario ni «#».",
        "It is no whole http(s) address without a user or a «#».",
    ),
    "patron_de_evento": (
        "No es una acción como «tiquet.creado», ni «tiquet.*» ni «*»; o esa entidad no existe.",
        "It is no action such as «tiquet.creado», nor «tiquet.*» nor «*»; or there is no such entity.",
    ),
    "solo_https": (
        "Debe ser https; http solo se admite hacia las redes de WEBHOOKS_ALLOWED_NETWORKS.",
        "It must be https; http is only taken to the networks of WEBHOOKS_ALLOWED_NETWORKS.",
    ),
    "destino_no_permitido": (
        "No es una dirección pública ni de WEBHOOKS_ALLOWED_NETWORKS.",
        "It is neither a public address nor one of WEBHOOKS_ALLOWED_NETWORKS.",
    ),
    "instante": (
        "Debe ser un instante RFC 3339 con desfase, por ejemplo 2026-01-31T10:00:00Z.",
        "It must be an RFC 3339 instant with an offset, such as 2026-01-31T10:00:00Z.",
    ),
    "no_es_esa_persona": (
        "No es su correo o, si no lo tiene, su nombre y apellido; compruebe de quién es.",
        "It is not their e-mail or, without one, their name and surname; check whose it is.",
    ),
    "codigo_incorrecto": (
        "No es el código de este momento; compruebe la hora del teléfono.",
        "It is not the code of this moment; check the clock of the telephone.",
    ),
    "fuera_de_plazo": (
        "Debe ser un instante futuro, dentro de {dias} días como mucho.",
        "It must be a future instant, at most {dias} days from now.",
    ),
    "solo_lectura": ("Es de solo lectura.", "It is read-only."),
    "no_existe": ("No existe.", "It does not exist."),
    "inactivo": ("Está inactivo; elija otro.", "It is inactive; choose another."),
    "fuera_del_lote": ("No es de ninguno de «ids».", "It is of none of «ids»."),
    "de_otra_categoria": ("El problema es de otra categoría.", "The problem is of another category."),
    "un_solo_solicitante": (
        "Es de un cliente o de un empleado, no de ambos.",
        "It is a customer's or an employee's, not both.",
    ),
    "solo_de_solicitante": (
        "Solo lo tiene un Solicitante; quítelo para darle otro rol.",
        "Only a Solicitante has it; clear it to give another role.",
    ),
    "solo_del_personal": (
        "Solo las atiende el personal; quítelas para que sea Solicitante.",
        "Only staff serves them; clear them to make it a Solicitante.",
    ),
    "de_otro_tipo": (
        "Esta acción lleva a un estado del tipo «{tipo}».",
        "This action leads to a state of the type «{tipo}».",
    ),
    "no_es_de_esta_accion": ("Solo va con la acción «{accion}».", "It goes with the action «{accion}» only."),
    "usuario_no_asignable": (
        "Solo se asigna a personal activo que exista.",
        "Only active staff that exists can be assigned.",
    ),
    "es_el_mismo": (
        "Ya los tiene; elija a otra persona, o null.",
        "They have them already; choose somebody else, or null.",
    ),
    "no_es_personal_activo": (
        "Solo puede ser alguien del personal, activo.",
        "It can only be somebody of the staff, active.",
    ),
    "resolucion_requerida": ("Diga cómo se resolvió.", "Say how it was resolved."),
    "solo_al_cerrar": ("Solo lo tiene un tiquet cerrado.", "Only a closed ticket has it."),
    "solo_en_la_papelera": (
        "Solo se ordena así la papelera: añada «papelera=true».",
        "Only the trash is sorted so: add «papelera=true».",
    ),
    "accion": ("Debe ser como «tiquet.eliminado».", "It must be like «tiquet.eliminado»."),
    "con_entidad": ("Diga también «entidad».", "Say «entidad», too."),
    "demasiado_grande": ("Ocupa más de {max} bytes.", "It takes more than {max} bytes."),
    "color": ("Debe ser un color «#RRGGBB».", "It must be a colour «#RRGGBB»."),
    "codigo": (
        "Solo letras minúsculas sin acento, cifras y «_», y al principio una letra.",
        "Only lower-case ASCII letters, digits and «_», with a letter first.",
    ),
    "zona_horaria": (
        "No es una zona horaria de IANA, como «America/Mexico_City».",
        "It is no IANA time zone, such as «America/Mexico_City».",
    ),
    "ciclo": ("Formaría un ciclo: quedaría dentro de sí.", "It would be inside itself."),
    "el_mismo_tiquet": ("Es el mismo tiquet; elija otro.", "It is the same ticket; choose another."),
    "demasiados_niveles": (
        "La cadena tendría más de {max} tiquets.",
        "The chain would have more than {max} tickets.",
    ),
    "predeterminada_inactiva": (
        "Una fila inactiva no puede ser la predeterminada.",
        "An inactive row cannot be the default one.",
    ),
    "predeterminado_requerido": (
        "Siempre hay una fila predeterminada; marque otra en vez de quitar esta.",
        "There is always a default row; mark another instead of unmarking this one.",
    ),
    "clave_repetida": (
        "Es la contraseña que ya tiene; elija otra.",
        "It is the password that you have; choose another.",
    ),
    "demasiadas_filas": (
        "Una hoja de cálculo admite {max} tiquets; filtre más o pida «csv».",
        "A spreadsheet takes {max} tickets; filter more or ask for «csv».",
    ),
    "sin_identidad": (
        "Faltan «origen_externo» e «id_externo», o el «numero» y la «fecha_creacion» con que se exportó.",
        "«origen_externo» and «id_externo» are missing, or the «numero» and «fecha_creacion» of its export.",
    ),
    "no_coincide": (
        "Aquí ese id tiene otro nombre; corrija uno de los dos, o envíe solo uno.",
        "Here this id has another name; correct either, or send only one of them.",
    ),
    "ambiguo": ("Hay varias personas con ese correo.", "There are several people with that e-mail."),
    "numero": ("Debe ser como «SP-000123».", "It must be like «SP-000123»."),
    "en_el_futuro": ("No puede estar en el futuro.", "It cannot be in the future."),
    "antes_de": ("No puede ser anterior a «{campo}».", "It cannot be before «{campo}»."),
    "solo_resuelto": (
        "Solo la tiene un tiquet resuelto o cerrado.",
        "Only a resolved or closed ticket has it.",
    ),
    "solo_con_asignado": ("Falta quién lo tiene.", "Whoever has it is missing."),
    "columna_desconocida": ("Ningún tiquet tiene esta columna.", "No ticket has this column."),
    "columna_repetida": ("Esta columna está dos veces.", "This column is there twice."),
    "columnas": (
        "Tiene {hay} celdas y el encabezado {esperadas}.",
        "It has {hay} cells and the header {esperadas}.",
    ),
    "codificacion": ("No es UTF-8.", "It is not UTF-8."),
    "csv_invalido": (
        "Unas comillas no cierran, o la fila es demasiado grande: no se leyó nada más.",
        "Quotes are not closed, or the row is too large: nothing behind it was read.",
    ),
    "total_distinto": (
        "El archivo dice que tiene {total} tiquets, y hay {hay}: puede que esté cortado.",
        "The file says that it has {total} tickets, and there are {hay}: it may have been cut off.",
    ),
    "archivo_vacio": ("El archivo está vacío.", "The file is empty."),
    "clave_comun": (
        "Es una contraseña conocida, o fácil de adivinar; elija otra.",
        "It is a well-known password, or easy to guess; choose another.",
    ),
    "clave_parecida": (
        "Se parece al correo o al nombre de quien la usa; elija otra.",
        "It is like the e-mail or the name of whoever uses it; choose another.",
    ),
}

# What a field of a wrong type was expected to be; English for the words that stand in for {esperado}.
ESPERADOS = {
    "un valor": "A value",
    "un texto": "A text",
    "un número entero": "An integer",
    "una lista": "A list",
    "un objeto": "An object",
    "un archivo": "A file",
    "true o false": "true or false",
}

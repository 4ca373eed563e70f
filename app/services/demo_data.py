"""The people and tickets of the demonstration; ``demo.py`` gives them dates and writes them."""

from typing import NamedTuple

from app.models import ADMINISTRADOR, TECNICO

USUARIOS = [
    {"email": "jadmin@gmail.com", "nombre": "Jesus", "apellido": "Admin", "tipo_usuario": ADMINISTRADOR},
    {"email": "madmin@gmail.com", "nombre": "María", "apellido": "Admin", "tipo_usuario": ADMINISTRADOR},
    {"email": "padmin@test.com", "nombre": "Pedro", "apellido": "Admin", "tipo_usuario": TECNICO},
    {"email": "aadmin@test.com", "nombre": "Ana", "apellido": "Admin", "tipo_usuario": TECNICO},
]
# What a customer or an employee is told by, in the order of its columns.
CLIENTES = [
    ("Lucía", "Fernández", "lucia.fernandez@example.com", "+34 910 000 101", "Librería Cervantes"),
    ("Andrés", "Muñoz", "andres.munoz@example.com", "+34 910 000 102", "Talleres Muñoz e Hijos"),
    ("Carmen", "Ibáñez", "carmen.ibanez@example.com", "+34 910 000 103", "Clínica Santa Inés"),
]
EMPLEADOS = [
    ("Raúl", "Gómez", "raul.gomez@example.com", "2101", "E-0001", "Contable", "Administración"),
    ("Beatriz", "Núñez", "beatriz.nunez@example.com", "2102", "E-0002", "Jefa de ventas", "Ventas"),
    ("Óscar", "Peña", "oscar.pena@example.com", "2103", "E-0003", "Encargado de almacén", "Logística"),
    ("Sofía", "Álvarez", "sofia.alvarez@example.com", "2104", "E-0004", "Técnica de selección", "Personal"),
]


class Mensaje(NamedTuple):
    """A comment, for the requester or among staff."""

    texto: str
    es_interno: bool = False


def interno(texto: str) -> Mensaje:
    return Mensaje(texto, es_interno=True)


class Caso(NamedTuple):
    """A ticket without its dates; ``ids`` are category, problem, criticality, priority and place."""

    titulo: str
    descripcion: str
    ids: tuple[int, int | None, int, int, int]
    etiquetas: tuple[str, ...] = ()
    mensajes: tuple[Mensaje, ...] = ()
    resolucion: str | None = None


ABIERTOS = (
    Caso(
        "Problema con impresora",
        "La impresora de la planta baja no responde; la pantalla se queda en «Iniciando».",
        (7, 14, 2, 2, 2),
        ("impresora",),
    ),
    Caso(
        "La Wi-Fi se corta en la sala de reuniones",
        "Desde esta mañana las videollamadas se cortan cada pocos minutos en la sala grande.",
        (3, 7, 3, 3, 4),
        ("wifi", "videollamadas"),
        (interno("Es la misma zona que la semana pasada; mirar el punto de acceso del pasillo."),),
    ),
    Caso(
        "Alta de accesos para una persona nueva",
        "El lunes se incorpora una persona a Ventas. Necesita correo, carpeta compartida y CRM.",
        (5, 11, 2, 2, 3),
        ("alta",),
        (Mensaje("Recibido. ¿Puede confirmarnos el nombre completo y la fecha exacta de incorporación?"),),
    ),
    Caso(
        "El portátil no enciende",
        "Al pulsar el botón se enciende la luz un segundo y se apaga. Ya probé con otro cargador.",
        (1, 1, 3, 3, 9),
        ("portatil",),
    ),
    Caso(
        "Solicitud de un segundo monitor",
        "Trabajo con hojas de cálculo muy anchas y un segundo monitor me ahorraría mucho tiempo.",
        (1, None, 1, 1, 3),
    ),
    Caso(
        "No llegan correos de un proveedor",
        "Los mensajes de facturas de un proveedor no aparecen ni en la bandeja ni en el correo no deseado.",
        (4, 8, 3, 2, 5),
        ("facturas",),
    ),
    Caso(
        "Olvidé la contraseña del portal del empleado",
        "Volví de vacaciones y no recuerdo la contraseña. El enlace de recuperación no me llega.",
        (5, 10, 2, 3, 9),
    ),
)
EN_PROCESO = (
    Caso(
        "El programa de facturación se cierra solo",
        "Al generar el informe mensual el programa se cierra sin ningún aviso. Le pasa a todo el equipo.",
        (2, 4, 4, 4, 3),
        ("facturas", "cierre-mensual"),
        (
            Mensaje("Lo hemos reproducido. Mientras tanto puede generar el informe semana por semana."),
            interno("Falla desde la actualización del martes; preparo la vuelta a la versión anterior."),
        ),
    ),
    Caso(
        "Sin red en dos puestos del almacén",
        "Los dos puestos junto al muelle de carga no tienen red desde ayer por la tarde.",
        (3, 6, 3, 4, 7),
        ("cableado",),
        (Mensaje("Iremos hoy a revisar el cableado del armario del almacén."),),
    ),
    Caso(
        "Equipo muy lento al abrir documentos",
        "Abrir cualquier documento tarda más de un minuto, también los que están en el propio equipo.",
        (1, 2, 2, 2, 4),
        (),
        (Mensaje("Vamos a revisar el disco a distancia; deje el equipo encendido, por favor."),),
    ),
    Caso(
        "Instalar el programa de diseño",
        "Necesito el programa de diseño para preparar el catálogo de primavera. Hay licencia disponible.",
        (2, 5, 1, 2, 3),
        ("licencia",),
        (interno("Comprobada la licencia: queda una libre."),),
    ),
    Caso(
        "El teléfono de recepción no tiene línea",
        "El teléfono de recepción no da tono y las llamadas de clientes se pierden.",
        (6, 12, 4, 4, 2),
        ("recepcion",),
        (Mensaje("Hemos desviado las llamadas al teléfono de al lado mientras lo arreglamos."),),
    ),
    Caso(
        "Permiso de escritura en la carpeta de Calidad",
        "Puedo abrir los documentos de la carpeta de Calidad pero no guardar los cambios.",
        (5, 11, 2, 2, 8),
        ("permisos",),
    ),
    Caso(
        "La copia de seguridad nocturna termina con avisos",
        "El informe de esta noche dice que tres archivos no se pudieron copiar porque estaban abiertos.",
        (8, None, 3, 3, 1),
        ("copias",),
        (
            interno("Son las bases de la aplicación de fichajes; hay que pararla antes de copiar."),
            interno("Programado el paro de cinco minutos a las dos de la madrugada."),
        ),
    ),
    Caso(
        "Lector de códigos de barras averiado",
        "El lector del puesto tres no lee las etiquetas pequeñas y pita sin parar.",
        (1, 3, 2, 3, 7),
        ("almacen",),
        (Mensaje("Le llevamos un lector de repuesto esta tarde."),),
    ),
)
EN_ESPERA_DE_CLIENTE = (
    Caso(
        "Error al firmar documentos",
        "Cuando firmo un documento aparece un aviso rojo y la firma no queda guardada.",
        (2, 4, 3, 3, 9),
        ("firma",),
        (Mensaje("¿Puede enviarnos una captura del aviso y decirnos cuándo caduca su certificado?"),),
    ),
    Caso(
        "No puedo entrar en la aplicación de fichajes",
        "Pongo mi usuario y vuelve a la pantalla de inicio sin decir nada.",
        (5, 10, 2, 2, 8),
        (),
        (Mensaje("Le hemos cambiado la contraseña; pruebe, por favor, y díganos si ya puede entrar."),),
    ),
    Caso(
        "El ratón inalámbrico se desconecta",
        "El ratón se desconecta varias veces al día aunque la batería está cargada.",
        (1, 3, 1, 1, 4),
        (),
        (Mensaje("Pruebe el receptor en otro puerto, lejos del monitor, y cuéntenos cómo va."),),
    ),
    Caso(
        "Buzón casi lleno",
        "Me llega un aviso de que el buzón está al 98 % y ya no puedo enviar adjuntos.",
        (4, 9, 2, 2, 5),
        ("buzon",),
        (
            Mensaje("Podemos archivar los mensajes de más de dos años. ¿Está de acuerdo?"),
            interno("Sin respuesta todavía; insistir el lunes."),
        ),
    ),
)
EN_ESPERA_DE_TERCERO = (
    Caso(
        "Internet lento en la Sucursal Sur",
        "Toda la sucursal nota la conexión muy lenta, sobre todo a partir de las diez.",
        (3, None, 3, 4, 8),
        ("operador",),
        (
            Mensaje("Hemos abierto una avería con el operador; le avisaremos en cuanto respondan."),
            interno("Avería 88-20417 del operador, plazo de 48 horas."),
        ),
    ),
    Caso(
        "Pantalla del portátil rota",
        "Se me cayó el portátil y la pantalla tiene una grieta. Por lo demás funciona.",
        (1, None, 2, 3, 9),
        ("portatil", "garantia"),
        (
            Mensaje(
                "El servicio técnico del fabricante lo recogerá; tiene un equipo de préstamo a su nombre."
            ),
        ),
    ),
    Caso(
        "Impresora de etiquetas sin repuesto",
        "La impresora de etiquetas imprime con rayas; hay que cambiar el cabezal.",
        (7, None, 3, 3, 7),
        ("impresora", "almacen"),
        (Mensaje("El cabezal está pedido; llega en unos cinco días."),),
    ),
    Caso(
        "Error del banco al enviar remesas",
        "El banco rechaza el archivo de remesas con el código 37. El mes pasado funcionaba.",
        (2, 4, 4, 4, 3),
        ("facturas", "banco"),
        (
            Mensaje("El archivo cumple el formato; hemos escrito al soporte del banco con un ejemplo."),
            interno("El banco confirma que cambió la validación; publicarán un arreglo."),
        ),
    ),
)
RESUELTOS = (
    Caso(
        "Atasco continuo en la impresora del segundo piso",
        "Se atasca cada diez hojas, siempre en la bandeja dos.",
        (7, 13, 2, 2, 4),
        ("impresora",),
        (Mensaje("Mientras tanto, use la bandeja uno, por favor."),),
        "Se cambiaron los rodillos de la bandeja dos y se imprimieron cien hojas sin atascos.",
    ),
    Caso(
        "El correo del móvil no sincroniza",
        "En el móvil de empresa no entran correos desde que cambié la contraseña.",
        (4, 8, 2, 3, 9),
        ("movil",),
        (Mensaje("Hay que escribir la contraseña nueva también en el móvil; le guiamos por teléfono."),),
        "Se actualizó la contraseña en la cuenta del móvil y se comprobó el envío y la recepción.",
    ),
    Caso(
        "Sin acceso a la unidad compartida",
        "La unidad compartida aparece con una cruz roja y no deja entrar.",
        (3, 6, 3, 3, 5),
        ("permisos",),
        (interno("La cuenta estaba fuera del grupo desde el cambio de departamento."),),
        "Se añadió la cuenta al grupo de su nuevo departamento y la unidad se conecta sola al iniciar.",
    ),
    Caso(
        "Actualizar el lector de PDF",
        "El lector de PDF pide actualizarse y no tengo permisos para hacerlo.",
        (2, 5, 1, 1, 3),
        (),
        (),
        "Se instaló la versión actual a distancia.",
    ),
    Caso(
        "Llamadas con eco",
        "Quien me llama dice que se oye a sí mismo con eco.",
        (6, None, 2, 2, 2),
        (),
        (
            Mensaje("¿Le ocurre con el auricular y también con el manos libres?"),
            Mensaje("Le cambiamos el auricular."),
        ),
        "Se cambió el auricular y se bajó la ganancia del micrófono.",
    ),
    Caso(
        "Cuenta bloqueada tras varios intentos",
        "Me equivoqué de contraseña varias veces y la cuenta está bloqueada.",
        (5, 10, 3, 4, 8),
        (),
        (Mensaje("Hemos comprobado su identidad por teléfono y desbloqueado la cuenta."),),
        "Se desbloqueó la cuenta y se eligió una contraseña nueva.",
    ),
)
CERRADOS = (
    Caso(
        "Servidor de archivos sin espacio",
        "No se puede guardar nada en el servidor: dice que el disco está lleno.",
        (3, None, 4, 4, 1),
        ("servidor",),
        (
            Mensaje("Estamos liberando espacio; en media hora podrán volver a guardar."),
            interno("Había 300 GB de copias antiguas en la carpeta temporal."),
        ),
        "Se borraron copias temporales antiguas y se puso un aviso al 85 % de ocupación.",
    ),
    Caso(
        "Cambio de tóner en Administración",
        "La impresora avisa de que queda poco tóner negro.",
        (7, None, 1, 2, 3),
        ("impresora",),
        (),
        "Se cambió el tóner y se repuso el de reserva.",
    ),
    Caso(
        "Migrar los datos a un equipo nuevo",
        "Me entregaron un equipo nuevo y necesito mis documentos y favoritos.",
        (1, None, 2, 2, 4),
        (),
        (Mensaje("Lo haremos el jueves a las nueve; tardará unas dos horas."),),
        "Se copiaron documentos, favoritos y firma de correo; el equipo antiguo quedó borrado.",
    ),
    Caso(
        "Correos sospechosos pidiendo contraseñas",
        "Varias personas recibimos un correo que imita al banco y pide la contraseña.",
        (4, None, 4, 4, 1),
        ("seguridad", "phishing"),
        (
            Mensaje("No abran el enlace. Estamos retirando el mensaje de todos los buzones."),
            interno("Dos personas abrieron el enlace; contraseñas cambiadas y sesiones cerradas."),
        ),
        "Se retiró el mensaje, se bloqueó el remitente y se avisó a toda la plantilla.",
    ),
    Caso(
        "Baja de accesos de un compañero",
        "Un compañero dejó la empresa el viernes; hay que retirar todos sus accesos.",
        (5, 11, 3, 4, 5),
        ("baja",),
        (interno("Accesos retirados; el buzón queda redirigido a su responsable durante un mes."),),
        "Se desactivó la cuenta y se recogieron el portátil y la tarjeta.",
    ),
    Caso(
        "La cámara no funciona en las videollamadas",
        "En las videollamadas se ve la pantalla en negro; el micrófono sí funciona.",
        (1, 3, 2, 2, 9),
        ("videollamadas",),
        (Mensaje("Revise que la tapa de la cámara esté abierta y díganos si sigue igual."),),
        "La aplicación no tenía permiso para usar la cámara; se le dio y funciona.",
    ),
    Caso(
        "El CRM tarda mucho en buscar clientes",
        "Buscar un cliente por nombre tarda casi medio minuto desde la última actualización.",
        (2, 4, 3, 3, 6),
        ("crm",),
        (Mensaje("El proveedor ha encontrado la causa; se instala el arreglo esta noche."),),
        "El proveedor añadió un índice que faltaba; la búsqueda tarda menos de un segundo.",
    ),
    Caso(
        "Centralita sin mensaje de bienvenida",
        "Quien llama fuera de horario oye silencio en lugar del mensaje.",
        (6, None, 2, 2, 6),
        (),
        (Mensaje("Volvemos a grabar el mensaje y lo probamos hoy al cerrar."),),
        "Se grabó de nuevo el mensaje y se comprobó con una llamada fuera de horario.",
    ),
)
CANCELADOS = (
    Caso(
        "Pedido de teclado ergonómico",
        "Quería pedir un teclado ergonómico para mi puesto.",
        (1, 3, 1, 1, 4),
        (),
        (interno("Quien lo pidió avisa de que ya lo recibió por Prevención."),),
    ),
    Caso(
        "No funciona el proyector de la sala pequeña",
        "El proyector no muestra nada al conectar el portátil.",
        (1, None, 2, 2, 3),
        (),
        (Mensaje("Nos dice que era el cable y que ya funciona; cancelamos el tiquet."),),
    ),
    Caso(
        "Acceso temporal para una auditoría",
        "La auditoría externa necesita acceso de lectura a Contabilidad durante una semana.",
        (5, 11, 2, 3, 3),
        ("permisos",),
    ),
)

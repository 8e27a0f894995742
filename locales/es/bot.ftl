# Lo que dice el bot en español.

## Respuestas

match-caption = { $title } ({ $score })
what-to-know = ¿Qué le gustaría saber?
catalogue-empty = El catálogo está vacío, así que no hay nada con lo que comparar la foto.
ask-nothing = Envíeme una foto de un producto y, si quiere, una pregunta.
ask-needs-photo = No sé a qué producto se refiere. Envíeme una foto junto con la pregunta, o búsquelo con /similar y unas palabras.
similar-needs = /similar necesita una foto o unas palabras, por ejemplo: /similar hervidor rojo
no-more-matches = Esa era la última coincidencia. Pruebe con otra foto: más cerca, de frente, con mejor luz.
thanks-good = Gracias, tomo nota.
thanks-bad = Gracias, tomo nota. Esto ayuda a quien se ocupa del catálogo.
feedback-consent = ¿Puedo guardar esto? Serían su pregunta, la respuesta con los productos en que se basa y su opinión sobre ella, durante { $days ->
        [one] un día
       *[other] { $days } días
    }, para que las respuestas mejoren. Ni su foto ni quién es usted.
feedback-not-kept = De acuerdo, no he guardado nada.
budget-user = Ha agotado por hoy su cupo de respuestas redactadas; habrá nuevas dentro de { $hours ->
        [one] una hora
       *[other] { $hours } horas
    }. Las coincidencias están arriba, y esto es lo que dice el propio catálogo:
budget-space = Las respuestas redactadas de hoy para este lugar se han agotado; habrá nuevas dentro de { $hours ->
        [one] una hora
       *[other] { $hours } horas
    }. Las coincidencias están arriba, y esto es lo que dice el propio catálogo:
budget-all = Las respuestas redactadas de hoy se han agotado; habrá nuevas dentro de { $hours ->
        [one] una hora
       *[other] { $hours } horas
    }. Las coincidencias están arriba, y esto es lo que dice el propio catálogo:
forgotten = Hecho. He olvidado su foto y nuestra conversación.
cancelled = De acuerdo, no se ha cambiado nada.
look-alikes-attribute = En esta foto no distingo si es { $titles }. Fíjese en este detalle ({ $attribute }): ¿{ $values }?
look-alikes-titles = En esta foto no distingo si es { $titles }. ¿Cuál es? Una foto desde otro ángulo también puede aclararlo.
look-alikes-or = o
extract-nothing = Nada en el catálogo coincide con esta foto, así que no hay nada que citar.
extract-from = De la ficha de { $name } en el catálogo (extracto):
extract-closest = La foto no tiene ninguna coincidencia segura; lo más parecido es { $name }. Una foto desde otro ángulo puede aclararlo.
extract-near = La ficha de { $name } no lo dice expresamente. Lo más cercano que dice (extracto):
extract-not-said = En la ficha de { $name } no he encontrado nada que responda a eso.
extract-more = Quizá haya más información en { $url }
answer-uncovered = El catálogo no lo dice.
answer-page = Página del producto:
answer-unsupported = No figura en el catálogo: { $figures }

button-next = No es este producto
button-neither = Ninguno de estos
button-good = 👍 Útil
button-bad = 👎 No es útil
button-keep = Guardarlo
button-keep-nothing = No guardarlo
button-add-anyway = Añadir de todos modos
button-remove = Eliminar
button-cancel = Cancelar
button-sample = Cargar catálogo de ejemplo

## Ayuda

help-intro =
    Le informo sobre los productos que enfoque con la cámara. Envíeme una foto y una pregunta, y busco el producto en el catálogo.
help-photo = Envíe una foto con una pregunta: muestro los productos que coinciden y respondo con lo que dice el catálogo.
help-followup = Después, siga preguntando sin más: recuerdo la foto durante un rato.
help-ask = /ask pregunta: lo mismo que una pregunta sin el comando
help-similar = /similar [cantidad] [palabras]: solo las coincidencias, para una foto o unas palabras
help-forget = /forget: olvidar ahora la foto y la conversación
help-help = /help: esta lista
help-kb = Para administradores:
help-kb-add = /kb add [id:…] [title:…] descripción: con fotos: añadir un producto, o imágenes a un id ya conocido
help-kb-show = /kb show ID: un producto
help-kb-list = /kb list [página]: todos los productos
help-kb-find = /kb find palabras: los productos cuyo texto contiene las palabras
help-kb-edit = /kb edit ID campo:…: cambiar el título (title), la descripción (description) o cualquier otro campo; si queda vacío (""), desaparece
help-kb-remove = /kb remove ID: eliminar un producto, previa confirmación
help-kb-stats = /kb stats: cuánto hay
help-kb-import = /kb import: con un archivo zip que contenga description.json e imágenes
help-kb-export = /kb export: todo el catálogo en un archivo de ese tipo
help-kb-undo = /kb undo: deshacer su último cambio
help-kb-log = /kb log: quién cambió qué

## Negativas

denied = Solo los administradores de este catálogo pueden hacer eso. No se ha cambiado nada.
unknown-command = No conozco { $name }. Con /help verá lo que sé hacer.
button-expired = Este botón ya no funciona. Pregunte de nuevo, por favor.
too-fast = Va más rápido de lo que puedo responder. Inténtelo de nuevo dentro de { $seconds ->
        [one] un segundo
       *[other] { $seconds } segundos
    }.
busy = Ahora mismo estoy respondiendo a demasiadas personas. Inténtelo de nuevo dentro de { $seconds ->
        [one] un segundo
       *[other] { $seconds } segundos
    }.
stopping = Me estoy reiniciando. Inténtelo de nuevo en un momento, por favor.
internal = Algo ha fallado por mi parte. Si vuelve a ocurrir, indique este número a quien me administra: { $reference }
disk-full = Mi disco está lleno y no se ha podido guardar nada. Avise a quien me administra, por favor.
refused = No es posible: { $reason }
long-question = La pregunta tiene { $length } caracteres y leo { $limit } como máximo. Hágala más corta, por favor.
empty-question = La pregunta está vacía. Pregunte algo sobre la foto.
too-many-photos = Han llegado { $sent } fotos a la vez y acepto { $limit } como máximo.

photo-named = { $name }: { $text }
photo-empty = El archivo está vacío. Envíe una foto en JPEG, PNG, WebP, GIF, BMP o TIFF.
photo-bytes = La foto ocupa { $size } MB y acepto { $limit } MB como máximo. Envíe una más pequeña; con 2000 píxeles en el lado más largo basta.
photo-pixels = La foto tiene { $width } × { $height } píxeles y acepto { $limit } millones como máximo. Redúzcala antes de enviarla.
photo-unsupported = No puedo leer { $format }. Envíe mejor JPEG, PNG, WebP, GIF, BMP o TIFF.
photo-damaged = El archivo { $format } está dañado o incompleto. Guárdelo o envíelo de nuevo.
photo-memory = El archivo { $format } necesita demasiada memoria para abrirse. Redúzcalo antes de enviarlo.

## El catálogo

no-product = No hay ningún producto { $id }. Con /kb list verá los que hay.
bad-id = { $id } no puede ser el id de un producto: use hasta 128 letras, cifras y signos, sin espacios.
bad-product = El producto { $id } no se puede guardar así: { $reason }
changed-since = Entretanto ha habido otro cambio, así que este no se puede deshacer: { $reason }
kb-add-needs-photo = /kb add necesita al menos una foto: envíela junto con el comando o responda a un mensaje que tenga una.
kb-add-needs-text = El producto necesita una descripción: /kb add title:"Hervidor rojo" Un hervidor de 1,7 litros.
kb-taken = Ya existe un producto { $id } ({ $title }). Escriba id:{ $id } para añadirle las fotos, u otro id u otro título para crear uno nuevo.
kb-import-needs-zip = /kb import necesita un archivo zip con description.json e imágenes: envíelo junto con el comando.
kb-importing = Hay una importación en curso. Inténtelo de nuevo cuando termine.
kb-added = He añadido { $id } ({ $title }) con { $images ->
        [one] una imagen
       *[other] { $images } imágenes
    }. Ya se puede encontrar.
kb-images-added = { $id } ({ $title }) está al día: { $images ->
        [0] ninguna imagen nueva
        [one] una imagen nueva
       *[other] { $images } imágenes nuevas
    }; ya conocidas: { $known }.
kb-near-duplicate = La foto es casi igual que una de { $id } ({ $title }). ¿La añado de todos modos? Para dar más imágenes a ese producto, escriba id:{ $id }.
kb-none = No hay productos así.
kb-no-such-page = No hay ninguna página { $page }.
kb-list = { $total ->
        [one] Un producto
       *[other] { $total } productos
    }, página { $page } de { $pages }:
kb-edited = He cambiado { $id }:
kb-remove-sure = ¿Eliminar { $id } ({ $title }) con { $images ->
        [one] su imagen
       *[other] sus { $images } imágenes
    }?
kb-removed = He eliminado { $id } ({ $title }). Con /kb undo se recupera.
kb-stats = Productos: { $products }. Imágenes: { $images }. Tamaño: { $megabytes } MB. Modelo: { $model }.
kb-imported = Importación. Añadidos: { $added }; actualizados: { $updated }; sin cambios: { $unchanged }; con errores: { $failed }.
kb-undone = Cambio deshecho: { $what }
kb-nothing-to-undo = No hay ningún cambio suyo que deshacer.
kb-log = Los últimos cambios, primero los más recientes:
change-added = { $at }, { $who }: añadió { $products }
change-images = { $at }, { $who }: añadió { $images ->
        [one] una imagen
       *[other] { $images } imágenes
    } a { $products }
change-edited = { $at }, { $who }: cambió { $products }
change-removed = { $at }, { $who }: eliminó { $products }
change-imported = { $at }, { $who }: importó { $products }
change-undone = { $at }, { $who }: deshizo un cambio en { $products }
change-and-more = { $first } y { $more } más
change-taken-back = (deshecho)

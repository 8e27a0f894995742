# Lo que solo se dice en Telegram, en español.

telegram-menu-ask = Preguntar sobre la foto
telegram-menu-similar = Mostrar productos parecidos, para una foto o unas palabras
telegram-menu-forget = Olvidar la foto y la conversación
telegram-menu-help = Lo que sé hacer
telegram-menu-kb = Administrar el catálogo

telegram-not-yours = Este botón era para otra persona o ya no funciona.
telegram-choose = ¿Cómo seguimos?
telegram-unsure =
    No es seguro que sea uno de estos. Lo más parecido:
    { $caption }
telegram-sources = Más información:
telegram-more-images = (y { $images ->
        [one] una imagen más
       *[other] { $images } imágenes más
    })

telegram-no-photo = Solo puedo mirar fotos. Envíe una como foto o como archivo (JPEG, PNG, WebP, GIF, BMP o TIFF).
telegram-no-photo-named = No puedo mirar { $name }. Envíe mejor una foto, como foto o como archivo (JPEG, PNG, WebP, GIF, BMP o TIFF).
telegram-archive = { $name } es un archivo zip. Los administradores lo importan enviándolo con el texto /kb import.
telegram-the-photo = La foto
telegram-too-large = { $name } ocupa { $size } MB y acepto { $limit } MB como máximo. Envíe algo más pequeño.
telegram-over-limit = { $name } es demasiado grande: acepto { $limit } MB como máximo. Envíe algo más pequeño.
telegram-file-gone = Telegram ya no tiene ese archivo. Envíelo de nuevo, por favor.
telegram-file-trouble = No he podido obtener el archivo de Telegram. Envíelo de nuevo en un momento, por favor.
telegram-file-not-sent = No se ha podido enviar { $name }: Telegram acepta de un bot 50 MB como máximo. «magpie kb export» escribe el archivo en el servidor.

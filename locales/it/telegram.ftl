# Quello che si dice solo su Telegram, in italiano.

telegram-menu-ask = Domande sulla foto
telegram-menu-similar = Mostra prodotti simili, per una foto o qualche parola
telegram-menu-forget = Dimentica la foto e la conversazione
telegram-menu-help = Che cosa so fare
telegram-menu-kb = Gestione del catalogo

telegram-not-yours = Questo pulsante era destinato a qualcun altro o non è più valido.
telegram-choose = E ora?
telegram-unsure =
    Non è certo che sia uno di questi prodotti. Il più vicino:
    { $caption }
telegram-sources = Per saperne di più:
telegram-more-images = (e { $images ->
        [one] un’altra immagine
       *[other] altre { $images } immagini
    })

telegram-no-photo = Posso guardare solo foto. Ne mandi una come foto o come file (JPEG, PNG, WebP, GIF, BMP o TIFF).
telegram-no-photo-named = Non posso guardare { $name }. Mandi invece una foto, come foto o come file (JPEG, PNG, WebP, GIF, BMP o TIFF).
telegram-archive = { $name } è un archivio. Gli amministratori possono importarlo mandandolo con la didascalia /kb import.
telegram-the-photo = La foto
telegram-too-large = { $name } occupa { $size } MB e io accetto al massimo { $limit } MB. Mandi una versione più piccola.
telegram-over-limit = { $name } supera le dimensioni consentite: accetto al massimo { $limit } MB. Mandi una versione più piccola.
telegram-file-gone = Telegram non ha più questo file. Lo mandi di nuovo, per favore.
telegram-file-trouble = Non mi è stato possibile recuperare il file da Telegram. Lo mandi di nuovo tra un momento, per favore.
telegram-file-not-sent = Impossibile inviare { $name }: Telegram accetta al massimo 50 MB da un bot. «magpie kb export» salva il file sul server.

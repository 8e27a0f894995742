# Was nur auf Telegram gesagt wird, auf Deutsch.

telegram-menu-ask = Etwas zum Foto fragen
telegram-menu-similar = Ähnliche Produkte zeigen, zu einem Foto oder ein paar Wörtern
telegram-menu-forget = Foto und Gespräch vergessen
telegram-menu-help = Was ich kann
telegram-menu-kb = Den Katalog pflegen

telegram-not-yours = Diese Taste gilt jemand anderem oder nicht mehr.
telegram-choose = Wie weiter?
telegram-unsure =
    Nicht sicher, ob es dabei ist. Am nächsten kommt:
    { $caption }
telegram-sources = Mehr dazu:
telegram-more-images = (und { $images ->
        [one] ein weiteres Bild
       *[other] { $images } weitere Bilder
    })

telegram-no-photo = Ich kann nur Fotos ansehen. Schicken Sie eines als Foto oder als Datei (JPEG, PNG, WebP, GIF, BMP oder TIFF).
telegram-no-photo-named = { $name } kann ich nicht ansehen. Schicken Sie stattdessen ein Foto, als Foto oder als Datei (JPEG, PNG, WebP, GIF, BMP oder TIFF).
telegram-archive = { $name } ist ein Archiv. Wer den Katalog pflegt, importiert es mit der Beschriftung /katalog importieren.
telegram-the-photo = Das Foto
telegram-too-large = { $name } hat { $size } MB, und ich nehme höchstens { $limit } MB. Bitte kleiner schicken.
telegram-over-limit = { $name } ist zu groß: Ich nehme höchstens { $limit } MB. Bitte kleiner schicken.
telegram-file-gone = Telegram hat die Datei nicht mehr. Bitte schicken Sie sie noch einmal.
telegram-file-trouble = Ich konnte die Datei nicht von Telegram holen. Bitte schicken Sie sie gleich noch einmal.
telegram-file-not-sent = { $name } ließ sich nicht senden: Telegram nimmt von einem Bot höchstens 50 MB. „magpie kb export“ schreibt die Datei auf dem Server.

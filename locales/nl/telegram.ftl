# Wat alleen op Telegram wordt gezegd, in het Nederlands.

telegram-menu-ask = Iets over de foto vragen
telegram-menu-similar = Vergelijkbare producten tonen, voor een foto of een paar woorden
telegram-menu-forget = De foto en het gesprek vergeten
telegram-menu-help = Wat ik kan
telegram-menu-kb = De catalogus bijhouden

telegram-not-yours = Deze knop is voor iemand anders bedoeld of werkt niet meer.
telegram-choose = Hoe nu verder?
telegram-unsure =
    Ik weet niet zeker of het hierbij zit. Het dichtst in de buurt komt:
    { $caption }
telegram-sources = Meer hierover:
telegram-more-images = (en nog { $images ->
        [one] één afbeelding
       *[other] { $images } afbeeldingen
    })

telegram-no-photo = Ik kan alleen foto’s bekijken. Stuur er een als foto of als bestand (JPEG, PNG, WebP, GIF, BMP of TIFF).
telegram-no-photo-named = { $name } kan ik niet bekijken. Stuur in plaats daarvan een foto, als foto of als bestand (JPEG, PNG, WebP, GIF, BMP of TIFF).
telegram-archive = { $name } is een archief. Admins importeren er een door het te sturen met het bijschrift /kb import.
telegram-the-photo = De foto
telegram-too-large = { $name } is { $size } MB en ik neem maximaal { $limit } MB aan. Stuur iets kleiners.
telegram-over-limit = { $name } is te groot: ik neem maximaal { $limit } MB aan. Stuur iets kleiners.
telegram-file-gone = Telegram heeft dat bestand niet meer. Stuur het nog eens.
telegram-file-trouble = Ik kon het bestand niet bij Telegram ophalen. Stuur het zo meteen nog eens.
telegram-file-not-sent = { $name } kon niet worden verstuurd: Telegram neemt van een bot maximaal 50 MB aan. Met “magpie kb export” komt het bestand op de server te staan.

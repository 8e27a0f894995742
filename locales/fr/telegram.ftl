# Ce qui ne se dit que sur Telegram, en français.

telegram-menu-ask = Poser une question sur la photo
telegram-menu-similar = Montrer des produits semblables, pour une photo ou quelques mots
telegram-menu-forget = Oublier la photo et la conversation
telegram-menu-help = Ce que je sais faire
telegram-menu-kb = Gérer le catalogue

telegram-not-yours = Ce bouton s’adresse à quelqu’un d’autre, ou n’est plus valable.
telegram-choose = Et maintenant ?
telegram-unsure =
    Pas sûr que ce soit l’un de ces produits. Le plus proche :
    { $caption }
telegram-sources = En savoir plus :
telegram-more-images = (et { $images ->
        [one] une autre image
       *[other] { $images } autres images
    })

telegram-no-photo = Je ne peux regarder que des photos. Envoyez-en une, comme photo ou comme fichier (JPEG, PNG, WebP, GIF, BMP ou TIFF).
telegram-no-photo-named = Je ne peux pas regarder { $name }. Envoyez plutôt une photo, comme photo ou comme fichier (JPEG, PNG, WebP, GIF, BMP ou TIFF).
telegram-archive = { $name } est une archive. Les admins peuvent l’importer en l’envoyant avec la légende /kb import.
telegram-the-photo = La photo
telegram-too-large = { $name } fait { $size } Mo, et j’accepte { $limit } Mo au maximum. Envoyez une version plus légère.
telegram-over-limit = { $name } dépasse la taille permise : j’accepte { $limit } Mo au maximum. Envoyez une version plus légère.
telegram-file-gone = Telegram n’a plus ce fichier. Veuillez l’envoyer de nouveau.
telegram-file-trouble = Je n’ai pas pu récupérer le fichier auprès de Telegram. Veuillez l’envoyer de nouveau dans un instant.
telegram-file-not-sent = Impossible d’envoyer { $name } : Telegram accepte 50 Mo au maximum de la part d’un bot. « magpie kb export » enregistre le fichier sur le serveur.

# O que só se diz no Telegram, em português.

telegram-menu-ask = Perguntar sobre a foto
telegram-menu-similar = Mostrar produtos parecidos, para uma foto ou algumas palavras
telegram-menu-forget = Esquecer a foto e a conversa
telegram-menu-help = O que sei fazer
telegram-menu-kb = Administrar o catálogo

telegram-not-yours = Este botão era para outra pessoa ou já não funciona.
telegram-choose = E agora?
telegram-unsure =
    Não é certo que seja um destes. O que mais se aproxima:
    { $caption }
telegram-sources = Mais informações:
telegram-more-images = (e { $images ->
        [one] mais uma imagem
       *[other] mais { $images } imagens
    })

telegram-no-photo = Só consigo ver fotos. Envie uma como foto ou como arquivo (JPEG, PNG, WebP, GIF, BMP ou TIFF).
telegram-no-photo-named = Não consigo ver { $name }. Em vez disso, envie uma foto, como foto ou como arquivo (JPEG, PNG, WebP, GIF, BMP ou TIFF).
telegram-archive = { $name } é um arquivo zip. Os administradores podem importá-lo enviando-o com a legenda /kb import.
telegram-the-photo = A foto
telegram-too-large = { $name } tem { $size } MB, e aceito no máximo { $limit } MB. Envie algo menor.
telegram-over-limit = { $name } é grande demais: aceito no máximo { $limit } MB. Envie algo menor.
telegram-file-gone = O Telegram já não tem esse arquivo. Envie-o de novo, por favor.
telegram-file-trouble = Não consegui obter o arquivo do Telegram. Envie-o de novo daqui a pouco, por favor.
telegram-file-not-sent = Não foi possível enviar { $name }: o Telegram aceita de um bot no máximo 50 MB. “magpie kb export” grava o arquivo no servidor.

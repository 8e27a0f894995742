# What only the Telegram front-end says, in English.

telegram-menu-ask = Ask about the photo
telegram-menu-similar = Show similar products, for a photo or a few words
telegram-menu-forget = Forget the photo and the conversation
telegram-menu-help = What I can do
telegram-menu-kb = Look after the catalogue

telegram-not-yours = This button was shown to somebody else, or no longer works.
telegram-choose = What next?
telegram-unsure =
    Not sure it is one of these. The closest:
    { $caption }
telegram-sources = More about it:
telegram-more-images = (and { $images ->
        [one] one more image
       *[other] { $images } more images
    })

telegram-no-photo = I can only look at photos. Send one as a photo or as a file (JPEG, PNG, WebP, GIF, BMP or TIFF).
telegram-no-photo-named = I can’t look at { $name }. Send a photo instead, as a photo or as a file (JPEG, PNG, WebP, GIF, BMP or TIFF).
telegram-archive = { $name } is an archive. Admins import one by sending it with the caption /kb import.
telegram-the-photo = The photo
telegram-too-large = { $name } has { $size } MB, and I take at most { $limit } MB. Send a smaller one.
telegram-over-limit = { $name } is too large: I take at most { $limit } MB. Send a smaller one.
telegram-file-gone = Telegram no longer has that file. Please send it again.
telegram-file-trouble = I could not get the file from Telegram. Please send it again in a moment.
telegram-file-not-sent = { $name } could not be sent: Telegram takes at most 50 MB from a bot. “magpie kb export” writes it on the server.

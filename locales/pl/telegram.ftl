# Co pojawia się tylko na Telegramie, po polsku.

telegram-menu-ask = Zapytaj o zdjęcie
telegram-menu-similar = Pokaż podobne produkty, do zdjęcia lub kilku słów
telegram-menu-forget = Zapomnij zdjęcie i rozmowę
telegram-menu-help = Co potrafię
telegram-menu-kb = Prowadzenie katalogu

telegram-not-yours = Ten przycisk jest dla kogoś innego albo już nie działa.
telegram-choose = Co dalej?
telegram-unsure =
    Nie mam pewności, czy to jeden z nich. Najbliższy:
    { $caption }
telegram-sources = Więcej na ten temat:
telegram-more-images = (i jeszcze { $images ->
        [one] jedno zdjęcie
        [few] { $images } zdjęcia
        [many] { $images } zdjęć
       *[other] { $images } zdjęcia
    })

telegram-no-photo = Mogę oglądać tylko zdjęcia. Wyślij je jako zdjęcie lub jako plik (JPEG, PNG, WebP, GIF, BMP lub TIFF).
telegram-no-photo-named = Tego pliku nie mogę obejrzeć: { $name }. Wyślij zamiast niego zdjęcie, jako zdjęcie lub jako plik (JPEG, PNG, WebP, GIF, BMP lub TIFF).
telegram-archive = { $name } to archiwum. Administratorzy importują je, wysyłając plik z podpisem /kb import.
telegram-the-photo = Zdjęcie
telegram-too-large = { $name } ma { $size } MB, a przyjmuję najwyżej { $limit } MB. Wyślij mniejszy plik.
telegram-over-limit = { $name }: za duży plik. Przyjmuję najwyżej { $limit } MB. Wyślij mniejszy.
telegram-file-gone = Telegram nie ma już tego pliku. Wyślij go jeszcze raz.
telegram-file-trouble = Nie udało mi się pobrać pliku z Telegrama. Wyślij go jeszcze raz za chwilę.
telegram-file-not-sent = Nie udało się wysłać pliku { $name }: Telegram przyjmuje od bota najwyżej 50 MB. Polecenie „magpie kb export” zapisze go na serwerze.

# Co bot mówi po polsku.

## Odpowiedzi

match-caption = { $title } ({ $score })
what-to-know = Czego chcesz się o tym dowiedzieć?
catalogue-empty = Katalog jest pusty, więc nie mam z czym porównać zdjęcia.
ask-nothing = Wyślij mi zdjęcie produktu, najlepiej od razu z pytaniem.
ask-needs-photo = Nie wiem, o który produkt chodzi. Wyślij jego zdjęcie razem z pytaniem albo poszukaj go przez /similar i kilka słów.
similar-needs = /similar wymaga zdjęcia lub kilku słów, na przykład: /similar czerwony czajnik
no-more-matches = To był ostatni pasujący produkt. Spróbuj z innym zdjęciem: z bliska, od przodu, w lepszym świetle.
thanks-good = Dziękuję, zanotowane.
thanks-bad = Dziękuję, zanotowane. To pomoże osobom, które prowadzą katalog.
feedback-consent = Czy mogę to zachować? Chodzi o pytanie, odpowiedź z produktami, na których się opiera, i twoją ocenę. Będę to przechowywać przez { $days ->
        [one] jeden dzień
        [few] { $days } dni
        [many] { $days } dni
       *[other] { $days } dnia
    }, żeby odpowiedzi były coraz lepsze. Bez zdjęcia i bez informacji o tym, kim jesteś.
feedback-not-kept = W porządku, nic nie zostało zachowane.
budget-user = Twój dzisiejszy limit pisanych odpowiedzi jest wyczerpany; nowe będą dostępne za { $hours ->
        [one] godzinę
        [few] { $hours } godziny
        [many] { $hours } godzin
       *[other] { $hours } godziny
    }. Pasujące produkty są powyżej, a oto co mówi sam katalog:
budget-space = Dzisiejszy limit pisanych odpowiedzi dla tego miejsca jest wyczerpany; nowe będą dostępne za { $hours ->
        [one] godzinę
        [few] { $hours } godziny
        [many] { $hours } godzin
       *[other] { $hours } godziny
    }. Pasujące produkty są powyżej, a oto co mówi sam katalog:
budget-all = Dzisiejszy limit pisanych odpowiedzi jest wyczerpany; nowe będą dostępne za { $hours ->
        [one] godzinę
        [few] { $hours } godziny
        [many] { $hours } godzin
       *[other] { $hours } godziny
    }. Pasujące produkty są powyżej, a oto co mówi sam katalog:
forgotten = Gotowe. Nie pamiętam już zdjęcia ani naszej rozmowy.
cancelled = W porządku, nic się nie zmieniło.
look-alikes-attribute = Na tym zdjęciu nie widzę, czy to { $titles }. Sprawdź cechę „{ $attribute }”: { $values }?
look-alikes-titles = Na tym zdjęciu nie widzę, czy to { $titles }. Który to produkt? Pomóc może też zdjęcie pod innym kątem.
look-alikes-or = czy
extract-nothing = Nic w katalogu nie pasuje do tego zdjęcia, więc nie ma czego zacytować.
extract-from = Z katalogu: { $name } (fragment):
extract-closest = Żaden produkt nie pasuje do zdjęcia na pewno; najbliższy to { $name }. Pomóc może zdjęcie pod innym kątem.
extract-near = Wpis „{ $name }” nie mówi o tym wprost. Najbliżej tematu jest to (fragment):
extract-not-said = We wpisie „{ $name }” nie ma odpowiedzi na to pytanie.
extract-more = Więcej informacji może być tutaj: { $url }
answer-uncovered = Katalog nic o tym nie mówi.
answer-page = Strona produktu:
answer-unsupported = Spoza katalogu: { $figures }

button-next = To nie to
button-neither = Żaden z nich
button-good = 👍 Pomocne
button-bad = 👎 Niepomocne
button-keep = Zachowaj
button-keep-nothing = Nie zachowuj
button-add-anyway = Dodaj mimo to
button-remove = Usuń
button-cancel = Anuluj
button-sample = Wczytaj przykładowy katalog

## Pomoc

help-intro =
    Opowiadam o produktach, które można sfotografować. Wyślij mi zdjęcie i pytanie, a znajdę produkt w katalogu.
help-photo = Wyślij zdjęcie z pytaniem: pokażę pasujące produkty i odpowiem na podstawie katalogu.
help-followup = Potem pytaj śmiało dalej: przez jakiś czas pamiętam zdjęcie.
help-ask = /ask pytanie: to samo co pytanie bez polecenia
help-similar = /similar [liczba] [słowa]: same pasujące produkty, do zdjęcia lub kilku słów
help-forget = /forget: od razu zapomnij zdjęcie i rozmowę
help-help = /help: ta lista
help-kb = Dla administratorów:
help-kb-add = /kb add [id:…] [title:…] opis: ze zdjęciami: dodaj produkt albo zdjęcia do znanego id
help-kb-show = /kb show ID: jeden produkt
help-kb-list = /kb list [strona]: wszystkie produkty
help-kb-find = /kb find słowa: produkty, które mają te słowa w tekście
help-kb-edit = /kb edit ID pole:…: zmień tytuł (title), opis (description) lub inne pole; puste ("") znika
help-kb-remove = /kb remove ID: usuń produkt, po potwierdzeniu
help-kb-stats = /kb stats: ile tego jest
help-kb-import = /kb import: z archiwum zip, które zawiera description.json i zdjęcia
help-kb-export = /kb export: cały katalog jako takie archiwum
help-kb-undo = /kb undo: cofnij swoją ostatnią zmianę
help-kb-log = /kb log: kto co zmienił

## Odmowy

denied = To mogą robić tylko administratorzy tego katalogu. Nic się nie zmieniło.
unknown-command = Nie znam polecenia { $name }. Wpisz /help, a pokażę, co potrafię.
button-expired = Ten przycisk już nie działa. Zadaj pytanie jeszcze raz.
too-fast = Nie mogę odpowiadać tak szybko. Spróbuj ponownie za { $seconds ->
        [one] sekundę
        [few] { $seconds } sekundy
        [many] { $seconds } sekund
       *[other] { $seconds } sekundy
    }.
busy = Odpowiadam teraz zbyt wielu osobom. Spróbuj ponownie za { $seconds } s.
stopping = Właśnie uruchamiam się ponownie. Spróbuj jeszcze raz za chwilę.
internal = Coś poszło nie tak po mojej stronie. Jeśli to się powtórzy, podaj mojemu operatorowi ten numer: { $reference }
disk-full = Mój dysk jest pełny, więc nie udało się nic zapisać. Daj znać mojemu operatorowi.
refused = Tego nie da się zrobić: { $reason }
long-question = Pytanie jest za długie: liczba znaków to { $length }, a czytam najwyżej { $limit }. Zadaj krótsze.
empty-question = Pytanie jest puste. Zapytaj o coś na temat zdjęcia.
too-many-photos = Za dużo zdjęć naraz ({ $sent }). Przyjmuję najwyżej { $limit }.

photo-named = { $name }: { $text }
photo-empty = Plik jest pusty. Wyślij zdjęcie jako JPEG, PNG, WebP, GIF, BMP lub TIFF.
photo-bytes = Zdjęcie ma { $size } MB, a przyjmuję najwyżej { $limit } MB. Wyślij mniejsze; 2000 pikseli na dłuższym boku w zupełności wystarczy.
photo-pixels = Zdjęcie ma wymiary { $width } × { $height } px, a przyjmuję najwyżej { $limit } mln pikseli. Najpierw je zmniejsz.
photo-unsupported = Nie umiem odczytać tego formatu: { $format }. Wyślij zamiast tego JPEG, PNG, WebP, GIF, BMP lub TIFF.
photo-damaged = Plik { $format } jest uszkodzony lub niekompletny. Zapisz go albo wyślij jeszcze raz.
photo-memory = Otwarcie pliku { $format } wymaga zbyt dużo pamięci. Najpierw go zmniejsz.

## Katalog

no-product = Nie ma produktu { $id }. Wpisz /kb list, aby zobaczyć, co jest.
bad-id = { $id } nie może być identyfikatorem produktu: może on mieć do 128 liter, cyfr i znaków, bez spacji.
bad-product = Produktu { $id } nie można zapisać w tej postaci: { $reason }
changed-since = Od tego czasu nastąpiła kolejna zmiana, więc nie można tego cofnąć: { $reason }
kb-add-needs-photo = /kb add wymaga co najmniej jednego zdjęcia: wyślij je razem z poleceniem albo odpowiedz na wiadomość ze zdjęciem.
kb-add-needs-text = Produkt wymaga opisu: /kb add title:"Czerwony czajnik" Czajnik o pojemności 1,7 litra.
kb-taken = Produkt { $id } ({ $title }) już istnieje. Napisz id:{ $id }, aby dodać do niego zdjęcia, albo podaj inne id lub inny tytuł dla nowego.
kb-import-needs-zip = /kb import wymaga archiwum zip z plikiem description.json i zdjęciami: wyślij je razem z poleceniem.
kb-importing = Trwa import. Spróbuj ponownie, gdy się skończy.
kb-added = Dodano { $id } ({ $title }) z { $images ->
        [one] jednym zdjęciem
        [few] { $images } zdjęciami
        [many] { $images } zdjęciami
       *[other] { $images } zdjęcia
    }. Ten produkt można już znaleźć.
kb-images-added = Produkt { $id } ({ $title }) jest aktualny: dodano { $images ->
        [one] jedno zdjęcie
        [few] { $images } zdjęcia
        [many] { $images } zdjęć
       *[other] { $images } zdjęcia
    }, już znane: { $known }.
kb-near-duplicate = To zdjęcie jest prawie takie samo jak jedno ze zdjęć produktu { $id } ({ $title }). Dodać mimo to? Aby dodać więcej zdjęć do tamtego produktu, napisz id:{ $id }.
kb-none = Nie ma takich produktów.
kb-no-such-page = Nie ma strony { $page }.
kb-list = { $total ->
        [one] Jeden produkt
        [few] { $total } produkty
        [many] { $total } produktów
       *[other] { $total } produktu
    }, strona { $page } z { $pages }:
kb-edited = Zmieniono { $id }:
kb-remove-sure = Usunąć produkt { $id } ({ $title }) razem z { $images ->
        [one] jednym zdjęciem
        [few] { $images } zdjęciami
        [many] { $images } zdjęciami
       *[other] { $images } zdjęcia
    }?
kb-removed = Usunięto { $id } ({ $title }). Polecenie /kb undo przywróci produkt.
kb-stats = Produkty: { $products }, zdjęcia: { $images }, { $megabytes } MB. Model: { $model }.
kb-imported = Import: dodano { $added }, zaktualizowano { $updated }, bez zmian { $unchanged }, błędy: { $failed }.
kb-undone = Cofnięto: { $what }
kb-nothing-to-undo = Nie ma twojej zmiany, którą można by cofnąć.
kb-log = Ostatnie zmiany, od najnowszej:
change-added = { $at }, { $who }: dodano { $products }
change-images = { $at }, { $who }: dodano zdjęcia ({ $images }) do { $products }
change-edited = { $at }, { $who }: zmieniono { $products }
change-removed = { $at }, { $who }: usunięto { $products }
change-imported = { $at }, { $who }: zaimportowano { $products }
change-undone = { $at }, { $who }: cofnięto zmianę: { $products }
change-and-more = { $first } i jeszcze { $more }
change-taken-back = (cofnięto)

# Was der Bot auf Deutsch sagt.

## Antworten

match-caption = { $title } ({ $score })
what-to-know = Was möchten Sie darüber wissen?
catalogue-empty = Der Katalog ist leer, es gibt also nichts, womit ich das Foto vergleichen könnte.
ask-nothing = Schicken Sie mir ein Foto eines Produkts, gern gleich mit einer Frage.
ask-needs-photo = Ich weiß nicht, welches Produkt Sie meinen. Schicken Sie ein Foto davon zusammen mit der Frage, oder suchen Sie es mit /treffer und ein paar Wörtern.
similar-needs = /treffer braucht ein Foto oder ein paar Wörter, zum Beispiel: /treffer roter Wasserkocher
no-more-matches = Das war der letzte Treffer. Versuchen Sie ein anderes Foto: näher, von vorn, bei besserem Licht.
thanks-good = Danke, notiert.
thanks-bad = Danke, notiert. Das hilft denen, die den Katalog pflegen.
feedback-consent = Darf ich das behalten? Es wären Ihre Frage, die Antwort mit den Produkten, auf denen sie beruht, und was Sie davon halten, für { $days ->
        [one] einen Tag
       *[other] { $days } Tage
    }, damit die Antworten besser werden. Nicht Ihr Foto und nicht, wer Sie sind.
feedback-not-kept = In Ordnung, ich habe nichts behalten.
budget-user = Ihr heutiger Anteil an geschriebenen Antworten ist aufgebraucht; neue gibt es in { $hours ->
        [one] einer Stunde
       *[other] { $hours } Stunden
    }. Die Treffer stehen oben, und das sagt der Katalog selbst:
budget-space = Die geschriebenen Antworten für diesen Ort sind heute aufgebraucht; neue gibt es in { $hours ->
        [one] einer Stunde
       *[other] { $hours } Stunden
    }. Die Treffer stehen oben, und das sagt der Katalog selbst:
budget-all = Die geschriebenen Antworten sind heute aufgebraucht; neue gibt es in { $hours ->
        [one] einer Stunde
       *[other] { $hours } Stunden
    }. Die Treffer stehen oben, und das sagt der Katalog selbst:
forgotten = Erledigt. Ich habe Ihr Foto und unser Gespräch vergessen.
cancelled = In Ordnung, es wurde nichts geändert.
look-alikes-attribute = Auf dem Foto sehe ich nicht, ob es { $titles } ist. Ein Blick darauf ({ $attribute }): { $values }?
look-alikes-titles = Auf dem Foto sehe ich nicht, ob es { $titles } ist. Was davon ist es? Auch ein Foto aus einem anderen Winkel kann helfen.
look-alikes-or = oder
extract-nothing = Nichts im Katalog passt zu diesem Foto, es gibt also nichts zu zitieren.
extract-from = Aus dem Katalogeintrag zu { $name } (Auszug):
extract-closest = Zu dem Foto gibt es keinen sicheren Treffer; am nächsten kommt { $name }. Ein Foto aus einem anderen Winkel kann helfen.
extract-near = Der Eintrag zu { $name } sagt das nicht ausdrücklich. Am nächsten kommt dies (Auszug):
extract-not-said = Im Eintrag zu { $name } habe ich dazu nichts gefunden.
extract-more = Mehr steht vielleicht auf { $url }
answer-uncovered = Der Katalog sagt dazu nichts.
answer-page = Die eigene Seite dazu:
answer-unsupported = Nicht aus dem Katalog: { $figures }

button-next = Das ist es nicht
button-neither = Nichts davon
button-good = 👍 Hilfreich
button-bad = 👎 Nicht hilfreich
button-keep = Behalten
button-keep-nothing = Nicht behalten
button-add-anyway = Trotzdem hinzufügen
button-remove = Entfernen
button-cancel = Abbrechen
button-sample = Beispielkatalog laden

## Hilfe

help-intro =
    Ich sage Ihnen etwas über Produkte, die Sie vor die Kamera halten. Schicken Sie mir ein Foto und eine Frage, ich schlage das Produkt im Katalog nach.
help-photo = Ein Foto mit einer Frage: Ich zeige die passenden Produkte und antworte aus dem Katalog.
help-followup = Danach einfach weiterfragen: Ich behalte das Foto eine Weile.
help-ask = /frage Frage: dasselbe wie eine Frage ohne den Befehl
help-similar = /treffer [Anzahl] [Wörter]: nur die Treffer zu einem Foto oder ein paar Wörtern
help-forget = /vergessen: Foto und Gespräch sofort vergessen
help-help = /hilfe: diese Liste
help-kb = Für Admins:
help-kb-add = /katalog neu [id:…] [title:…] Beschreibung: mit Fotos: ein Produkt anlegen oder einem bekannten Bilder hinzufügen
help-kb-show = /katalog zeigen ID: ein Produkt
help-kb-list = /katalog liste [Seite]: alle Produkte
help-kb-find = /katalog suchen Wörter: Produkte, in deren Text die Wörter stehen
help-kb-edit = /katalog ändern ID Feld:…: Titel (title), Beschreibung (description) oder ein anderes Feld ändern; ein leeres ("") verschwindet
help-kb-remove = /katalog entfernen ID: ein Produkt entfernen, nach Rückfrage
help-kb-stats = /katalog zahlen: wie viel es gibt
help-kb-import = /katalog importieren: mit einem Zip-Archiv, das description.json und Bilder enthält
help-kb-export = /katalog exportieren: der ganze Katalog als solches Archiv
help-kb-undo = /katalog zurück: Ihre letzte Änderung zurücknehmen
help-kb-log = /katalog verlauf: wer was geändert hat

## Ablehnungen

denied = Das dürfen nur Admins dieses Katalogs. Es wurde nichts geändert.
unknown-command = { $name } kenne ich nicht. /hilfe zeigt, was ich kann.
button-expired = Diese Taste gilt nicht mehr. Bitte fragen Sie noch einmal.
too-fast = Das war schneller, als ich antworten darf. Bitte versuchen Sie es in { $seconds ->
        [one] einer Sekunde
       *[other] { $seconds } Sekunden
    } noch einmal.
busy = Ich antworte gerade zu vielen Leuten. Bitte versuchen Sie es in { $seconds } Sekunden noch einmal.
stopping = Ich werde gerade neu gestartet. Bitte versuchen Sie es gleich noch einmal.
internal = Bei mir ist etwas schiefgegangen. Wenn es wieder passiert, nennen Sie meinem Betreiber diese Nummer: { $reference }
disk-full = Meine Festplatte ist voll, es konnte nichts gespeichert werden. Bitte sagen Sie meinem Betreiber Bescheid.
refused = Das geht nicht: { $reason }
long-question = Die Frage hat { $length } Zeichen, ich lese höchstens { $limit }. Bitte fragen Sie kürzer.
empty-question = Die Frage ist leer. Fragen Sie etwas zu dem Foto.
too-many-photos = Es kamen { $sent } Fotos auf einmal, ich nehme höchstens { $limit }.

photo-named = { $name }: { $text }
photo-empty = Die Datei ist leer. Schicken Sie ein Foto als JPEG, PNG, WebP, GIF, BMP oder TIFF.
photo-bytes = Das Foto hat { $size } MB, ich nehme höchstens { $limit } MB. Schicken Sie ein kleineres; 2000 Pixel an der längeren Seite reichen gut.
photo-pixels = Das Foto hat { $width } × { $height } Pixel, ich nehme höchstens { $limit } Millionen. Verkleinern Sie es bitte.
photo-unsupported = { $format } kann ich nicht lesen. Schicken Sie stattdessen JPEG, PNG, WebP, GIF, BMP oder TIFF.
photo-damaged = Die { $format }-Datei ist beschädigt oder abgeschnitten. Speichern oder schicken Sie sie noch einmal.
photo-memory = Die { $format }-Datei braucht zu viel Speicher. Verkleinern Sie sie bitte.

## Der Katalog

no-product = Es gibt kein Produkt { $id }. /katalog liste zeigt, was es gibt.
bad-id = { $id } kann keine Produktnummer sein: bis zu 128 Buchstaben, Ziffern und Zeichen ohne Leerzeichen.
bad-product = Das Produkt { $id } kann so nicht gespeichert werden: { $reason }
changed-since = Es wurde inzwischen wieder geändert und kann darum nicht zurückgenommen werden: { $reason }
kb-add-needs-photo = /katalog neu braucht mindestens ein Foto: schicken Sie es zusammen mit dem Befehl, oder antworten Sie auf eine Nachricht, die eines hat.
kb-add-needs-text = Das Produkt braucht eine Beschreibung: /katalog neu title:"Roter Wasserkocher" Ein Wasserkocher für 1,7 Liter.
kb-taken = Es gibt schon ein Produkt { $id } ({ $title }). Schreiben Sie id:{ $id }, um ihm die Fotos hinzuzufügen, oder wählen Sie eine andere id oder einen anderen Titel.
kb-import-needs-zip = /katalog importieren braucht ein Zip-Archiv mit description.json und Bildern: schicken Sie es zusammen mit dem Befehl.
kb-importing = Es läuft gerade ein Import. Versuchen Sie es danach noch einmal.
kb-added = { $id } ({ $title }) ist mit { $images ->
        [one] einem Bild
       *[other] { $images } Bildern
    } hinzugefügt und schon zu finden.
kb-images-added = { $id } ({ $title }) ist auf dem neuesten Stand: { $images ->
        [one] ein Bild
       *[other] { $images } Bilder
    } hinzugefügt, { $known } waren schon da.
kb-near-duplicate = Das Foto ist fast dasselbe wie eines von { $id } ({ $title }). Soll es trotzdem hinzugefügt werden? Um jenem Produkt weitere Bilder zu geben, schreiben Sie id:{ $id }.
kb-none = Solche Produkte gibt es nicht.
kb-no-such-page = Es gibt keine Seite { $page }.
kb-list = { $total ->
        [one] Ein Produkt
       *[other] { $total } Produkte
    }, Seite { $page } von { $pages }:
kb-edited = { $id } wurde geändert:
kb-remove-sure = { $id } ({ $title }) mit { $images ->
        [one] seinem Bild
       *[other] seinen { $images } Bildern
    } entfernen?
kb-removed = { $id } ({ $title }) ist entfernt. /katalog zurück holt es zurück.
kb-stats = { $products } Produkte, { $images } Bilder, { $megabytes } MB. Modell: { $model }.
kb-imported = Import: { $added } hinzugefügt, { $updated } geändert, { $unchanged } unverändert, { $failed } fehlgeschlagen.
kb-undone = Zurückgenommen: { $what }
kb-nothing-to-undo = Es gibt keine Änderung von Ihnen, die zurückzunehmen wäre.
kb-log = Die letzten Änderungen, die neueste zuerst:
change-added = { $at }, { $who }: { $products } hinzugefügt
change-images = { $at }, { $who }: { $images } Bilder zu { $products } hinzugefügt
change-edited = { $at }, { $who }: { $products } geändert
change-removed = { $at }, { $who }: { $products } entfernt
change-imported = { $at }, { $who }: { $products } importiert
change-undone = { $at }, { $who }: eine Änderung an { $products } zurückgenommen
change-and-more = { $first } und { $more } weitere
change-taken-back = (zurückgenommen)

# Wat de bot in het Nederlands zegt.

## Antwoorden

match-caption = { $title } ({ $score })
what-to-know = Wat wil je erover weten?
catalogue-empty = De catalogus is leeg, dus er is niets om de foto mee te vergelijken.
ask-nothing = Stuur me een foto van een product, gerust meteen met een vraag erbij.
ask-needs-photo = Ik weet niet welk product je bedoelt. Stuur er een foto van samen met je vraag, of zoek het op met /similar en een paar woorden.
similar-needs = /similar heeft een foto of een paar woorden nodig, bijvoorbeeld: /similar rode waterkoker
no-more-matches = Dat was de laatste treffer. Probeer een andere foto: dichterbij, van voren, bij beter licht.
thanks-good = Bedankt, ik heb het genoteerd.
thanks-bad = Bedankt, ik heb het genoteerd. Daar heeft degene die de catalogus bijhoudt iets aan.
feedback-consent = Mag ik dit bewaren? Het gaat om je vraag, het antwoord met de producten waarop het berust en wat je ervan vindt. Ik bewaar het { $days ->
        [one] één dag
       *[other] { $days } dagen
    }, zodat de antwoorden beter worden. Niet je foto, en niet wie je bent.
feedback-not-kept = Prima, ik heb niets bewaard.
budget-user = Je hebt alle geschreven antwoorden voor vandaag opgebruikt; nieuwe komen er over { $hours ->
        [one] een uur
       *[other] { $hours } uur
    }. De treffers staan hierboven, en dit zegt de catalogus zelf:
budget-space = De geschreven antwoorden voor deze plek zijn voor vandaag op; nieuwe komen er over { $hours ->
        [one] een uur
       *[other] { $hours } uur
    }. De treffers staan hierboven, en dit zegt de catalogus zelf:
budget-all = De geschreven antwoorden zijn voor vandaag op; nieuwe komen er over { $hours ->
        [one] een uur
       *[other] { $hours } uur
    }. De treffers staan hierboven, en dit zegt de catalogus zelf:
forgotten = Klaar. Ik ben je foto en ons gesprek vergeten.
cancelled = Prima, er is niets gewijzigd.
look-alikes-attribute = Op deze foto kan ik niet zien of het { $titles } is. Kijk eens naar het kenmerk “{ $attribute }”: is het { $values }?
look-alikes-titles = Op deze foto kan ik niet zien of het { $titles } is. Welk van deze producten is het? Een foto vanuit een andere hoek kan ook helpen.
look-alikes-or = of
extract-nothing = Niets in de catalogus past bij deze foto, dus er valt niets te citeren.
extract-from = Uit de catalogus, over { $name } (fragment):
extract-closest = Voor deze foto is er geen zekere treffer; het dichtst in de buurt komt { $name }. Een foto vanuit een andere hoek kan helpen.
extract-near = Over { $name } zegt de catalogus dit niet met zoveel woorden. Dit komt er het dichtst bij (fragment):
extract-not-said = In de catalogus heb ik over { $name } niets gevonden dat hierop antwoord geeft.
extract-more = Misschien staat er meer op { $url }
answer-uncovered = Dat staat niet in de catalogus.
answer-page = Productpagina:
answer-unsupported = Niet uit de catalogus: { $figures }

button-next = Dit is het niet
button-neither = Geen van deze
button-good = 👍 Nuttig
button-bad = 👎 Niet nuttig
button-keep = Bewaren
button-keep-nothing = Niet bewaren
button-add-anyway = Toch toevoegen
button-remove = Verwijderen
button-cancel = Annuleren
button-sample = Voorbeeldcatalogus laden

## Hulp

help-intro =
    Ik vertel je over producten waar je een camera op kunt richten. Stuur me een foto en een vraag, dan zoek ik het product op in de catalogus.
help-photo = Stuur een foto met een vraag: ik laat de producten zien die erbij passen en antwoord uit de catalogus.
help-followup = Vraag daarna gewoon door: ik onthoud de foto een tijdje.
help-ask = /ask vraag: hetzelfde als een vraag zonder het commando
help-similar = /similar [aantal] [woorden]: alleen de treffers, voor een foto of een paar woorden
help-forget = /forget: de foto en het gesprek meteen vergeten
help-help = /help: deze lijst
help-kb = Voor admins:
help-kb-add = /kb add [id:…] [title:…] beschrijving: met foto’s: een product toevoegen, of afbeeldingen aan een bekende id
help-kb-show = /kb show ID: één product
help-kb-list = /kb list [pagina]: alle producten
help-kb-find = /kb find woorden: producten met die woorden in de tekst
help-kb-edit = /kb edit ID veld:…: de titel (title), de beschrijving (description) of een ander veld wijzigen; een leeg veld ("") verdwijnt
help-kb-remove = /kb remove ID: een product verwijderen, na bevestiging
help-kb-stats = /kb stats: hoeveel er is
help-kb-import = /kb import: met een zip-archief met description.json en afbeeldingen
help-kb-export = /kb export: de hele catalogus als zo’n archief
help-kb-undo = /kb undo: je laatste wijziging terugdraaien
help-kb-log = /kb log: wie wat heeft gewijzigd

## Weigeringen

denied = Dat mogen alleen admins van deze catalogus. Er is niets gewijzigd.
unknown-command = { $name } ken ik niet. Met /help zie je wat ik kan.
button-expired = Deze knop werkt niet meer. Stel je vraag opnieuw.
too-fast = Dat ging sneller dan ik mag antwoorden. Probeer het over { $seconds ->
        [one] één seconde
       *[other] { $seconds } seconden
    } nog eens.
busy = Ik geef nu te veel mensen tegelijk antwoord. Probeer het over { $seconds } s nog eens.
stopping = Ik word opnieuw gestart. Probeer het zo meteen nog eens.
internal = Er ging bij mij iets mis. Gebeurt het weer, geef dan dit nummer door aan mijn beheerder: { $reference }
disk-full = Mijn schijf is vol, dus er kon niets worden opgeslagen. Laat het mijn beheerder weten.
refused = Dat kan niet: { $reason }
long-question = De vraag telt { $length } tekens en ik lees er maximaal { $limit }. Stel een kortere vraag.
empty-question = De vraag is leeg. Vraag iets over de foto.
too-many-photos = Je stuurde { $sent } foto’s tegelijk en ik neem er maximaal { $limit } aan.

photo-named = { $name }: { $text }
photo-empty = Het bestand is leeg. Stuur een foto als JPEG, PNG, WebP, GIF, BMP of TIFF.
photo-bytes = De foto is { $size } MB en ik neem maximaal { $limit } MB aan. Stuur een kleinere; 2000 pixels aan de lange kant is ruim genoeg.
photo-pixels = De foto heeft { $width } × { $height } pixels en ik neem er maximaal { $limit } miljoen aan. Verklein de foto eerst.
photo-unsupported = Dit kan ik niet lezen: { $format }. Stuur in plaats daarvan JPEG, PNG, WebP, GIF, BMP of TIFF.
photo-damaged = Het { $format }-bestand is beschadigd of onvolledig. Sla het opnieuw op of stuur het nog eens.
photo-memory = Het { $format }-bestand kost te veel geheugen om te openen. Verklein het eerst.

## De catalogus

no-product = Er is geen product { $id }. Met /kb list zie je wat er is.
bad-id = { $id } kan geen product-id zijn: gebruik maximaal 128 letters, cijfers en tekens, zonder spaties.
bad-product = Het product { $id } kan zo niet worden opgeslagen: { $reason }
changed-since = Het is intussen weer gewijzigd en kan dus niet worden teruggedraaid: { $reason }
kb-add-needs-photo = /kb add heeft minstens één foto nodig: stuur die samen met het commando, of antwoord op een bericht met een foto.
kb-add-needs-text = Het product heeft een beschrijving nodig: /kb add title:"Rode waterkoker" Een waterkoker voor 1,7 liter.
kb-taken = Er is al een product { $id } ({ $title }). Schrijf id:{ $id } om er de foto’s aan toe te voegen, of kies een andere id of titel voor een nieuw product.
kb-import-needs-zip = /kb import heeft een zip-archief met description.json en afbeeldingen nodig: stuur het samen met het commando.
kb-importing = Er loopt al een import. Probeer het nog eens als die klaar is.
kb-added = { $id } ({ $title }) is toegevoegd met { $images ->
        [one] één afbeelding
       *[other] { $images } afbeeldingen
    } en is nu te vinden.
kb-images-added = { $id } ({ $title }) is bijgewerkt: { $images ->
        [one] één afbeelding
       *[other] { $images } afbeeldingen
    } toegevoegd, { $known } al bekend.
kb-near-duplicate = De foto is bijna gelijk aan een foto van { $id } ({ $title }). Toch toevoegen? Schrijf id:{ $id } om dat product meer afbeeldingen te geven.
kb-none = Zulke producten zijn er niet.
kb-no-such-page = Er is geen pagina { $page }.
kb-list = { $total ->
        [one] Eén product
       *[other] { $total } producten
    }, pagina { $page } van { $pages }:
kb-edited = { $id } is gewijzigd:
kb-remove-sure = { $id } ({ $title }) verwijderen, samen met { $images ->
        [one] de afbeelding
       *[other] de { $images } afbeeldingen
    }?
kb-removed = { $id } ({ $title }) is verwijderd. Met /kb undo haal je het terug.
kb-stats = Producten: { $products }, afbeeldingen: { $images }, { $megabytes } MB. Model: { $model }.
kb-imported = Import: { $added } toegevoegd, { $updated } bijgewerkt, { $unchanged } ongewijzigd, { $failed } mislukt.
kb-undone = Teruggedraaid: { $what }
kb-nothing-to-undo = Er is geen wijziging van jou om terug te draaien.
kb-log = De laatste wijzigingen, de nieuwste eerst:
change-added = { $at }, { $who }: { $products } toegevoegd
change-images = { $at }, { $who }: afbeeldingen ({ $images }) toegevoegd aan { $products }
change-edited = { $at }, { $who }: { $products } gewijzigd
change-removed = { $at }, { $who }: { $products } verwijderd
change-imported = { $at }, { $who }: { $products } geïmporteerd
change-undone = { $at }, { $who }: wijziging teruggedraaid van { $products }
change-and-more = { $first } en nog { $more }
change-taken-back = (teruggedraaid)

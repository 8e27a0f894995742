# Quello che dice il bot in italiano.

## Risposte

match-caption = { $title } ({ $score })
what-to-know = Che cosa desidera sapere?
catalogue-empty = Il catalogo è vuoto, quindi non ho nulla con cui confrontare la foto.
ask-nothing = Mi mandi la foto di un prodotto, se vuole con una domanda.
ask-needs-photo = Non so a quale prodotto si riferisca. Mi mandi una foto del prodotto insieme alla domanda, oppure lo cerchi con /similar e qualche parola.
similar-needs = /similar richiede una foto o qualche parola, ad esempio: /similar bollitore rosso
no-more-matches = Era l’ultimo risultato. Provi con un’altra foto: più da vicino, di fronte, con più luce.
thanks-good = Grazie, ne prendo nota.
thanks-bad = Grazie, ne prendo nota. Sarà utile a chi cura il catalogo.
feedback-consent = Posso conservare questo scambio? Si tratterebbe della Sua domanda, della risposta con i prodotti da cui è tratta e del Suo parere, per { $days ->
        [one] un giorno
       *[other] { $days } giorni
    }, per migliorare le risposte. Né la Sua foto, né la Sua identità.
feedback-not-kept = Va bene, non ho conservato nulla.
budget-user = Per oggi ha esaurito la Sua quota di risposte scritte; ce ne saranno di nuove tra { $hours ->
        [one] un’ora
       *[other] { $hours } ore
    }. I risultati sono qui sopra, ed ecco che cosa dice il catalogo:
budget-space = Per oggi le risposte scritte disponibili qui sono esaurite; ce ne saranno di nuove tra { $hours ->
        [one] un’ora
       *[other] { $hours } ore
    }. I risultati sono qui sopra, ed ecco che cosa dice il catalogo:
budget-all = Per oggi le risposte scritte sono esaurite; ce ne saranno di nuove tra { $hours ->
        [one] un’ora
       *[other] { $hours } ore
    }. I risultati sono qui sopra, ed ecco che cosa dice il catalogo:
forgotten = Fatto. Ho dimenticato la Sua foto e la nostra conversazione.
cancelled = Va bene, non è stato modificato nulla.
look-alikes-attribute = Da questa foto non riesco a capire se è { $titles }. Un dettaglio da controllare ({ $attribute }): { $values }?
look-alikes-titles = Da questa foto non riesco a capire se è { $titles }. Di quale prodotto si tratta? Può aiutare anche una foto da un’altra angolazione.
look-alikes-or = o
extract-nothing = Nel catalogo nulla corrisponde a questa foto, quindi non ho nulla da citare.
extract-from = Dalla scheda del prodotto { $name } (estratto):
extract-closest = Nessun prodotto corrisponde con certezza a questa foto; il più vicino è { $name }. Una foto da un’altra angolazione può aiutare.
extract-near = La scheda del prodotto { $name } non lo dice espressamente. Ecco ciò che più si avvicina (estratto):
extract-not-said = Nella scheda del prodotto { $name } non ho trovato nulla al riguardo.
extract-more = Forse trova di più qui: { $url }
answer-uncovered = Il catalogo non lo dice.
answer-page = La pagina del prodotto:
answer-unsupported = Senza riscontro nel catalogo: { $figures }

button-next = Non è questo
button-neither = Nessuno di questi
button-good = 👍 Utile
button-bad = 👎 Non utile
button-keep = Conserva
button-keep-nothing = Non conservare
button-add-anyway = Aggiungi comunque
button-remove = Rimuovi
button-cancel = Annulla
button-sample = Carica il catalogo di esempio

## Aiuto

help-intro =
    Le do informazioni sui prodotti che fotografa. Mi mandi una foto e una domanda, e cerco il prodotto nel catalogo.
help-photo = Mandi una foto con una domanda: mostro i prodotti corrispondenti e rispondo in base al catalogo.
help-followup = Poi può continuare a fare domande: ricordo la foto per un po’.
help-ask = /ask domanda: come una domanda senza il comando
help-similar = /similar [numero] [parole]: solo i risultati, per una foto o qualche parola
help-forget = /forget: dimenticare subito la foto e la conversazione
help-help = /help: questo elenco
help-kb = Per gli amministratori:
help-kb-add = /kb add [id:…] [title:…] descrizione: con le foto: aggiungere un prodotto, o immagini a un id già presente
help-kb-show = /kb show ID: un prodotto
help-kb-list = /kb list [pagina]: tutti i prodotti
help-kb-find = /kb find parole: i prodotti il cui testo contiene le parole
help-kb-edit = /kb edit ID campo:…: modificare il titolo (title), la descrizione (description) o qualsiasi altro campo; un campo vuoto ("") scompare
help-kb-remove = /kb remove ID: rimuovere un prodotto, previa conferma
help-kb-stats = /kb stats: il catalogo in cifre
help-kb-import = /kb import: con un archivio zip che contiene description.json e le immagini
help-kb-export = /kb export: l’intero catalogo in un archivio dello stesso tipo
help-kb-undo = /kb undo: annullare la Sua ultima modifica
help-kb-log = /kb log: chi ha modificato che cosa

## Rifiuti

denied = Solo gli amministratori di questo catalogo possono farlo. Non è stato modificato nulla.
unknown-command = Non conosco { $name }. /help mostra che cosa so fare.
button-expired = Questo pulsante non è più valido. Ripeta la domanda, per favore.
too-fast = Sta andando più veloce di quanto io possa rispondere. Riprovi tra { $seconds ->
        [one] un secondo
       *[other] { $seconds } secondi
    }.
busy = In questo momento sto rispondendo a troppe persone. Riprovi tra { $seconds } secondi.
stopping = Mi sto riavviando. Riprovi tra un momento.
internal = Qualcosa è andato storto da parte mia. Se succede di nuovo, comunichi questo numero a chi mi gestisce: { $reference }
disk-full = Il mio disco è pieno e non è stato possibile salvare nulla. Avvisi per favore chi mi gestisce.
refused = Non è possibile: { $reason }
long-question = La domanda ha { $length } caratteri e io ne leggo al massimo { $limit }. La accorci, per favore.
empty-question = La domanda è vuota. Chieda qualcosa sulla foto.
too-many-photos = Sono arrivate { $sent } foto in una volta e io ne accetto al massimo { $limit }.

photo-named = { $name }: { $text }
photo-empty = Il file è vuoto. Mandi una foto in formato JPEG, PNG, WebP, GIF, BMP o TIFF.
photo-bytes = La foto occupa { $size } MB e io accetto al massimo { $limit } MB. Ne mandi una più piccola; 2000 pixel sul lato lungo bastano e avanzano.
photo-pixels = La foto ha { $width } × { $height } pixel e io ne accetto al massimo { $limit } milioni. Prima la riduca, per favore.
photo-unsupported = Non riesco a leggere questo file ({ $format }). Mandi invece un file JPEG, PNG, WebP, GIF, BMP o TIFF.
photo-damaged = Il file { $format } è danneggiato o incompleto. Lo salvi o lo mandi di nuovo.
photo-memory = Il file { $format } richiede troppa memoria per essere aperto. Prima lo riduca, per favore.

## Il catalogo

no-product = Non c’è nessun prodotto { $id }. /kb list mostra quelli presenti.
bad-id = { $id } non può essere l’id di un prodotto: usi fino a 128 lettere, cifre e segni, senza spazi.
bad-product = Il prodotto { $id } non può essere salvato così: { $reason }
changed-since = Nel frattempo c’è stata un’altra modifica, quindi questa non può essere annullata: { $reason }
kb-add-needs-photo = /kb add richiede almeno una foto: la mandi insieme al comando, o risponda a un messaggio che ne contiene una.
kb-add-needs-text = Il prodotto ha bisogno di una descrizione: /kb add title:"Bollitore rosso" Un bollitore da 1,7 litri.
kb-taken = Esiste già un prodotto { $id } ({ $title }). Scriva id:{ $id } per aggiungergli le foto, oppure un altro id o un altro titolo per un prodotto nuovo.
kb-import-needs-zip = /kb import richiede un archivio zip con description.json e le immagini: lo mandi insieme al comando.
kb-importing = È in corso un’importazione. Riprovi quando sarà finita.
kb-added = Il prodotto { $id } ({ $title }) è stato aggiunto con { $images ->
        [one] un’immagine
       *[other] { $images } immagini
    }. Si può già trovare.
kb-images-added = La scheda { $id } ({ $title }) è aggiornata: { $images ->
        [one] un’immagine aggiunta
       *[other] { $images } immagini aggiunte
    }, già presenti: { $known }.
kb-near-duplicate = La foto è quasi uguale a una foto del prodotto { $id } ({ $title }). Vuole aggiungerla lo stesso? Per dare altre immagini a quel prodotto, scriva id:{ $id }.
kb-none = Non ci sono prodotti di questo tipo.
kb-no-such-page = Non c’è nessuna pagina { $page }.
kb-list = { $total ->
        [one] Un prodotto
       *[other] { $total } prodotti
    }, pagina { $page } di { $pages }:
kb-edited = Prodotto { $id } modificato:
kb-remove-sure = Rimuovere { $id } ({ $title }) con { $images ->
        [one] la sua immagine
       *[other] le sue { $images } immagini
    }?
kb-removed = Il prodotto { $id } ({ $title }) è stato rimosso. /kb undo lo ripristina.
kb-stats = Prodotti: { $products }, immagini: { $images }, { $megabytes } MB. Modello: { $model }.
kb-imported = Importazione: { $added } aggiunti, { $updated } aggiornati, { $unchanged } invariati, { $failed } non riusciti.
kb-undone = Modifica annullata: { $what }
kb-nothing-to-undo = Non ci sono Sue modifiche da annullare.
kb-log = Le ultime modifiche, dalla più recente:
change-added = { $at }, { $who } – aggiunta: { $products }
change-images = { $at }, { $who } – immagini aggiunte a { $products }: { $images }
change-edited = { $at }, { $who } – modifica: { $products }
change-removed = { $at }, { $who } – rimozione: { $products }
change-imported = { $at }, { $who } – importazione: { $products }
change-undone = { $at }, { $who } – annullamento di una modifica: { $products }
change-and-more = { $first } e { $more ->
        [one] un altro
       *[other] altri { $more }
    }
change-taken-back = (modifica annullata)

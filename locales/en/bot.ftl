# What the bot says, in English: the language every other one falls back to.

## Answers

match-caption = { $title } ({ $score })
what-to-know = What would you like to know about it?
catalogue-empty = The catalogue is empty, so there is nothing to compare the photo with.
ask-nothing = Send me a photo of a product, with a question if you have one.
ask-needs-photo = I don’t know which product you mean. Send me a photo of it together with your question, or look for it with /similar and a few words.
similar-needs = /similar needs a photo or a few words, like: /similar red kettle
no-more-matches = That was the last match. Try another photo: closer, from the front, in better light.
thanks-good = Thank you, noted.
thanks-bad = Thank you, noted. That helps whoever looks after the catalogue.
feedback-consent = May I keep this? It would be your question, the answer with the products it came from, and what you think of it, for { $days ->
        [one] one day
       *[other] { $days } days
    }, so that answers get better. Not your photo, and not who you are.
feedback-not-kept = All right, nothing was kept.
budget-user = You have used up today’s share of written answers; there will be new ones in { $hours ->
        [one] an hour
       *[other] { $hours } hours
    }. The matches stand above, and here is what the catalogue itself says:
budget-space = Today’s written answers for this place are used up; there will be new ones in { $hours ->
        [one] an hour
       *[other] { $hours } hours
    }. The matches stand above, and here is what the catalogue itself says:
budget-all = Today’s written answers are used up; there will be new ones in { $hours ->
        [one] an hour
       *[other] { $hours } hours
    }. The matches stand above, and here is what the catalogue itself says:
forgotten = Done. I have forgotten your photo and our conversation.
cancelled = All right, nothing was changed.
extract-nothing = Nothing in the catalogue matches this photo, so there is nothing to quote.
extract-from = From the catalogue’s entry for { $name } (extract):
extract-closest = The photo has no confident match; the closest is { $name }. From its entry (extract):
extract-not-said = the catalogue does not say.
answer-uncovered = The catalogue does not say.
answer-page = Its own page:
answer-unsupported = Not from the catalogue: { $figures }

button-next = Not this one
button-good = 👍 Helpful
button-bad = 👎 Not helpful
button-keep = Keep it
button-keep-nothing = Don’t keep it
button-add-anyway = Add anyway
button-remove = Remove it
button-cancel = Cancel
button-sample = Load the sample catalogue

## Help

help-intro =
    I tell you about products you can point a camera at. Send me a photo and a question, and I look the product up in the catalogue.
help-photo = Send a photo with a question: I show the products it matches and answer from the catalogue.
help-followup = Then just go on asking: I remember the photo for a while.
help-ask = /ask question: the same as a question without the command
help-similar = /similar [number] [words]: only the matches, for a photo or a few words
help-forget = /forget: forget the photo and the conversation now
help-help = /help: this list
help-kb = For admins:
help-kb-add = /kb add [id:…] [title:…] description: with photos: add a product, or images to a known id
help-kb-show = /kb show ID: one product
help-kb-list = /kb list [page]: all products
help-kb-find = /kb find words: products whose text holds the words
help-kb-edit = /kb edit ID field:…: change title, description or any other field; an empty one ("") goes away
help-kb-remove = /kb remove ID: remove a product, after asking
help-kb-stats = /kb stats: how much there is
help-kb-import = /kb import: with a zip archive that holds description.json and pictures
help-kb-export = /kb export: the whole catalogue as such an archive
help-kb-undo = /kb undo: take back your last change
help-kb-log = /kb log: who changed what

## Refusals

denied = Only admins of this catalogue may do that. Nothing was changed.
unknown-command = I don’t know { $name }. /help lists what I can do.
button-expired = This button no longer works. Ask again, please.
too-fast = That was quicker than I may answer. Please try again in { $seconds ->
        [one] one second
       *[other] { $seconds } seconds
    }.
busy = I am answering too many people right now. Please try again in { $seconds } seconds.
stopping = I am being restarted. Please try again in a moment.
internal = Something went wrong on my side. If it happens again, tell whoever runs me this number: { $reference }
disk-full = My disk is full, so nothing could be saved. Please tell whoever runs me.
refused = That can’t be done: { $reason }
long-question = The question has { $length } characters, and I read at most { $limit }. Please ask it shorter.
empty-question = The question is empty. Ask something about the photo.
too-many-photos = { $sent } photos came at once, and I take at most { $limit }.

photo-named = { $name }: { $text }
photo-empty = The file is empty. Send a photo as JPEG, PNG, WebP, GIF, BMP or TIFF.
photo-bytes = The photo has { $size } MB, and I take at most { $limit } MB. Send a smaller one; 2000 pixels on the longer side are plenty.
photo-pixels = The photo has { $width } × { $height } pixels, and I take at most { $limit } million. Scale it down first.
photo-unsupported = I can’t read { $format }. Send JPEG, PNG, WebP, GIF, BMP or TIFF instead.
photo-damaged = The { $format } file is damaged or cut short. Save it or send it again.
photo-memory = The { $format } file takes too much memory to open. Scale it down first.

## The catalogue

no-product = There is no product { $id }. /kb list shows what there is.
bad-id = { $id } can’t be a product’s id: use up to 128 letters, digits and signs without spaces.
bad-product = The product { $id } can’t be kept like that: { $reason }
changed-since = It was changed again meanwhile, so this can’t be taken back: { $reason }
kb-add-needs-photo = /kb add needs at least one photo: send it together with the command, or reply to a message that has one.
kb-add-needs-text = The product needs a description: /kb add title:"Red kettle" A kettle for 1.7 litres.
kb-taken = There is a product { $id } already ({ $title }). Write id:{ $id } to add the photos to it, or another id or title for a new one.
kb-import-needs-zip = /kb import needs a zip archive with description.json and pictures: send it together with the command.
kb-importing = An import is running. Try again when it is done.
kb-added = Added { $id } ({ $title }) with { $images ->
        [one] one image
       *[other] { $images } images
    }. It can be found now.
kb-images-added = { $id } ({ $title }) is up to date: { $images ->
        [one] one image
       *[other] { $images } images
    } added, { $known } it had already.
kb-near-duplicate = The photo is nearly the same as one of { $id } ({ $title }). Should it be added all the same? To give that product more images, write id:{ $id }.
kb-none = There are no such products.
kb-no-such-page = There is no page { $page }.
kb-list = { $total ->
        [one] One product
       *[other] { $total } products
    }, page { $page } of { $pages }:
kb-edited = Changed { $id }:
kb-remove-sure = Remove { $id } ({ $title }) with { $images ->
        [one] its image
       *[other] its { $images } images
    }?
kb-removed = Removed { $id } ({ $title }). /kb undo brings it back.
kb-stats = { $products } products, { $images } images, { $megabytes } MB. Model: { $model }.
kb-imported = Import: { $added } added, { $updated } updated, { $unchanged } unchanged, { $failed } failed.
kb-undone = Taken back: { $what }
kb-nothing-to-undo = There is no change of yours to take back.
kb-log = The last changes, newest first:
change-added = { $at }, { $who }: added { $products }
change-images = { $at }, { $who }: added { $images } images to { $products }
change-edited = { $at }, { $who }: changed { $products }
change-removed = { $at }, { $who }: removed { $products }
change-imported = { $at }, { $who }: imported { $products }
change-undone = { $at }, { $who }: took back a change of { $products }
change-and-more = { $first } and { $more } more
change-taken-back = (taken back)

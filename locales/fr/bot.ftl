# Ce que dit le bot en français.

## Réponses

match-caption = { $title } ({ $score })
what-to-know = Que souhaitez-vous savoir à ce sujet ?
catalogue-empty = Le catalogue est vide : je n’ai rien à quoi comparer la photo.
ask-nothing = Envoyez-moi la photo d’un produit, avec une question si vous en avez une.
ask-needs-photo = Je ne sais pas de quel produit vous parlez. Envoyez-moi sa photo avec votre question, ou cherchez-le avec /similar et quelques mots.
similar-needs = /similar a besoin d’une photo ou de quelques mots, par exemple : /similar bouilloire rouge
no-more-matches = C’était le dernier résultat. Essayez une autre photo : de plus près, de face, mieux éclairée.
thanks-good = Merci, c’est noté.
thanks-bad = Merci, c’est noté. Cela aidera les personnes qui gèrent le catalogue.
feedback-consent = Puis-je garder cet échange ? Il s’agirait de votre question, de la réponse avec les produits dont elle est tirée et de votre avis, pendant { $days ->
        [one] un jour
       *[other] { $days } jours
    }, pour améliorer les réponses. Ni votre photo, ni votre identité.
feedback-not-kept = C’est entendu, je n’ai rien gardé.
budget-user = Vous avez épuisé votre part de réponses rédigées pour aujourd’hui ; il y en aura de nouvelles dans { $hours ->
        [one] une heure
       *[other] { $hours } heures
    }. Les résultats se trouvent plus haut, et voici ce que dit le catalogue lui-même :
budget-space = Les réponses rédigées prévues ici pour aujourd’hui sont épuisées ; il y en aura de nouvelles dans { $hours ->
        [one] une heure
       *[other] { $hours } heures
    }. Les résultats se trouvent plus haut, et voici ce que dit le catalogue lui-même :
budget-all = Les réponses rédigées sont épuisées pour aujourd’hui ; il y en aura de nouvelles dans { $hours ->
        [one] une heure
       *[other] { $hours } heures
    }. Les résultats se trouvent plus haut, et voici ce que dit le catalogue lui-même :
forgotten = C’est fait. J’ai oublié votre photo et notre conversation.
cancelled = C’est entendu, rien n’a été modifié.
look-alikes-attribute = Cette photo ne me permet pas de dire si c’est { $titles }. Un détail à vérifier ({ $attribute }) : { $values } ?
look-alikes-titles = Cette photo ne me permet pas de dire si c’est { $titles }. De quel produit s’agit-il ? Une photo sous un autre angle peut aussi aider.
look-alikes-or = ou
extract-nothing = Rien dans le catalogue ne correspond à cette photo, je n’ai donc rien à citer.
extract-from = D’après la fiche du produit { $name } (extrait) :
extract-closest = Aucun produit ne correspond à coup sûr à cette photo ; le plus proche est { $name }. Une photo sous un autre angle peut aider.
extract-near = La fiche du produit { $name } ne le dit pas expressément. Voici ce qui s’en approche le plus (extrait) :
extract-not-said = Je n’ai rien trouvé à ce sujet dans la fiche du produit { $name }.
extract-more = Vous en saurez peut-être plus ici : { $url }
answer-uncovered = Le catalogue ne le dit pas.
answer-page = La page du produit :
answer-unsupported = Sans source dans le catalogue : { $figures }

button-next = Ce n’est pas ça
button-neither = Aucun de ces produits
button-good = 👍 Utile
button-bad = 👎 Pas utile
button-keep = Garder
button-keep-nothing = Ne pas garder
button-add-anyway = Ajouter quand même
button-remove = Supprimer
button-cancel = Annuler
button-sample = Charger le catalogue d’exemple

## Aide

help-intro =
    Je vous renseigne sur les produits que vous prenez en photo. Envoyez-moi une photo et une question, et je cherche le produit dans le catalogue.
help-photo = Envoyez une photo avec une question : je montre les produits qui correspondent et je réponds d’après le catalogue.
help-followup = Ensuite, continuez simplement à poser vos questions : je me souviens de la photo pendant un moment.
# Dans les lignes de commande, le premier « : » s’écrit sans espace insécable : c’est là que le bot sépare la commande de son explication.
help-ask = /ask question: comme une question posée sans la commande
help-similar = /similar [nombre] [mots]: seulement les résultats, pour une photo ou quelques mots
help-forget = /forget: oublier tout de suite la photo et la conversation
help-help = /help: cette liste
help-kb = Pour les admins :
help-kb-add = /kb add [id:…] [title:…] description: avec des photos : ajouter un produit, ou des images à un id déjà connu
help-kb-show = /kb show ID: un produit
help-kb-list = /kb list [page]: tous les produits
help-kb-find = /kb find mots: les produits dont le texte contient ces mots
help-kb-edit = /kb edit ID champ:…: modifier le titre (title), la description (description) ou tout autre champ ; un champ vide ("") disparaît
help-kb-remove = /kb remove ID: supprimer un produit, après confirmation
help-kb-stats = /kb stats: ce que contient le catalogue, en chiffres
help-kb-import = /kb import: avec une archive zip qui contient description.json et des images
help-kb-export = /kb export: tout le catalogue sous forme d’une telle archive
help-kb-undo = /kb undo: annuler votre dernière modification
help-kb-log = /kb log: qui a modifié quoi

## Refus

denied = Seuls les admins de ce catalogue peuvent faire cela. Rien n’a été modifié.
unknown-command = Je ne connais pas { $name }. /help indique ce que je sais faire.
button-expired = Ce bouton n’est plus valable. Veuillez reposer votre question.
too-fast = C’est trop rapide pour moi. Veuillez réessayer dans { $seconds ->
        [one] une seconde
       *[other] { $seconds } secondes
    }.
busy = Je réponds à trop de monde en ce moment. Veuillez réessayer dans { $seconds } secondes.
stopping = Je suis en train de redémarrer. Veuillez réessayer dans un instant.
internal = Quelque chose s’est mal passé de mon côté. Si cela se reproduit, indiquez ce numéro à la personne qui me gère : { $reference }
disk-full = Mon disque est plein, rien n’a pu être enregistré. Veuillez prévenir la personne qui me gère.
refused = Ce n’est pas possible : { $reason }
long-question = La question compte { $length } caractères, et j’en lis { $limit } au maximum. Veuillez la raccourcir.
empty-question = La question est vide. Demandez quelque chose au sujet de la photo.
too-many-photos = { $sent } photos sont arrivées à la fois, et j’en accepte { $limit } au maximum.

photo-named = { $name } : { $text }
photo-empty = Le fichier est vide. Envoyez une photo au format JPEG, PNG, WebP, GIF, BMP ou TIFF.
photo-bytes = La photo fait { $size } Mo, et j’accepte { $limit } Mo au maximum. Envoyez une version plus légère ; 2 000 pixels sur le grand côté suffisent largement.
photo-pixels = La photo fait { $width } × { $height } pixels, et j’en accepte { $limit } millions au maximum. Veuillez d’abord la réduire.
photo-unsupported = Je ne peux pas lire ce fichier ({ $format }). Envoyez plutôt du JPEG, PNG, WebP, GIF, BMP ou TIFF.
photo-damaged = Le fichier { $format } est abîmé ou incomplet. Enregistrez-le ou envoyez-le de nouveau.
photo-memory = Le fichier { $format } demande trop de mémoire pour être ouvert. Veuillez d’abord le réduire.

## Le catalogue

no-product = Il n’y a pas de produit { $id }. /kb list montre ce qui existe.
bad-id = { $id } ne peut pas servir d’identifiant : utilisez jusqu’à 128 lettres, chiffres et signes, sans espaces.
bad-product = Le produit { $id } ne peut pas être enregistré ainsi : { $reason }
changed-since = Une autre modification a eu lieu entre-temps, celle-ci ne peut donc pas être annulée : { $reason }
kb-add-needs-photo = /kb add a besoin d’au moins une photo : envoyez-la avec la commande, ou répondez à un message qui en contient une.
kb-add-needs-text = Le produit a besoin d’une description : /kb add title:"Bouilloire rouge" Une bouilloire de 1,7 litre.
kb-taken = Il existe déjà un produit { $id } ({ $title }). Écrivez id:{ $id } pour lui ajouter les photos, ou choisissez un autre identifiant ou un autre titre pour un nouveau produit.
kb-import-needs-zip = /kb import a besoin d’une archive zip avec description.json et des images : envoyez-la avec la commande.
kb-importing = Une importation est en cours. Réessayez quand elle sera terminée.
kb-added = Le produit { $id } ({ $title }) a été ajouté avec { $images ->
        [one] { $images } image
       *[other] { $images } images
    }. On peut déjà le trouver.
kb-images-added = { $id } ({ $title }) est à jour : { $images ->
        [one] { $images } image ajoutée
       *[other] { $images } images ajoutées
    }, { $known } déjà là.
kb-near-duplicate = La photo est presque identique à une photo du produit { $id } ({ $title }). Faut-il l’ajouter quand même ? Pour donner d’autres images à ce produit, écrivez id:{ $id }.
kb-none = Il n’y a pas de tels produits.
kb-no-such-page = Il n’y a pas de page { $page }.
kb-list = { $total ->
        [one] { $total } produit
       *[other] { $total } produits
    }, page { $page } sur { $pages } :
kb-edited = Produit { $id } modifié :
kb-remove-sure = Supprimer { $id } ({ $title }) avec { $images ->
        [one] son image
       *[other] ses { $images } images
    } ?
kb-removed = Le produit { $id } ({ $title }) a été supprimé. /kb undo permet de le rétablir.
kb-stats = Produits : { $products }, images : { $images }, { $megabytes } Mo. Modèle : { $model }.
kb-imported = Importation : { $added } ajoutés, { $updated } mis à jour, { $unchanged } inchangés, { $failed } en échec.
kb-undone = Modification annulée : { $what }
kb-nothing-to-undo = Vous n’avez aucune modification à annuler.
kb-log = Les dernières modifications, de la plus récente à la plus ancienne :
change-added = { $at }, { $who } – ajout : { $products }
change-images = { $at }, { $who } – images ajoutées à { $products } : { $images }
change-edited = { $at }, { $who } – modification : { $products }
change-removed = { $at }, { $who } – suppression : { $products }
change-imported = { $at }, { $who } – importation : { $products }
change-undone = { $at }, { $who } – annulation d’une modification : { $products }
change-and-more = { $first } et { $more } de plus
change-taken-back = (modification annulée)

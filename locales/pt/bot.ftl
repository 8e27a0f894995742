# O que o bot diz em português.

## Respostas

match-caption = { $title } ({ $score })
what-to-know = O que gostaria de saber?
catalogue-empty = O catálogo está vazio, por isso não há nada com que comparar a foto.
ask-nothing = Envie-me uma foto de um produto e, se quiser, uma pergunta.
ask-needs-photo = Não sei a que produto se refere. Envie-me uma foto dele junto com a pergunta ou procure-o com /similar e algumas palavras.
similar-needs = /similar precisa de uma foto ou de algumas palavras, por exemplo: /similar chaleira vermelha
no-more-matches = Esse era o último resultado. Tente outra foto: mais de perto, de frente, com mais luz.
thanks-good = Obrigado, está anotado.
thanks-bad = Obrigado, está anotado. Isso ajuda quem cuida do catálogo.
feedback-consent = Posso guardar isto? Seriam a sua pergunta, a resposta com os produtos em que se baseia e a sua opinião sobre ela, durante { $days ->
        [one] um dia
       *[other] { $days } dias
    }, para que as respostas melhorem. Nem a sua foto, nem quem você é.
feedback-not-kept = Está bem, não guardei nada.
budget-user = O seu limite de respostas escritas por hoje acabou; haverá novas dentro de { $hours ->
        [one] uma hora
       *[other] { $hours } horas
    }. Os resultados estão acima, e isto é o que diz o próprio catálogo:
budget-space = As respostas escritas de hoje para este lugar acabaram; haverá novas dentro de { $hours ->
        [one] uma hora
       *[other] { $hours } horas
    }. Os resultados estão acima, e isto é o que diz o próprio catálogo:
budget-all = As respostas escritas de hoje acabaram; haverá novas dentro de { $hours ->
        [one] uma hora
       *[other] { $hours } horas
    }. Os resultados estão acima, e isto é o que diz o próprio catálogo:
forgotten = Pronto. Esqueci a sua foto e a nossa conversa.
cancelled = Está bem, nada foi alterado.
look-alikes-attribute = Por esta foto não consigo dizer se é { $titles }. Repare neste detalhe ({ $attribute }): { $values }?
look-alikes-titles = Por esta foto não consigo dizer se é { $titles }. Qual é? Uma foto de outro ângulo também pode ajudar.
look-alikes-or = ou
extract-nothing = Nada no catálogo corresponde a esta foto, por isso não há nada para citar.
extract-from = Da ficha de { $name } no catálogo (trecho):
extract-closest = A foto não tem nenhum resultado seguro; o que mais se aproxima é { $name }. Uma foto de outro ângulo pode ajudar.
extract-near = A ficha de { $name } não o diz expressamente. O mais próximo que diz (trecho):
extract-not-said = Na ficha de { $name } não encontrei nada que responda a isso.
extract-more = Talvez haja mais informações em { $url }
answer-uncovered = O catálogo não diz.
answer-page = Página do produto:
answer-unsupported = Não consta do catálogo: { $figures }

button-next = Não é este produto
button-neither = Nenhum destes
button-good = 👍 Útil
button-bad = 👎 Não é útil
button-keep = Guardar
button-keep-nothing = Não guardar
button-add-anyway = Adicionar mesmo assim
button-remove = Remover
button-cancel = Cancelar
button-sample = Carregar catálogo de exemplo

## Ajuda

help-intro =
    Dou informações sobre produtos: basta apontar a câmera. Envie-me uma foto e uma pergunta, e eu procuro o produto no catálogo.
help-photo = Envie uma foto com uma pergunta: mostro os produtos que correspondem e respondo com o que diz o catálogo.
help-followup = Depois é só fazer mais perguntas: guardo a foto na memória por algum tempo.
help-ask = /ask pergunta: o mesmo que uma pergunta sem o comando
help-similar = /similar [quantidade] [palavras]: só os resultados, para uma foto ou algumas palavras
help-forget = /forget: esquecer agora a foto e a conversa
help-help = /help: esta lista
help-kb = Para administradores:
help-kb-add = /kb add [id:…] [title:…] descrição: com fotos: adicionar um produto, ou imagens a um id já conhecido
help-kb-show = /kb show ID: um produto
help-kb-list = /kb list [página]: todos os produtos
help-kb-find = /kb find palavras: os produtos cujo texto contém as palavras
help-kb-edit = /kb edit ID campo:…: alterar o título (title), a descrição (description) ou qualquer outro campo; se ficar vazio (""), desaparece
help-kb-remove = /kb remove ID: remover um produto, após confirmação
help-kb-stats = /kb stats: quanto há
help-kb-import = /kb import: com um arquivo zip que contenha description.json e imagens
help-kb-export = /kb export: todo o catálogo num arquivo desse tipo
help-kb-undo = /kb undo: desfazer a sua última alteração
help-kb-log = /kb log: quem alterou o quê

## Recusas

denied = Só os administradores deste catálogo podem fazer isso. Nada foi alterado.
unknown-command = Não conheço { $name }. Com /help verá o que sei fazer.
button-expired = Este botão já não funciona. Pergunte de novo, por favor.
too-fast = Isso foi mais rápido do que posso responder. Tente de novo dentro de { $seconds ->
        [one] um segundo
       *[other] { $seconds } segundos
    }.
busy = Neste momento há pessoas demais à espera de resposta. Tente de novo dentro de { $seconds ->
        [one] um segundo
       *[other] { $seconds } segundos
    }.
stopping = Vou reiniciar. Tente de novo daqui a pouco, por favor.
internal = Houve um erro do meu lado. Se voltar a acontecer, informe este número a quem me administra: { $reference }
disk-full = O meu disco está cheio e não foi possível guardar nada. Avise quem me administra, por favor.
refused = Não é possível: { $reason }
long-question = A pergunta tem { $length } caracteres, e leio no máximo { $limit }. Encurte-a, por favor.
empty-question = A pergunta está vazia. Pergunte algo sobre a foto.
too-many-photos = Chegaram { $sent } fotos de uma vez, e aceito no máximo { $limit }.

photo-named = { $name }: { $text }
photo-empty = O arquivo está vazio. Envie uma foto em JPEG, PNG, WebP, GIF, BMP ou TIFF.
photo-bytes = A foto tem { $size } MB, e aceito no máximo { $limit } MB. Envie uma menor; 2000 pixels no lado maior são suficientes.
photo-pixels = A foto tem { $width } × { $height } pixels, e aceito no máximo { $limit } milhões. Reduza-a antes de enviar.
photo-unsupported = Não consigo ler { $format }. Em vez disso, envie JPEG, PNG, WebP, GIF, BMP ou TIFF.
photo-damaged = O arquivo { $format } está danificado ou incompleto. Guarde-o ou envie-o de novo.
photo-memory = O arquivo { $format } precisa de memória demais para ser aberto. Reduza-o antes de enviar.

## O catálogo

no-product = Não há nenhum produto { $id }. Com /kb list verá os que há.
bad-id = { $id } não pode ser o id de um produto: use até 128 letras, algarismos e sinais, sem espaços.
bad-product = O produto { $id } não pode ser guardado assim: { $reason }
changed-since = Nesse meio-tempo houve outra alteração, por isso esta já não pode ser desfeita: { $reason }
kb-add-needs-photo = /kb add precisa de pelo menos uma foto: envie-a junto com o comando ou responda a uma mensagem que tenha uma.
kb-add-needs-text = O produto precisa de uma descrição: /kb add title:"Chaleira vermelha" Uma chaleira de 1,7 litros.
kb-taken = Já existe um produto { $id } ({ $title }). Escreva id:{ $id } para lhe adicionar as fotos, ou outro id ou título para criar um novo.
kb-import-needs-zip = /kb import precisa de um arquivo zip com description.json e imagens: envie-o junto com o comando.
kb-importing = Há uma importação em curso. Tente de novo quando terminar.
kb-added = Adicionei { $id } ({ $title }) com { $images ->
        [one] uma imagem
       *[other] { $images } imagens
    }. Já é possível encontrar este produto.
kb-images-added = { $id } ({ $title }) está em dia: { $images ->
        [0] nenhuma imagem nova
        [one] uma imagem nova
       *[other] { $images } imagens novas
    }; já conhecidas: { $known }.
kb-near-duplicate = A foto é quase igual a uma de { $id } ({ $title }). Adiciono-a mesmo assim? Para dar mais imagens a esse produto, escreva id:{ $id }.
kb-none = Não há produtos assim.
kb-no-such-page = Não há nenhuma página { $page }.
kb-list = { $total ->
        [one] Um produto
       *[other] { $total } produtos
    }, página { $page } de { $pages }:
kb-edited = Alterei { $id }:
kb-remove-sure = Remover { $id } ({ $title }) com { $images ->
        [one] a sua imagem
       *[other] as suas { $images } imagens
    }?
kb-removed = Removi { $id } ({ $title }). Com /kb undo volta ao catálogo.
kb-stats = Produtos: { $products }. Imagens: { $images }. Tamanho: { $megabytes } MB. Modelo: { $model }.
kb-imported = Importação. Adicionados: { $added }; atualizados: { $updated }; sem alterações: { $unchanged }; com erros: { $failed }.
kb-undone = Alteração desfeita: { $what }
kb-nothing-to-undo = Não há nenhuma alteração sua para desfazer.
kb-log = As últimas alterações, primeiro as mais recentes:
change-added = { $at }, { $who }: adicionou { $products }
change-images = { $at }, { $who }: adicionou { $images ->
        [one] uma imagem
       *[other] { $images } imagens
    } a { $products }
change-edited = { $at }, { $who }: alterou { $products }
change-removed = { $at }, { $who }: removeu { $products }
change-imported = { $at }, { $who }: importou { $products }
change-undone = { $at }, { $who }: desfez uma alteração em { $products }
change-and-more = { $first } e mais { $more }
change-taken-back = (desfeita)

//! Which language a question is in, among those the bot speaks. Questions are short: their little words and
//! their letters tell sooner than trigrams do.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;
use whatlang::{Detector, Lang};

use super::{EMPTIES, GERMAN};

/// A language, its little words and words of asking, and letters that few others of these have.
struct Language {
    tag: &'static str,
    detected: Lang,
    words: &'static str,
    letters: &'static str,
}

/// English and German come first and have lists of their own, which serve for more than this.
const LANGUAGES: [Language; 8] = [
    Language { tag: "en", detected: Lang::Eng, words: "", letters: "" },
    Language { tag: "de", detected: Lang::Deu, words: "", letters: "ß" },
    Language {
        tag: "fr",
        detected: Lang::Fra,
        words: "a ai après as au aussi aux avant avec avez besoin bien c ce cela celle celui ces cet cette ceux \
chez combien comment coûte cuit d dans de dedans des dessus du déjà elle en encore est et eux \
faire fait faut ici il ils j jamais je l la laquelle le lequel les leur leurs lui là m ma marche \
mes moi mon même n ne nous on ont ou où par pas peut peuvent peux plus pour pourquoi puis pèse qu \
quand que quel quelle quelles quels qui quoi rien s sa sans ses si son sont sous suis sur t ta tes \
ton tout toute très tu un une va vont vos votre vous vraiment y à ça êtes être",
        letters: "œçê",
    },
    Language {
        tag: "es",
        detected: Lang::Spa,
        words: "a ahí al aquí así cada como con cual cuando cuanta cuantas cuanto cuantos cuesta cuál cuándo \
cuánta cuántas cuánto cuántos cómo de del dentro desde donde dónde el ella ellas ello en entre es \
ese eso esta estar estas este esto estos está fuera funciona hacer hasta hay la las le lo los me \
mi mis muy más mía mío nada necesito no nos o os otra otro para pero pesa por puede puedo que \
quien quiero qué se ser si siempre sigo sin sirve sobre son soy su sus sé también tengo tiene \
tienen toda todo un una unas uno unos vale van viene y ya yo",
        letters: "ñ¿¡",
    },
    Language {
        tag: "it",
        detected: Lang::Ita,
        words: "a ai al alla anche ancora bisogno c che chi ci come con cos cosa costa così cui d da dal de dei \
del dell della delle dentro di dopo dove due e ed essere fa fare fuori già gli ha ho i il in l la \
le lei lo loro lui ma mai me mi mia miei mio molto ne nel nella non o ogni per perché pesa più \
posso prima può qual quale quali quando quanta quante quanti quanto questa queste questi questo se \
sei senza serve si solo sono sopra sotto stesso su sul ti tua tuo tutta tutto un una uno va vanno \
vi vorrei è",
        letters: "ìò",
    },
    Language {
        tag: "pt",
        detected: Lang::Por,
        words: "a ainda ali antes ao aqui as até cada com como custa da das de dentro depois do dos dá e ela elas \
ele eles em essa essas esse esta estar estas este estes estou está eu fazer fica foi fora funciona \
há isso isto já lhe lá mais mas meu meus minha minhas muita muito na nas no nos nunca não o onde \
os ou outra outro para pela pelo pesa pode por posso preciso quais qual quando quanta quantas \
quanto quantos que quem quero quê se sem ser seu sob sobre sou sua são só também tapa tem tenho \
ter toda todo traz tudo um uma umas uns vai vem vou vão à às é",
        letters: "ãõ",
    },
    Language {
        tag: "nl",
        detected: Lang::Nld,
        words: "aan al alleen allemaal alles als altijd andere ben best bij daar daarvan dat de deze dit doet een \
en er erbij erin erop eruit ervan ga gaat geen gewoon had heb hebben heeft hem het hier hij hoe \
hoeveel hoever ie iets ik in is jullie kan kost kun kunnen kunt maar mag me met mijn mijne moeten \
naar net niet nodig nog of om onder ook op over past te tegen tot tussen uit van veel voor waar \
waarom wanneer wat weegt weer wel welk welke werkt wie willen word wordt zelf zijn zit zitten zo \
zonder zou",
        letters: "ĳ",
    },
    Language {
        tag: "pl",
        detected: Lang::Pol,
        words: "a albo ale ani bardzo bez by być było będzie co czego czy czym da dla do działa gdzie go i ich ile \
jak jaka jaki jakie jakiego jego jej jest jeszcze już ją każdej każdy kiedy kosztuje kto która \
które który lub ma mam masz mi mnie mogę moja można mój na nad nich nie niego niej nim o od on ona \
pan pani po pod potrzebuję przez przy sam się sobie swoje są ta tak tam te tego tej temu ten też \
to tych tyle tylko tym u w waży we więc wszystko z za ze że żeby",
        letters: "ąęłńśźżć",
    },
];

/// The BCP 47 tag of a text's language, where it can be told.
pub fn spoken(text: &str) -> Option<&'static str> {
    if let [one] = likely(text)[..] {
        return Some(one);
    }
    let allowed = LANGUAGES.iter().map(|language| language.detected).collect();
    let found = Detector::with_allowlist(allowed).detect(text).filter(whatlang::Info::is_reliable);
    let found = found?.lang();
    LANGUAGES.iter().find(|language| language.detected == found).map(|language| language.tag)
}

/// The languages that most of a text's little words belong to: several for "la 2", none for "price".
pub fn likely(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase().replace(['\'', '\u{2019}'], " ");
    let words: Vec<&str> = lower.unicode_words().collect();
    let mut scores = LANGUAGES.map(|l| usize::from(lower.contains(|c| l.letters.contains(c))));
    for word in &words {
        let known = owners(word);
        scores.iter_mut().enumerate().for_each(|(n, score)| *score += usize::from(known >> n & 1));
    }
    let most = scores.iter().copied().max().unwrap_or_default();
    if most == 0 || most * 10 < words.len() * 3 {
        return Vec::new();
    }
    let best = LANGUAGES.iter().zip(scores).filter(|(_, score)| *score == most);
    best.map(|(language, _)| language.tag).collect()
}

/// The languages of which a lower-case word is a little one, a bit for each in their order.
fn owners(word: &str) -> u8 {
    static LISTED: LazyLock<HashMap<&str, u8>> = LazyLock::new(|| {
        let mut listed = HashMap::new();
        for (n, language) in LANGUAGES.iter().enumerate() {
            for word in language.words.split_whitespace() {
                *listed.entry(word).or_default() |= 1 << n;
            }
        }
        listed
    });
    let english = EMPTIES.contains(word);
    let german = !english && GERMAN.is_some_and(|german| german.exact(word).is_some());
    LISTED.get(word).copied().unwrap_or_default() | u8::from(english) | u8::from(german) << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_questions_tell_their_language() {
        for (language, texts) in [
            (
                "de",
                [
                    "Wie schwer ist das?",
                    "Ist ein Kabel dabei?",
                    "Was kostet die Lampe?",
                    "wasserdicht?",
                ],
            ),
            (
                "en",
                [
                    "How heavy is it?",
                    "weight of the kettle",
                    "Can I use it in the rain?",
                    "what's the price",
                ],
            ),
            (
                "fr",
                [
                    "Combien ça pèse ?",
                    "C’est étanche ?",
                    "La lampe est-elle garantie ?",
                    "Quelle est la capacité de la batterie ?",
                ],
            ),
            (
                "es",
                [
                    "¿Cuánto pesa?",
                    "¿Es impermeable?",
                    "cuanto cuesta la lampara",
                    "¿Se puede usar bajo la lluvia?",
                ],
            ),
            (
                "it",
                [
                    "Quanto costa questa lampada?",
                    "È impermeabile?",
                    "Di che colore è?",
                    "Posso lavarlo in lavastoviglie?",
                ],
            ),
            (
                "pt",
                [
                    "Quanto custa isto?",
                    "Qual é o peso?",
                    "Posso usar na chuva?",
                    "Tem garantia de quantos anos?",
                ],
            ),
            (
                "nl",
                [
                    "Hoe zwaar is het?",
                    "Wat kost deze lamp?",
                    "Kan hij tegen regen?",
                    "Zit er een kabel bij?",
                ],
            ),
            (
                "pl",
                [
                    "Ile to waży?",
                    "Czy jest wodoodporny?",
                    "Ile kosztuje ta lampa?",
                    "Jaki to kolor?",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(spoken(text), Some(language), "{text}");
            }
        }
    }

    #[test]
    fn what_could_be_several_languages_is_none() {
        for text in
            ["weight?", "Quanto pesa?", "", "42", "LM-X2 ?", "重さは?", "is die cast iron ok"]
        {
            assert_eq!(spoken(text), None, "{text}");
        }
    }
}

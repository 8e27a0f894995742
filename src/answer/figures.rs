//! Which figures of an answer stand in no evidence: numbers with units, prices, percentages.
//!
//! A figure is supported when the shown entries state the same amount, as it is or in another unit of
//! the same kind: 2.5 kg is 2500 g, and 5.5 lb to the percent. Numbers may be spelled out. What only the
//! customer states is not the catalogue's, and named like any other.

use std::borrow::Cow;

use super::units::Kind::{Dollar, Euro, Franc, Money, Pound, Rouble, Rupee, Won, Yen, Yuan};
use super::units::{DATES, Kind, YEAR, currency_before, unit, unit_after};
use super::{Evidence, spelled};

/// An amount: every value its digits may stand for, in the basic unit of its kind.
struct Figure<'a> {
    text: &'a str,
    values: Vec<f64>,
    kind: Kind,
    factor: f64,
}

/// The figures of an answer that the entries do not state, as the answer writes them but for numbers in
/// words, which come in digits.
pub(super) fn unsupported(answer: &str, evidence: &[Evidence]) -> Vec<String> {
    let stated: Vec<String> = evidence.iter().flat_map(statements).collect();
    let spelled_out: Vec<String> = stated.iter().flat_map(|s| spelled::in_any_digits(s)).collect();
    let known: Vec<Figure<'_>> =
        stated.iter().chain(&spelled_out).flat_map(|s| figures(s)).collect();
    let answer = spelled::in_digits(answer).map_or(Cow::Borrowed(answer), Cow::Owned);
    let mut missing: Vec<String> = Vec::new();
    for figure in figures(&answer) {
        let text = figure.text.trim();
        if !known.iter().any(|k| figure.is(k)) && !missing.iter().any(|m| m == text) {
            missing.push(text.to_owned());
        }
    }
    missing
}

/// Everything an entry says, each attribute with its unit where the name has it.
fn statements(evidence: &Evidence) -> Vec<String> {
    let product = &evidence.product;
    let attributes = product.attributes.iter().flat_map(|(name, value)| {
        let name = name.to_lowercase();
        let words = name.split(['_', ' ', '-', '(', ')']).filter(|w| !w.is_empty());
        // "weight_kg: 2" says 2 kg; "price: 89" says 89 of some money.
        let units: Vec<&str> = words
            .filter_map(|word| match word {
                "price" | "preis" | "cost" | "msrp" | "rrp" => Some("¤"),
                word => unit(word).map(|_| word),
            })
            .collect();
        let bare = value.trim();
        let units =
            units.into_iter().filter(|_| bare.chars().all(|c| c.is_numeric() || separates(c)));
        let with_units: Vec<String> = units.map(|u| format!("{bare} {u}")).collect();
        with_units.into_iter().chain([format!("{name}: {value}")])
    });
    [product.title.clone(), product.description.clone()].into_iter().chain(attributes).collect()
}

impl Figure<'_> {
    fn is(&self, known: &Figure<'_>) -> bool {
        let money = |k: Kind| {
            matches!(k, Euro | Dollar | Pound | Yen | Franc | Rupee | Rouble | Won | Yuan)
        };
        let priced = known.kind == Money && money(self.kind);
        if self.kind != known.kind && !priced {
            return false;
        }
        let tolerance = if self.factor == known.factor { 1e-6 } else { 0.01 };
        self.values.iter().any(|a| {
            let a = a * self.factor;
            known.values.iter().any(|b| {
                let b = b * known.factor;
                (a - b).abs() <= tolerance * a.abs().max(b.abs())
            })
        })
    }
}

/// The figures of a text, in order.
fn figures(text: &str) -> Vec<Figure<'_>> {
    let numbers = numbers(text);
    let mut found: Vec<Figure<'_>> = Vec::new();
    // From the back, so that "20 x 30 cm" and "5 to 8 hours" hand their unit on to the first number.
    let mut next: Option<(usize, Kind, f64)> = None;
    for &(start, end) in numbers.iter().rev() {
        let (before, after) = (text.get(..start).unwrap_or(""), text.get(end..).unwrap_or(""));
        let inherited = next.filter(|(at, ..)| {
            let between = text.get(end..*at).unwrap_or("").trim();
            ["x", "×", "*", "by", "mal", "-", "–", "to", "bis", "à", "a", "/"].contains(&between)
        });
        let said = unit_after(after)
            .map(|(length, kind, factor)| (start, end + length, kind, factor))
            .or_else(|| currency_before(before).map(|(at, kind)| (at, end, kind, 1.0)))
            .or_else(|| inherited.map(|(_, kind, factor)| (start, end, kind, factor)));
        next = said.map(|(from, _, kind, factor)| (from, kind, factor));
        if let Some((from, to, kind, factor)) = said {
            let values = values(text.get(start..end).unwrap_or(""));
            if factor == YEAR && values.iter().any(|value| DATES.contains(value)) {
                continue;
            }
            found.push(Figure { text: text.get(from..to).unwrap_or(""), values, kind, factor });
        }
    }
    found.reverse();
    found
}

/// Where the numbers of a text are; a number within a name like `WH-1000XM4` is none.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let digit = |n: usize| chars.get(n).is_some_and(|(_, c)| value_of(*c).is_some());
    let mut found = Vec::new();
    let mut n = 0;
    while n < chars.len() {
        if !digit(n) {
            n += 1;
            continue;
        }
        let first = n;
        while digit(n)
            || (chars.get(n).is_some_and(|(_, c)| separates(*c)) && digit(n + 1) && {
                // A blank parts thousands only.
                !chars[n].1.is_whitespace() || (digit(n + 2) && digit(n + 3) && !digit(n + 4))
            })
        {
            n += 1;
        }
        let before = first.checked_sub(1).and_then(|b| chars.get(b)).map(|(_, c)| *c);
        let name = match before {
            Some(c) if is_spaced_letter(c) => true,
            Some('-') => {
                first >= 2
                    && chars
                        .get(first - 2)
                        .is_some_and(|(_, c)| c.is_alphanumeric() && value_of(*c).is_none())
            }
            _ => false,
        };
        let end = chars.get(n).map_or(text.len(), |(at, _)| *at);
        if let Some((start, _)) = chars.get(first).filter(|_| !name) {
            found.push((*start, end));
        }
    }
    found
}

/// A letter of a script that parts words by spaces.
fn is_spaced_letter(c: char) -> bool {
    c.is_alphabetic() && (c as u32) < 0x2e80
}

fn separates(c: char) -> bool {
    matches!(c, '.' | ',' | '٫' | '٬' | '\'' | '’' | ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

/// A decimal digit of the scripts that customers write numbers in.
fn value_of(c: char) -> Option<char> {
    const ZEROS: [u32; 7] = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0xff10];
    let value = ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero).filter(|d| *d < 10))?;
    char::from_digit(value, 10)
}

/// What digits may stand for: "1.200" is 1.2 to some and 1200 to others.
fn values(digits: &str) -> Vec<f64> {
    let plain: String = digits
        .chars()
        .filter_map(|c| match c {
            '.' | ',' => Some(c),
            // Arabic's own signs of fractions and thousands.
            '٫' => Some('.'),
            '٬' => Some(','),
            c => value_of(c),
        })
        .collect();
    let whole = plain.replace([',', '.'], "").parse().ok();
    let Some(at) = plain.rfind(['.', ',']) else { return whole.into_iter().collect() };
    let (head, tail) = plain.split_at(at);
    let decimal = format!("{}.{}", head.replace([',', '.'], ""), &tail[1..]).parse().ok();
    let thousands = tail.len() == 4;
    let several = head.contains(['.', ',']);
    let same = several && head.contains(&tail[..1]);
    match (thousands, same) {
        (true, true) => whole.into_iter().collect(),
        (true, false) if !several => whole.into_iter().chain(decimal).collect(),
        _ => decimal.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Product;

    fn evidence() -> Vec<Evidence> {
        let attributes = [("price", "€1,249.00"), ("weight_kg", "2.5"), ("url", "https://x.y/z")];
        let product = Product {
            id: "a".into(),
            title: "Kettle 3000".into(),
            description:
                "It holds 1.7 litres and boils in 3 min. It measures 20 x 30 x 15 cm. The \
                          battery lasts 5 to 8 hours. Two-year warranty; 40 % quieter."
                    .into(),
            attributes: attributes.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect(),
            images: vec![],
        };
        vec![Evidence { product, score: 0.9, picture: None }]
    }

    #[test]
    fn what_the_entry_states_is_supported_however_it_is_written() {
        for said in [
            "It holds 1.7 l.",
            "Er fasst 1,7 Liter und kocht in 3 Minuten.",
            "It costs €1,249.",
            "Er kostet 1.249,00 €.",
            "1 249 EUR",
            "It weighs 2.5kg, which is 2500 grams or 5.5 pounds.",
            "20 × 30 × 15 cm, so 200 mm wide.",
            "It lasts 8 h.",
            "5-8 hours",
            "40% quieter",
            "It has 2 ports and is the WH-1000XM4 of kettles.",
            "重さは2.5キロです。",
            "容量 １.７ 升",
            "Сколько литров? 1,7 литра, вес 2,5 кг.",
            "It lasts five to eight hours and comes with two years of warranty.",
            "Er hält fünf bis acht Stunden.",
            "It takes the second hour to cool.",
            "重さは2.5kgです、容量は1.7リットルで、1700ミリリットルとも言います。",
            "重量2.5公斤左右,2024年上市",
            "무게는 2.5킬로그램입니다.",
            "٢٫٥ كجم",
            // What is no amount though it has the words of one.
            "Puede tardar horas o días.",
            "Può durare ore o giorni.",
            "Il y a deux voyants, dont deux s'allument.",
            "Es gibt zwei an der Rückseite und einen An/Aus-Schalter.",
            "Ne bastano due ma solo di sera.",
        ] {
            assert_eq!(unsupported(said, &evidence()), [] as [&str; 0], "{said}");
        }
    }

    #[test]
    fn what_it_does_not_state_is_named() {
        for (said, figures) in [
            ("It weighs 3 kg and holds 1.7 l.", &["3 kg"][..]),
            ("It costs $1,249.", &["$1,249"]),
            ("Er kostet 89 €, also 89 €.", &["89 €"]),
            ("It lasts 12 hours at 230 V.", &["12 hours", "230 V"]),
            ("21 x 30 cm", &["21"]),
            ("It boils in 3 hours.", &["3 hours"]),
            ("٣ kg", &["٣ kg"]),
            ("99% of it", &["99%"]),
            ("It arrives at your house within six weeks.", &["6 weeks"]),
            ("Sie kommt in sechs Wochen bei Ihnen an.", &["6 Wochen"]),
            ("It covers 40 square metres.", &["40 square metres"]),
            ("Il couvre 40 mètres carrés.", &["40 mètres carrés"]),
            ("It covers 40 m2 at 3000 K.", &["40 m2", "3000 K"]),
            ("It sends 54 Mbit/s at 90 kPa.", &["54 Mbit/s", "90 kPa"]),
            ("Вес 3 кг", &["3 кг"]),
            ("무게는 3 킬로그램", &["3 킬로그램"]),
            ("무게는 3킬로그램입니다.", &["3킬로그램"]),
            ("重さは3kgです。", &["3kg"]),
            ("保证3年保修,重3kg左右", &["3年", "3kg"]),
            ("消費電力は3キロワット時です。", &["3キロワット時"]),
            ("Tem 5 anos de garantia.", &["5 anos"]),
            ("It is 30 per cent lighter.", &["30 per cent"]),
            ("٣٫٥ كجم", &["٣٫٥ كجم"]),
        ] {
            assert_eq!(unsupported(said, &evidence()), figures, "{said}");
        }
    }

    #[test]
    fn odd_texts_are_read_to_their_end() {
        for odd in ["1", "1.", ".1 kg", "1.2.3.4 kg", "€", "1 €", "9".repeat(500).as_str(), "٣٫٥"]
        {
            let _ = unsupported(odd, &evidence());
        }
    }
}

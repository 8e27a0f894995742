//! Which figures of an answer stand in no evidence: numbers with units, prices, percentages.
//!
//! A figure is supported when the shown entries state the same amount, as it is or in another unit of
//! the same kind: 2.5 kg is 2500 g, and 5.5 lb to the percent. Numbers may be spelled out. What only the
//! customer states is not the catalogue's, and named like any other.

use std::borrow::Cow;

use super::{Evidence, spelled};

/// An amount: every value its digits may stand for, in the basic unit of its kind.
struct Figure<'a> {
    text: &'a str,
    values: Vec<f64>,
    kind: Kind,
    factor: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mass,
    Length,
    Area,
    Volume,
    Energy,
    Charge,
    Power,
    Voltage,
    Current,
    Time,
    Celsius,
    Fahrenheit,
    Kelvin,
    Data,
    Rate,
    Frequency,
    Light,
    Sound,
    Pixels,
    Speed,
    Turns,
    Pressure,
    Force,
    Torque,
    Share,
    Euro,
    Dollar,
    Pound,
    Yen,
    Franc,
    Rupee,
    Yuan,
    Won,
    Rouble,
    /// An amount of money whose currency is not said.
    Money,
}

use Kind::{
    Area, Celsius, Charge, Current, Data, Dollar, Energy, Euro, Fahrenheit, Force, Franc,
    Frequency, Kelvin, Length, Light, Mass, Money, Pixels, Pound, Power, Pressure, Rate, Rouble,
    Rupee, Share, Sound, Speed, Time, Torque, Turns, Voltage, Volume, Won, Yen, Yuan,
};

/// Signs whose case matters.
const SIGNS: &[(&str, Kind, f64)] = &[
    ("g", Mass, 1.0),
    ("m", Length, 1.0),
    ("m²", Area, 1.0),
    ("m2", Area, 1.0),
    ("cm²", Area, 1e-4),
    ("cm2", Area, 1e-4),
    ("m³", Volume, 1e3),
    ("m3", Volume, 1e3),
    ("cm³", Volume, 1e-3),
    ("cm3", Volume, 1e-3),
    ("K", Kelvin, 1.0),
    ("Pa", Pressure, 1e-5),
    ("N", Force, 1.0),
    ("Nm", Torque, 1.0),
    ("Mb/s", Rate, 1.0),
    ("MB/s", Rate, 8.0),
    ("GB/s", Rate, 8e3),
    ("l", Volume, 1.0),
    ("L", Volume, 1.0),
    ("W", Power, 1.0),
    ("V", Voltage, 1.0),
    ("A", Current, 1.0),
    ("s", Time, 1.0),
    ("h", Time, 3600.0),
    ("°", Celsius, 1.0),
    ("%", Share, 1.0),
    ("٪", Share, 1.0),
    ("€", Euro, 1.0),
    ("$", Dollar, 1.0),
    ("£", Pound, 1.0),
    ("¥", Yen, 1.0),
    ("₹", Rupee, 1.0),
    ("₽", Rouble, 1.0),
    ("₩", Won, 1.0),
];

/// Words and longer signs, in lower case.
const WORDS: &[(&str, Kind, f64)] = &[
    ("mg milligram milligrams", Mass, 1e-3),
    ("gram grams gramm gramme grammes gramo gramos grammo grammi", Mass, 1.0),
    (
        "kg kgs kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramos chili",
        Mass,
        1e3,
    ),
    ("tonne tonnes tonnen", Mass, 1e6),
    ("lb lbs pound pounds", Mass, 453.592_37),
    ("oz ounce ounces unzen", Mass, 28.349_523),
    ("mm millimetre millimetres millimeter millimeters milímetros", Length, 1e-3),
    (
        "cm centimetre centimetres centimeter centimeters zentimeter centimètres centímetros centimetri",
        Length,
        1e-2,
    ),
    ("metre metres meter meters mètre mètres metro metros metri", Length, 1.0),
    ("km kilometre kilometres kilometer kilometers", Length, 1e3),
    ("inch inches zoll pouces pulgadas pollici", Length, 0.0254),
    ("ft foot feet fuß", Length, 0.3048),
    ("mile miles meilen", Length, 1609.344),
    ("ml millilitre millilitres milliliter milliliters", Volume, 1e-3),
    ("cl centilitre centilitres", Volume, 1e-2),
    ("litre litres liter liters litro litros litri", Volume, 1.0),
    ("gallon gallons", Volume, 3.785_411_8),
    ("wh", Energy, 1.0),
    ("kwh", Energy, 1e3),
    ("mah", Charge, 1e-3),
    ("ah", Charge, 1.0),
    ("mw", Power, 1e-3),
    ("watt watts", Power, 1.0),
    ("kw", Power, 1e3),
    ("volt volts", Voltage, 1.0),
    ("ma", Current, 1e-3),
    ("amp amps ampere", Current, 1.0),
    ("ms", Time, 1e-3),
    ("sec secs second seconds sekunde sekunden secondes segundos secondi seconden", Time, 1.0),
    ("min mins minute minutes minuten minutos minuti minuut", Time, 60.0),
    ("hr hrs hour hours stunde stunden std heure heures hora horas ora ore uur uren", Time, 3600.0),
    (
        "day days tag tage tagen jour jours día días dia dias giorno giorni dag dagen",
        Time,
        86_400.0,
    ),
    (
        "week weeks woche wochen semaine semaines semana semanas settimana settimane weken",
        Time,
        604_800.0,
    ),
    (
        "month months monat monate monaten mois mes meses mês mese mesi maand maanden",
        Time,
        2_629_746.0,
    ),
    (
        "year years jahr jahre jahren an ans année années año años ano anos anno anni jaar jaren",
        Time,
        YEAR,
    ),
    ("°c celsius", Celsius, 1.0),
    ("°f fahrenheit", Fahrenheit, 1.0),
    ("kb", Data, 1e-6),
    ("mb", Data, 1e-3),
    ("gb", Data, 1.0),
    ("tb", Data, 1e3),
    ("hz hertz", Frequency, 1.0),
    ("khz", Frequency, 1e3),
    ("mhz", Frequency, 1e6),
    ("ghz", Frequency, 1e9),
    ("lm lumen lumens", Light, 1.0),
    ("lux lx", Light, 1.0),
    ("db decibel decibels dezibel", Sound, 1.0),
    ("px pixel pixels", Pixels, 1e-6),
    ("mp megapixel megapixels", Pixels, 1.0),
    ("km/h kmh kph", Speed, 1.0),
    ("mph", Speed, 1.609_344),
    ("m/s", Speed, 3.6),
    ("rpm u/min", Turns, 1.0),
    ("bar", Pressure, 1.0),
    ("psi", Pressure, 0.068_947_57),
    ("hpa mbar", Pressure, 1e-3),
    ("kpa", Pressure, 1e-2),
    ("mpa", Pressure, 10.0),
    ("kelvin", Kelvin, 1.0),
    ("kn", Force, 1e3),
    ("newton newtons", Force, 1.0),
    ("mbit/s mbps", Rate, 1.0),
    ("gbit/s gbps gb/s", Rate, 1e3),
    ("kbit/s kbps", Rate, 1e-3),
    ("sqm qm quadratmeter quadratmetern", Area, 1.0),
    ("sqft", Area, 0.092_903),
    ("inr rupee rupees", Rupee, 1.0),
    ("cny rmb yuan", Yuan, 1.0),
    // Russian, Ukrainian and Bulgarian.
    ("мг", Mass, 1e-3),
    ("г гр грамм грамма граммов", Mass, 1.0),
    ("кг килограмм килограмма килограммов", Mass, 1e3),
    ("мм", Length, 1e-3),
    ("см сантиметр сантиметра сантиметров", Length, 1e-2),
    ("м метр метра метров", Length, 1.0),
    ("км", Length, 1e3),
    ("мл", Volume, 1e-3),
    ("л литр литра литров", Volume, 1.0),
    ("вт ватт", Power, 1.0),
    ("квт", Power, 1e3),
    // "в" is also "in".
    ("вольт", Voltage, 1.0),
    ("мин минут минуты", Time, 60.0),
    ("ч час часа часов", Time, 3600.0),
    ("руб рубль рубля рублей", Rouble, 1.0),
    // Greek, Arabic, Hebrew, Hindi.
    ("κιλά κιλό", Mass, 1e3),
    ("كجم كغ كيلوغرام كيلوجرام", Mass, 1e3),
    ("غرام جرام", Mass, 1.0),
    ("سم", Length, 1e-2),
    ("متر", Length, 1.0),
    ("ليتر لتر ליטר ליטרים", Volume, 1.0),
    ("ק״ג קילוגרם קילו", Mass, 1e3),
    ("किलो किलोग्राम किग्रा", Mass, 1e3),
    ("ग्राम", Mass, 1.0),
    ("percent prozent procent", Share, 1.0),
    ("eur euro euros", Euro, 1.0),
    ("usd dollar dollars", Dollar, 1.0),
    ("gbp", Pound, 1.0),
    ("jpy yen", Yen, 1.0),
    ("chf franken francs", Franc, 1.0),
];

/// Units of scripts that put no space around them, or join endings to them; the longest that fits counts.
const UNSPACED: &[(&str, Kind, f64)] = &[
    // Chinese and Japanese.
    ("毫克", Mass, 1e-3),
    ("ミリグラム", Mass, 1e-3),
    ("克", Mass, 1.0),
    ("グラム", Mass, 1.0),
    ("千克", Mass, 1e3),
    ("公斤", Mass, 1e3),
    ("キログラム", Mass, 1e3),
    ("キロ", Mass, 1e3),
    ("毫米", Length, 1e-3),
    ("ミリ", Length, 1e-3),
    ("ミリメートル", Length, 1e-3),
    ("厘米", Length, 1e-2),
    ("センチ", Length, 1e-2),
    ("センチメートル", Length, 1e-2),
    ("英寸", Length, 0.0254),
    ("インチ", Length, 0.0254),
    ("米", Length, 1.0),
    ("メートル", Length, 1.0),
    ("公里", Length, 1e3),
    ("キロメートル", Length, 1e3),
    ("平方米", Area, 1.0),
    ("平方メートル", Area, 1.0),
    ("毫升", Volume, 1e-3),
    ("ミリリットル", Volume, 1e-3),
    ("升", Volume, 1.0),
    ("リットル", Volume, 1.0),
    ("瓦", Power, 1.0),
    ("ワット", Power, 1.0),
    ("千瓦", Power, 1e3),
    ("キロワット", Power, 1e3),
    ("瓦时", Energy, 1.0),
    ("ワット時", Energy, 1.0),
    ("千瓦时", Energy, 1e3),
    ("キロワット時", Energy, 1e3),
    ("毫安", Current, 1e-3),
    ("ミリアンペア", Current, 1e-3),
    ("安培", Current, 1.0),
    ("アンペア", Current, 1.0),
    ("毫安时", Charge, 1e-3),
    ("ミリアンペア時", Charge, 1e-3),
    ("伏", Voltage, 1.0),
    ("ボルト", Voltage, 1.0),
    ("秒", Time, 1.0),
    ("分钟", Time, 60.0),
    ("分間", Time, 60.0),
    ("小时", Time, 3600.0),
    ("个小时", Time, 3600.0),
    ("時間", Time, 3600.0),
    ("天", Time, 86_400.0),
    ("日間", Time, 86_400.0),
    ("周", Time, 604_800.0),
    ("週間", Time, 604_800.0),
    ("个月", Time, 2_629_746.0),
    ("か月", Time, 2_629_746.0),
    ("ヶ月", Time, 2_629_746.0),
    ("年", Time, YEAR),
    ("％", Share, 1.0),
    ("パーセント", Share, 1.0),
    ("円", Yen, 1.0),
    ("元", Yuan, 1.0),
    // Korean.
    ("그램", Mass, 1.0),
    ("킬로", Mass, 1e3),
    ("킬로그램", Mass, 1e3),
    ("밀리미터", Length, 1e-3),
    ("센티미터", Length, 1e-2),
    ("미터", Length, 1.0),
    ("밀리리터", Volume, 1e-3),
    ("리터", Volume, 1.0),
    ("와트", Power, 1.0),
    ("초", Time, 1.0),
    ("분", Time, 60.0),
    ("시간", Time, 3600.0),
    ("주일", Time, 604_800.0),
    ("개월", Time, 2_629_746.0),
    ("년", Time, YEAR),
    ("퍼센트", Share, 1.0),
    ("원", Won, 1.0),
];

/// Units of two words, in lower case.
const PHRASES: &[(&str, Kind, f64)] = &[
    ("per cent", Share, 1.0),
    ("pour cent", Share, 1.0),
    ("por ciento", Share, 1.0),
    ("por cento", Share, 1.0),
    ("per cento", Share, 1.0),
];

/// Seconds.
const YEAR: f64 = 31_556_952.0;
/// "2024年" is a date.
const DATES: std::ops::Range<f64> = 1800.0..2200.0;

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

/// A letter of a script that does not, or that joins endings to words.
fn is_unspaced_letter(c: char) -> bool {
    c.is_alphabetic() && (c as u32) >= 0x2e80
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

/// The unit that a text starts with, and its length.
fn unit_after(text: &str) -> Option<(usize, Kind, f64)> {
    let blank =
        text.len() - text.trim_start_matches([' ', '\u{a0}', '\u{202f}', '\u{2009}', '-']).len();
    let rest = text.get(blank..)?;
    let fits = UNSPACED.iter().filter(|(sign, ..)| rest.starts_with(sign));
    if let Some((sign, kind, factor)) = fits.max_by_key(|(sign, ..)| sign.len()) {
        return Some((blank + sign.len(), *kind, *factor));
    }
    let phrase = |(phrase, ..): &&(&str, Kind, f64)| {
        rest.get(..phrase.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(phrase))
            && !rest.get(phrase.len()..).is_some_and(|end| end.starts_with(char::is_alphabetic))
    };
    if let Some((phrase, kind, factor)) = PHRASES.iter().find(phrase) {
        return Some((blank + phrase.len(), *kind, *factor));
    }
    if let Some((length, factor)) = square(rest) {
        return Some((blank + length, Area, factor));
    }
    // What such a script writes right behind a unit is the next word.
    let spaced = |c: char| c.is_alphabetic() && !is_unspaced_letter(c);
    let sign = |c: char| spaced(c) || "°%٪€$£¥¤₹₽₩²³״/".contains(c);
    let letters = rest.find(|c: char| !sign(c)).unwrap_or(rest.len());
    // "dont 2 s'allument": half a word is no unit.
    let mut behind = rest.get(letters..)?.chars();
    if matches!(behind.next(), Some('\'' | '’')) && behind.next().is_some_and(char::is_alphabetic)
    {
        return None;
    }
    // "m2" and "m3", but not the 2 of "3 m 20".
    let raised = rest.get(letters..)?.chars().take_while(char::is_ascii_digit).count();
    let with_power = rest.get(..letters + raised).filter(|_| raised == 1 && letters > 0);
    let word = rest.get(..letters)?;
    let first = word.split('/').next().unwrap_or(word);
    with_power
        .into_iter()
        .chain([word, first])
        .find_map(|word| unit(word).map(|(kind, factor)| (blank + word.len(), kind, factor)))
}

/// "square metres", "mètres carrés": the length of what a text starts with, and its square metres.
fn square(text: &str) -> Option<(usize, f64)> {
    const BEFORE: [&str; 2] = ["square ", "sq "];
    const AFTER: [&str; 5] = [" carré", " cuadrado", " quadrat", " quadrado", " squared"];
    let before = BEFORE.iter().find(|b| text.starts_with(**b)).map_or(0, |b| b.len());
    let rest = text.get(before..)?;
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(end)?;
    let after = AFTER.iter().find(|a| behind.starts_with(**a)).map_or(0, |a| {
        let from = a.len();
        from + behind
            .get(from..)
            .map_or(0, |b| b.find(|c: char| !c.is_alphabetic()).unwrap_or(b.len()))
    });
    let (kind, factor) = unit(word)?;
    (kind == Length && before + after > 0).then_some((before + end + after, factor * factor))
}

/// Whether a word is a unit.
pub(super) fn is_unit(word: &str) -> bool {
    unit(word).is_some()
}

fn unit(word: &str) -> Option<(Kind, f64)> {
    if word == "¤" {
        return Some((Money, 1.0));
    }
    let sign = SIGNS.iter().chain(UNSPACED).find(|(sign, ..)| *sign == word);
    let found = sign.or_else(|| {
        let word = word.to_lowercase();
        WORDS.iter().find(|(words, ..)| words.split(' ').any(|w| w == word))
    });
    found.map(|(_, kind, factor)| (*kind, *factor))
}

/// A currency that a text ends with, and where it begins.
fn currency_before(text: &str) -> Option<(usize, Kind)> {
    let trimmed = text.trim_end_matches([' ', '\u{a0}']);
    let signs = [("€", Euro), ("$", Dollar), ("£", Pound), ("¥", Yen), ("₹", Rupee), ("EUR", Euro)];
    let codes = [("USD", Dollar), ("GBP", Pound), ("CHF", Franc), ("JPY", Yen)];
    let mut known = signs.into_iter().chain(codes);
    known.find_map(|(sign, kind)| trimmed.strip_suffix(sign).map(|rest| (rest.len(), kind)))
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

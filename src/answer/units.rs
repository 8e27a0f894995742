//! The units that a figure may have, in the languages that answers come in, and how much of the basic unit of
//! its kind each one is.

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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
pub(super) const YEAR: f64 = 31_556_952.0;
/// "2024年" is a date.
pub(super) const DATES: std::ops::Range<f64> = 1800.0..2200.0;

/// A letter of a script that does not, or that joins endings to words.
fn is_unspaced_letter(c: char) -> bool {
    c.is_alphabetic() && (c as u32) >= 0x2e80
}

/// The unit that a text starts with, and its length.
pub(super) fn unit_after(text: &str) -> Option<(usize, Kind, f64)> {
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

/// What a word measures as a unit, and how much of its kind's basic unit it is.
pub(super) fn unit(word: &str) -> Option<(Kind, f64)> {
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
pub(super) fn currency_before(text: &str) -> Option<(usize, Kind)> {
    let trimmed = text.trim_end_matches([' ', '\u{a0}']);
    let signs = [("€", Euro), ("$", Dollar), ("£", Pound), ("¥", Yen), ("₹", Rupee), ("EUR", Euro)];
    let codes = [("USD", Dollar), ("GBP", Pound), ("CHF", Franc), ("JPY", Yen)];
    let mut known = signs.into_iter().chain(codes);
    known.find_map(|(sign, kind)| trimmed.strip_suffix(sign).map(|rest| (rest.len(), kind)))
}

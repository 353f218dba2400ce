//! One header card: keyword, typed value, comment (section 4.2).
use super::{CARD, MAX_TEXT};

/// A typed value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Undefined,
    Logical(bool),
    Int(i128),
    Float(f64),
    Complex(f64, f64),
    Text(String),
}

impl Value {
    /// As an integer; a whole float counts (some writers say `NAXIS1 = 100.`).
    #[must_use]
    pub fn int(&self) -> Option<i128> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Float(f) if f.fract() == 0.0 && f.abs() < 1e15 => Some(*f as i128),
            _ => None,
        }
    }

    /// As a float.
    #[must_use]
    pub fn float(&self) -> Option<f64> {
        match self {
            Self::Int(i) => Some(*i as f64),
            Self::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }
}

/// Keyword, value and comment; a commentary card has its text as value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Card {
    pub keyword: String,
    pub value: Value,
    pub comment: String,
}

/// Text of a header: ASCII by the standard; UTF-8 where it is valid, else each byte as Latin-1.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec())
        .unwrap_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect())
}

/// Parses the cards before END; a CONTINUE joins the string before it (section 4.2.1.2).
pub(super) fn parse(header: &[u8]) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for raw in header.chunks_exact(CARD) {
        let card = one(raw);
        if card.keyword == "CONTINUE" {
            if let (Some(last), Value::Text(more)) = (cards.last_mut(), &card.value) {
                if join(last, more, &card.comment) {
                    continue;
                }
            }
        }
        cards.push(card);
    }
    cards
}

fn join(last: &mut Card, more: &str, comment: &str) -> bool {
    match &mut last.value {
        Value::Text(start) if start.ends_with('&') && start.len() + more.len() <= MAX_TEXT => {
            start.pop();
            start.push_str(more);
            last.comment.push_str(comment);
            true
        }
        _ => false,
    }
}

fn one(raw: &[u8]) -> Card {
    let keyword = text(&raw[..8]).trim_end().to_owned();
    if keyword == "HIERARCH" {
        if let Some(equals) = raw.iter().position(|b| *b == b'=') {
            let name = text(&raw[8..equals])
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            let (value, comment) = value_and_comment(&raw[equals + 1..]);
            return Card {
                keyword: name,
                value,
                comment,
            };
        }
    }
    if keyword == "CONTINUE" || &raw[8..10] == b"= " {
        let (value, comment) = value_and_comment(&raw[10..]);
        return Card {
            keyword,
            value,
            comment,
        };
    }
    Card {
        keyword,
        value: Value::Text(text(&raw[8..]).trim_end().to_owned()),
        comment: String::new(),
    }
}

fn value_and_comment(field: &[u8]) -> (Value, String) {
    let start = field.iter().position(|b| *b != b' ').unwrap_or(field.len());
    let field = &field[start..];
    if field.first() == Some(&b'\'') {
        return quoted(&field[1..]);
    }
    let slash = field.iter().position(|b| *b == b'/').unwrap_or(field.len());
    (
        plain(text(&field[..slash]).trim()),
        comment(&field[slash..]),
    )
}

fn comment(field: &[u8]) -> String {
    text(field.strip_prefix(b"/").unwrap_or(field))
        .trim()
        .to_owned()
}

/// A string ends at a single quote; two stand for one; trailing blanks do not count (section 4.2.1.1).
fn quoted(field: &[u8]) -> (Value, String) {
    let mut out = Vec::new();
    let mut i = 0;
    while i < field.len() {
        if field[i] != b'\'' {
            out.push(field[i]);
        } else if field.get(i + 1) == Some(&b'\'') {
            out.push(b'\'');
            i += 1;
        } else {
            break;
        }
        i += 1;
    }
    let rest = field.get(i + 1..).unwrap_or(&[]);
    let slash = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
    (
        Value::Text(text(&out).trim_end().to_owned()),
        comment(&rest[slash..]),
    )
}

fn plain(field: &str) -> Value {
    match field {
        "" => return Value::Undefined,
        "T" => return Value::Logical(true),
        "F" => return Value::Logical(false),
        _ => {}
    }
    if let Some(pair) = field.strip_prefix('(').and_then(|f| f.strip_suffix(')')) {
        if let Some((re, im)) = pair.split_once(',') {
            if let (Some(re), Some(im)) = (number(re.trim()).float(), number(im.trim()).float()) {
                return Value::Complex(re, im);
            }
        }
    }
    number(field)
}

/// An integer, or a float with exponent E or D (section 4.2.4); anything else stays text.
fn number(field: &str) -> Value {
    let digits = field.strip_prefix(['+', '-']).unwrap_or(field);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(i) = field.parse::<i128>() {
            return Value::Int(i);
        }
    }
    let plausible = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && field
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.EeDd".contains(&b));
    if plausible {
        if let Ok(f) = field.replace(['D', 'd'], "E").parse::<f64>() {
            return Value::Float(f);
        }
    }
    Value::Text(field.to_owned())
}

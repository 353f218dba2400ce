//! Columns of binary and ASCII tables from TFORM and TBCOL (sections 7.2.1 and 7.3.1).
use super::card::Value;
use super::header::Header;
use super::MAX_AXES;
use crate::KernelError;

/// One column.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Column {
    pub name: Option<String>,
    pub tform: String,
    pub repeat: u64,
    pub code: char,
    pub element: Option<char>,
    pub max_elements: Option<u64>,
    pub offset: u64,
    pub width: u64,
    pub decimals: Option<u64>,
    pub unit: Option<String>,
    pub scale: Option<f64>,
    pub zero: Option<Value>,
    pub null: Option<Value>,
    pub dim: Option<String>,
    pub disp: Option<String>,
}

/// Bits of one element of a binary table, None for an unknown code.
const fn element_bits(code: char) -> Option<u64> {
    Some(match code {
        'X' => 1,
        'L' | 'B' | 'A' => 8,
        'I' => 16,
        'J' | 'E' => 32,
        'K' | 'D' | 'C' | 'P' => 64,
        'M' | 'Q' => 128,
        _ => return None,
    })
}

struct Form {
    repeat: u64,
    code: char,
    element: Option<char>,
    max_elements: Option<u64>,
    width: u64,
    decimals: Option<u64>,
}

/// rTa, rPt(e) or rQt(e).
fn binary(tform: &str) -> Option<Form> {
    let digits = tform.bytes().take_while(u8::is_ascii_digit).count();
    let repeat = if digits == 0 {
        1
    } else {
        tform[..digits].parse::<u64>().ok()?
    };
    let mut rest = tform[digits..].chars();
    let code = rest.next()?;
    let bits = element_bits(code)?;
    let width = repeat.checked_mul(bits)?.checked_add(7)? / 8;
    let (mut element, mut max_elements) = (None, None);
    if matches!(code, 'P' | 'Q') {
        let inner = rest.next()?;
        element_bits(inner).filter(|_| !matches!(inner, 'P' | 'Q'))?;
        element = Some(inner);
        let tail = rest.as_str().trim();
        max_elements = tail
            .strip_prefix('(')
            .and_then(|t| t.strip_suffix(')'))
            .and_then(|t| t.parse().ok());
        if repeat > 1 {
            return None;
        }
    }
    Some(Form {
        repeat,
        code,
        element,
        max_elements,
        width,
        decimals: None,
    })
}

/// Aw, Iw, Fw.d, Ew.d, Dw.d.
fn ascii(tform: &str) -> Option<Form> {
    let code = tform.chars().next().filter(|c| "AIFED".contains(*c))?;
    let (width, decimals) = match tform[1..].split_once('.') {
        Some((w, d)) => (w.parse().ok()?, Some(d.parse().ok()?)),
        None if tform.len() == 1 => (1, None),
        None => (tform[1..].parse().ok()?, None),
    };
    Some(Form {
        repeat: 1,
        code,
        element: None,
        max_elements: None,
        width,
        decimals,
    })
}

/// The columns of a table whose rows have `row_size` bytes.
///
/// # Errors
/// `format.header_lie`, a TFORM that cannot be read or a column outside the row.
pub(super) fn columns(
    header: &Header,
    row_size: u64,
    text_table: bool,
) -> Result<Vec<Column>, KernelError> {
    let fields = header.int("TFIELDS", 0, i128::from(MAX_AXES))?;
    let mut columns = Vec::new();
    let mut next = 0u64;
    for n in 1..=fields {
        let key = |name: &str| format!("{name}{n}");
        let tform = header
            .text(&key("TFORM"))
            .ok_or_else(|| header.lie(format!("TFORM{n} is absent")))?;
        let trimmed = tform.trim();
        let form = trimmed
            .is_ascii()
            .then(|| {
                if text_table {
                    ascii(trimmed)
                } else {
                    binary(trimmed)
                }
            })
            .flatten()
            .ok_or_else(|| header.lie(format!("TFORM{n} is `{tform}`")))?;
        let offset = if text_table {
            header.int(&key("TBCOL"), 1, i128::from(row_size))? as u64 - 1
        } else {
            next
        };
        let end = offset
            .checked_add(form.width)
            .filter(|end| *end <= row_size);
        next = end.ok_or_else(|| {
            header.lie(format!(
                "column {n} ends outside its row of {row_size} bytes"
            ))
        })?;
        let some = |keyword: &str| {
            header
                .value(&key(keyword))
                .filter(|v| **v != Value::Undefined)
                .cloned()
        };
        columns.push(Column {
            name: header.text(&key("TTYPE")),
            repeat: form.repeat,
            code: form.code,
            element: form.element,
            max_elements: form.max_elements,
            offset,
            width: form.width,
            decimals: form.decimals,
            unit: header.text(&key("TUNIT")),
            scale: header.float(&key("TSCAL")),
            zero: some("TZERO").filter(|v| v.float().is_some()),
            null: some("TNULL"),
            dim: header.text(&key("TDIM")),
            disp: header.text(&key("TDISP")),
            tform,
        });
    }
    Ok(columns)
}

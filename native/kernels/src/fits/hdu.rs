//! One HDU after the other: kind, shape, size, and what of it is in the file.
use super::card::{Card, Value};
use super::header::{self, Header};
use super::table::{self, Column};
use super::{BLOCK, MAX_AXES, MAX_DATA, MAX_HDUS};
use crate::source::ReadAt;
use crate::KernelError;

/// A header-data unit.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Hdu {
    pub kind: &'static str,
    pub cards: Vec<Card>,
    pub header_offset: u64,
    pub header_size: u64,
    pub data_offset: u64,
    pub data_size: u64,
    pub available: u64,
    pub bitpix: i64,
    /// Slowest axis first.
    pub shape: Vec<u64>,
    pub pcount: u64,
    pub gcount: u64,
    pub rows: u64,
    pub row_size: u64,
    pub heap_offset: u64,
    pub heap_size: u64,
    pub columns: Vec<Column>,
    pub error: Option<KernelError>,
}

/// Reads every header.
///
/// # Errors
/// Of the first header: `format.not_recognised`, `format.truncated`, `format.too_large`,
/// `format.header_lie`. `format.io` anywhere. Later faults are the `error` of their HDU.
pub fn describe<R: ReadAt + ?Sized>(file: &R) -> Result<Vec<Hdu>, KernelError> {
    let end = file.size()?;
    let mut hdus: Vec<Hdu> = Vec::new();
    let mut at = 0u64;
    loop {
        let mut magic = [0u8; 9];
        let there = end.saturating_sub(at) >= magic.len() as u64;
        if there {
            file.read_exact_at(at, &mut magic)?;
        }
        let wanted: &[u8] = if hdus.is_empty() {
            b"SIMPLE  ="
        } else {
            b"XTENSION="
        };
        if !there || magic != wanted {
            if hdus.is_empty() {
                return Err(KernelError::new(
                    "format.not_recognised",
                    0,
                    "the file does not start with SIMPLE",
                ));
            }
            return Ok(hdus); // special records or padding may follow the last HDU (section 3.5)
        }
        if hdus.len() == MAX_HDUS {
            return Err(KernelError::new("format.too_large", at, "too many HDUs")
                .with("expected", MAX_HDUS as u64));
        }
        let hdu = match header::read(file, at) {
            Err(e) if hdus.is_empty() || e.code == "format.io" => return Err(e),
            Err(e) => broken(
                &Header {
                    cards: Vec::new(),
                    offset: at,
                    size: 0,
                },
                e,
            ),
            Ok(header) => match hdu(&header, hdus.is_empty(), end) {
                Err(e) if hdus.is_empty() => return Err(e),
                Err(e) => broken(&header, e),
                Ok(hdu) => hdu,
            },
        };
        let next = if hdu.kind == "broken" {
            None
        } else {
            hdu.data_size
                .checked_next_multiple_of(BLOCK)
                .and_then(|n| hdu.data_offset.checked_add(n))
        };
        hdus.push(hdu);
        match next {
            Some(n) if n > at && n < end => at = n,
            _ => return Ok(hdus),
        }
    }
}

fn broken(header: &Header, error: KernelError) -> Hdu {
    let data = header.offset + header.size;
    Hdu {
        kind: "broken",
        cards: header.cards.clone(),
        header_offset: header.offset,
        header_size: header.size,
        data_offset: data,
        data_size: 0,
        available: 0,
        bitpix: 0,
        shape: Vec::new(),
        pcount: 0,
        gcount: 0,
        rows: 0,
        row_size: 0,
        heap_offset: 0,
        heap_size: 0,
        columns: Vec::new(),
        error: Some(error),
    }
}

fn hdu(header: &Header, first: bool, end: u64) -> Result<Hdu, KernelError> {
    let largest = i128::from(i64::MAX);
    let bitpix = header.int("BITPIX", -64, 64)? as i64;
    if ![8, 16, 32, 64, -32, -64].contains(&bitpix) {
        return Err(header.lie(format!("BITPIX is {bitpix}")));
    }
    let naxis = header.int("NAXIS", 0, i128::from(MAX_AXES))?;
    let mut axes = Vec::new();
    for n in 1..=naxis {
        axes.push(header.int(&format!("NAXIS{n}"), 0, largest)? as u64);
    }
    let pcount = header.int_or("PCOUNT", 0, largest)? as u64;
    let gcount = header.int_or("GCOUNT", 1, largest)? as u64;
    let groups = first && header.is_true("GROUPS") && axes.first() == Some(&0);
    let xtension = if first {
        None
    } else {
        header
            .value("XTENSION")
            .and_then(Value::text)
            .map(str::trim_end)
    };
    let kind = match xtension {
        None if groups => "random_groups",
        None => "primary",
        Some("IMAGE" | "IUEIMAGE") => "image",
        Some("TABLE") => "table",
        Some("BINTABLE" | "A3DTABLE") if header.is_true("ZIMAGE") => "compressed_image",
        Some("BINTABLE" | "A3DTABLE") => "bintable",
        Some(_) => "unknown",
    };
    // section 4.4.1.2 and 6.1.1, in integers that cannot overflow unseen
    let counted = if groups { &axes[1..] } else { &axes[..] };
    let elements = if axes.is_empty() {
        Some(0)
    } else {
        counted.iter().try_fold(1u64, |p, n| p.checked_mul(*n))
    };
    let data_size = elements
        .and_then(|n| {
            if axes.is_empty() {
                Some(0)
            } else {
                n.checked_add(pcount)
            }
        })
        .and_then(|n| n.checked_mul(gcount))
        .and_then(|n| n.checked_mul(bitpix.unsigned_abs() / 8));
    let data_offset = header.offset + header.size;
    let available = end.saturating_sub(data_offset);
    let mut out = Hdu {
        kind,
        bitpix,
        pcount,
        gcount,
        ..broken(header, header.lie(""))
    };
    out.error = None;
    out.shape = axes.iter().rev().copied().collect();
    match data_size {
        Some(n) if n <= MAX_DATA => out.data_size = n,
        n => {
            let promised = n.map_or("more than 2**64".to_owned(), |n| n.to_string());
            out.error = Some(
                header
                    .lie(format!(
                        "the header promises {promised} bytes, the file has {available} for them"
                    ))
                    .with("expected", n.unwrap_or(u64::MAX))
                    .with("actual", available),
            );
            out.available = available;
            return Ok(out);
        }
    }
    out.available = available.min(out.data_size);
    if matches!(kind, "table" | "bintable" | "compressed_image") {
        out.error = rows(&mut out, header, &axes).err();
    }
    if out.error.is_none() && available < out.data_size {
        let what = format!(
            "the data need {} bytes, the file has {available}",
            out.data_size
        );
        out.error = Some(
            KernelError::new("format.truncated", data_offset, what)
                .with("expected", data_offset + out.data_size)
                .with("actual", end),
        );
    }
    Ok(out)
}

/// Rows, columns and heap of a table.
fn rows(out: &mut Hdu, header: &Header, axes: &[u64]) -> Result<(), KernelError> {
    let [row_size, rows] = *axes else {
        return Err(header.lie(format!("a table has NAXIS {}", axes.len())));
    };
    if out.bitpix != 8 || out.gcount != 1 {
        return Err(header.lie("a table has BITPIX other than 8 or GCOUNT other than 1"));
    }
    (out.row_size, out.rows) = (row_size, rows);
    // row_size * rows <= data_size <= MAX_DATA: no overflow
    let table = row_size * rows;
    let heap = header.int_or("THEAP", i128::from(table), i128::from(MAX_DATA))? as u64;
    if heap < table || heap > out.data_size {
        return Err(header.lie(format!("THEAP {heap} lies outside the heap area")));
    }
    (out.heap_offset, out.heap_size) = (heap, out.data_size - heap);
    out.columns = table::columns(header, row_size, out.kind == "table")?;
    Ok(())
}

//! Where the values are: sizes, record stride, and whether the file holds what its header says.
use super::{Structure, Variable};
use crate::KernelError;

fn pad4(n: u64) -> Option<u64> {
    n.checked_add((4 - n % 4) % 4)
}

fn lie(variable: &Variable, what: &str) -> KernelError {
    KernelError::new(
        "format.header_lie",
        variable.begin,
        format!("variable `{}` {what}", variable.name),
    )
}

/// Fills in size, stride, record size, rows and the expected size.
pub(super) fn place(s: &mut Structure, partial: bool) -> Result<(), KernelError> {
    sizes(s)?;
    strides(s)?;
    overlaps(s)?;
    rows(s, partial)
}

/// The product of the lengths in integers that do not overflow; `vsize` is redundant and not used.
fn sizes(s: &mut Structure) -> Result<(), KernelError> {
    for v in &mut s.variables {
        let mut size = v.nc_type.size();
        for id in v.dims.iter().skip(usize::from(v.is_record)) {
            size = s.dims[*id]
                .size
                .and_then(|n| size.checked_mul(n))
                .filter(|b| *b < 1 << 62)
                .ok_or_else(|| lie(v, "is larger than any file"))?;
        }
        v.size = size;
        v.stride = size;
        if v.begin < s.header_size {
            return Err(lie(v, "begins inside the header"));
        }
        if v.begin >= 1 << 62 {
            return Err(lie(v, "begins beyond any file"));
        }
    }
    Ok(())
}

/// Records hold each record variable padded to 4 bytes; a single one is not padded ("the padding special case").
fn strides(s: &mut Structure) -> Result<(), KernelError> {
    let single = s.variables.iter().filter(|v| v.is_record).count() == 1;
    let mut total = 0u64;
    for v in s.variables.iter().filter(|v| v.is_record) {
        let size = if single { Some(v.size) } else { pad4(v.size) };
        total = size
            .and_then(|n| total.checked_add(n))
            .filter(|t| *t < 1 << 62)
            .ok_or_else(|| lie(v, "makes the record larger than any file"))?;
    }
    s.record_size = total;
    for v in s.variables.iter_mut().filter(|v| v.is_record) {
        v.stride = total;
    }
    Ok(())
}

/// No two variables share a byte.
fn overlaps(s: &Structure) -> Result<(), KernelError> {
    let mut order: Vec<&Variable> = s.variables.iter().filter(|v| v.size > 0).collect();
    order.sort_by_key(|v| v.begin);
    for pair in order.windows(2) {
        if pair[0].begin + pair[0].size > pair[1].begin {
            return Err(lie(pair[1], &format!("overlaps `{}`", pair[0].name)));
        }
    }
    let Some(first) = order.iter().find(|v| v.is_record) else {
        return Ok(());
    };
    for v in order.iter().filter(|v| v.begin > first.begin) {
        if !v.is_record {
            return Err(lie(v, "lies among the records"));
        }
        if v.begin + v.size > first.begin + s.record_size {
            return Err(lie(v, "lies outside the record"));
        }
    }
    Ok(())
}

/// Compares what the header implies with the size of the file, before any value is read.
fn rows(s: &mut Structure, partial: bool) -> Result<(), KernelError> {
    let mut fixed_end = s.header_size;
    for v in s.variables.iter().filter(|v| !v.is_record) {
        let end = v.begin + v.size;
        fixed_end = fixed_end.max(end);
        if end > s.file_size {
            return Err(short(
                s,
                end,
                0,
                &format!("variable `{}` is not there in full", v.name),
            ));
        }
    }
    // the last record may lack its padding, so each variable is asked on its own
    let complete = |v: &Variable| match s.file_size.checked_sub(v.begin + v.size) {
        _ if v.stride == 0 => 0,
        None => 0,
        Some(rest) => rest / v.stride + 1,
    };
    let there = s
        .variables
        .iter()
        .filter(|v| v.is_record && v.size > 0)
        .map(complete)
        .min()
        .unwrap_or(0);
    let has_records = s.variables.iter().any(|v| v.is_record && v.size > 0);
    let declared = match s.numrecs {
        Some(n) if has_records => n,
        Some(n) => {
            // nothing is stored per record: the number is a dimension's length and nothing else
            s.rows = n;
            s.expected_size = fixed_end;
            return Ok(());
        }
        None => there,
    };
    let mut expected = fixed_end;
    for v in s.variables.iter().filter(|v| v.is_record && declared > 0) {
        let end = (declared - 1)
            .checked_mul(v.stride)
            .and_then(|n| n.checked_add(v.begin + v.size))
            .ok_or_else(|| lie(v, "has more records than any file"))?;
        expected = expected.max(end);
    }
    s.expected_size = expected;
    s.rows = declared.min(there);
    s.truncated = declared > there;
    if s.truncated && !partial {
        return Err(short(s, expected, there, "the records are not all there"));
    }
    Ok(())
}

fn short(s: &Structure, expected: u64, rows: u64, what: &str) -> KernelError {
    KernelError::new("format.truncated", s.file_size, what)
        .with("expected", expected)
        .with("actual", s.file_size)
        .with("rows", rows)
        .with("rows_declared", s.numrecs.unwrap_or(0))
}

//! What a call came back with, and whether it can be.
use super::abi::is_code;
use super::call::Plan;

/// The numbers a call came back with.
pub struct Said<'a> {
    pub set: u64,
    pub rows: u64,
    pub answered: u64,
    pub before: &'a [u8],
    pub first: usize,
    pub stop: usize,
}

impl Said<'_> {
    /// The inputs that were answered, if all of it can be.
    pub fn check(
        &self,
        plan: &Plan,
        codes: &[u8],
        src: &[u32],
        state: &[u64],
    ) -> Result<usize, String> {
        let room = src.len();
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let answered = usize::try_from(self.answered).unwrap_or(usize::MAX);
        if answered <= self.first || answered > self.stop {
            return Err(format!(
                "it answered up to {answered} of inputs {} to {}",
                self.first, self.stop
            ));
        }
        if rows > room {
            return Err(format!("{rows} rows where there is room for {room}"));
        }
        let mut set = 0;
        for (i, (code, before)) in codes.iter().zip(self.before).enumerate() {
            if code == before {
                continue;
            }
            if *before != 0 || !is_code(*code) || i < self.first || i >= answered {
                return Err(format!("code {code} of input {i}"));
            }
            if !plan.state.is_empty() && i + 1 != answered {
                return Err(format!("it went on behind input {i}, which has a code"));
            }
            set += 1;
        }
        if set != self.set {
            return Err(format!("it set {set} codes and counts {}", self.set));
        }
        // There is room for all rows, so only a code ends a call early, and only where there is STATE.
        if answered < self.stop && (plan.state.is_empty() || codes[answered - 1] == 0) {
            return Err(format!(
                "it stopped behind input {} for no reason",
                answered - 1
            ));
        }
        check_src(&src[..rows], codes, self.first, answered, plan.max_rows)?;
        for (k, (value, is_bool)) in state.iter().zip(&plan.state).enumerate() {
            if *is_bool && *value > 1 {
                return Err(format!("state value {k} is a bool and holds {value}"));
            }
        }
        Ok(answered)
    }
}

fn check_src(
    src: &[u32],
    codes: &[u8],
    first: usize,
    answered: usize,
    max_rows: usize,
) -> Result<(), String> {
    let (mut last, mut run) = (first as u32, 0);
    for (row, from) in src.iter().enumerate() {
        run = if *from == last { run + 1 } else { 1 };
        if *from < last
            || *from as usize >= answered
            || run > max_rows
            || codes[*from as usize] != 0
        {
            return Err(format!("row {row} comes from input {from}"));
        }
        last = *from;
    }
    Ok(())
}

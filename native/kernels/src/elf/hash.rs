//! Hash tables of symbols: whole, ending, and searched as the loader searches them.
//!
//! Source: System V ABI, chapter 5, "Hash Table"; glibc's `do_lookup_x` for DT_GNU_HASH.
use super::image::{long, word, Image};
use super::{lie, SYMBOLS_MAX};
use crate::KernelError;

const BUCKETS_MAX: u64 = 4096;

fn too_many(at: u64, count: u64) -> KernelError {
    lie(at, "more symbols or buckets than a module may have")
        .with("expected", u64::from(SYMBOLS_MAX))
        .with("actual", count)
}

/// Words of a table, each once.
fn words(image: &Image<'_>, at: u64, count: u64) -> Result<Vec<u32>, KernelError> {
    let data = image.table(at, 4 * count)?;
    (0..count).map(|k| word(data, 4 * k)).collect()
}

/// DT_HASH.
pub(super) struct SysV {
    buckets: Vec<u32>,
    chains: Vec<u32>,
    pub count: u32,
}

impl SysV {
    pub fn read(image: &Image<'_>, at: u64) -> Result<Self, KernelError> {
        let head = words(image, at, 2)?;
        let (buckets, count) = (u64::from(head[0]), u64::from(head[1]));
        if buckets == 0 || buckets > BUCKETS_MAX || count == 0 || count > u64::from(SYMBOLS_MAX) {
            return Err(too_many(at, count));
        }
        let table = Self {
            buckets: words(image, at + 8, buckets)?,
            chains: words(image, at + 8 + 4 * buckets, count)?,
            count: head[1],
        };
        if table
            .buckets
            .iter()
            .chain(&table.chains)
            .any(|k| *k >= table.count)
        {
            return Err(lie(at, "DT_HASH names a symbol that does not exist"));
        }
        for bucket in &table.buckets {
            let (mut k, mut left) = (*bucket, table.count);
            while k != 0 {
                if left == 0 {
                    return Err(lie(at, "a chain of DT_HASH does not end")); // the loader would follow it for ever
                }
                left -= 1;
                k = table.chains[k as usize];
            }
        }
        Ok(table)
    }

    pub fn find(&self, name: &str, is: impl Fn(u32) -> bool) -> Option<u32> {
        let mut hash: u32 = 0;
        for byte in name.bytes() {
            hash = (hash << 4).wrapping_add(u32::from(byte));
            let high = hash & 0xf000_0000;
            hash = (hash ^ (high >> 24)) & !high;
        }
        let mut k = self.buckets[hash as usize % self.buckets.len()];
        while k != 0 && !is(k) {
            k = self.chains[k as usize];
        }
        (k != 0).then_some(k)
    }
}

/// DT_GNU_HASH.
pub(super) struct Gnu {
    first: u32,
    shift: u32,
    bloom: Vec<u64>,
    buckets: Vec<u32>,
    /// Of the symbols from `first` on; the last of each chain has its lowest bit set.
    chains: Vec<u32>,
    pub count: u32,
}

impl Gnu {
    pub fn read(image: &Image<'_>, at: u64) -> Result<Self, KernelError> {
        let head = words(image, at, 4)?;
        let [buckets, first, bloom] = [head[0], head[1], head[2]].map(u64::from);
        if buckets == 0 || buckets > BUCKETS_MAX || first == 0 || first > u64::from(SYMBOLS_MAX) {
            return Err(too_many(at, first));
        }
        if !bloom.is_power_of_two() || bloom > BUCKETS_MAX || head[3] >= 32 {
            return Err(lie(at, "the filter of DT_GNU_HASH has an impossible form"));
        }
        let filter = image.table(at + 16, 8 * bloom)?;
        let bloom_words = (0..bloom)
            .map(|k| long(filter, 8 * k))
            .collect::<Result<_, _>>()?;
        let buckets_at = at + 16 + 8 * bloom;
        let chains_at = buckets_at + 4 * buckets;
        let mut table = Self {
            first: head[1],
            shift: head[3],
            bloom: bloom_words,
            buckets: words(image, buckets_at, buckets)?,
            chains: Vec::new(),
            count: head[1],
        };
        // The loader follows each chain to its end mark without another bound.
        let Some(last) = table.buckets.iter().copied().max().filter(|k| *k != 0) else {
            return Ok(table);
        };
        if table.buckets.iter().any(|k| *k != 0 && *k < table.first) {
            return Err(lie(at, "DT_GNU_HASH names a symbol before its first"));
        }
        let mut index = u64::from(table.first);
        loop {
            if index >= u64::from(SYMBOLS_MAX) {
                return Err(too_many(at, index));
            }
            let entry = words(image, chains_at + 4 * (index - u64::from(table.first)), 1)?[0];
            table.chains.push(entry);
            index += 1;
            if index > u64::from(last) && entry & 1 != 0 {
                break;
            }
        }
        table.count = index as u32;
        Ok(table)
    }

    pub fn find(&self, name: &str, is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = name.bytes().fold(5381_u32, |h, b| {
            h.wrapping_mul(33).wrapping_add(u32::from(b))
        });
        let word = self.bloom[(hash / 64) as usize & (self.bloom.len() - 1)];
        if (word >> (hash % 64)) & (word >> ((hash >> self.shift) % 64)) & 1 == 0 {
            return None;
        }
        let mut k = self.buckets[hash as usize % self.buckets.len()];
        if k == 0 {
            return None;
        }
        loop {
            let entry = *self.chains.get((k - self.first) as usize)?;
            if (entry | 1) == (hash | 1) && is(k) {
                return Some(k);
            }
            if entry & 1 != 0 {
                return None;
            }
            k += 1;
        }
    }
}

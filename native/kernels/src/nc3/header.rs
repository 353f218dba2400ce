//! The header, clause by clause of the grammar.
use super::cursor::Cursor;
use super::{
    Attribute, Dimension, NcType, Structure, Variable, MAX_ATTRIBUTE, MAX_ATTRIBUTES, MAX_LIST,
    MAX_NAME, MAX_RANK,
};
use crate::source::ReadAt;
use crate::KernelError;
use std::collections::HashSet;

const TAG_DIMENSION: u32 = 0x0a;
const TAG_VARIABLE: u32 = 0x0b;
const TAG_ATTRIBUTE: u32 = 0x0c;

struct Parser<'a, R: ?Sized> {
    cursor: Cursor<'a, R>,
    version: u8,
    attributes: usize,
    bad_names: Vec<String>,
}

/// magic numrecs dim_list gatt_list var_list
pub(super) fn parse<R: ReadAt + ?Sized>(file: &R) -> Result<Structure, KernelError> {
    let mut cursor = Cursor::new(file)?;
    let magic = if cursor.size() < 4 {
        vec![0; 4]
    } else {
        cursor.take(4)?
    };
    let version = match magic.as_slice() {
        [b'C', b'D', b'F', v @ (1 | 2 | 5)] => *v,
        _ => {
            return Err(KernelError::new(
                "format.not_recognised",
                0,
                "the file does not start with CDF 1, 2 or 5",
            ))
        }
    };
    let mut parser = Parser {
        cursor,
        version,
        attributes: 0,
        bad_names: Vec::new(),
    };
    let numrecs = parser.non_negative()?;
    let streaming = if version == 5 {
        u64::MAX
    } else {
        u64::from(u32::MAX)
    };
    let dims = parser.dimensions()?;
    let attrs = parser.attribute_list()?;
    let variables = parser.variables(&dims)?;
    Ok(Structure {
        version,
        dims,
        attrs,
        variables,
        numrecs: (numrecs != streaming).then_some(numrecs),
        rows: 0,
        record_size: 0,
        header_size: parser.cursor.at(),
        file_size: parser.cursor.size(),
        expected_size: 0,
        truncated: false,
        bad_names: parser.bad_names,
    })
}

impl<R: ReadAt + ?Sized> Parser<'_, R> {
    /// NON_NEG: 32 bits, 64 in CDF-5.
    fn non_negative(&mut self) -> Result<u64, KernelError> {
        if self.version == 5 {
            self.cursor.u64()
        } else {
            self.cursor.u32().map(u64::from)
        }
    }

    /// tag and number of elements; both zero where the list is absent.
    fn list(&mut self, tag: u32, what: &str) -> Result<u64, KernelError> {
        let found = self.cursor.u32()?;
        let n = self.non_negative()?;
        if found != tag && !(found == 0 && n == 0) {
            return Err(self
                .cursor
                .lie(format!("the {what} list has tag {found:#x}")));
        }
        if n > MAX_LIST {
            return Err(KernelError::new(
                "format.too_large",
                self.cursor.at(),
                format!("too many {what}s"),
            )
            .with("expected", MAX_LIST)
            .with("actual", n));
        }
        Ok(n)
    }

    fn name(&mut self) -> Result<String, KernelError> {
        let length = self.non_negative()?;
        if length > MAX_NAME {
            return Err(KernelError::new(
                "format.too_large",
                self.cursor.at(),
                "a name is too long",
            )
            .with("expected", MAX_NAME)
            .with("actual", length));
        }
        let bytes = self.cursor.take(length)?;
        self.cursor.pad(length)?;
        // like the library, which holds names as C strings
        let bytes: Vec<u8> = bytes.into_iter().take_while(|b| *b != 0).collect();
        if bytes.is_empty() {
            return Err(self.cursor.lie("a name is empty"));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(name) => name,
            Err(bad) => {
                let name = String::from_utf8_lossy(bad.as_bytes()).into_owned();
                self.bad_names.push(name.clone());
                name
            }
        })
    }

    fn dimensions(&mut self) -> Result<Vec<Dimension>, KernelError> {
        let n = self.list(TAG_DIMENSION, "dimension")?;
        let mut dims: Vec<Dimension> = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..n {
            let name = self.name()?;
            let size = self.non_negative()?;
            if !names.insert(name.clone()) {
                return Err(self.cursor.lie(format!("dimension `{name}` stands twice")));
            }
            if size == 0 && dims.iter().any(|d| d.size.is_none()) {
                return Err(self.cursor.lie("two record dimensions"));
            }
            dims.push(Dimension {
                name,
                size: (size != 0).then_some(size),
            });
        }
        Ok(dims)
    }

    fn attribute_list(&mut self) -> Result<Vec<Attribute>, KernelError> {
        let n = self.list(TAG_ATTRIBUTE, "attribute")?;
        self.attributes += n as usize;
        if self.attributes > MAX_ATTRIBUTES {
            return Err(KernelError::new(
                "format.too_large",
                self.cursor.at(),
                "too many attributes",
            )
            .with("expected", MAX_ATTRIBUTES as u64)
            .with("actual", self.attributes as u64));
        }
        (0..n).map(|_| self.attribute()).collect()
    }

    fn attribute(&mut self) -> Result<Attribute, KernelError> {
        let name = self.name()?;
        let nc_type = self.nc_type()?;
        let n = self.non_negative()?;
        let length = n.saturating_mul(nc_type.size());
        if length > MAX_ATTRIBUTE {
            return Err(KernelError::new(
                "format.too_large",
                self.cursor.at(),
                format!("attribute `{name}` is too long"),
            )
            .with("expected", MAX_ATTRIBUTE)
            .with("actual", length));
        }
        let values = self.cursor.take(length)?;
        self.cursor.pad(length)?;
        Ok(Attribute {
            name,
            nc_type,
            values,
        })
    }

    fn nc_type(&mut self) -> Result<NcType, KernelError> {
        let tag = self.cursor.u32()?;
        NcType::from_tag(tag, self.version)
            .ok_or_else(|| self.cursor.lie(format!("type {tag} does not exist")))
    }

    fn variables(&mut self, dims: &[Dimension]) -> Result<Vec<Variable>, KernelError> {
        let n = self.list(TAG_VARIABLE, "variable")?;
        let mut names = HashSet::new();
        let mut variables = Vec::new();
        for _ in 0..n {
            let variable = self.variable(dims)?;
            if !names.insert(variable.name.clone()) {
                return Err(self
                    .cursor
                    .lie(format!("variable `{}` stands twice", variable.name)));
            }
            variables.push(variable);
        }
        Ok(variables)
    }

    fn variable(&mut self, dims: &[Dimension]) -> Result<Variable, KernelError> {
        let name = self.name()?;
        let rank = self.non_negative()?;
        if rank > MAX_RANK {
            return Err(KernelError::new(
                "format.too_large",
                self.cursor.at(),
                "too many dimensions of a variable",
            )
            .with("expected", MAX_RANK)
            .with("actual", rank));
        }
        let mut ids = Vec::new();
        for place in 0..rank {
            let id = self.non_negative()?;
            match usize::try_from(id).ok().and_then(|i| dims.get(i)) {
                None => {
                    return Err(self
                        .cursor
                        .lie(format!("variable `{name}` names dimension {id}")))
                }
                Some(d) if d.size.is_none() && place > 0 => {
                    return Err(self
                        .cursor
                        .lie(format!("the record dimension of `{name}` is not its first")));
                }
                Some(_) => ids.push(id as usize),
            }
        }
        let attrs = self.attribute_list()?;
        let nc_type = self.nc_type()?;
        let vsize = self.non_negative()?;
        let begin = if self.version == 1 {
            u64::from(self.cursor.u32()?)
        } else {
            self.cursor.u64()?
        };
        let is_record = ids.first().is_some_and(|i| dims[*i].size.is_none());
        Ok(Variable {
            name,
            dims: ids,
            attrs,
            nc_type,
            vsize,
            begin,
            is_record,
            size: 0,
            stride: 0,
        })
    }
}

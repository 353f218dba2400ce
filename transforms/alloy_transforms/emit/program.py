"""One document as one module of safe Rust: rows, state, tables, functions, and how a batch reaches them."""

from __future__ import annotations

from .expressions import literal
from .facts import ITERATIONS
from .layout import COLUMNS, ZERO, Layout, Output
from .statements import Statements

_USE = """#![forbid(unsafe_code)]
use crate::data::*;
use crate::entry::*;
use crate::floats::*;
use crate::integers::*;
use crate::machine::root;
"""
_INPUT = {
    "bytes": ("Texts<'a>", "texts()", "inputs.{k}.get(i)?"),
    "int": ("&'a [i64]", "values()", "known_nth(inputs.{k}, i as i64)"),
    "float": ("&'a [f64]", "values()", "known_nth(inputs.{k}, i as i64)"),
    "bool": ("&'a [u8]", "values()", "known_nth(inputs.{k}, i as i64) != 0"),
}  # fmt: skip
_SLOT = {
    "i64": ("slot as i64", "{} as u64"),
    "f64": ("f64::from_bits(slot)", "canonical({}).to_bits()"),
    "bool": ("slot != 0", "u64::from({})"),
}


def body(layout: Layout) -> str:
    """The inside of the module."""
    parts = [_USE, *_tables(layout)]
    if layout.kind == "record":
        parts += [_row(layout), _state(layout), _outputs(layout), _entry(layout)]
    parts += [Statements(layout, f).emit() for f in layout.functions.values()]
    if layout.kind == "map":
        parts.append(_element(layout))
    return "\n\n".join(p.strip("\n") for p in parts) + "\n"


def _tables(layout: Layout) -> list[str]:
    return [
        f"static {t.name}: [{t.rust}; {len(t.values)}] = [{', '.join(literal(v, '') for v in t.values)}];"
        for t in layout.tables.values()
    ]


def _row(layout: Layout) -> str:
    fields = list(layout.outputs.values())
    members = "\n".join(f"    c{f.index}: {f.value}," for f in fields)
    borrows = any(f.column == "Span" for f in fields)
    empty = ", ".join(f"c{f.index}: {ZERO[f.value.replace(chr(39) + 'a ', '')]}" for f in fields)
    return f"""
/// A row that is being made; `there` has a bit for each field that is set.
#[derive(Clone, Copy)]
struct Row{"<'a>" if borrows else ""} {{
    there: u64,
{members}
}}

impl Row{"<'_>" if borrows else ""} {{
    const EMPTY: Self = Row {{ there: 0, {empty} }};

    #[inline(always)]
    fn clear(&mut self) {{
        self.there = 0;
    }}

    #[inline(always)]
    fn set(&mut self, field: u32) {{
        self.there |= 1u64.wrapping_shl(field);
    }}

    #[inline(always)]
    fn has(&self, field: u32) -> bool {{
        self.there.wrapping_shr(field) & 1 == 1
    }}
}}
"""


def _state(layout: Layout) -> str:
    members = "".join(f"    {v.name}: {v.rust},\n" for v in layout.state.values())
    return f"#[derive(Clone, Copy)]\npub struct State {{\n{members}}}"


def _outputs(layout: Layout) -> str:
    fields = list(layout.outputs.values())
    members = "\n".join(
        f"    o{f.index}: {'Sparse' if f.optional else 'Full'}<'a, {COLUMNS[f.type]}>," for f in fields
    )
    puts = "\n".join(f"        {_put(f)}" for f in fields)
    return f"""
/// The columns. Rows of one input go to `at` and behind; they count when the input has ended well.
pub struct Outputs<'a> {{
    at: usize,
    made: usize,
    late: Code,
{members}
}}

impl Outputs<'_> {{
    /// An error that counts when the input ends without another one; the first stays.
    #[inline(always)]
    fn late(&mut self, code: Code) {{
        if self.late == 0 {{
            self.late = code;
        }}
    }}

    fn leave(&mut self, row: &Row) -> Result<(), Code> {{
        if self.made >= {layout.max_rows} {{
            return Err(OUTPUT);
        }}
        let at = self.at.wrapping_add(self.made);
{puts}
        self.made = self.made.wrapping_add(1);
        Ok(())
    }}
}}
"""


def _put(f: Output) -> str:
    value = f"row.c{f.index}"
    made = {"f64": f"canonical({value})", "Span": f"Span::of({value})"}.get(
        f.column, f"{value} as {f.column}"
    )
    if not f.optional:
        return f"self.o{f.index}.put(at, {made});"
    zero = {"f64": "0.0", "Span": "Span::of(&[])"}.get(f.column, "0")
    there = f"row.has({f.index})"
    return f"self.o{f.index}.put(at, {there}, if {there} {{ {made} }} else {{ {zero} }});"


def _entry(layout: Layout) -> str:
    kinds = [kind for _, kind in layout.inputs]
    types = "".join(f"{_INPUT[k][0]}, " for k in kinds)
    opened = "".join(f"host.{_INPUT[k][1]}, " for k in kinds)
    columns = "".join(
        f"o{f.index}: host.{'sparse' if f.optional else 'full'}(), " for f in layout.outputs.values()
    )
    load = "".join(
        f"            {v.name}: {{ let slot = slots.get({i}).copied().unwrap_or(0); {_SLOT[v.rust][0]} }},\n"
        for i, v in enumerate(layout.state.values())
    )
    store = "".join(
        f"        if let Some(slot) = slots.get_mut({i}) {{ *slot = {_SLOT[v.rust][1].format('state.' + v.name)}; }}\n"
        for i, v in enumerate(layout.state.values())
    )
    main = layout.main
    given = "".join(
        f"        let {p.name} = {_INPUT[k][2].format(k=number)}{' as i128' if p.rust == 'i128' else ''};\n"
        for number, (k, p) in enumerate(zip(kinds, main.params, strict=True))
    )
    args = [*(p.name for p in main.params), "state", "out"]
    if main.fuel:
        given += f"        let mut fuel: i64 = {ITERATIONS};\n"
        args.append("&mut fuel")
    return f"""
pub struct Entry;

impl<'a> Program<'a> for Entry {{
    const MAX_ROWS: usize = {layout.max_rows};
    const INPUTS: usize = {len(kinds)};
    const OUTPUTS: usize = {len(layout.outputs)};
    const SLOTS: usize = {len(layout.state)};
    type State = State;
    type Inputs = ({types});
    type Outputs = Outputs<'a>;

    fn open(host: &mut Host<'a>) -> (Self::Inputs, Self::Outputs) {{
        let inputs = ({opened});
        (inputs, Outputs {{ at: 0, made: 0, late: 0, {columns}}})
    }}

    fn load(slots: &[u64]) -> State {{
        State {{
{load}        }}
    }}

    fn store(state: &State, slots: &mut [u64]) {{
{store}    }}

    #[inline(always)]
    fn one(
        inputs: &Self::Inputs,
        i: usize,
        state: &mut State,
        out: &mut Outputs<'a>,
        at: usize,
    ) -> Result<usize, Code> {{
        out.at = at;
        out.made = 0;
        out.late = 0;
{given}        {main.rust}({", ".join(args)})?;
        if out.late == 0 {{
            Ok(out.made)
        }} else {{
            Err(out.late)
        }}
    }}
}}
"""


def _element(layout: Layout) -> str:
    main = layout.main
    k = len(main.params)
    call = f"{main.rust}({', '.join(f'x[{i}]' for i in range(k))}{', &mut fuel' if main.fuel else ''})"
    fuel = f"let mut fuel: i64 = {ITERATIONS};\n        " if main.fuel else ""
    way = "map_some" if main.fallible else "map_total"
    return f"""
#[inline(always)]
pub fn element(map: *mut Map) -> u64 {{
    {way}(map, |x: [f64; {k}]| {{
        {fuel}{call}
    }})
}}
"""

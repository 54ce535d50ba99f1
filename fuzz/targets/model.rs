//! A table as the list of what a builder was told, to be checked, compared and written again.

use chuck_core::base::limits::TABLE_DEPTH;
use chuck_core::codec::frame::Width;
use chuck_core::codec::packet::table::{self, Build, Scalar};

/// One thing that a builder is told.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    Begin,
    Key(Plain),
    Value(Plain),
    End,
    /// A value of a list, in no table.
    Single(Option<Plain>),
}

/// A scalar of its own, in which equal numbers are equal whatever carried them.
#[derive(Clone, PartialEq, Debug)]
pub enum Plain {
    Str(Vec<u8>),
    Bool(bool),
    Int(i64),
    /// The bits, so that NaN equals itself and zero does not equal negative zero.
    Float(u64),
}

/// Builds the list and holds the reader to its promises.
#[derive(Default, Debug)]
pub struct Model {
    /// What was told, in order.
    pub told: Vec<Told>,
    /// Pairs that memory was asked for in advance.
    pub room: usize,
    depth: usize,
    /// A key was told and its value was not.
    has_key: bool,
}

impl Model {
    /// How many values of a list were told.
    #[allow(dead_code, reason = "of one target")]
    pub fn values(&self) -> usize {
        let mut depth = 0;
        let mut count = 0;
        for told in &self.told {
            match told {
                Told::Begin => depth += 1,
                Told::End => {
                    depth -= 1;
                    count += usize::from(depth == 0);
                }
                Told::Single(_) => count += 1,
                Told::Key(_) | Told::Value(_) => {}
            }
        }
        count
    }

    /// Whether everything that was opened was closed.
    pub fn is_whole(&self) -> bool {
        self.depth == 0 && !self.has_key && self.told.last() == Some(&Told::End)
    }
}

/// Writes a table again from what was told of it.
pub fn write(told: &[Told], out: &mut Vec<u8>, width: Width) {
    let mut open: Vec<(usize, u32)> = Vec::new();
    for told in told {
        match told {
            Told::Begin => open.push((table::begin(out), 0)),
            Told::Key(key) => {
                open.last_mut().expect("a key stands in a table").1 += 1;
                key.write(out, width);
            }
            Told::Value(value) => value.write(out, width),
            Told::Single(None) => table::put_nil(out),
            Told::Single(Some(Plain::Int(n))) => table::put_short_int(out, *n),
            Told::Single(Some(Plain::Float(bits))) => table::put_double(out, f64::from_bits(*bits)),
            Told::Single(Some(value)) => value.write(out, width),
            Told::End => {
                let (at, pairs) = open.pop().expect("what ends was begun");
                table::end(out, at, pairs);
            }
        }
    }
    assert!(open.is_empty());
}

impl Build for Model {
    fn begin(&mut self, pairs: usize) {
        assert_eq!(self.has_key, self.depth > 0, "an inner table is the value of a key");
        self.has_key = false;
        self.depth += 1;
        assert!(self.depth <= TABLE_DEPTH, "{} levels", self.depth);
        self.room += pairs;
        self.told.push(Told::Begin);
    }

    fn key(&mut self, key: Scalar<'_>) {
        assert!(self.depth > 0 && !self.has_key, "a key without a place");
        let is_fine = match key {
            Scalar::Str(_) | Scalar::Int(_) => true,
            Scalar::Float(n) => !n.is_nan(),
            Scalar::Bool(_) => false,
        };
        assert!(is_fine, "{key:?} as a key");
        self.has_key = true;
        self.told.push(Told::Key(key.into()));
    }

    fn value(&mut self, value: Scalar<'_>) {
        assert!(self.has_key, "a value without a key");
        self.has_key = false;
        self.told.push(Told::Value(value.into()));
    }

    fn end(&mut self) {
        assert!(self.depth > 0 && !self.has_key, "an end without a table, or after a key");
        self.depth -= 1;
        self.told.push(Told::End);
    }

    fn single(&mut self, value: Option<Scalar<'_>>) {
        assert!(self.depth == 0 && !self.has_key, "a value of the list inside of a table");
        // A double stays one, whole or not.
        self.told.push(Told::Single(value.map(|value| match value {
            Scalar::Float(n) => Plain::Float(n.to_bits()),
            other => other.into(),
        })));
    }
}

impl Plain {
    fn write(&self, out: &mut Vec<u8>, width: Width) {
        match self {
            Plain::Str(text) => table::put_str(out, text, width),
            Plain::Bool(value) => table::put_bool(out, *value),
            Plain::Int(n) => table::put_int(out, *n),
            Plain::Float(bits) => table::put_float(out, f64::from_bits(*bits)),
        }
    }
}

impl From<Scalar<'_>> for Plain {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Str(text) => Plain::Str(text.to_vec()),
            Scalar::Bool(value) => Plain::Bool(value),
            Scalar::Int(n) => Plain::Int(n),
            Scalar::Float(n) => {
                // Through i128, where every double near the range of i64 is exact.
                let int = i64::try_from(n as i128).ok().filter(|int| *int as f64 == n);
                match int {
                    Some(int) if n.to_bits() != (-0.0f64).to_bits() => Plain::Int(int),
                    _ => Plain::Float(n.to_bits()),
                }
            }
        }
    }
}

//! Replies as trees: what we make of bytes, in whatever pieces, and what the crate makes of them.

use chuck_core::base::error::Code;
use chuck_core::codec::redis::{Bounds, Build, Kind, Place, Scanner, Value, walk};
use redis_protocol::resp3::decode::complete::decode_range;
use redis_protocol::resp3::types::RangeFrame;

/// A reply. Numbers are bits, so that NaN equals itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tree {
    Text(Vec<u8>),
    Error(Vec<u8>),
    Integer(i64),
    Double(u64),
    Boolean(bool),
    Null,
    List(Vec<Tree>),
    Push(Vec<Tree>),
    /// Its order is no part of it, nor is what stands in it twice.
    Set(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

/// A string.
pub fn text(text: &str) -> Tree {
    Tree::Text(text.into())
}

/// What is open: its kind, and the values so far.
#[derive(Default)]
struct Grower {
    open: Vec<(Kind, Vec<Tree>)>,
    top: Option<Tree>,
}

impl Grower {
    fn put(&mut self, tree: Tree, place: Place) {
        assert!(self.top.is_none(), "something behind the end");
        let Some((kind, values)) = self.open.last_mut() else {
            assert_eq!(place, Place::Top);
            self.top = Some(tree);
            return;
        };
        let expected = match (*kind, values.len() % 2) {
            (Kind::Map, 0) => Place::Key,
            (Kind::Map, _) => Place::Field,
            _ => Place::Item(values.len() as u64 + 1),
        };
        assert_eq!(place, expected);
        values.push(tree);
    }
}

impl Build for Grower {
    fn value(&mut self, value: Value<'_>, place: Place) {
        let tree = match value {
            Value::Text(text) => Tree::Text(text.to_vec()),
            Value::Pieces(chunks) => {
                let len = chunks.len();
                let text = chunks.collect::<Vec<_>>().concat();
                assert_eq!(text.len(), len);
                Tree::Text(text)
            }
            Value::Error(text) => Tree::Error(text.to_vec()),
            Value::Integer(value) => Tree::Integer(value),
            Value::Double(value) => Tree::Double(value.to_bits()),
            Value::Boolean(value) => Tree::Boolean(value),
            Value::Null => Tree::Null,
        };
        self.put(tree, place);
    }

    fn open(&mut self, kind: Kind, _count: Option<u64>) {
        self.open.push((kind, Vec::new()));
    }

    fn close(&mut self, place: Place) {
        let (kind, values) = self.open.pop().expect("nothing is open");
        let tree = match kind {
            Kind::Map => map(values.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()))),
            Kind::Set => set(values),
            Kind::Push => Tree::Push(values),
            _ => Tree::List(values),
        };
        self.put(tree, place);
    }
}

/// A set.
pub fn set(mut values: Vec<Tree>) -> Tree {
    values.sort();
    values.dedup();
    Tree::Set(values)
}

/// A map, with what stands in it twice.
pub fn map(pairs: impl Iterator<Item = (Tree, Tree)>) -> Tree {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    Tree::Map(pairs)
}

impl Tree {
    /// Whether it is what the crate makes of the same bytes: of equal keys, that has one.
    pub fn agrees(&self, theirs: &Tree) -> bool {
        let all = |ours: &[Tree], theirs: &[Tree]| {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.agrees(b))
        };
        match (self, theirs) {
            (Tree::List(ours), Tree::List(theirs)) => all(ours, theirs),
            (Tree::Push(ours), Tree::Push(theirs)) => all(ours, theirs),
            (Tree::Map(ours), Tree::Map(theirs)) => {
                let is_ours = |(key, value): &(Tree, Tree)| {
                    ours.iter().any(|(known, found)| known == key && found.agrees(value))
                };
                let is_theirs = |key| theirs.iter().any(|(known, _)| known == key);
                theirs.iter().all(is_ours) && ours.iter().all(|(key, _)| is_theirs(key))
            }
            (ours, theirs) => ours == theirs,
        }
    }
}

/// What we make of a whole reply.
pub fn grow(reply: &[u8]) -> Option<Tree> {
    let mut grower = Grower::default();
    walk(reply, &mut grower)?;
    assert!(grower.open.is_empty());
    Some(grower.top.expect("a reply is one value"))
}

/// All replies in what arrives in `pieces`, and what it ended with: bytes left, or a code.
pub fn all<'a>(
    bounds: Bounds,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Tree>, Result<usize, Code>) {
    let mut scanner = Scanner::new(bounds);
    let (mut found, mut pending, mut at) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        pending.extend_from_slice(piece);
        loop {
            let result = scanner.find(&pending[at..]);
            match result {
                Ok(Some(len)) => {
                    let reply = &pending[at..at + len];
                    found.push(grow(reply).expect("what was found is a reply"));
                    at += len;
                }
                Ok(None) => break,
                Err(code) => {
                    assert_eq!(scanner.find(&pending[at..]), Err(code), "for good");
                    return (found, Err(code));
                }
            }
        }
    }
    (found, Ok(pending.len() - at))
}

/// Whether the crate takes what we take: not so of sizes that were not announced, of null in the
/// way of RESP2, of words that no server says, and of what its sets cannot hold.
pub enum Crate {
    Takes(Tree, usize),
    Waits,
    Refuses,
}

/// What the crate makes of the front of some bytes.
pub fn of_crate(bytes: &[u8]) -> Crate {
    match decode_range(bytes) {
        Ok(Some((frame, used))) => match tree_of(&frame, bytes) {
            Some(tree) => Crate::Takes(tree, used),
            None => Crate::Refuses,
        },
        Ok(None) => Crate::Waits,
        Err(_) => Crate::Refuses,
    }
}

fn tree_of(frame: &RangeFrame, bytes: &[u8]) -> Option<Tree> {
    let text = |range: &(usize, usize)| bytes[range.0..range.1].to_vec();
    let list = |frames: &[RangeFrame]| {
        frames.iter().map(|frame| tree_of(frame, bytes)).collect::<Option<Vec<_>>>()
    };
    Some(match frame {
        RangeFrame::BlobString { data, .. }
        | RangeFrame::SimpleString { data, .. }
        | RangeFrame::BigNumber { data, .. }
        | RangeFrame::VerbatimString { data, .. } => Tree::Text(text(data)),
        RangeFrame::BlobError { data, .. } | RangeFrame::SimpleError { data, .. } => {
            Tree::Error(text(data))
        }
        RangeFrame::Boolean { data, .. } => Tree::Boolean(*data),
        RangeFrame::Null => Tree::Null,
        RangeFrame::Number { data, .. } => Tree::Integer(*data),
        RangeFrame::Double { data, .. } => Tree::Double(data.to_bits()),
        RangeFrame::Array { data, .. } => Tree::List(list(data)?),
        RangeFrame::Push { data, .. } => Tree::Push(list(data)?),
        RangeFrame::Set { data, .. } => {
            set(data.iter().map(|frame| tree_of(frame, bytes)).collect::<Option<_>>()?)
        }
        RangeFrame::Map { data, .. } => {
            let pair = |(key, value)| Some((tree_of(key, bytes)?, tree_of(value, bytes)?));
            map(data.iter().map(pair).collect::<Option<Vec<_>>>()?.into_iter())
        }
        _ => return None,
    })
}

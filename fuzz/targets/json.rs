//! JSON: what is told is well formed, levels are limited, and what is written is told the same.
//!
//! ```text
//! | limit of levels: u8 | the text |
//! ```
#![no_main]

use chuck_core::codec::json::{self, Reader, Text, Token, Wrong};
use libfuzzer_sys::fuzz_target;

/// The text again, without blanks and needless escapes, or why there is none.
fn again(text: &[u8], limit: usize) -> Result<Vec<u8>, Wrong> {
    let mut reader = Reader::new(text, limit)?;
    let mut out = Vec::new();
    let mut open = Vec::new();
    loop {
        let is_list = reader.is_in_list();
        let Some(token) = reader.next_token()? else { break };
        let needs_comma = out.last().is_some_and(|byte| !b"[{:".contains(byte));
        if needs_comma && token != Token::Close {
            out.push(b',');
        }
        match token {
            Token::Null => out.extend_from_slice(b"null"),
            Token::Boolean(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Token::Integer(value) => json::put_integer(value, &mut out),
            Token::Number(value) => json::put_number(value, &mut out).expect("it is finite"),
            Token::Text(text) => put(text, &mut out),
            Token::Key(text) => {
                put(text, &mut out);
                out.push(b':');
            }
            Token::OpenList | Token::OpenMap => {
                let (first, last) = if token == Token::OpenList { (b'[', b']') } else { (b'{', b'}') };
                out.push(first);
                open.push(last);
            }
            Token::Close => {
                let last = open.pop().expect("it was opened");
                assert_eq!(last == b']', is_list);
                out.push(last);
            }
        }
        assert_eq!(reader.depth(), open.len());
        assert!(open.len() <= limit);
    }
    assert!(open.is_empty());
    Ok(out)
}

fn put(text: Text<'_>, out: &mut Vec<u8>) {
    let mut room = vec![0; text.room()];
    let used = text.write(&mut room).expect("it has room");
    json::put_text(&room[..used], out).expect("it is UTF-8");
}

fuzz_target!(|input: &[u8]| {
    let Some((&limit, text)) = input.split_first() else {
        return;
    };
    if let Ok(out) = again(text, limit.into()) {
        assert_eq!(again(&out, limit.into()).expect("it is JSON"), out);
    }
});

//! A Rust file as the rules see it: text, code without comments and literals, paths, functions.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file.
pub struct Source {
    /// From the root of the tree, with forward slashes.
    pub path: String,
    pub text: String,
    /// The text with comments and literals blank; as many lines, of the same length in characters.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blank(text) }
    }

    pub fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    pub fn code_line(&self, line: usize) -> &str {
        self.code.lines().nth(line - 1).unwrap_or_default()
    }

    /// The lines on which a word stands in the code.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        words(&self.code, word)
    }

    /// The names that follow `root::`, one for each member of a group; a bare `use root` gives "".
    pub fn paths(&self, root: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for at in word_places(&self.code, root) {
            let is_inner = self.code[..at].ends_with("::") || self.code[..at].ends_with('.');
            if is_inner && root != "super" {
                continue;
            }
            let after = &self.code[at + root.len()..];
            let line = line_of(&self.code, at);
            match after.strip_prefix("::") {
                Some(rest) => {
                    found.extend(first_names(rest).into_iter().map(|name| (line, name)));
                }
                None if self.code[..at].trim_end().ends_with("use") => {
                    found.push((line, String::new()))
                }
                None => {}
            }
        }
        found
    }

    /// Every function with a body: line, name, lines.
    pub fn functions(&self) -> Vec<(usize, String, usize)> {
        let mut found = Vec::new();
        for at in word_places(&self.code, "fn") {
            let name = first_names(self.code[at + 2..].trim_start()).swap_remove(0);
            if name.is_empty() {
                continue;
            }
            if let Some(end) = end_of_body(&self.code[at..]) {
                let lines = self.code[at..at + end].matches('\n').count() + 1;
                found.push((line_of(&self.code, at), name, lines));
            }
        }
        found
    }
}

/// Where the body of the function at the front ends; nothing when it has no body.
fn end_of_body(code: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The name at the front, or the first name of each member of the `{…}` group at the front.
fn first_names(rest: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim_start().chars().take_while(|c| is_word(*c)).collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let mut names = vec![name(group)];
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(name(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where a word stands in a text, as a word of its own.
fn word_places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    word_places(text, word).map(|at| line_of(text, at))
}

/// The text with every comment, string and character blank.
pub fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_word = out.chars().next_back().is_some_and(is_word);
        let skip = match literal_length(rest).filter(|_| !(after_word && c.is_alphabetic())) {
            Some(length) => length,
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        out.extend(rest[..skip].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[skip..];
    }
    out
}

/// The length of the comment, string or character at the front, if there is one.
fn literal_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(comment_length(rest));
    }
    if let Some(character) = rest.strip_prefix('\'') {
        return character_length(character).map(|length| length + 1);
    }
    let prefix = rest.len() - rest.trim_start_matches(['b', 'c', 'r']).len();
    let string = &rest[prefix..];
    if prefix > 2 {
        return None;
    }
    let hashes = string.len() - string.trim_start_matches('#').len();
    if rest[..prefix].ends_with('r') && string[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let body = &string[hashes + 1..];
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix + hashes + 1 + length);
    }
    string.starts_with('"').then(|| prefix + string_length(string))
}

/// Block comments nest.
fn comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let step = if rest[at..].starts_with("/*") {
            depth += 1;
            2
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest[at..].chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string_length(string: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in string.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    string.len()
}

/// After a `'`: the length up to the end of a character; nothing when it is a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        return chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

#[test]
fn comments_and_literals_are_blank() {
    let same = |text: &str, code: &str| assert_eq!(blank(text), code, "{text}");
    same("a // b\nc", "a     \nc");
    same("a /* b /* c */ d */ e", "a                   e");
    same("f(\"a\\\"b\", 'c', '\\'', b'x', r#\"y\"z\"#)", "f(      ,    ,     , b   ,         )");
    same("fn f<'a>(x: &'a str) { \"un\nsafe\" }", "fn f<'a>(x: &'a str) {    \n      }");
    same("for r in bar {}", "for r in bar {}");
    same("x = b\"a\"; '→'", "x =     ;    ");
}

pub fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every Rust file below some folders, in order; what was built is not looked at.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        collect(folder, &mut found);
    }
    assert!(!found.is_empty(), "no Rust files below {folders:?}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(path: &str, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(in_tree(path)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if entry.path().is_dir() && name != "target" {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("a source is UTF-8");
            found.push(Source::new(&path, &text));
        }
    }
}

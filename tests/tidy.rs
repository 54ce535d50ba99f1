//! The rules of the house that no compiler keeps: layers, `unsafe`, sizes, first lines.
//!
//! Each rule is a function from a source file to complaints (`file:line: what is wrong`), a test that
//! there are none, and a test on a few lines of text that it does complain. What the rules look at is
//! [`Source::code`], where comments and literals are blank, so that words in them do not count.

use std::fs;

#[path = "tidy/source.rs"]
mod source;

use source::{Source, blank, in_tree, sources, words};

/// Who may use whom: layer, layers below it, crates.
///
/// A layer always may use itself and std. A new dependency belongs to no layer until it stands here.
const LAYERS: &[Layer] = &[
    ("base", &[], &["bytes", "libc"]),
    ("codec", &["base"], CODEC_CRATES),
    ("engine", &["base"], &["mio"]),
    ("os", &["base", "engine"], &["rustix", "signal_hook", "libc", "socket2", "getrandom"]),
    ("net", &["base", "engine", "os"], &["socket2", "mio", "rustix"]),
    ("conn", &["base", "engine", "net", "codec"], &["rustls", "bytes"]),
    ("binding", &["base", "codec", "engine", "os", "net", "conn"], &["*"]),
];

/// Formats and codings, written by others in Rust alone.
const CODEC_CRATES: &[&str] = &[
    "base64",
    "brotli",
    "bytes",
    "flate2",
    "hmac",
    "httparse",
    "memchr",
    "redis_protocol",
    "sha1",
    "sha2",
];

/// A crate of which a layer may use some names only.
struct Part {
    layer: &'static str,
    from: &'static str,
    is_fine: fn(&str) -> bool,
    words: &'static str,
}

const PARTS: &[Part] = &[
    Part { layer: "base", from: "libc", is_fine: is_number, words: "numbers only" },
    Part { layer: "net", from: "mio", is_fine: |name| name == "net", words: "mio::net only" },
];

/// The longest file and the longest function, in lines.
const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 80;

/// What may be longer: file, function or "file", and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// How far above an `unsafe` its reason may stand, in lines.
const SAFETY_DISTANCE: usize = 6;

#[test]
fn a_layer_uses_only_layers_below_it() {
    assert_kept(&sources(&["src"]), layer_complaints);
}

fn layer_complaints(source: &Source) -> Vec<String> {
    let Some((layer, below, _)) = layer_of(source) else { return Vec::new() };
    let mut complaints = Vec::new();
    for (line, name) in source.paths("crate") {
        let is_layer = LAYERS.iter().any(|(other, ..)| *other == name);
        if !is_layer {
            complaints
                .push(source.at(line, &format!("crate::{name} hides its layer, write it out")));
        } else if name != *layer && !below.contains(&name.as_str()) {
            complaints.push(source.at(line, &format!("{layer} must not know {name}")));
        }
    }
    for (line, name) in source.paths("super") {
        // The binding knows every layer, and its own files have their names: binding/engine.rs.
        let is_fine = name == *layer || below.contains(&name.as_str());
        if !is_fine && LAYERS.iter().any(|(other, ..)| *other == name) {
            complaints.push(source.at(line, &format!("write crate::{name}, so that layers show")));
        }
    }
    complaints
}

#[test]
fn layers_are_told_apart() {
    assert_complains(layer_complaints, "src/base/x.rs", "use crate::engine::Key;", "1: base must");
    assert_complains(
        layer_complaints,
        "src/net/x.rs",
        "\nuse crate::{base::A, codec::{B}};",
        "2: net",
    );
    assert_complains(
        layer_complaints,
        "src/engine/x.rs",
        "fn f() { crate::os::now() }",
        "engine must",
    );
    assert_complains(layer_complaints, "src/conn/x.rs", "use crate::Error;", "hides its layer");
    assert_complains(layer_complaints, "src/net/x.rs", "use super::super::conn::A;", "crate::conn");
    assert_silent(
        layer_complaints,
        "src/conn/x.rs",
        "use crate::{base, net::{self, addr}, conn::A};",
    );
    assert_silent(
        layer_complaints,
        "src/base/x.rs",
        "// crate::engine\nconst A: &str = \"crate::os\";",
    );
    assert_silent(layer_complaints, "src/binding/run.rs", "use super::engine::Engine;");
    assert_silent(layer_complaints, "src/lib.rs", "pub use crate::conn::Stream;");
}

#[test]
fn a_layer_uses_only_its_own_crates() {
    assert_kept(&sources(&["src"]), crate_complaints);
}

fn crate_complaints(source: &Source) -> Vec<String> {
    let Some((layer, _, allowed)) = layer_of(source) else { return Vec::new() };
    let mut complaints = Vec::new();
    for name in dependencies().iter().filter(|_| !allowed.contains(&"*")) {
        for (line, part) in source.paths(name) {
            let limit = PARTS.iter().find(|limit| limit.layer == *layer && limit.from == name);
            if !allowed.contains(&name.as_str()) {
                complaints.push(source.at(line, &format!("{layer} must not use the crate {name}")));
            } else if let Some(Part { words, .. }) = limit.filter(|limit| !(limit.is_fine)(&part)) {
                complaints.push(source.at(line, &format!("{layer} uses {name}::{part}; {words}")));
            }
        }
    }
    complaints
}

#[test]
fn crates_are_told_apart() {
    assert_complains(crate_complaints, "src/codec/x.rs", "use mio::Token;", "codec must not use");
    assert_complains(
        crate_complaints,
        "src/net/x.rs",
        "use mio::{net::A, Poll};",
        "mio::Poll; mio::net",
    );
    assert_complains(
        crate_complaints,
        "src/base/x.rs",
        "fn f() { libc::close(1) }",
        "numbers only",
    );
    assert_complains(crate_complaints, "src/engine/x.rs", "use libc;", "engine must not use");
    assert_silent(crate_complaints, "src/net/x.rs", "use mio::net::TcpStream;");
    assert_silent(
        crate_complaints,
        "src/base/x.rs",
        "const A: i32 = libc::EAGAIN; use bytes::Bytes;",
    );
    assert_silent(crate_complaints, "src/codec/x.rs", "use crate::base::mio::x; let a = b.mio;");
}

#[test]
fn mlua_is_named_only_in_the_binding() {
    assert_kept(&sources(&["src"]), mlua_complaints);
}

fn mlua_complaints(source: &Source) -> Vec<String> {
    if source.path.starts_with("src/binding/") || source.path == "src/binding.rs" {
        return Vec::new();
    }
    source.words("mlua").map(|line| source.at(line, "mlua is for src/binding")).collect()
}

#[test]
fn mlua_is_found() {
    assert_complains(mlua_complaints, "src/conn/x.rs", "\n\nuse mlua::Lua;", "3: mlua");
    assert_silent(mlua_complaints, "src/conn/x.rs", "//! not mlua\nlet mluavit = 1;");
    assert_silent(mlua_complaints, "src/binding/x.rs", "use mlua::Lua;");
}

#[test]
fn unsafe_stays_in_its_two_homes() {
    assert_kept(&sources(&["src"]), unsafe_complaints);
}

fn unsafe_complaints(source: &Source) -> Vec<String> {
    let homes = ["src/os/", "src/binding/raw/", "src/binding/raw.rs"];
    if homes.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let complain = |line| source.at(line, "unsafe belongs in src/os or src/binding/raw");
    source.words("unsafe").map(complain).collect()
}

#[test]
fn unsafe_is_found() {
    assert_complains(
        unsafe_complaints,
        "src/net/x.rs",
        "fn f() {\n  unsafe { g() }\n}",
        "2: unsafe",
    );
    assert_complains(unsafe_complaints, "src/binding/rawhide.rs", "unsafe fn f() {}", "1: unsafe");
    assert_silent(unsafe_complaints, "src/net/x.rs", "#![deny(unsafe_code)] // unsafe\n");
    assert_silent(unsafe_complaints, "src/binding/raw/stack.rs", "unsafe fn f() {}");
}

#[test]
fn every_unsafe_says_why_it_holds() {
    assert_kept(&sources(&["src", "tests", "bench", "fuzz"]), safety_complaints);
}

fn safety_complaints(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let is_said = |line: usize| {
        let mut first = line.saturating_sub(1 + SAFETY_DISTANCE);
        // A longer comment, directly above, counts as a whole.
        let remark =
            |text: &str| text.trim_start().starts_with("//") || text.trim().starts_with("#[");
        let above = (0..line - 1).rev().take_while(|at| remark(lines[*at])).last();
        first = first.min(above.unwrap_or(first));
        lines[first..line].iter().any(|text| text.contains("SAFETY:") || text.contains("# Safety"))
    };
    let is_type = |line: usize| {
        // `unsafe extern "C" fn(…)` names a type and does nothing.
        let (_, after) = source.code_line(line).split_once("unsafe").unwrap_or_default();
        after.split_once("fn").is_some_and(|(before, rest)| {
            !before.contains('{') && rest.trim_start().starts_with('(')
        })
    };
    let complain = |line| source.at(line, "unsafe without a SAFETY: line just above");
    source.words("unsafe").filter(|line| !is_said(*line) && !is_type(*line)).map(complain).collect()
}

#[test]
fn a_missing_safety_line_is_found() {
    let far = format!("// SAFETY: far away\n{}unsafe {{ g() }}", "let a = 1;\n".repeat(6));
    assert_complains(safety_complaints, "src/os/x.rs", &far, "8: unsafe without");
    assert_complains(
        safety_complaints,
        "src/os/x.rs",
        "unsafe impl Send for A {}",
        "1: unsafe without",
    );
    assert_complains(
        safety_complaints,
        "src/os/x.rs",
        "unsafe fn f(a: fn()) {}",
        "1: unsafe without",
    );
    assert_silent(safety_complaints, "src/os/x.rs", "// SAFETY: it is ours.\nunsafe { g() }");
    assert_silent(safety_complaints, "src/os/x.rs", "type F = unsafe extern \"C\" fn(i32) -> i32;");
    let long = format!("/// # Safety\n{}unsafe fn f() {{}}", "/// more\n".repeat(9));
    assert_silent(safety_complaints, "src/os/x.rs", &long);
}

#[test]
fn the_codecs_forbid_unsafe() {
    let forbids = |path: &str, text: &str| {
        fs::read_to_string(in_tree(path)).is_ok_and(|source| blank(&source).contains(text))
    };
    assert!(
        forbids("src/codec/mod.rs", "#![forbid(unsafe_code)]"),
        "src/codec/mod.rs:1: #![forbid(unsafe_code)] is missing"
    );
}

#[test]
fn a_file_says_what_it_is_first() {
    assert_kept(&sources(&["src", "tests", "bench", "fuzz"]), first_line_complaints);
}

fn first_line_complaints(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    if first.starts_with("//! ") {
        return Vec::new();
    }
    vec![source.at(1, "the first line must be //! and say what this is")]
}

#[test]
fn a_missing_first_line_is_found() {
    assert_complains(
        first_line_complaints,
        "src/x.rs",
        "use std::io;\n//! late",
        "1: the first line",
    );
    assert_complains(first_line_complaints, "src/x.rs", "", "1: the first line");
    assert_silent(first_line_complaints, "src/x.rs", "//! A thing.\n");
}

#[test]
fn files_and_functions_fit_in_a_head() {
    assert_kept(&sources(&["src", "tests", "bench", "fuzz"]), size_complaints);
}

fn size_complaints(source: &Source) -> Vec<String> {
    long_parts(source)
        .into_iter()
        .filter(|(_, what, _)| {
            !EXCEPTIONS.iter().any(|(file, of, _)| *file == source.path && of == what)
        })
        .map(|(line, what, lines)| source.at(line, &format!("{what} is {lines} lines long")))
        .collect()
}

/// The file and the functions that are too long: line, name, length.
fn long_parts(source: &Source) -> Vec<(usize, String, usize)> {
    let lines = source.text.lines().count();
    let mut parts = Vec::new();
    if FILE_LINES < lines {
        parts.push((1, "file".to_owned(), lines));
    }
    parts.extend(source.functions().into_iter().filter(|(.., lines)| FUNCTION_LINES < *lines));
    parts
}

#[test]
fn every_exception_is_needed_and_has_a_reason() {
    let sources = sources(&["src", "tests", "bench", "fuzz"]);
    for (file, what, reason) in EXCEPTIONS {
        assert!(reason.len() > 10, "{file}: {what}: an exception needs a reason");
        let source = sources.iter().find(|source| source.path == *file);
        let is_needed = |source: &Source| long_parts(source).iter().any(|(_, of, _)| of == what);
        assert!(source.is_some_and(is_needed), "{file}: {what}: this exception is not needed");
    }
}

#[test]
fn long_files_and_functions_are_found() {
    let body = "    a();\n".repeat(FUNCTION_LINES);
    let long = format!("fn short() {{}}\nfn long(a: [u8; 4]) -> A {{\n{body}}}\n");
    assert_complains(size_complaints, "src/x.rs", &long, "2: long is 82 lines long");
    assert_complains(size_complaints, "src/x.rs", &"\n".repeat(FILE_LINES + 1), "1: file is 601");
    assert_silent(size_complaints, "src/x.rs", &"\n".repeat(FILE_LINES));
    let comments = "    // fn }\n".repeat(FUNCTION_LINES - 2);
    assert_silent(size_complaints, "src/x.rs", &format!("fn f() {{\n{comments}}}\nfn g();\n"));
}

#[test]
fn nothing_is_left_for_later() {
    assert_kept(&sources(&["src", "tests", "bench", "fuzz"]), leftover_complaints);
}

fn leftover_complaints(source: &Source) -> Vec<String> {
    let macros = ["dbg", "todo", "unimplemented"];
    // Spelled in two parts, or this file would complain about itself.
    let remarks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut complaints = Vec::new();
    for name in macros {
        let is_call = |line: &usize| source.code_line(*line).contains(&format!("{name}!"));
        let complain = |line| source.at(line, &format!("{name}! is left over"));
        complaints.extend(source.words(name).filter(is_call).map(complain));
    }
    for word in remarks {
        let complain = |line| source.at(line, &format!("{word}: do it, or open an issue"));
        complaints.extend(words(&source.text, word).map(complain));
    }
    complaints
}

#[test]
fn leftovers_are_found() {
    assert_complains(leftover_complaints, "src/x.rs", "\nfn f() { dbg!(1); }", "2: dbg! is left");
    assert_complains(leftover_complaints, "src/x.rs", "fn f() { todo!() }", "1: todo! is left");
    let remark = concat!("// TO", "DO: later");
    assert_complains(leftover_complaints, "src/x.rs", remark, "do it, or");
    assert_silent(leftover_complaints, "src/x.rs", "// dbg!(1) is forbidden\nlet todo = 1;");
}

#[test]
fn only_the_clock_asks_for_the_time() {
    assert_kept(&sources(&["src"]), clock_complaints);
}

fn clock_complaints(source: &Source) -> Vec<String> {
    if source.path == "src/os/clock.rs" {
        return Vec::new();
    }
    // A module's own tests may ask: they have nobody to hand them the time.
    let code = source.code.split("#[cfg(test)]").next().unwrap_or_default();
    let asks = |text: &str| text.contains("Instant::now") || text.contains("SystemTime::now");
    let lines = code.lines().enumerate().filter(|(_, text)| asks(text));
    lines.map(|(at, _)| source.at(at + 1, "ask src/os/clock.rs, or take now")).collect()
}

#[test]
fn a_clock_is_found() {
    assert_complains(
        clock_complaints,
        "src/conn/x.rs",
        "let a =\n Instant::now();",
        "2: ask src/os",
    );
    assert_silent(clock_complaints, "src/os/clock.rs", "Instant::now()");
    assert_silent(clock_complaints, "src/conn/x.rs", "#[cfg(test)]\nmod tests { Instant::now() }");
}

/// A row of [`LAYERS`].
type Layer = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The layer of a file; nothing for src/lib.rs.
fn layer_of(source: &Source) -> Option<&'static Layer> {
    let name = source.path.strip_prefix("src/")?.split('/').next()?.trim_end_matches(".rs");
    let row = LAYERS.iter().find(|(layer, ..)| *layer == name);
    assert!(row.is_some() || name == "lib", "{}:1: no such layer: {name}", source.path);
    row
}

/// `EAGAIN` and `c_int`, not `close`.
fn is_number(name: &str) -> bool {
    name.starts_with("c_")
        || name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The crates that Cargo.toml names as dependencies, as Rust spells them.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(in_tree("Cargo.toml")).expect("Cargo.toml is there");
    let mut names = Vec::new();
    let mut is_inside = false;
    for line in manifest.lines() {
        if let Some(section) = line.trim().strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_inside = section.ends_with("dependencies");
            names.extend(section.split_once("dependencies.").map(|(_, name)| name.to_owned()));
        } else if let Some((name, _)) = line.split_once('=').filter(|_| is_inside) {
            names.extend(name.split('.').next().map(|name| name.trim().to_owned()));
        }
    }
    names
        .into_iter()
        .filter(|name| !name.starts_with('#'))
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[test]
fn the_dependencies_are_read() {
    let names = dependencies();
    assert!(names.contains(&"mio".to_owned()) && names.contains(&"mlua".to_owned()), "{names:?}");
}

fn assert_kept(sources: &[Source], rule: fn(&Source) -> Vec<String>) {
    let complaints: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn assert_complains(rule: fn(&Source) -> Vec<String>, path: &str, text: &str, expected: &str) {
    let complaints = rule(&Source::new(path, text));
    let is_said = complaints.iter().any(|complaint| complaint.contains(expected));
    assert!(is_said, "expected {expected:?} about {text:?}, got {complaints:?}");
}

fn assert_silent(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) {
    let complaints = rule(&Source::new(path, text));
    assert!(complaints.is_empty(), "expected nothing about {text:?}, got {complaints:?}");
}

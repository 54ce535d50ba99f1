//! Lines as they are written: nothing in a text forges another, nothing is longer than it may be.

use super::*;

fn head(level: Level) -> Head {
    Head { at: 1_700_000_000_007, level, thread: 2352 }
}

fn line(format: Format, text: &[u8], fields: &[(&[u8], Value<'_>)]) -> String {
    let mut out = Vec::new();
    let mut all = Fields::new(format);
    fields.iter().for_each(|(name, value)| all.add(name, *value));
    render(&mut out, head(Level::Error), text, &all);
    assert!(out.len() <= LOG_LINE, "{}", out.len());
    String::from_utf8_lossy(&out).into_owned()
}

/// What comes after the head.
fn text(text: &[u8], fields: &[(&[u8], Value<'_>)]) -> String {
    let line = line(Format::Text, text, fields);
    line.split_once("[2352]:").expect("a head").1.to_owned()
}

/// From the message on.
fn json(text: &[u8], fields: &[(&[u8], Value<'_>)]) -> String {
    let line = line(Format::Json, text, fields);
    line.split_once("\"thread\":2352,").expect("a head").1.to_owned()
}

#[test]
fn a_line_begins_with_level_time_and_thread() {
    for (level, name) in Level::ALL {
        let mut out = Vec::new();
        render(&mut out, head(level), b"x", &Fields::new(Format::Text));
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(&format!("[{name:>8}]2023-11-1")), "{text}");
        assert!(text.ends_with(":20.007[2352]:x\n"), "{text}");
        assert_eq!(text.len(), 10 + 23 + 6 + 1 + 2);
    }
}

#[test]
fn a_text_is_used_as_it_is() {
    assert_eq!(text(b"%s \\n {} \t\"\xc3\xa4", &[]), "%s \\n {} \t\"ä\n");
    assert_eq!(text(b"", &[]), "\n");
    assert_eq!(text(b"\xff\xfe", &[]), "\u{fffd}\u{fffd}\n");
}

#[test]
fn a_line_break_begins_no_other_record() {
    assert_eq!(text(b"a\n[    INFO]b\n", &[]), "a\n\t[    INFO]b\n");
    assert_eq!(text(b"\n\n", &[]), "\n");
    assert_eq!(text(b"a\r\0\x1b[2J\x7f", &[]), "a\\x0d\\x00\\x1b[2J\\x7f\n");
}

#[test]
fn fields_follow_as_name_and_value() {
    let fields: &[(&[u8], Value<'_>)] = &[
        (b"id", Value::Integer(-7)),
        (b"share", Value::Number(0.5)),
        (b"ok", Value::Boolean(true)),
        (b"name", Value::Text(b"ann")),
        (b"two words", Value::Text(b"a b=\"c\"\n\\\x01")),
        (b"none", Value::Text(b"")),
    ];
    let expected =
        "t id=-7 share=0.5 ok=true name=ann two_words=\"a b=\\\"c\\\"\\n\\\\\\x01\" none=\"\"\n";
    assert_eq!(text(b"t", fields), expected);
    let expected = "\"message\":\"t\",\"fields\":{\"id\":-7,\"share\":0.5,\"ok\":true,\"name\":\"ann\",\
        \"two words\":\"a b=\\\"c\\\"\\n\\\\\\u0001\",\"none\":\"\"}}\n";
    assert_eq!(json(b"t", fields), expected);
}

#[test]
fn json_is_json_whatever_is_in_it() {
    assert_eq!(
        json(b"a\"\\\n\r\t\0\x1f\x7f", &[]),
        "\"message\":\"a\\\"\\\\\\n\\r\\t\\u0000\\u001f\\u007f\"}\n"
    );
    assert_eq!(json(b"\xc3\xa4\xff.\xe2\x82", &[]), "\"message\":\"ä\u{fffd}.\u{fffd}\"}\n");
    let odd = [f64::NAN, f64::INFINITY, 1e300, -0.0].map(|n| (b"n".as_slice(), Value::Number(n)));
    let expected = "\"message\":\"\",\"fields\":{\"n\":null,\"n\":null,\"n\":1e300,\"n\":-0.0}}\n";
    assert_eq!(json(b"", &odd), expected);
}

#[test]
fn json_time_is_rfc_3339() {
    let line = line(Format::Json, b"", &[]);
    let time = line.strip_prefix("{\"time\":\"").unwrap().split('"').next().unwrap();
    assert_eq!(time.len(), "2026-11-22T15:32:29.032+08:00".len(), "{time}");
    assert!(time.contains('T') && time[19..].starts_with(".007"), "{time}");
    assert!(time[23..].starts_with(['+', '-']) && time.as_bytes()[26] == b':', "{time}");
}

#[test]
fn a_long_text_is_cut_between_characters_and_says_so() {
    for format in [Format::Text, Format::Json] {
        for sample in [&b"x"[..], b"\0", b"\nx", "ä".as_bytes(), "日".as_bytes(), b"\xff"] {
            let long = sample.repeat(1_000_000 / sample.len());
            let line = line(format, &long, &[(b"id", Value::Integer(7))]);
            let mark = match format {
                Format::Text => format!(" [cut, {} bytes] id=7\n", long.len()),
                Format::Json => format!("\"cut\":{},\"fields\":{{\"id\":7}}}}\n", long.len()),
            };
            assert!(line.ends_with(&mark), "{}", &line[line.len() - 100..]);
            assert!(sample == b"\xff" || !line.contains('\u{fffd}'));
            assert!(line.len() > LOG_LINE - 200);
        }
    }
}

#[test]
fn a_text_that_just_fits_is_not_cut() {
    let head = line(Format::Text, b"", &[]).len();
    let most = LOG_LINE - head;
    assert_eq!(line(Format::Text, &vec![b'x'; most], &[]).len(), LOG_LINE);
    assert!(!text(&vec![b'x'; most], &[]).contains("cut"));
    assert!(text(&vec![b'x'; most + 1], &[]).contains("cut"));
}

#[test]
fn fields_that_do_not_fit_are_counted() {
    let long = vec![b'x'; LOG_FIELDS];
    let fields: &[(&[u8], Value<'_>)] = &[
        (b"a", Value::Integer(1)),
        (b"long", Value::Text(&long)),
        (&long, Value::Integer(2)),
        (b"b", Value::Integer(3)),
    ];
    assert_eq!(text(b"t", fields), "t a=1 b=3 [2 fields cut]\n");
    let expected = "\"message\":\"t\",\"fields\":{\"a\":1,\"b\":3},\"fields_cut\":2}\n";
    assert_eq!(json(b"t", fields), expected);
}

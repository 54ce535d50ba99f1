//! `log`: files that any thread logs to and nobody waits for.

use std::ffi::{CStr, OsStr, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::convert;
use super::place;
use super::raw::{Call, Class, Fail, Kind, Outcome, function};
use super::report;
use crate::base::limits;
use crate::os::log::{self, Console, Fields, File, Format, Level, Settings, Stats, Value};

/// What Lua holds.
pub struct LogFile(File);

impl Class for LogFile {
    const NAME: &'static CStr = c"logfile";
    const INDEX: usize = place::LOG_FILE;
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<LogFile>(&[(c"Log", function(log_to)), (c"Stats", function(stats_of))], &[]);
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"SetLogLev", function(set_level)),
        (c"SysLog", function(system_log)),
        (c"report", function(report_error)),
        (c"LogFile", function(log_file)),
        (c"configure", function(configure)),
        (c"stats", function(stats)),
        (c"reopen", function(reopen)),
        (c"flush", function(flush)),
    ]);
    for (level, name) in Level::ALL {
        call.push_bytes(name.as_bytes());
        call.push_integer(level as i64);
        call.raw_set_pair(-3);
    }
}

fn set_level(call: &Call) -> Outcome {
    log::set_threshold(level(call, 1)?);
    Ok(0)
}

/// `SysLog(level, text[, fields])`
fn system_log(call: &Call) -> Outcome {
    let level = level(call, 1)?;
    write(call, log::system(), level, 2)
}

/// `report(place, text)`: as of an error in a callback that no handler takes.
fn report_error(call: &Call) -> Outcome {
    let place = String::from_utf8_lossy(call.bytes(1)?).into_owned();
    let text = String::from_utf8_lossy(call.bytes(2)?).into_owned();
    report::complain_of(&place, &text);
    Ok(0)
}

/// `logfile:Log(level, text[, fields])`
fn log_to(call: &Call) -> Outcome {
    let file = &call.object::<LogFile>(1)?.0;
    let level = level(call, 2)?;
    write(call, file, level, 3)
}

/// Logs the text at argument `n` with the fields behind it; whether there was room.
fn write(call: &Call, file: &File, level: Level, n: c_int) -> Outcome {
    let text = call.bytes(n)?;
    let fields = if call.is_absent(n + 1) { None } else { Some(fields(call, file, n + 1)?) };
    let fits = file.log(level, text, fields.as_ref());
    // Making a value may raise: nothing that has to be freed may be there by then.
    drop(fields);
    call.push_boolean(fits);
    Ok(1)
}

fn level(call: &Call, n: c_int) -> Result<Level, Fail> {
    let number = call.integer(n)?;
    let found = Level::ALL.iter().find(|(level, _)| *level as i64 == number);
    found.map(|(level, _)| *level).ok_or_else(|| {
        Fail::argument(n, format!("{number} is no level of a log, which are 0 (INFO) to 4"))
    })
}

fn fields(call: &Call, file: &File, n: c_int) -> Result<Fields, Fail> {
    let mut fields = Fields::new(file.format());
    call.each_pair(n, |call| {
        let Some(name) = call.to_bytes(-2) else {
            return Err(Fail::argument(n, "the name of a field is not a string"));
        };
        let value = match call.kind(-1) {
            Kind::String => Value::Text(call.to_bytes(-1).unwrap_or_default()),
            Kind::Boolean => Value::Boolean(call.switch(-1)?),
            Kind::Number => match call.to_integer(-1) {
                Some(whole) => Value::Integer(whole),
                None => Value::Number(call.to_number(-1).unwrap_or_default()),
            },
            _ => {
                let name = String::from_utf8_lossy(name);
                let message = format!("field '{name}' is no string, number or boolean");
                return Err(Fail::argument(n, message));
            }
        };
        fields.add(name, value);
        Ok(())
    })?;
    Ok(fields)
}

/// `LogFile(name[, options])`
fn log_file(call: &Call) -> Outcome {
    call.bytes(1)?;
    let name = path(call, 1).ok_or_else(|| Fail::argument(1, "it is no name of a file"))?;
    let settings = if call.is_absent(2) {
        None
    } else {
        Some(settings(call, 2, Settings { path: None, ..log::defaults() })?)
    };
    let file = File::open(&name, settings);
    drop(name);
    call.push_object(LogFile(file));
    Ok(1)
}

/// `configure(options)`
fn configure(call: &Call) -> Outcome {
    log::configure(settings(call, 1, log::defaults())?);
    Ok(0)
}

/// The options in the table at argument `n`, on top of others.
fn settings(call: &Call, n: c_int, mut settings: Settings) -> Result<Settings, Fail> {
    call.each_pair(n, |call| {
        let Some(name) = call.to_bytes(-2) else {
            return Err(Fail::argument(n, "the name of an option is not a string"));
        };
        set_option(call, &mut settings, name).map_err(|what| {
            let name = String::from_utf8_lossy(name);
            Fail::argument(n, format!("option '{name}' {what}"))
        })
    })?;
    Ok(settings)
}

/// Sets one option to the value at the top.
fn set_option(call: &Call, settings: &mut Settings, name: &[u8]) -> Result<(), String> {
    let boolean = || match call.kind(-1) {
        Kind::Boolean => call.switch(-1).map_err(|_| String::new()),
        _ => Err("must be a boolean".to_owned()),
    };
    let count = |most: u64| match call.to_integer(-1).map(u64::try_from) {
        Some(Ok(n)) if n <= most => Ok(n),
        _ => Err(format!("must be a whole number from 0 to {most}")),
    };
    let place = || path(call, -1).ok_or_else(|| "must be the name of a file".to_owned());
    match name {
        b"directory" => settings.directory = Some(place()?),
        b"path" => settings.path = Some(place()?),
        b"max_bytes" => settings.max_bytes = count(1 << 50)?,
        b"keep" => settings.keep = count(1 << 20)? as usize,
        b"daily" => settings.daily = boolean()?,
        b"console" => settings.console = if boolean()? { Console::On } else { Console::Off },
        b"flush_ms" => {
            settings.flush =
                Duration::from_millis(count(limits::LOG_FLUSH_MAX.as_millis() as u64)?);
        }
        b"format" => {
            settings.format = match call.to_bytes(-1) {
                Some(b"text") => Format::Text,
                Some(b"json") => Format::Json,
                _ => return Err("must be \"text\" or \"json\"".to_owned()),
            }
        }
        _ => return Err("is not known".to_owned()),
    }
    Ok(())
}

/// The string at `n` as a path, if the system could have one like it.
fn path(call: &Call, n: c_int) -> Option<PathBuf> {
    let bytes = call.to_bytes(n).filter(|bytes| !bytes.is_empty() && !bytes.contains(&0))?;
    Some(Path::new(OsStr::from_bytes(bytes)).to_owned())
}

fn stats(call: &Call) -> Outcome {
    push_stats(call, log::stats())
}

fn stats_of(call: &Call) -> Outcome {
    push_stats(call, call.object::<LogFile>(1)?.0.stats())
}

fn push_stats(call: &Call, stats: Stats) -> Outcome {
    let counters: [(&CStr, u64); 4] = [
        (c"written", stats.written),
        (c"dropped", stats.dropped),
        (c"errors", stats.errors),
        (c"queued", stats.queued),
    ];
    call.push_table(0, counters.len());
    for (name, value) in counters {
        call.push_integer(value as i64);
        call.set_field(-2, name);
    }
    Ok(1)
}

/// Takes what a signaler hands its callback, and ignores it.
fn reopen(_call: &Call) -> Outcome {
    log::reopen();
    Ok(0)
}

/// `flush([timeout_ms])`
fn flush(call: &Call) -> Outcome {
    let limit = if call.is_absent(1) { limits::LOG_DRAIN } else { convert::millis(call, 1)? };
    match log::flush(limit) {
        Ok(()) => {
            call.push_boolean(true);
            Ok(1)
        }
        Err(code) => convert::failure(call, code),
    }
}

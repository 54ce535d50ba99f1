//! The module that Lua sees: a contents page. Each file beside this one is one Lua noun.

mod acceptor;
mod anchor;
mod cargo;
mod child;
mod command;
mod connection;
mod connector;
mod convert;
mod cthread;
mod daemon;
mod datagram;
mod decoder;
mod engine;
mod error;
mod file;
mod held;
mod http;
mod httppacket;
mod json;
mod lease;
mod log;
mod lookout;
mod mail;
mod mailbox;
mod packet;
mod process;
mod raw;
mod redis;
mod report;
mod resolver;
mod run;
mod seat;
mod signal;
mod socket_helper;
mod socket_option;
mod stage;
mod stats;
mod thread;
mod timer;
mod web;

use std::ffi::CStr;

use raw::{Call, Function, Outcome, call_of, function};

/// The place of each class in a state's table of classes.
mod place {
    pub const WPACKET: usize = 0;
    pub const RPACKET: usize = 1;
    pub const RAWPACKET: usize = 2;
    pub const DECODER: usize = 3;
    pub const CONNECTION: usize = 4;
    pub const CONNECTOR: usize = 5;
    pub const ACCEPTOR: usize = 6;
    pub const ENGINE: usize = 7;
    pub const TIMER: usize = 8;
    pub const WHEEL: usize = 9;
    pub const SIGNALER: usize = 10;
    pub const DATAGRAM: usize = 11;
    pub const QUERY: usize = 12;
    pub const MAILBOX: usize = 13;
    pub const CHILD: usize = 14;
    pub const LOG_FILE: usize = 15;
    pub const THREAD: usize = 16;
    pub const NULL: usize = 17;
    pub const HTTPPACKET: usize = 18;
    pub const HELD: usize = 19;
    pub const JSON_NULL: usize = 20;
    pub const FILE: usize = 21;
    pub const COMPRESSOR: usize = 22;
    pub const DECOMPRESSOR: usize = 23;
    pub const MULTIPART: usize = 24;
}

/// Builds the table that `require "chuck_core"` returns.
fn open(call: &Call) -> Outcome {
    for register in [
        packet::register,
        httppacket::register,
        decoder::register,
        connection::register,
        connector::register,
        acceptor::register,
        datagram::register,
        engine::register,
        timer::register,
        signal::register,
        log::register,
        resolver::register,
        child::register,
        cthread::register,
        redis::register,
        file::register,
        held::register,
        json::register,
        web::register,
    ] {
        register(call);
    }
    call.push_table(0, 16);
    type Push = fn(&Call);
    let modules: &[(&CStr, Push)] = &[
        (c"packet", packet::push_module),
        (c"decoder", decoder::push_module),
        (c"socket_helper", socket_helper::push_module),
        (c"signal", signal::push_module),
        (c"log", log::push_module),
        (c"process", process::push_module),
        (c"daemon", daemon::push_module),
        (c"error", error::push_module),
        (c"resolver", resolver::push_module),
        (c"cthread", cthread::push_module),
        (c"http", http::push_module),
        (c"redis", redis::push_module),
        (c"json", json::push_module),
        (c"web", web::push_module),
    ];
    for (name, push) in modules {
        call.reserve(8);
        push(call);
        call.set_field(-2, name);
    }
    push_callable(call, c"connection", function(connection::new), call_of(connection::new));
    push_callable(call, c"connector", function(connector::new), call_of(connector::new));
    push_callable(call, c"acceptor", function(acceptor::new), call_of(acceptor::new));
    push_callable(call, c"datagram", function(datagram::new), call_of(datagram::new));
    push_callable(call, c"engine", function(engine::new), call_of(engine::new));
    push_callable(call, c"TimingWheel", function(timer::wheel), call_of(timer::wheel));
    call.push_function(function(timer::reg_timer));
    call.set_field(-2, c"RegTimer");
    call.push_function(function(timer::systick));
    call.set_field(-2, c"systick");
    call.push_bytes(env!("CARGO_PKG_VERSION").as_bytes());
    call.set_field(-2, c"_VERSION");
    Ok(1)
}

/// A constructor in both spellings: `chuck.engine()` and `chuck.engine.engine()`.
fn push_callable(call: &Call, name: &CStr, plain: Function, called: Function) {
    call.push_table(0, 1);
    call.push_function(plain);
    call.set_field(-2, name);
    call.push_table(0, 2);
    call.push_function(called);
    call.set_field(-2, c"__call");
    call.push_boolean(false);
    call.set_field(-2, c"__metatable");
    call.set_metatable(-2);
    call.set_field(-2, name);
}

//! `decoder`: how the bytes of a connection become packets.

use std::ffi::CStr;

use super::packet;
use super::place;
use super::raw::{Call, Class, Outcome, function};
use crate::codec::frame::Frames;
use crate::conn::stream::Framing;

/// A recipe, not a state: one value serves any number of connections.
pub struct Decoder(pub Framing);

impl Class for Decoder {
    const NAME: &'static CStr = c"decoder";
    const INDEX: usize = place::DECODER;

    fn is_plain(&mut self) -> bool {
        true
    }
}

/// Makes the class known.
pub fn register(call: &Call) {
    // Old programs call what is a value in the seed's words: it answers with itself.
    call.register::<Decoder>(&[], &[(c"__call", function(itself))]);
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_table(0, 1);
    call.push_functions(&[(c"rpacket", function(rpacket))]);
    call.push_object(Decoder(Framing::Raw));
    call.set_field(-2, c"rawpacket");
    call.set_field(-2, c"connection");
}

fn rpacket(call: &Call) -> Outcome {
    let max = call.integer_in(1, 1, i64::MAX)?;
    let width = packet::width(call, 2)?;
    call.push_object(Decoder(Framing::Frames(Frames::new(max as usize, width))));
    Ok(1)
}

fn itself(call: &Call) -> Outcome {
    call.object::<Decoder>(1)?;
    call.set_top(1);
    Ok(1)
}

//! Streams whose peer resets the connection while they send.

use chuck_core::base::error::Code;
use chuck_core::conn::framing::Framing;

use crate::block;
use crate::support::drive::{Drive, Said};
use crate::support::pair;

#[test]
fn what_a_peer_says_before_it_resets_who_still_sends_is_heard() {
    let mut drive = Drive::new();
    let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
    block(&mut drive, ours);
    peer.leave(b"too much");
    peer.reset();
    drive.until("the reset", |drive| drive.is_over(ours));
    let said = drive.said(ours);
    let [Said::Raw(words), Said::Ended(code)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(words, b"too much");
    assert_ne!(*code, Code::OK);
}

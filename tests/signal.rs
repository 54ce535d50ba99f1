//! Several threads watch the same signal: each is told, and each lets go for itself.

use std::os::fd::AsFd;
use std::process::{Command, id};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use chuck_core::engine::Engine;
use chuck_core::os::signal::Signal;

#[test]
fn every_threads_engine_is_woken_by_the_same_signal() {
    const THREADS: usize = 4;
    let watching = Barrier::new(THREADS + 1);
    let told: Vec<bool> = thread::scope(|scope| {
        let watch = || {
            let signal = Signal::catch(libc::SIGUSR2).expect("descriptors are left");
            let mut engine = Engine::new(Instant::now()).expect("descriptors are left");
            engine.register(signal.as_fd(), ()).expect("it is a socket");
            watching.wait();
            let end = Instant::now() + Duration::from_secs(20);
            while Instant::now() < end {
                // The socket has room to write, which wakes too.
                let _ = engine.turn(Instant::now(), Some(Duration::from_secs(1)), &mut Vec::new());
                if signal.take() {
                    return true;
                }
            }
            false
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(watch)).collect();
        watching.wait();
        let sent = Command::new("kill").args(["-USR2", &id().to_string()]).status();
        assert!(sent.expect("there is a kill").success());
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(told, [true; THREADS]);
}

//! Requests to a number, over connections that stay or over one for each, and the memory meanwhile.

use std::error::Error;
use std::time::{Duration, Instant};

use chuck_bench::poll::{Poll, Ready};
use chuck_bench::process::{Sample, resident};

use crate::Plan;
use crate::client::Client;

/// Bytes of the read buffer.
const BUFFER: usize = 64 << 10;
/// After so long without any answer it is over.
const PATIENCE: Duration = Duration::from_secs(10);
/// Parts of the work, each with a line; the first one warms the server up.
const PARTS: u64 = 10;

struct Soak<'a> {
    plan: &'a Plan,
    /// A new connection for each request.
    is_churn: bool,
    request: Vec<u8>,
    poll: Poll,
    /// `None` once there is nothing left to ask for.
    clients: Vec<Option<Client>>,
    buffer: Vec<u8>,
    asked: u64,
    answered: u64,
}

/// Asks `plan.count` times, and says for each part how it went and what memory the server has.
///
/// # Errors
///
/// The first thing that went wrong.
pub fn run(plan: &Plan, is_churn: bool) -> Result<(), Box<dyn Error>> {
    let mut soak = Soak {
        plan,
        is_churn,
        request: plan.request(),
        poll: Poll::new()?,
        clients: Vec::with_capacity(plan.conns),
        buffer: vec![0; BUFFER],
        asked: 0,
        answered: 0,
    };
    for index in 0..plan.conns {
        soak.clients.push(None);
        soak.begin(index)?;
    }
    for part in 1..=PARTS {
        let first = soak.answered;
        let before = Sample::take(Some(plan.server));
        soak.drive(plan.count * part / PARTS)?;
        let usage = Sample::take(Some(plan.server)).since(&before);
        let done = soak.answered - first;
        println!(
            "{{\"done\":{},\"rate\":{:.0},\"us\":{:.3},\"rss\":{}}}",
            soak.answered,
            done as f64 / usage.secs,
            usage.server_cpu * 1e6 / done as f64,
            resident(plan.server),
        );
    }
    Ok(())
}

impl Soak<'_> {
    /// Runs until so many requests have been answered.
    fn drive(&mut self, goal: u64) -> Result<(), Box<dyn Error>> {
        let mut batch: Vec<Ready> = Vec::new();
        let mut give_up = Instant::now() + PATIENCE;
        while self.answered < goal {
            batch.extend(self.poll.wait(Some(PATIENCE))?);
            if batch.is_empty() && give_up <= Instant::now() {
                return Err(format!("silence after {} answers", self.answered).into());
            }
            if !batch.is_empty() {
                give_up = Instant::now() + PATIENCE;
            }
            for ready in batch.drain(..).filter(|ready| ready.readable) {
                self.serve(ready.id)?;
            }
        }
        Ok(())
    }

    fn serve(&mut self, index: usize) -> Result<(), Box<dyn Error>> {
        let Some(client) = &mut self.clients[index] else {
            return Ok(()); // closed earlier in this batch
        };
        let is_there = client
            .take(&mut self.buffer)
            .map_err(|error| format!("after {} answers: {error}", self.answered))?;
        if is_there {
            self.answered += 1;
            self.begin(index)?;
        }
        Ok(())
    }

    /// The next request, if there is one, by a connection that is there or by a new one.
    fn begin(&mut self, index: usize) -> Result<(), Box<dyn Error>> {
        if self.is_churn || self.asked == self.plan.count {
            self.clients[index] = None;
        }
        if self.asked == self.plan.count {
            return Ok(());
        }
        self.asked += 1;
        if self.clients[index].is_none() {
            let client = Client::connect(self.plan.port)?;
            self.poll.add_stream(client.stream(), index)?;
            self.clients[index] = Some(client);
        }
        match &mut self.clients[index] {
            Some(client) => Ok(client.ask(&self.request)?),
            None => Ok(()),
        }
    }
}

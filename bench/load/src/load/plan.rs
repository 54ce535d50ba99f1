//! What to do, as said on the command line.

use std::str::FromStr;
use std::time::Duration;

use chuck_bench::framing::Framing;

/// Shown when the command line is not understood.
pub const USAGE: &str = "\
load MODE --port PORT [--pid PID] [options]

  echo        each connection keeps DEPTH messages under way
  broadcast   one connection sends, all must receive
  idle        open all, one echoed message each, then look at the server's memory and CPU
  churn       connect, send, receive the echo, close, again
  datagram    each UDP socket keeps DEPTH datagrams under way

  --port N       where the server listens on 127.0.0.1
  --pid N        the server's process, for its CPU time and memory
  --conns N      connections, up to 20000 (50)
  --size N       bytes of a message without its header, up to 16 MiB (64)
  --depth N      messages under way per sender, up to 4096 (1)
  --framing F    raw, be16 or be32 (raw)
  --secs S       seconds to measure, up to 600 (2)
  --warm S       seconds before that which do not count (0.5)";

/// The kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Messages there and back.
    Echo,
    /// One sender, everybody receives.
    Broadcast,
    /// Connections that do nothing.
    Idle,
    /// Connections that live for one message.
    Churn,
    /// Datagrams there and back.
    Datagram,
}

/// A checked command line.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kind of work.
    pub mode: Mode,
    /// The server's port on 127.0.0.1.
    pub port: u16,
    /// The server's process, when it is to be accounted.
    pub server: Option<u32>,
    /// Connections, 1 to 20000.
    pub conns: usize,
    /// Bytes of a body, 1 to 16 MiB.
    pub size: usize,
    /// Messages under way per sender, 1 to 4096.
    pub depth: usize,
    /// The shape of a message.
    pub framing: Framing,
    /// Time that counts.
    pub measure: Duration,
    /// Time before it that does not.
    pub warm: Duration,
}

impl Plan {
    /// Reads `MODE --name value …`.
    ///
    /// # Errors
    ///
    /// A sentence that names the word at fault.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Plan, String> {
        let mode = words.next().ok_or(USAGE)?.parse()?;
        let mut plan = Plan {
            mode,
            port: 0,
            server: None,
            conns: 50,
            size: 64,
            depth: 1,
            framing: Framing::Raw,
            measure: Duration::from_secs(2),
            warm: Duration::from_millis(500),
        };
        while let Some(name) = words.next() {
            let value = words.next().ok_or(format!("{name} needs a value"))?;
            plan.set(&name, &value)?;
        }
        if plan.port == 0 {
            return Err("--port is missing".into());
        }
        Ok(plan)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--port" => self.port = number(name, value, 1, u16::MAX)?,
            "--pid" => self.server = Some(number(name, value, 1, u32::MAX)?),
            "--conns" => self.conns = number(name, value, 1, 20_000)?,
            "--size" => self.size = number(name, value, 1, 16 << 20)?,
            "--depth" => self.depth = number(name, value, 1, 4096)?,
            "--framing" => self.framing = value.parse()?,
            "--secs" => self.measure = Duration::from_secs_f64(number(name, value, 0.1, 600.0)?),
            "--warm" => self.warm = Duration::from_secs_f64(number(name, value, 0.0, 10.0)?),
            _ => return Err(format!("unknown option {name}\n{USAGE}")),
        }
        Ok(())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Mode, String> {
        match word {
            "echo" => Ok(Mode::Echo),
            "broadcast" => Ok(Mode::Broadcast),
            "idle" => Ok(Mode::Idle),
            "churn" => Ok(Mode::Churn),
            "datagram" => Ok(Mode::Datagram),
            _ => Err(format!("unknown mode {word:?}\n{USAGE}")),
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Echo => "echo",
            Mode::Broadcast => "broadcast",
            Mode::Idle => "idle",
            Mode::Churn => "churn",
            Mode::Datagram => "datagram",
        })
    }
}

fn number<T>(name: &str, value: &str, least: T, most: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let found = value.parse().ok().filter(|number| least <= *number && *number <= most);
    found.ok_or_else(|| format!("{name} {value}: a number from {least} to {most} is needed"))
}

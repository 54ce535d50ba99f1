//! The loop of the limit: accept, read, find frames, write once.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use chuck_bench::framing::Framing;
use chuck_bench::poll::{Poll, Ready};
use rustix::net::SocketFlags;

use crate::client::Client;

/// Bytes of the read buffer, shared by all clients; a frame must be shorter.
const BUFFER: usize = 256 << 10;
/// The number the listener is registered with.
const LISTENER: usize = usize::MAX;

/// What happens to a frame.
pub enum Work {
    /// Back to its sender, after each read.
    Echo,
    /// To every client, at the end of the turn.
    Broadcast,
    /// The same answer each time, after each read.
    Answer(Answer),
    /// These bytes and then this file, by `sendfile`.
    Download(Vec<u8>, File),
}

/// An answer, and room to send many by one write.
pub struct Answer {
    /// Bytes of one.
    size: usize,
    /// At least one.
    repeated: Vec<u8>,
}

impl Answer {
    /// Bytes that are repeated at most: a pipeline of small ones leaves at once.
    const ROOM: usize = 64 << 10;

    /// Repeats what is to be sent.
    pub fn new(answer: &[u8]) -> Answer {
        Answer { size: answer.len(), repeated: answer.repeat((Self::ROOM / answer.len()).max(1)) }
    }

    #[inline]
    fn send(&self, client: &mut Client, count: usize) -> io::Result<()> {
        let mut left = count * self.size;
        while 0 < left {
            let now = left.min(self.repeated.len());
            client.send(&self.repeated[..now])?;
            left -= now;
        }
        Ok(())
    }
}

/// The listener and everyone who came through it.
pub struct Server {
    work: Work,
    framing: Framing,
    listener: TcpListener,
    poll: Poll,
    clients: Vec<Option<Client>>,
    /// Indices of `clients` that are empty.
    free: Vec<usize>,
    buffer: Vec<u8>,
    /// Frames of this turn, for everyone.
    turn: Vec<u8>,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 asks the kernel for one. Says which on standard output.
    pub fn listen(port: u16, work: Work, framing: Framing) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let poll = Poll::new()?;
        poll.add_listener(&listener, LISTENER)?;
        println!("listening {}", listener.local_addr()?.port());
        Ok(Server {
            work,
            framing,
            listener,
            poll,
            clients: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; BUFFER],
            turn: Vec::new(),
        })
    }

    /// Serves for ever.
    pub fn run(&mut self) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            batch.extend(self.poll.wait(None)?);
            for ready in batch.drain(..) {
                if ready.id == LISTENER {
                    self.accept_all()?;
                } else if self.serve(ready).is_err() {
                    self.remove(ready.id);
                }
            }
            self.broadcast();
        }
    }

    fn accept_all(&mut self) -> io::Result<()> {
        loop {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            match rustix::net::accept_with(&self.listener, flags) {
                Ok(fd) => self.insert(TcpStream::from(fd))?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn insert(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let id = self.free.pop().unwrap_or_else(|| {
            self.clients.push(None);
            self.clients.len() - 1
        });
        self.poll.add_stream(&stream, id)?;
        self.clients[id] = Some(Client::new(stream));
        Ok(())
    }

    fn remove(&mut self, id: usize) {
        self.clients[id] = None; // closing takes it out of the epoll
        self.free.push(id);
    }

    /// Does what one event asks for. An error means that the client is gone.
    fn serve(&mut self, ready: Ready) -> io::Result<()> {
        let Some(client) = &mut self.clients[ready.id] else {
            return Ok(()); // dropped earlier in this batch
        };
        if ready.writable {
            client.flush()?;
            if let Work::Download(head, file) = &self.work {
                client.download(head, file)?;
            }
        }
        if !ready.readable {
            return Ok(());
        }
        while let Some((len, is_drained)) = client.read(&mut self.buffer)? {
            let used = self.framing.whole(&self.buffer[..len]);
            let (frames, rest) = self.buffer[..len].split_at(used);
            match &self.work {
                Work::Echo if !frames.is_empty() => client.send(frames)?,
                Work::Echo => {}
                Work::Broadcast => self.turn.extend_from_slice(frames),
                Work::Answer(answer) => answer.send(client, self.framing.count(frames))?,
                Work::Download(head, file) => {
                    client.ask(self.framing.count(frames));
                    client.download(head, file)?;
                }
            }
            client.keep(rest);
            if is_drained && !ready.ended {
                break; // a short read is the last one
            }
        }
        Ok(())
    }

    /// One write per client, all from the same bytes.
    fn broadcast(&mut self) {
        if self.turn.is_empty() {
            return;
        }
        for id in 0..self.clients.len() {
            let Some(client) = &mut self.clients[id] else {
                continue;
            };
            if client.send(&self.turn).is_err() {
                self.remove(id);
            }
        }
        self.turn.clear();
    }
}

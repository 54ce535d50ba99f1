//! Threads: who there is, and the script that each one runs.
//!
//! ```text
//! creator   launch() --spawn--> [ state, chuck, load ] --loaded--> creator takes what goes along
//!                               [ script(...)        ] <--arguments--'
//!                               [ inbox closed, state closed, life ended ] --> join
//! ```

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::mail::{Batch, Outgoing, Parcel};
use super::mailbox::Mailbox;
use super::place;
use super::raw::{Call, Class, Loaded, Paths, State};
use super::report::complain_of;
use crate::base::error::Code;
use crate::base::limits;
use crate::engine::postbox::Postbox;
use crate::os::clock;
use crate::os::thread::{self, Leash, Life, Roster};

/// Everybody who can get mail.
pub static ROSTER: Roster<Member> = Roster::new();

/// Somebody who can get mail: a state in a thread of ours, or one that was there before (a root).
pub struct Member {
    /// Its number, which is never used again.
    pub id: u64,
    /// The number of the root that it comes from; of a root its own.
    root: u64,
    /// The script.
    name: String,
    /// The kernel's number of its thread; 0 once it is gone.
    tid: AtomicU64,
    /// What others send it.
    pub inbox: Postbox<Batch>,
    /// Its results, or why it has none. A root's never ends.
    pub life: Life<Result<Parcel, Failure>>,
    leash: Arc<Leash>,
}

/// Why a thread has no results.
#[derive(Debug)]
pub struct Failure {
    /// In words; of a script that has raised, with its traceback.
    pub text: String,
    /// As a number.
    pub code: Code,
}

impl Failure {
    fn new(text: impl Into<String>, code: Code) -> Self {
        Failure { text: text.into(), code }
    }
}

impl Member {
    /// The running thread, as a root: nobody of ours has made it.
    pub fn root() -> Arc<Self> {
        let make = |id| Member::new(id, id, "main", thread::tid());
        ROSTER.add(usize::MAX, make).expect("there is no limit")
    }

    fn new(id: u64, root: u64, name: &str, tid: u64) -> Self {
        Member {
            id,
            root,
            name: name.to_owned(),
            tid: AtomicU64::new(tid),
            inbox: Postbox::new(limits::INBOX_MAILS, limits::INBOX_BYTES),
            life: Life::default(),
            leash: Arc::default(),
        }
    }

    /// Whether nobody of ours has made its thread.
    pub fn is_root(&self) -> bool {
        self.id == self.root
    }

    /// The kernel's number of its thread; 0 once it is gone.
    pub fn tid(&self) -> u64 {
        self.tid.load(Ordering::Acquire)
    }

    /// Gets no mail any more. With a root all threads that come from it end.
    pub fn leave(&self) {
        drop(self.inbox.close());
        self.tid.store(0, Ordering::Release);
        if self.is_root() {
            ROSTER.remove(self.id);
            self.end_family();
        }
    }

    /// Tells all threads of this root to end, and waits for them, though not for ever.
    fn end_family(&self) {
        let deadline = clock::now() + limits::THREADS_END;
        loop {
            let family = ROSTER.find(|member| member.root == self.id);
            for member in &family {
                member.leash.pull();
                drop(member.inbox.close());
            }
            // Who was about to make another thread has made it by now.
            let are_gone = family.iter().all(|member| member.life.wait(deadline));
            if family.is_empty() || !are_gone {
                return;
            }
        }
    }
}

/// A thread as Lua holds it.
pub struct Handle(Arc<Member>);

impl Class for Handle {
    const NAME: &'static CStr = c"cthread";
    const INDEX: usize = place::THREAD;
}

impl Handle {
    /// Who it stands for.
    pub fn member(&self) -> &Arc<Member> {
        &self.0
    }

    /// Pushes the handle of `member`, of which a state has one as long as it holds it.
    pub fn push(call: &Call, member: &Arc<Member>) {
        call.reserve(4);
        // Engines have positive numbers there.
        let place = -(member.id as i64);
        call.push_directory();
        call.raw_get(-1, place);
        if call.is_absent(-1) {
            call.pop(1);
            call.push_made(|| Some(Handle(member.clone())));
            call.push_value(-1);
            call.raw_set(-3, place);
        }
        call.replace_below();
    }

    /// "cthread 12 (worker.lua)"
    pub fn text(&self) -> String {
        format!("cthread {} ({})", self.0.id, self.0.name)
    }
}

/// What a new thread is given.
struct Launch {
    member: Arc<Member>,
    path: CString,
    paths: Paths,
    loaded: SyncSender<Result<(), Failure>>,
    arguments: Receiver<Parcel>,
}

/// Starts a thread that runs the script at `path`, and returns when it was loaded. What goes
/// along is taken then.
///
/// # Errors
///
/// There are too many threads, or the script was not loaded; nothing was taken.
pub fn launch(
    creator: &Member,
    path: CString,
    paths: Paths,
    outgoing: &mut Outgoing,
) -> Result<Arc<Member>, Failure> {
    let shown = path.to_string_lossy().into_owned();
    if let Err(error) = File::open(OsStr::from_bytes(path.to_bytes())) {
        let code = Code::from(error);
        return Err(Failure::new(format!("cannot open {shown}: {code}"), code));
    }
    let name = shown.rsplit('/').next().unwrap_or_default();
    let make = |id| Member::new(id, creator.root, name, 0);
    let Some(member) = ROSTER.add(limits::THREADS, make) else {
        let text = format!("{} threads are alive, which is the limit", limits::THREADS);
        return Err(Failure::new(text, Code::TOO_MANY_THREADS));
    };
    let (loaded, is_loaded) = sync_channel(1);
    let (arguments, take_arguments) = sync_channel(1);
    let launch = Launch { member: member.clone(), path, paths, loaded, arguments: take_arguments };
    match thread::spawn(name, member.leash.clone(), move || launch.run()) {
        Ok(system) => member.life.set_system(system),
        Err(error) => {
            ROSTER.remove(member.id);
            let code = Code::from(error);
            return Err(Failure::new(format!("no thread can be made: {code}"), code));
        }
    }
    let ended = || Err(Failure::new("the thread has ended", Code::MAILBOX_CLOSED));
    if let Err(failure) = is_loaded.recv().unwrap_or_else(|_| ended()) {
        // It is about to end, and leaves nothing behind when it has.
        let _ = member.life.join(None);
        return Err(failure);
    }
    // It waits for them and for nothing else.
    let _ = arguments.send(std::mem::take(outgoing).into_parcel());
    Ok(member)
}

impl Launch {
    /// The whole life of a thread.
    fn run(self) {
        let mut end = End { member: self.member.clone(), left: None };
        self.member.tid.store(thread::tid(), Ordering::Release);
        end.left = Some(self.run_state());
    }

    /// Makes a state, and runs the script in it; the state is closed at the end.
    fn run_state(&self) -> Result<Parcel, Failure> {
        let no_memory = || Failure::new("not enough memory", Code(libc::ENOMEM));
        let Some(state) = State::new() else {
            let _ = self.loaded.try_send(Err(no_memory()));
            return Err(no_memory());
        };
        let mut left = None;
        let result = state.run(&self.paths, &mut |call| {
            left = Some(self.run_script(call));
            Ok(0)
        });
        if let Err(text) = result {
            let _ = self.loaded.try_send(Err(Failure::new(text.clone(), Code::CANCELED)));
            return Err(Failure::new(text, Code::CANCELED));
        }
        // Who sends from now on knows that nobody reads it.
        self.member.leave();
        left.unwrap_or_else(|| Err(no_memory()))
    }

    fn run_script(&self, call: &Call) -> Result<Parcel, Failure> {
        let member = self.member.clone();
        if let Err(fail) = Mailbox::of(call, || member) {
            return Err(Failure::new(format!("{fail:?}"), Code::CANCELED));
        }
        call.reserve(8);
        call.push_handler();
        let loaded = call.load_file(&self.path);
        if loaded != Loaded::Fine {
            let text = text_at_top(call);
            let syntax = loaded == Loaded::Syntax;
            let code = if syntax { Code::NOT_EXECUTABLE } else { Code(libc::EIO) };
            let _ = self.loaded.send(Err(Failure::new(text, code)));
            return Err(Failure::new(String::new(), code));
        }
        let _ = self.loaded.send(Ok(()));
        let given = match self.arguments.recv() {
            Ok(mut parcel) => parcel.push(call),
            Err(_) => 0,
        };
        if call.protected(given, Call::ALL, 1) {
            return results(call).map(|parcel| parcel.kept_by(&self.member));
        }
        call.push_text(-1);
        let mut text = text_at_top(call);
        call.push_traceback();
        text.push('\n');
        text.push_str(&text_at_top(call));
        Err(Failure::new(text, Code::CANCELED))
    }
}

/// Packs what a script has returned, which is everything above the message handler.
fn results(call: &Call) -> Result<Parcel, Failure> {
    let mut outgoing = Outgoing::default();
    for n in 2..=call.top() {
        if let Err(unfit) = outgoing.pack(call, n) {
            let text = unfit.message(&format!("result {}", n - 1));
            return Err(Failure::new(text, Code::INVALID));
        }
    }
    Ok(outgoing.into_parcel())
}

fn text_at_top(call: &Call) -> String {
    String::from_utf8_lossy(call.to_bytes(-1).unwrap_or_default()).into_owned()
}

/// Ends the life of a thread, whatever has happened in it.
struct End {
    member: Arc<Member>,
    left: Option<Result<Parcel, Failure>>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.member.leave();
        let panicked = || Err(Failure::new("internal error in chuck", Code::CANCELED));
        let left = self.left.take().unwrap_or_else(panicked);
        let member = &self.member;
        // An empty text was told to the creator.
        let has_failed = left.as_ref().is_err_and(|failure| !failure.text.is_empty());
        member.life.end(left);
        if has_failed {
            let text = |left: &Result<_, Failure>| left.as_ref().err().map(|it| it.text.clone());
            if let Some(text) = member.life.outlast(limits::JOIN_GRACE, text).flatten() {
                complain_of(&format!("thread {} ({})", member.id, member.name), &text);
            }
        }
        // Who ends the program waits for those on the list.
        ROSTER.remove(member.id);
    }
}

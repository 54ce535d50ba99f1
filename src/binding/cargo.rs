//! What changes hands between states: an object is given up in one, and made anew in another.

use super::raw::Call;

/// An object that one state gives up and another gets: on the sender's side.
pub trait Claim {
    /// Whether it can be given up; else why not.
    fn check(&self) -> Result<(), &'static str>;
    /// Takes what makes it up; a closed object is left. Only after a check.
    fn take(&self) -> Box<dyn Moved>;
}

/// What was taken from an object, on its way.
pub trait Moved: Send {
    /// Pushes a new object, and gives it what there is once nothing can fail any more. Called
    /// once.
    fn arrive(&mut self, call: &Call);
}

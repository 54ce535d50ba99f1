//! What Redis and its clients say to each other, as bytes.

mod redis_wire {
    pub mod command;
    pub mod limits;
    pub mod reply;
}
mod support {
    pub mod reply;
}

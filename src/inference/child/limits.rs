//! What the child process does to itself before it touches a byte from outside: it dies with its parent, leaves no memory
//! image of a patient behind, and gives way to the service. Each step that the system denies is left out.

use rustix::process::{Resource, Rlimit, Signal};

/// Killed first when the machine runs out of memory.
const OOM_SCORE: &str = "800";
/// Listeners and alerts come first on a small machine.
const NICENESS: i32 = 5;
/// Further down, behind urgent models.
const ROUTINE_NICENESS: i32 = 10;

/// Routine models leave the processors to urgent ones.
pub fn give_way() {
    let _ = rustix::process::nice(ROUTINE_NICENESS);
}

pub fn apply() {
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let _ = rustix::process::nice(NICENESS);
}

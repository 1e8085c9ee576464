//! What is done to processes: killed, frozen, thawed, and looked at.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).expect("the system's numbers are positive"))
}

/// Stops it where it is. It may be gone.
pub(crate) fn freeze(process: u32) {
    let _ = kill(pid(process), Signal::SIGSTOP);
}

/// Lets it go on. It may be gone.
pub(crate) fn thaw(process: u32) {
    let _ = kill(pid(process), Signal::SIGCONT);
}

/// Ends it without a warning. It may be gone.
pub(crate) fn end(process: u32) {
    let _ = kill(pid(process), Signal::SIGKILL);
}

/// Whether it has ended, though nobody may have asked for its exit code yet.
pub(crate) fn has_ended(process: u32) -> bool {
    if kill(pid(process), None).is_err() {
        return true;
    }
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state stands behind the name, which is in parentheses.
    let state = stat.rsplit(") ").next().unwrap_or_default();
    state.starts_with('Z')
}

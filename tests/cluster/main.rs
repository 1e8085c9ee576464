//! Real processes: workers that are killed and frozen at random moments, schedulers and parents that die, strangers that
//! speak nonsense. The tests run one after the other; `TENTER_TEST` in the environment is a text that their names must have,
//! `TENTER_SEED` the seed of what is random.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests open sockets, start threads and processes, read the clock, and draw random moments"
)]

mod actors;
mod chaos;
mod ends;
mod frozen;
mod misfits;
mod poison;
mod runner;
mod signals;
mod strangers;
mod support;
mod work;

use std::process::ExitCode;

fn main() -> ExitCode {
    tenter::worker_if_asked();
    if let Some(code) = ends::role_if_asked() {
        return code;
    }
    runner::run(&[
        (
            "killed_workers_change_no_answer",
            chaos::killed_workers_change_no_answer,
        ),
        (
            "killed_and_frozen_workers_change_no_answer",
            chaos::killed_and_frozen_workers_change_no_answer,
        ),
        (
            "a_killed_actor_fails_its_calls_at_once",
            actors::a_killed_actor_fails_its_calls_at_once,
        ),
        (
            "a_frozen_worker_is_lost_by_silence_and_its_late_words_are_ignored",
            frozen::is_lost_by_silence_and_its_late_words_are_ignored,
        ),
        (
            "a_worker_frozen_for_a_moment_goes_on",
            frozen::for_a_moment_goes_on,
        ),
        (
            "an_aborting_task_stops_after_three_deaths_and_the_rest_finish",
            poison::stops_after_three_deaths_and_the_rest_finish,
        ),
        (
            "a_killed_scheduler_is_an_error_on_every_handle",
            ends::a_killed_scheduler_is_an_error_on_every_handle,
        ),
        (
            "workers_end_with_the_process_that_started_them",
            ends::workers_end_with_the_process_that_started_them,
        ),
        (
            "all_workers_gone_is_visible_and_another_goes_on",
            ends::all_workers_gone_is_visible_and_another_goes_on,
        ),
        (
            "what_does_not_decode_fails_its_task_alone",
            misfits::what_does_not_decode_fails_its_task_alone,
        ),
        (
            "one_key_of_two_functions_is_a_conflict",
            misfits::one_key_of_two_functions_is_a_conflict,
        ),
        (
            "an_address_that_leads_nowhere_is_an_error",
            misfits::an_address_that_leads_nowhere_is_an_error,
        ),
        (
            "strangers_are_told_why_and_disturb_nobody",
            strangers::are_told_why_and_disturb_nobody,
        ),
    ])
}

//! Two tasks of one name: no client starts. A program of its own, since that holds for all of it.

use tenter::{Client, StartError, task};

mod one {
    #[tenter::task(name = "stage")]
    pub(crate) fn darken(pixel: u16) -> u16 {
        pixel / 2
    }
}

#[task(name = "stage")]
fn brighten(pixel: u16) -> u16 {
    pixel * 2
}

#[test]
fn two_tasks_of_one_name_fail_at_start_and_both_places_are_named() {
    assert_eq!((one::darken(2), brighten(2)), (1, 4));
    let starts = [
        Client::new().err(),
        Client::connect("inproc").err(),
        tenter::register!(one::darken).err(),
    ];
    for error in starts {
        let error = error.expect("the name says nothing");
        assert!(matches!(
            error,
            StartError::DuplicateTask { name: "stage", .. }
        ));
        let text = error.to_string();
        assert!(
            text.contains("duplicate_tasks.rs:6") && text.contains("duplicate_tasks.rs:12"),
            "{text}"
        );
    }
    let listed = tenter::tasks()
        .into_iter()
        .filter(|task| task.name() == "stage");
    assert_eq!(listed.count(), 2);
}

use std::borrow::Cow;
use tenter::task;

#[task]
fn named<'a>(text: &'a str) -> usize {
    text.len()
}

#[task]
fn fixed(text: &'static str) -> usize {
    text.len()
}

#[task]
fn inside(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

#[task]
fn hidden(text: Cow<'_, str>) -> usize {
    text.len()
}

fn main() {}

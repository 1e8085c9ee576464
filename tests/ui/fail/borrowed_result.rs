use tenter::task;

#[task]
fn first(words: &[String]) -> &str {
    &words[0]
}

#[task]
fn maybe(words: &[String]) -> Option<&String> {
    words.first()
}

fn main() {}

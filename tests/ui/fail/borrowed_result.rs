use tenter::task;

#[task]
fn first(words: &[String]) -> &str {
    &words[0]
}

#[task]
fn maybe(words: &[String]) -> Option<&String> {
    words.first()
}

#[task]
fn borrowed_error(text: &str) -> Result<u64, &str> {
    Err(text)
}

fn main() {}

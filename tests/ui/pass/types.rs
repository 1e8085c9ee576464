//! Types that need no words.
#![deny(warnings)]

use std::borrow::Cow;
use std::error::Error;

use tenter::{Client, task};

#[task]
fn boxed(text: &str) -> Result<u64, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

#[task]
async fn fixed() -> Result<u64, &'static str> {
    Err("fixed")
}

#[task]
fn owned(text: Cow<'static, str>) -> Cow<'static, str> {
    text
}

fn main() {
    let client = Client::new().unwrap();
    assert_eq!(*client.submit(boxed::call("7")).result().unwrap(), 7);
    let error = client.submit(fixed::call()).result().unwrap_err().clone();
    assert_eq!(error.message(), "fixed");
    assert_eq!(client.submit(owned::call(Cow::Borrowed("text"))).result().unwrap(), "text");
}

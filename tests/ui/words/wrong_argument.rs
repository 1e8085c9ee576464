use tenter::{Client, task};

#[task]
fn inc(a: u64) -> u64 {
    a + 1
}

fn main() {
    let client = Client::new().unwrap();
    let text = client.submit(|| "one");
    client.submit(inc::call(&text)).detach();
}

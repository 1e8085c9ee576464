use tenter::{Client, task};

#[task]
fn one() -> u64 {
    1
}

fn main() {
    let client = Client::new().unwrap();
    let call = one::call();
    client.submit(call).detach();
    client.submit(call).detach();
}

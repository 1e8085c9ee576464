use tenter::Client;

fn main() {
    let client = Client::connect("inproc").unwrap();
    client.submit(|| 1).detach();
}

use tenter::Client;

fn main() {
    let client = Client::connect("inproc").unwrap();
    client.submit(|| 1).detach();
    let one = client.scatter(1);
    client.submit_with(&one, |one| one + 1).detach();
    client.task("named").try_submit(|| "1".parse::<u8>()).detach();
}

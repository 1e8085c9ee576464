use tenter::{Client, as_completed, current};

#[test]
fn the_programs_of_the_guide_run() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new()?;
    let answer = client.submit(|| 10 + 1);
    assert_eq!(*answer.result()?, 11);
    let a = client.submit(|| vec![1.0f64]);
    let b = client.submit(|| 2u64);
    let c = client.submit_with((&a, &b), |(a, b)| a.len() + *b as usize);
    assert_eq!(*c.result()?, 3);
    let parts: Vec<_> = (0..4).map(|i| client.submit(move || f64::from(i))).collect();
    let total = client.submit_with(&parts, |parts| parts.into_iter().sum::<f64>());
    assert_eq!(*total.result()?, 6.0);
    let mut running = as_completed([1.0, 2.0].map(|p| client.submit(move || p * p)));
    let mut sum = 0.0;
    while let Some(done) = running.next() {
        sum += done.result()?;
    }
    assert_eq!(sum, 5.0);
    let outer = client.submit(|| current().submit(|| 5)).flatten();
    assert_eq!(*outer.result()?, 5);
    Ok(())
}

#[test]
fn a_million_links() {
    let client = Client::new().unwrap();
    let mut tip = client.submit(|| 0u64);
    for _ in 0..1_000_000 {
        tip = tip.then(|x| x + 1);
    }
    assert_eq!(*tip.result().unwrap(), 1_000_000);
}

#[test]
fn a_pure_task_runs_once() {
    fn fib(n: u64) -> Result<u64, tenter::TaskError> {
        if n < 2 {
            return Ok(n);
        }
        let client = current();
        let go = |n| client.task("fib").pure(("fib", n)).try_submit(move || fib(n));
        let (a, b) = (go(n - 1), go(n - 2));
        Ok(a.result()?.wrapping_add(*b.result()?))
    }
    let client = Client::new().unwrap();
    let f = client.task("fib").pure(("fib", 1000)).try_submit(|| fib(1000));
    f.result().unwrap();
    assert_eq!(client.stats().started, 1001);
}

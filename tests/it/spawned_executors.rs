//! Futures between this pool and the executors of others.

use std::future::Future;
use std::pin::Pin;

use tenter::{Client, TaskFuture, current};
use tokio::runtime::Runtime;

use crate::hand::Hand;
use crate::support::{assert_nothing_left, client_of, watched};

fn tokio_of(threads: usize) -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .unwrap()
}

/// Calls `f` with the `block_on` of each executor.
fn on_each(f: impl Fn(&str, &dyn Fn(Pin<Box<dyn Future<Output = ()>>>))) {
    let runtime = tokio_of(1);
    let local = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    f("tokio", &|future| runtime.block_on(future));
    f("tokio, one thread", &|future| local.block_on(future));
    f("smol", &|future| smol::block_on(future));
    f("pollster", &|future| pollster::block_on(future));
}

/// A future of ours that awaits handles of bodies and of futures.
fn ours(client: &Client) -> TaskFuture<u32> {
    client.spawn(async {
        let client = current();
        let body = client.submit(|| 1);
        let future = client.spawn(async { 2 });
        *(&body).await.unwrap() + *future.await.unwrap()
    })
}

#[test]
fn every_executor_awaits_our_futures() {
    watched(|| {
        on_each(|name, block_on| {
            let client = client_of(1);
            let hers = client.clone();
            let name = name.to_owned();
            block_on(Box::pin(async move {
                let task = ours(&hers);
                assert_eq!(*(&task).await.unwrap(), 3, "{name}");
                assert_eq!(*task.await.unwrap(), 3, "{name}");
                let broken = hers.try_spawn(async { Err::<u8, _>("broken") });
                assert_eq!(broken.await.unwrap_err().message(), "broken");
            }));
            assert_nothing_left(&client);
        });
    });
}

#[test]
fn our_futures_await_what_runs_on_tokio() {
    watched(|| {
        let (client, runtime) = (client_of(1), tokio_of(1));
        let handle = runtime.handle().clone();
        let (send, mut receive) = tokio::sync::mpsc::channel::<u32>(1);
        let (ask, asked) = tokio::sync::oneshot::channel::<TaskFuture<u32>>();
        let task = client.spawn(async move {
            let theirs = handle.spawn(async move {
                for k in 0..100 {
                    send.send(k).await.unwrap();
                }
                // Their task awaits ours, which awaits theirs.
                *asked.await.unwrap().await.unwrap()
            });
            let mut sum = 0;
            while let Some(k) = receive.recv().await {
                sum += k;
                if k == 99 {
                    break;
                }
            }
            ask.send(current().submit(|| 50)).unwrap();
            sum + theirs.await.unwrap()
        });
        assert_eq!(*task.result().unwrap(), 5000);
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn our_futures_use_smols_sockets() {
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    use smol::net::{TcpListener, TcpStream};

    watched(|| {
        let client = client_of(1);
        let task = client.try_spawn(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let server = current().try_spawn(async move {
                let (mut stream, _) = listener.accept().await?;
                let mut text = String::new();
                stream.read_to_string(&mut text).await?;
                Ok::<_, std::io::Error>(text)
            });
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(b"hello").await?;
            drop(stream);
            let text = server.await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(String::clone(&text))
        });
        assert_eq!(task.result().unwrap(), "hello");
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_spawned_task_of_theirs_can_be_cancelled_by_dropping_ours() {
    watched(|| {
        on_each(|_, block_on| {
            let client = client_of(1);
            let hand = Hand::new();
            let task = client.spawn(hand.future());
            hand.until_pending(1);
            block_on(Box::pin(async move {
                // Awaited once, so that it has a waiter, then dropped with its handle.
                let mut awaited = Box::pin(async move { task.await.is_ok() });
                let polled = futures::poll!(&mut awaited);
                assert!(polled.is_pending());
            }));
            hand.until_dropped();
            assert_nothing_left(&client);
        });
    });
}

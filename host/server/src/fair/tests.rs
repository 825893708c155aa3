use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::time::timeout;
use wasmalert_core::TenantId;
use wasmalert_core::fair::{Full, Share};

use super::lanes::Undone;
use super::workers::{Crew, Workers};
use super::*;

/// Long enough for a busy machine, short enough to end a test that hangs.
const SOON: Duration = Duration::from_secs(20);

const SHARE: Share = Share {
    weight: 1,
    at_once: 100,
    waiting: 1_000,
};

fn claim(name: &str, share: Share) -> Claim {
    Claim {
        tenant: TenantId::new(name).unwrap(),
        share,
    }
}

fn crew(threads: usize, waiting_max: usize) -> Crew {
    Crew {
        name: "test",
        threads,
        waiting_max,
        stack_bytes: 1 << 20,
        nice: 0,
        prepare: || {},
    }
}

/// A thread that is held until the sender is used or dropped.
fn hold(workers: &Workers, of: &str) -> Sender<()> {
    let (entered, enter) = channel();
    let (release, held) = channel::<()>();
    let job = move || {
        entered.send(()).unwrap();
        let _ = held.recv();
        1_000_000
    };
    workers.submit(&claim(of, SHARE), Box::new(job)).unwrap();
    enter.recv().unwrap();
    release
}

/// Queues a job that tells whose it was.
fn tell(workers: &Workers, of: &'static str, order: &Sender<&'static str>) {
    let order = order.clone();
    let job = move || {
        order.send(of).unwrap();
        1_000_000
    };
    workers.submit(&claim(of, SHARE), Box::new(job)).unwrap();
}

fn all(order: Receiver<&'static str>) -> Vec<&'static str> {
    order.iter().collect()
}

#[test]
fn a_full_queue_refuses_and_a_panic_ends_no_thread() {
    let workers = Workers::start(&crew(1, 2));
    let held = hold(&workers, "a");
    workers
        .submit(&claim("a", SHARE), Box::new(|| panic!("on purpose")))
        .unwrap();
    let (order, told) = channel();
    tell(&workers, "a", &order);
    assert_eq!(workers.waiting(), 2);
    assert_eq!(
        workers.submit(&claim("b", SHARE), Box::new(|| 0)),
        Err(Full::All(2))
    );
    drop((held, order));
    assert_eq!(all(told), ["a"]);
}

#[test]
fn dropping_finishes_what_is_queued() {
    let (order, told) = channel();
    let workers = Workers::start(&crew(2, 1_000));
    let one = Share { at_once: 1, ..SHARE };
    for _ in 0..100 {
        let order = order.clone();
        let job = move || {
            order.send("a").unwrap();
            0
        };
        workers.submit(&claim("a", one), Box::new(job)).unwrap();
    }
    drop((workers, order));
    assert_eq!(all(told).len(), 100);
}

#[test]
fn a_crowd_does_not_go_first() {
    let workers = Workers::start(&crew(1, 1_000));
    let held = hold(&workers, "crowd");
    let (order, told) = channel();
    for _ in 0..50 {
        tell(&workers, "crowd", &order);
    }
    tell(&workers, "late", &order);
    drop((held, order));
    let place = all(told).iter().position(|of| *of == "late");
    assert!(place.is_some_and(|place| place <= 1), "{place:?}");
}

#[tokio::test]
async fn long_work_does_not_hold_up_quick_work() {
    let lanes = std::sync::Arc::new(Lanes::start(&crew(1, 10)));
    let (release, held) = channel::<()>();
    let long = lanes.clone();
    let long = tokio::spawn(async move {
        let job = move || held.recv().is_err();
        long.run(Lane::Long, &claim("a", SHARE), job).await
    });
    let claim = claim("a", SHARE);
    let quick = lanes.run(Lane::Quick, &claim, || 7);
    assert_eq!(timeout(SOON, quick).await.unwrap().unwrap().0, 7);
    drop(release);
    assert!(long.await.unwrap().unwrap().0);
}

#[tokio::test]
async fn what_a_job_took_is_told() {
    let lanes = Lanes::start(&crew(1, 10));
    let spin = || (0..20_000_000u64).fold(1u64, |sum, n| std::hint::black_box(sum.wrapping_mul(n | 1)));
    let (_, cpu_ns) = lanes.run(Lane::Quick, &claim("a", SHARE), spin).await.unwrap();
    let (_, none_ns) = lanes.run(Lane::Quick, &claim("a", SHARE), || ()).await.unwrap();
    assert!(cpu_ns > 10 * none_ns, "{cpu_ns} and {none_ns}");
    let panicked = lanes
        .run(Lane::Quick, &claim("a", SHARE), || panic!("on purpose"))
        .await;
    assert!(matches!(panicked, Err::<((), u64), _>(Undone::Panicked)));
}

#[tokio::test]
async fn turns_are_shared_and_given_back() {
    let turns = Turns::new(2, 10);
    let one = Share { at_once: 1, ..SHARE };
    let (a, b) = (claim("a", one), claim("b", one));
    let first = turns.take(&a).await.unwrap();
    let second = turns.clone();
    let again = a.clone();
    let second = tokio::spawn(async move { second.take(&again).await });
    // The other tenant's turn comes although one of the first waits.
    let other = timeout(SOON, turns.take(&b)).await.unwrap().unwrap();
    assert!(!second.is_finished());
    drop(first);
    let second = timeout(SOON, second).await.unwrap().unwrap().unwrap();
    // Who gives up waiting leaves nothing behind.
    let gave_up = timeout(Duration::from_millis(1), turns.take(&b)).await;
    assert!(gave_up.is_err());
    drop((second, other));
    let both = (turns.take(&a).await.unwrap(), turns.take(&b).await.unwrap());
    drop(both);
    assert_eq!(turns.waiting(), 0);
}

#[tokio::test]
async fn turns_refuse_those_for_whom_there_is_no_room() {
    let turns = Turns::new(1, 10);
    let none = Share { waiting: 0, ..SHARE };
    assert_eq!(turns.take(&claim("a", none)).await.err(), Some(Full::Own(0)));
}

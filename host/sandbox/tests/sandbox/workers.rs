//! The pool of threads.

use std::sync::mpsc::channel;

use wasmalert_core::fault::FaultCode;
use wasmalert_sandbox::Workers;

use crate::fixture::sandbox;

#[test]
fn a_full_queue_refuses_and_a_panic_ends_no_thread() {
    let workers = Workers::start(&sandbox(), 1, 2);
    let (entered, enter) = channel();
    let (release, held) = channel::<()>();
    workers
        .submit(move || {
            entered.send(()).unwrap();
            held.recv().unwrap();
        })
        .unwrap();
    enter.recv().unwrap();
    workers.submit(|| panic!("on purpose")).unwrap();
    let (done, finished) = channel();
    workers.submit(move || done.send(()).unwrap()).unwrap();
    assert_eq!(workers.queued(), 2);
    assert_eq!(workers.submit(|| {}).unwrap_err().code, FaultCode::Overloaded);
    release.send(()).unwrap();
    finished.recv().unwrap();
}

#[test]
fn dropping_finishes_what_is_queued() {
    let (done, finished) = channel();
    let workers = Workers::start(&sandbox(), 2, 100);
    for number in 0..100 {
        let done = done.clone();
        workers.submit(move || done.send(number).unwrap()).unwrap();
    }
    drop((workers, done));
    assert_eq!(finished.iter().count(), 100);
}

use super::*;

fn series(n: usize) -> Arc<Labels> {
    Arc::new([("__name__", "m"), ("n", &n.to_string())].into_iter().collect())
}

fn sample(n: usize) -> Queued {
    Queued::new(series(n), 7, n as f64)
}

fn samples(of: std::ops::Range<usize>) -> Vec<Queued> {
    of.map(sample).collect()
}

fn queue(room: &Arc<Room>) -> Queue {
    Queue::new(TenantId::new("t").expect("a name"), "s".to_owned(), room.clone())
}

async fn batch(queue: &Queue) -> Arc<Vec<Queued>> {
    match queue.next().await {
        Next::Batch(batch) => batch,
        other => panic!("{other:?}"),
    }
}

const KEPT: Pushed = Pushed { dropped: 0 };

#[tokio::test]
async fn samples_leave_in_the_order_they_came_a_batch_at_a_time() {
    let room = Arc::default();
    let queue = queue(&room);
    let all = BATCH_SAMPLES_MAX + 3;
    assert_eq!(queue.push(&samples(0..all)), KEPT);
    let mut left = Vec::new();
    for expected in [BATCH_SAMPLES_MAX, 3] {
        let batch = batch(&queue).await;
        assert_eq!((batch.len(), queue.len() as usize), (expected, all - left.len()));
        left.extend(batch.iter().cloned());
        queue.arrived();
    }
    assert_eq!((left, queue.len(), room.samples()), (samples(0..all), 0, 0));
    assert_eq!(room.bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many() {
    let room = Arc::default();
    let queue = queue(&room);
    assert_eq!(queue.push(&samples(0..SAMPLES_MAX)), KEPT);
    let first = batch(&queue).await;
    assert_eq!(
        queue.push(&samples(0..2)),
        Pushed { dropped: 2 },
        "what is on its way counts"
    );
    assert_eq!(
        (queue.len(), room.samples()),
        (SAMPLES_MAX as u64, SAMPLES_MAX as u64)
    );
    assert_eq!(first[0], sample(0), "and stays");
    queue.arrived();
    assert_eq!(batch(&queue).await[0], sample(BATCH_SAMPLES_MAX + 2));
}

#[test]
fn queues_of_a_tenant_share_their_room() {
    let room = Arc::default();
    let (one, other) = (queue(&room), queue(&room));
    one.push(&samples(0..SAMPLES_MAX));
    assert_eq!(
        other.push(&samples(0..3)),
        Pushed { dropped: 3 },
        "nothing of its own is older"
    );
    assert_eq!(one.close(), SAMPLES_MAX as u64);
    assert_eq!((other.push(&samples(0..3)), room.samples()), (KEPT, 3));
}

#[tokio::test]
async fn labels_are_bounded_too() {
    let queue = queue(&Arc::default());
    let large = "x".repeat(1 << 20);
    let large: Arc<Labels> = Arc::new([("__name__", large.as_str())].into_iter().collect());
    let large: Vec<Queued> = (0..40).map(|n| Queued::new(large.clone(), n, 0.0)).collect();
    assert_eq!((queue.push(&large), queue.len()), (Pushed { dropped: 9 }, 31));
    let batch = batch(&queue).await;
    assert_eq!(*batch, large[9..10], "a request holds no more than one of these");
}

#[tokio::test]
async fn a_queue_that_is_closed_has_nothing_more() {
    let room = Arc::default();
    let queue = queue(&room);
    queue.push(&samples(0..BATCH_SAMPLES_MAX + 1));
    batch(&queue).await;
    let told = [0, 10, 59, 60, 61, 120, 0].map(|now_ms| queue.may_tell(now_ms, 60));
    assert_eq!(told, [true, false, false, true, false, true, true]);
    assert_eq!(queue.close(), BATCH_SAMPLES_MAX as u64 + 1);
    queue.arrived();
    assert_eq!((queue.len(), room.samples()), (0, 0));
    queue.closed().await;
}

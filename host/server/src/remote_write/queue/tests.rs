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

fn queue(queues: &mut Queues, source: &str) -> Arc<Queue> {
    let tenant = TenantId::new("t").expect("a name");
    let queue = Arc::new(Queue::new(tenant, source.to_owned(), queues.room.clone()));
    queues.of_source.insert(source.to_owned(), queue.clone());
    queue
}

/// Of which sources how many were dropped.
fn dropped(queues: &Queues) -> Vec<(String, u64)> {
    let dropped = queues.make_room().into_iter();
    dropped
        .map(|(queue, samples)| (queue.source.clone(), samples))
        .collect()
}

async fn batch(queue: &Queue) -> Arc<Vec<Queued>> {
    match queue.next().await {
        Next::Batch(batch) => batch,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn samples_leave_in_the_order_they_came_a_batch_at_a_time() {
    let mut queues = Queues::default();
    let queue = queue(&mut queues, "s");
    let all = BATCH_SAMPLES_MAX + 3;
    queue.push(samples(0..all).into_iter());
    assert_eq!(dropped(&queues), []);
    let mut left = Vec::new();
    for expected in [BATCH_SAMPLES_MAX, 3] {
        let batch = batch(&queue).await;
        assert_eq!((batch.len(), queue.len() as usize), (expected, all - left.len()));
        left.extend(batch.iter().cloned());
        queue.arrived();
    }
    assert_eq!(
        (left, queue.len(), queues.room.samples()),
        (samples(0..all), 0, 0)
    );
    assert_eq!(
        (queues.room.bytes.load(Ordering::Relaxed), queue.waiting_bytes()),
        (0, 0)
    );
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many() {
    let mut queues = Queues::default();
    let queue = queue(&mut queues, "s");
    queue.push(samples(0..SAMPLES_MAX).into_iter());
    let first = batch(&queue).await;
    queue.push(samples(0..2).into_iter());
    assert_eq!(
        dropped(&queues),
        [("s".to_owned(), 2)],
        "what is on its way counts"
    );
    assert_eq!(
        (queue.len(), queues.room.samples()),
        (SAMPLES_MAX as u64, SAMPLES_MAX as u64)
    );
    assert_eq!(first[0], sample(0), "and stays");
    queue.arrived();
    assert_eq!(batch(&queue).await[0], sample(BATCH_SAMPLES_MAX + 2));
}

#[test]
fn the_fullest_queue_of_a_tenant_makes_room_for_the_others() {
    let mut queues = Queues::default();
    let (full, other) = (queue(&mut queues, "full"), queue(&mut queues, "other"));
    full.push(samples(0..SAMPLES_MAX).into_iter());
    other.push(samples(0..3).into_iter());
    assert_eq!(dropped(&queues), [("full".to_owned(), 3)]);
    assert_eq!((full.len(), other.len()), (SAMPLES_MAX as u64 - 3, 3));
    assert_eq!(full.close(), SAMPLES_MAX as u64 - 3);
    assert_eq!(queues.room.samples(), 3);
}

#[tokio::test]
async fn labels_are_bounded_too() {
    let mut queues = Queues::default();
    let queue = queue(&mut queues, "s");
    let large = "x".repeat(1 << 20);
    let large: Arc<Labels> = Arc::new([("__name__", large.as_str())].into_iter().collect());
    let large: Vec<Queued> = (0..40).map(|n| Queued::new(large.clone(), n, 0.0)).collect();
    queue.push(large.iter().cloned());
    assert_eq!((dropped(&queues), queue.len()), (vec![("s".to_owned(), 9)], 31));
    let batch = batch(&queue).await;
    assert_eq!(*batch, large[9..10], "a request holds no more than one of these");
}

#[tokio::test]
async fn a_queue_that_is_closed_has_nothing_more() {
    let mut queues = Queues::default();
    let queue = queue(&mut queues, "s");
    queue.push(samples(0..BATCH_SAMPLES_MAX + 1).into_iter());
    batch(&queue).await;
    let told = [0, 10, 59, 60, 61, 120, 0].map(|now_ms| queue.may_tell(now_ms, 60));
    assert_eq!(told, [true, false, false, true, false, true, true]);
    assert_eq!(queue.close(), BATCH_SAMPLES_MAX as u64 + 1);
    queue.arrived();
    assert_eq!((queue.len(), queues.room.samples()), (0, 0));
    queue.closed().await;
    assert_eq!(queue.next().await, Next::Closed);
}

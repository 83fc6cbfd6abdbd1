//! Equal planes of a buffer, computed on a few threads. No pool and no queue: each thread takes every n-th plane.

/// Calls `each(index, plane)` once for every plane of `plane` values.
pub fn for_each_plane<T: Send>(
    values: &mut [T],
    plane: usize,
    threads: usize,
    each: impl Fn(usize, &mut [T]) + Sync,
) {
    let threads = threads.max(1);
    let mut shares: Vec<Vec<(usize, &mut [T])>> = (0..threads).map(|_| Vec::new()).collect();
    for (index, part) in values.chunks_exact_mut(plane).enumerate() {
        shares[index % threads].push((index, part));
    }
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| {
                for (index, part) in share {
                    each(index, part);
                }
            });
        }
    });
}

/// `each(item)` for all items on a few threads; the answers in the order of the items.
pub fn map<T: Sync, R: Send>(items: &[T], threads: usize, each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut answers: Vec<Option<R>> = items.iter().map(|_| None).collect();
    if !items.is_empty() {
        for_each_plane(&mut answers, 1, threads, |index, answer| {
            answer[0] = Some(each(&items[index]))
        });
    }
    answers.into_iter().flatten().collect()
}

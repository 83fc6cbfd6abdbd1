//! Equal planes of a buffer, and lists, computed on a few threads. No pool and no queue: each thread takes every n-th item, and all are
//! done when the call returns. What is computed depends on neither the number of threads nor their order.

/// Calls `each(index, plane)` once for every plane of `plane` values; the answers in the order of the planes.
pub fn map_planes<T: Send, R: Send>(
    values: &mut [T],
    plane: usize,
    threads: usize,
    each: impl Fn(usize, &mut [T]) -> R + Sync,
) -> Vec<R> {
    let threads = threads.max(1);
    let mut answers: Vec<Option<R>> = values.chunks_exact(plane.max(1)).map(|_| None).collect();
    let mut shares: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
    let parts = values.chunks_exact_mut(plane.max(1)).zip(&mut answers);
    for (index, (part, answer)) in parts.enumerate() {
        shares[index % threads].push((index, part, answer));
    }
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| {
                for (index, part, answer) in share {
                    *answer = Some(each(index, part));
                }
            });
        }
    });
    answers.into_iter().flatten().collect()
}

/// Calls `each(index, plane)` once for every plane of `plane` values.
pub fn for_each_plane<T: Send>(
    values: &mut [T],
    plane: usize,
    threads: usize,
    each: impl Fn(usize, &mut [T]) + Sync,
) {
    map_planes(values, plane, threads, each);
}

/// `each(item)` for all items; the answers in the order of the items.
pub fn map<T: Sync, R: Send>(items: &[T], threads: usize, each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut places = vec![(); items.len()];
    map_planes(&mut places, 1, threads, |index, _| each(&items[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plane_is_seen_once_and_answers_keep_their_order() {
        for threads in [0, 1, 3, 9] {
            let mut values = vec![0; 14];
            let answers = map_planes(&mut values, 2, threads, |index, plane| {
                plane.iter_mut().for_each(|value| *value += index);
                index * 10
            });
            assert_eq!(values, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
            assert_eq!(answers, [0, 10, 20, 30, 40, 50, 60]);
            assert_eq!(map(&[3, 1, 2], threads, |n| n * n), [9, 1, 4]);
        }
        assert!(map(&[0u8; 0], 2, |n| *n).is_empty());
    }
}

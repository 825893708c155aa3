//! What a value costs in memory, the allocator's share included.

use std::mem::size_of;

use wasmalert_core::Labels;

/// Allocators hand out multiples of this, and no less than twice as much.
const GRAIN_BYTES: usize = 16;
/// What an allocator keeps beside each allocation.
const HEADER_BYTES: usize = 8;
/// The two counters of an `Arc`.
const COUNTERS_BYTES: usize = 16;

/// Bytes that an allocation of `bytes` occupies; none for an empty one.
pub(crate) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    let padded = (bytes + HEADER_BYTES).next_multiple_of(GRAIN_BYTES);
    if padded < 2 * GRAIN_BYTES {
        2 * GRAIN_BYTES
    } else {
        padded
    }
}

/// Bytes of a `Vec<T>`'s elements.
pub(crate) const fn vec_bytes<T>(capacity: usize) -> usize {
    allocated(capacity * size_of::<T>())
}

/// Bytes of a value behind an `Arc`.
pub(crate) const fn arc_bytes<T>() -> usize {
    allocated(COUNTERS_BYTES + size_of::<T>())
}

/// Bytes of a `HashMap<K, V>`'s table: a power of two of buckets, at most 7/8
/// of them used, with a byte of control beside each.
pub(crate) fn map_bytes<K, V>(capacity: usize) -> usize {
    let buckets = match capacity {
        0 => return 0,
        1..=3 => 4,
        4..=7 => 8,
        _ => (capacity * 8).div_ceil(7).next_power_of_two(),
    };
    allocated(buckets * (size_of::<(K, V)>() + 1) + GRAIN_BYTES)
}

/// The most that a `BTreeMap<K, V>` occupies: nodes of eleven entries, of which
/// all but one are at least five full; one in six has twelve pointers more.
pub(crate) const fn tree_bytes<K, V>(len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    let node = allocated(11 * size_of::<(K, V)>() + 2 * size_of::<usize>());
    let pointers = 12 * size_of::<usize>();
    node + (len - 1) * (node + pointers / 6) / 5
}

/// Bytes of a label set behind an `Arc`: one piece of text.
pub(crate) fn labels_bytes(labels: &Labels) -> usize {
    let texts = labels
        .iter()
        .map(|(name, value)| with_length(name) + with_length(value));
    arc_bytes::<Labels>() + allocated(texts.sum())
}

/// Bytes of a text and its length, of which a byte holds six bits.
fn with_length(text: &str) -> usize {
    let bits = usize::BITS - text.len().leading_zeros();
    text.len() + bits.div_ceil(6).max(1) as usize
}

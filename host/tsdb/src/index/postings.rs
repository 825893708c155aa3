//! Posting lists.

use crate::allocation::vec_bytes;

/// Slots of a block. Adding and removing move no more than one block.
const BLOCK_SLOTS_MAX: usize = 1_024;
/// What the first slot of a list allocates.
pub(crate) const FIRST_BYTES: usize = vec_bytes::<u32>(1) + vec_bytes::<Vec<u32>>(1);

/// A set of slots in order, in blocks of limited size, none of them empty.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    blocks: Vec<Vec<u32>>,
    len: usize,
    bytes: usize,
}

impl Postings {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the list occupies.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What adding a slot can add to [`Self::bytes`].
    pub(crate) fn growth_max(&self) -> usize {
        let (len, capacity) = (self.blocks.len(), self.blocks.capacity());
        let grown = if len < capacity { 0 } else { (2 * capacity).max(4) };
        vec_bytes::<u32>(BLOCK_SLOTS_MAX) + vec_bytes::<Vec<u32>>(grown)
    }

    pub(crate) fn append_to(&self, slots: &mut Vec<u32>) {
        self.blocks
            .iter()
            .for_each(|block| slots.extend_from_slice(block));
    }

    /// Adds a slot that is not there.
    pub(crate) fn insert(&mut self, slot: u32) {
        self.len += 1;
        let Some(at) = self.block_of(slot) else {
            return self.insert_block(0, vec![slot]);
        };
        if self.blocks[at].len() < BLOCK_SLOTS_MAX {
            return self.change(at, |block| {
                let place = block.partition_point(|other| *other < slot);
                block.insert(place, slot);
            });
        }
        // Slots come mostly in order: then blocks stay full.
        let is_behind = self.blocks[at].last().is_none_or(|last| *last < slot);
        if is_behind {
            return self.insert_block(at + 1, vec![slot]);
        }
        let mut upper = Vec::new();
        self.change(at, |block| {
            upper = block.split_off(BLOCK_SLOTS_MAX / 2);
            let half = if upper[0] < slot { &mut upper } else { &mut *block };
            let place = half.partition_point(|other| *other < slot);
            half.insert(place, slot);
        });
        self.insert_block(at + 1, upper);
    }

    /// Removes a slot, if it is there.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(at) = self.block_of(slot) else { return };
        let Ok(place) = self.blocks[at].binary_search(&slot) else {
            return;
        };
        self.len -= 1;
        self.change(at, |block| {
            block.remove(place);
            if block.len() * 4 <= block.capacity() {
                block.shrink_to(block.len() * 2);
            }
        });
        if self.blocks[at].is_empty() {
            self.change(at, |block| *block = Vec::new());
            self.change_list(|blocks| {
                blocks.remove(at);
                if blocks.len() * 4 <= blocks.capacity() {
                    blocks.shrink_to(blocks.len() * 2);
                }
            });
        }
    }

    /// The block that a slot is in or belongs into; None while there are none.
    fn block_of(&self, slot: u32) -> Option<usize> {
        let after = self
            .blocks
            .partition_point(|block| block.first().is_some_and(|first| *first <= slot));
        (!self.blocks.is_empty()).then(|| after.saturating_sub(1))
    }

    fn change(&mut self, at: usize, f: impl FnOnce(&mut Vec<u32>)) {
        let block = &mut self.blocks[at];
        self.bytes -= vec_bytes::<u32>(block.capacity());
        f(block);
        self.bytes += vec_bytes::<u32>(block.capacity());
    }

    fn insert_block(&mut self, at: usize, block: Vec<u32>) {
        self.bytes += vec_bytes::<u32>(block.capacity());
        self.change_list(|blocks| {
            if blocks.is_empty() {
                blocks.reserve_exact(1); // most lists never have a second
            }
            blocks.insert(at, block);
        });
    }

    fn change_list(&mut self, f: impl FnOnce(&mut Vec<Vec<u32>>)) {
        self.bytes -= vec_bytes::<Vec<u32>>(self.blocks.capacity());
        f(&mut self.blocks);
        self.bytes += vec_bytes::<Vec<u32>>(self.blocks.capacity());
    }
}

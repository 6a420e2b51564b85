//! Which outlets of a link have something to send, in the order in which they are to. Whatever is done takes the
//! same time however many wait, and no memory.

/// There is none.
const NONE: u32 = u32::MAX;
/// It does not wait.
const ABSENT: u32 = u32::MAX - 1;

/// Indices of outlets, each at most once.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    /// By index: who waits before and after it.
    neighbours: Vec<Neighbours>,
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Neighbours {
    before: u32,
    after: u32,
}

impl Neighbours {
    const OF_NOBODY: Self = Self {
        before: ABSENT,
        after: ABSENT,
    };
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            neighbours: Vec::new(),
            first: NONE,
            last: NONE,
        }
    }

    /// There is one more index; it does not wait.
    pub(super) fn grow(&mut self) {
        self.neighbours.push(Neighbours::OF_NOBODY);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    pub(super) fn push_back(&mut self, index: usize) {
        let before = self.last;
        debug_assert!(self.neighbours[index].before == ABSENT, "it waits already");
        self.neighbours[index] = Neighbours {
            before,
            after: NONE,
        };
        // Outlets are fewer than cells, which are numbered with 32 bits.
        let index = index as u32;
        match before {
            NONE => self.first = index,
            before => self.neighbours[before as usize].after = index,
        }
        self.last = index;
    }

    pub(super) fn pop_front(&mut self) -> Option<usize> {
        let first = (self.first != NONE).then_some(self.first as usize)?;
        self.remove(first);
        Some(first)
    }

    /// It does not wait any more, if it did.
    pub(super) fn remove(&mut self, index: usize) {
        let Neighbours { before, after } = self.neighbours[index];
        match before {
            ABSENT => return,
            NONE => self.first = after,
            before => self.neighbours[before as usize].after = after,
        }
        match after {
            NONE => self.last = before,
            after => self.neighbours[after as usize].before = before,
        }
        self.neighbours[index] = Neighbours::OF_NOBODY;
    }

    pub(super) fn clear(&mut self) {
        self.neighbours.fill(Neighbours::OF_NOBODY);
        (self.first, self.last) = (NONE, NONE);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::Queue;

    /// A queue that is simple enough to be right by reading says the same, whatever is done.
    #[test]
    fn it_is_the_queue_that_it_looks_like() {
        let mut seed = 7u64;
        let mut below = |end: u64| {
            seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            (seed >> 33) % end
        };
        let (mut queue, mut model) = (Queue::new(), VecDeque::new());
        (0..9).for_each(|_| queue.grow());
        for _ in 0..100_000 {
            let index = below(9) as usize;
            match below(100) {
                0..50 if !model.contains(&index) => {
                    queue.push_back(index);
                    model.push_back(index);
                }
                0..75 => assert_eq!(queue.pop_front(), model.pop_front()),
                75..99 => {
                    queue.remove(index);
                    model.retain(|other| *other != index);
                }
                _ => {
                    queue.clear();
                    model.clear();
                }
            }
            assert_eq!(queue.is_empty(), model.is_empty());
        }
    }
}

//! The Huffman codes of a baseline JPEG (ITU T.81, annexes C and F), read fast and stepped over
//! faster.

/// Bits looked at to find a code.
const LOOK: u32 = 10;
/// Bits looked at to step over as many codes as they hold.
const STEP: u32 = 12;
const LONGEST: usize = 16;
/// Bits that can be taken before the next must be fetched.
const FILLED: u32 = 56;
/// Frequencies of a block.
const BLOCK: usize = 64;

/// The codes of one table.
#[derive(Clone)]
pub(super) struct Table {
    /// By the next [`LOOK`] bits: `length << 8 | symbol`, 0 when the code is longer.
    codes: Vec<u16>,
    /// By the next [`LOOK`] bits: a frequency with its value, [`Coefficient`] packed; 0 when it
    /// does not fit.
    values: Vec<u32>,
    /// By the next [`STEP`] bits: the codes that lie in them whole, a [`Step`] packed; 0 when
    /// not one does.
    steps: Vec<u16>,
    /// By length: the first code that is longer, left-aligned in 16 bits.
    beyond: [u32; LONGEST + 1],
    /// By length: what to add to a code for the place of its symbol.
    offsets: [i32; LONGEST + 1],
    symbols: Vec<u8>,
}

impl Table {
    /// `lengths[n]` codes have `n + 1` bits. `None` when there are more than fit.
    pub(super) fn new(lengths: &[u8; LONGEST], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            codes: vec![0; 1 << LOOK],
            values: vec![0; 1 << LOOK],
            steps: vec![0; 1 << STEP],
            beyond: [0; LONGEST + 1],
            offsets: [0; LONGEST + 1],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0u32, 0usize);
        for length in 1..=LONGEST {
            let count = usize::from(*lengths.get(length - 1)?);
            table.offsets[length] = place as i32 - code as i32;
            for symbol in symbols.get(place..place + count)? {
                if code >> length != 0 {
                    return None;
                }
                if length as u32 <= LOOK {
                    let spare = LOOK - length as u32;
                    let from = (code << spare) as usize;
                    let entry = (length as u16) << 8 | u16::from(*symbol);
                    table.codes.get_mut(from..from + (1 << spare))?.fill(entry);
                }
                code += 1;
            }
            place += count;
            if code > 1 << length {
                return None;
            }
            table.beyond[length] = code << (LONGEST - length);
            code <<= 1;
        }
        for bits in 0..1 << LOOK {
            table.values[bits as usize] = table.value(bits);
        }
        for bits in 0..1 << STEP {
            table.steps[bits as usize] = table.step(bits);
        }
        Some(table)
    }

    /// The frequency and value that `bits` begin with, when they hold all of it.
    fn value(&self, bits: u32) -> u32 {
        let (length, symbol) = unpack(self.codes[bits as usize]);
        let (run, size) = (symbol >> 4, symbol & 15);
        if length == 0 || length + size > LOOK || size == 0 {
            return 0;
        }
        let extra = bits >> (LOOK - length - size) & ((1 << size) - 1);
        (extend(extra, size) as u32) << 16 | run << 8 | (length + size)
    }

    fn step(&self, bits: u32) -> u16 {
        let mut step = Step::default();
        let (mut used, mut ahead) = (0, 0);
        loop {
            let window = bits << used & ((1 << STEP) - 1);
            let (length, symbol) = unpack(self.codes[(window >> (STEP - LOOK)) as usize]);
            let size = symbol & 15;
            if length == 0 || used + length + size > STEP || ahead >= BLOCK {
                break;
            }
            used += length + size;
            match (symbol >> 4, size) {
                (15, 0) => ahead += 16,
                (_, 0) => step.ends = true,
                (run, _) => ahead += run as usize + 1,
            }
            step.bits = used;
            step.ahead = ahead;
            if step.ends {
                break;
            }
        }
        step.pack()
    }
}

fn unpack(code: u16) -> (u32, u32) {
    (u32::from(code >> 8), u32::from(code & 255))
}

/// The value that `size` further bits stand for (F.2.2.1).
fn extend(bits: u32, size: u32) -> i32 {
    if size == 0 {
        0
    } else if bits >> (size - 1) == 0 {
        bits as i32 - (1 << size) + 1
    } else {
        bits as i32
    }
}

/// Several codes of a block at once.
#[derive(Default)]
struct Step {
    bits: u32,
    /// How far among the frequencies they lead.
    ahead: usize,
    /// Whether the last of them ends the block.
    ends: bool,
}

impl Step {
    fn pack(&self) -> u16 {
        (self.bits as u16) | u16::from(self.ends) << 4 | (self.ahead.min(BLOCK + 16) as u16) << 5
    }

    fn unpack(packed: u16) -> Self {
        Self {
            bits: u32::from(packed & 15),
            ends: packed & 16 != 0,
            ahead: usize::from(packed >> 5),
        }
    }
}

/// Bits of one interval, first the highest.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// Bytes of `data` that belong to the interval.
    length: usize,
    /// The next byte to take.
    at: usize,
    buffer: u64,
    have: u32,
}

impl<'a> Bits<'a> {
    /// Bytes that should follow the last interval, so that it need not be read bit by bit.
    pub(super) const PADDING: usize = 16;

    pub(super) fn new(data: &'a [u8], length: usize) -> Self {
        Self { data, length, at: 0, buffer: 0, have: 0 }
    }

    /// Whether more was taken than the interval holds.
    pub(super) fn overrun(&self) -> bool {
        8 * self.at > 8 * self.length + self.have as usize
    }

    /// Makes at least [`FILLED`] bits available, zeros beyond the end.
    #[inline(always)]
    fn fill(&mut self) {
        let next = self.data.get(self.at..).and_then(<[u8]>::first_chunk);
        self.buffer |= next.map_or(0, |bytes| u64::from_be_bytes(*bytes)) >> self.have;
        // Whole bytes are taken; what of the next one got into the buffer comes again, the same.
        self.at += ((63 - self.have) >> 3) as usize;
        self.have |= FILLED;
    }

    #[inline(always)]
    fn peek(&self, count: u32) -> u32 {
        (self.buffer >> (64 - count)) as u32
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        self.have -= count;
    }

    /// The next code's symbol; leaves at least 16 bits for what follows it.
    #[inline(always)]
    fn symbol(&mut self, table: &Table) -> Option<u32> {
        self.fill();
        let (length, symbol) = unpack(*table.codes.get(self.peek(LOOK) as usize)?);
        if length == 0 {
            return self.long(table);
        }
        self.skip(length);
        Some(symbol)
    }

    #[cold]
    fn long(&mut self, table: &Table) -> Option<u32> {
        let next = self.peek(LONGEST as u32);
        let length = (LOOK as usize + 1..=LONGEST).find(|l| next < table.beyond[*l])?;
        let code = (next >> (LONGEST - length)) as i32;
        let symbol = table.symbols.get(usize::try_from(code + table.offsets[length]).ok()?)?;
        self.skip(length as u32);
        Some(u32::from(*symbol))
    }

    #[inline(always)]
    fn extra(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let bits = self.peek(size);
        self.skip(size);
        extend(bits, size)
    }

    /// How far a block's mean lies from the one before.
    #[inline(always)]
    pub(super) fn difference(&mut self, table: &Table) -> Option<i32> {
        let size = self.symbol(table)?;
        if size > 15 { None } else { Some(self.extra(size)) }
    }

    /// Reads a block's frequencies: `keep` hears those up to the place `last`, the others are
    /// stepped over.
    #[inline(always)]
    pub(super) fn frequencies(
        &mut self,
        table: &Table,
        last: usize,
        mut keep: impl FnMut(usize, i32),
    ) -> Option<()> {
        let mut at = 1;
        while at <= last {
            self.fill();
            let value = *table.values.get(self.peek(LOOK) as usize)?;
            if value != 0 {
                self.skip(value & 255);
                at += (value >> 8 & 255) as usize;
                keep(at, (value as i32) >> 16);
                at += 1;
                continue;
            }
            match self.single(table, at, &mut keep)? {
                Some(next) => at = next,
                None => return Some(()),
            }
        }
        'block: while at < BLOCK {
            self.fill();
            for _ in 0..FILLED / STEP {
                let step = Step::unpack(*table.steps.get(self.peek(STEP) as usize)?);
                if step.bits == 0 || at + step.ahead + usize::from(step.ends) > BLOCK {
                    match self.single(table, at, &mut |_, _| {})? {
                        Some(next) => at = next,
                        None => return Some(()),
                    }
                    continue 'block;
                }
                self.skip(step.bits);
                at += step.ahead;
                if step.ends {
                    return Some(());
                }
                if at == BLOCK {
                    break 'block;
                }
            }
        }
        // A run beyond the block's end means that something before it was read wrongly.
        (at == BLOCK).then_some(())
    }

    /// One code with what follows it; the next place, or `None` when it ends the block.
    #[inline(always)]
    fn single(
        &mut self,
        table: &Table,
        at: usize,
        keep: &mut impl FnMut(usize, i32),
    ) -> Option<Option<usize>> {
        let symbol = self.symbol(table)?;
        let (run, size) = ((symbol >> 4) as usize, symbol & 15);
        match (run, size) {
            (15, 0) => Some(Some(at + 16)),
            (0, 0) => Some(None),
            // End-of-band runs belong to progressive files.
            (_, 0) => None,
            _ => {
                let value = self.extra(size);
                keep(at + run, value);
                Some(Some(at + run + 1))
            }
        }
    }
}

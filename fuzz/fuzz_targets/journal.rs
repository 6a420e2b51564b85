#![no_main]

use bemo_sync_fuzz::journal::{crc, run};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| run(bytes));

// Left alone, it would never find a checksum. So mostly only what follows the checksums changes, and every line gets the one
// that fits; in one of four cases anything changes, as on a disk.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 4 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let records = data[..size]
        .split(|byte| *byte == b'\n')
        .map(|line| line.get(9..).unwrap_or_default());
    let mut records: Vec<u8> = records.collect::<Vec<_>>().join(&b'\n');
    let length = records.len();
    records.resize(max_size.max(length), 0);
    let length = fuzzer_mutate(&mut records, length, max_size);
    records.truncate(length);
    let mut sealed = Vec::new();
    for (number, record) in records.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            sealed.push(b'\n');
        }
        if !record.is_empty() {
            sealed.extend(format!("{:08x} ", crc(record)).bytes());
            sealed.extend(record);
        }
    }
    let size = sealed.len().min(max_size);
    data[..size].copy_from_slice(&sealed[..size]);
    size
});

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bemo_sync_fuzz::payloads::run(bytes));

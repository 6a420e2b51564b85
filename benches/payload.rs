//! How long payloads and octets take: `cargo bench --bench payload`.

mod workload;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use workload::PAYLOADS;

fn payloads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payload");
    group.throughput(Throughput::Elements(1));
    for workload in &PAYLOADS {
        let mut round = (workload.on)(100);
        group.bench_function(workload.name, |it| it.iter(&mut round));
    }
}

criterion_group!(benches, payloads);
criterion_main!(benches);

//! How long the engine alone takes: `cargo bench --bench engine`. What an event is stands in `workload`.

mod workload;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use workload::ENGINE;

fn engine(criterion: &mut Criterion) {
    for workload in &ENGINE {
        let mut group = criterion.benchmark_group(workload.name);
        group.throughput(Throughput::Elements(workload.events));
        for values in [10, 100, 1_000, 10_000] {
            let mut round = (workload.on)(values);
            group.bench_function(BenchmarkId::from_parameter(values), |it| {
                it.iter(&mut round)
            });
        }
    }
}

criterion_group!(benches, engine);
criterion_main!(benches);

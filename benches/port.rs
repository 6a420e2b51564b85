//! How long an event takes through a port, with everything that is observed of it: `cargo bench --bench port`.

mod workload;

use bemo_sync::engine::Owner;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use workload::PORT;
use workload::port::Bench;

fn ports(criterion: &mut Criterion) {
    for workload in &PORT {
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

/// What it costs that somebody watches, and that somebody has.
fn watched(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("port: a write that changes, and who watches");
    group.throughput(Throughput::Elements(PORT[0].events));
    let mut bench = Bench::new(Owner::Here, 100);
    group.bench_function("nobody", |it| it.iter(|| bench.write()));
    let flow = bench.ports[0].observer().flow();
    group.bench_function("somebody", |it| it.iter(|| bench.write()));
    drop(flow);
    group.bench_function("nobody any more", |it| it.iter(|| bench.write()));
}

criterion_group!(benches, ports, watched);
criterion_main!(benches);

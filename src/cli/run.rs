//! `bemo-sync`: load, start, and stop cleanly on a signal.

use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use super::logging::LogFormat;
use super::{EXIT_FAILURE, mistaken, startup};
use crate::config::{Loaded, load};
use crate::runtime::Runtime;
use crate::service::Service;

pub(super) fn run(config: &Path, format: LogFormat) -> ExitCode {
    let loaded = match load(config) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            return mistaken(&mistakes);
        }
    };
    // One thread: the work is waiting, and a small machine has other things to do.
    let tokio = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(tokio) => tokio,
        Err(problem) => return failed(&problem),
    };
    let result = tokio.block_on(serve(loaded, format));
    // Whatever still hangs in a blocking call, a name look-up say, must not hold up the end.
    tokio.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => failed(&problem),
    }
}

async fn serve(Loaded { path, mut plan }: Loaded, format: LogFormat) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let what = startup::headline(&path, &plan);
    startup::say(&path, &mut plan, format).await;
    let service = Service::from_environment();
    let runtime = match &service {
        Some(service) => Runtime::watched(plan, service.heartbeat(what)),
        None => Runtime::start(plan),
    };
    tokio::select! {
        _ = interrupt.recv() => info!("interrupted, stopping"),
        _ = terminate.recv() => info!("terminated, stopping"),
    }
    if let Some(service) = &service {
        service.stopping();
    }
    tokio::select! {
        () = runtime.stop() => info!("stopped"),
        _ = interrupt.recv() => info!("interrupted again, gone at once"),
        _ = terminate.recv() => info!("terminated again, gone at once"),
    }
    Ok(())
}

fn failed(problem: &std::io::Error) -> ExitCode {
    error!("{problem}");
    EXIT_FAILURE.into()
}

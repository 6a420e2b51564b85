//! `bemo-sync`: load, start, and stop cleanly on a signal.

use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing::{error, info, warn};

use super::logging::LogFormat;
use super::{EXIT_FAILURE, mistaken, startup};
use crate::config::{Loaded, load};
use crate::reload::{Reloads, Watch};
use crate::runtime::Runtime;
use crate::service::Service;

pub(super) fn run(config: &Path, watched: bool, format: LogFormat) -> ExitCode {
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
    let result = tokio.block_on(serve(loaded, watched, format));
    // Whatever still hangs in a blocking call, a name look-up say, must not hold up the end.
    tokio.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => failed(&problem),
    }
}

async fn serve(loaded: Loaded, watched: bool, format: LogFormat) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let Loaded {
        path,
        mut plan,
        source,
    } = loaded;
    let what = startup::headline(&path, &plan);
    startup::say(&path, &mut plan, format).await;
    let service = Service::from_environment();
    let mut watch = watched.then(|| Watch::over(&path)).transpose()?;
    let mut runtime = match &service {
        Some(service) => Runtime::watched(plan, service.heartbeat(what)),
        None => Runtime::start(plan),
    };
    let (mut reloads, reloader) = Reloads::of(&path, source);
    runtime.offer(reloader);
    loop {
        let answer = tokio::select! {
            _ = interrupt.recv() => {
                info!("interrupted, stopping");
                break;
            }
            _ = terminate.recv() => {
                info!("terminated, stopping");
                break;
            }
            _ = hang_up.recv() => None,
            answer = reloads.asked() => Some(answer),
            changed = changed(&mut watch) => {
                if let Err(problem) = changed {
                    warn!("{} is not watched any more: {problem}", path.display());
                    watch = None;
                }
                if !reloads.is_news() {
                    continue;
                }
                None
            }
        };
        if let Some(service) = &service {
            service.reloading();
        }
        let hurry = Notify::new();
        let mut is_over = false;
        let report = {
            let mut reload = pin!(reloads.reload(&mut runtime, &hurry));
            loop {
                tokio::select! {
                    report = &mut reload => break report,
                    _ = interrupt.recv(), if !is_over => is_over = true,
                    _ = terminate.recv(), if !is_over => is_over = true,
                }
                info!("to be stopped as soon as links have changed hands");
                hurry.notify_one();
            }
        };
        if let Some(service) = &service {
            service.reloaded();
        }
        // Whoever asked may have gone.
        answer.map(|answer| answer.send(report));
        if is_over {
            break;
        }
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

async fn changed(watch: &mut Option<Watch>) -> std::io::Result<()> {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn failed(problem: &std::io::Error) -> ExitCode {
    error!("{problem}");
    EXIT_FAILURE.into()
}

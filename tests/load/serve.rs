//! The process under load: the program as it runs, with two centrals. One reads everything there is to
//! hear, the other has subscribed to everything and takes nothing.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;
use std::thread;

use bemo_sync::config::load;
use bemo_sync::gatt::server::{Central, GattServer, Subscribed};
use bemo_sync::runtime::Runtime;
use tokio::sync::mpsc;

/// The environment variable that names the configuration.
pub const CONFIG: &str = "LOAD_CONFIG";

#[test]
#[ignore = "it is started by the other tests"]
fn serves() {
    let config = std::env::var(CONFIG).expect("another test starts it");
    let (asked, mut asks) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let mut numbers = line.split(' ').map(|it| it.parse::<u32>().unwrap());
            let _ = asked.send((numbers.next().unwrap(), numbers.next().unwrap()));
        }
        // Whoever asked is gone.
        std::process::exit(0);
    });
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio.block_on(async {
        let loaded = load(Path::new(&config)).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let runtime = Runtime::start(loaded.plan);
        let server = runtime.offered::<GattServer>().await;
        let (quick, slow) = (server.connect(), server.connect());
        let handles = subscribe(&quick);
        subscribe(&slow);
        println!("serves");
        let (mut notified, mut expected) = (0, None);
        let mut last = HashMap::new();
        loop {
            tokio::select! {
                heard = quick.next_notification() => {
                    let heard = heard.expect("the adapter stays");
                    notified += 1;
                    let value = u32::from_le_bytes(heard.value.try_into().unwrap());
                    last.insert(heard.handle, value);
                }
                ask = asks.recv() => expected = ask,
            }
            let Some((hot, others)) = expected else {
                continue;
            };
            let is_there = |(index, handle): (usize, &u16)| match index {
                0 => last.get(handle) == Some(&hot),
                // What the other central does not take, nobody else hears of.
                1 | 2 => true,
                _ => last.get(handle) == Some(&others),
            };
            if handles.iter().enumerate().all(is_there) {
                println!("all there\nnotified {notified} times");
                expected = None;
            }
        }
    });
}

/// To everything, in the order of the configuration.
fn subscribe(central: &Central) -> Vec<u16> {
    let services = central.discover();
    let services = services.iter();
    let all = services.flat_map(|service| &service.characteristics);
    let handles: Vec<u16> = all.map(|it| it.handle).collect();
    for &handle in &handles {
        let _ = central.subscribe(handle, Some(Subscribed::Notify));
    }
    handles
}

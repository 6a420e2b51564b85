//! What is shipped around the program says what is so: the unit is confined, the configuration that comes
//! with it has no mistakes, the manual names every command.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bemo_sync::cli::Cli;
use bemo_sync::config::{Placeholders, load_str};
use clap::CommandFactory;
use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall, ItemConst, Lit};
use tempfile::TempDir;

const DBUS_RULES: &str = "packaging/bemo-sync.dbus.conf";
const UNIT: &str = "packaging/bemo-sync.service";

/// In tenths, as `--threshold` takes it.
const EXPOSURE_MAX: u32 = 20;

#[test]
fn the_unit_is_exposed_to_2_0_at_most() {
    let output = systemd_analyze(&[
        "security",
        "--offline=true",
        &format!("--threshold={EXPOSURE_MAX}"),
        UNIT,
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    let exposure = text
        .lines()
        .find(|line| line.contains("Overall exposure level"));
    assert!(output.status.success(), "{exposure:?}\n{text}");
    println!("{}", exposure.expect("it prints the level"));
}

#[test]
fn the_unit_says_nothing_that_systemd_does_not_understand() {
    let directory = TempDir::new().unwrap();
    let unit = directory.path().join("bemo-sync.service");
    let program = Path::new(env!("CARGO_BIN_EXE_bemo-sync")).display();
    let text = fs::read_to_string(UNIT)
        .unwrap()
        .replace("/usr/bin/bemo-sync", &program.to_string())
        // Neither the manual nor the page is installed here.
        .replace("Documentation=", "# ");
    fs::write(&unit, text).unwrap();
    let output = systemd_analyze(&["verify", unit.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    // Other units of this machine may have mistakes of their own.
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("bemo-sync"))
        .collect();
    assert_eq!(ours, [""; 0]);
}

#[test]
fn the_configuration_that_is_installed_has_no_mistakes() {
    let path = Path::new("packaging/services.yaml");
    let yaml = fs::read_to_string(path).unwrap();
    let host = Placeholders::new(vec![("hostname", "raspberrypi".to_owned())]);
    if let Err(mistakes) = load_str(path, &yaml, &|_| None, host) {
        panic!("{mistakes}");
    }
}

#[test]
fn the_manual_names_every_command_and_every_option() {
    let manual = fs::read_to_string("packaging/bemo-sync.1")
        .unwrap()
        .replace("\\-", "-");
    let mut command = Cli::command();
    command.build();
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        assert!(manual.contains(command.get_name()), "{command}");
        for long in command.get_arguments().filter_map(|it| it.get_long()) {
            assert!(manual.contains(&format!("--{long}")), "{command} --{long}");
        }
    }
}

#[test]
fn what_bluetoothd_is_asked_to_do_the_rules_of_dbus_allow_and_nothing_else() {
    let rules = Rules::shipped();
    let asked = Asked::by("src/plugins/ble");
    let methods: BTreeSet<&str> = asked.iter().map(|(_, member)| member.as_str()).collect();
    for known in ["RegisterApplication", "RequestDefaultAgent", "Disconnect"] {
        assert!(methods.contains(known), "{known} is not found: {asked:?}");
    }
    for (interface, member) in &asked {
        assert!(
            rules.allow(interface, member),
            "{interface}.{member} is called, and {DBUS_RULES} does not allow it"
        );
    }
    for (interface, member) in [
        ("org.bluez.Adapter1", "StartDiscovery"),
        ("org.bluez.Device1", "Connect"),
        ("org.bluez.Device1", "Pair"),
        ("org.freedesktop.login1.Manager", "PowerOff"),
    ] {
        assert!(!rules.allow(interface, member), "{interface}.{member}");
    }
}

/// What may be sent to bluetoothd: each interface, and the one method if it is not all.
struct Rules(Vec<(String, Option<String>)>);

impl Rules {
    fn shipped() -> Self {
        let text = fs::read_to_string(DBUS_RULES).unwrap();
        let allow = text.split("<allow ").skip(1);
        let rules = allow.filter_map(|rest| {
            let (rule, _) = rest.split_once("/>").expect("it ends");
            let value = |name: &str| {
                let (_, rest) = rule.split_once(&format!("{name}=\""))?;
                rest.split_once('"').map(|(value, _)| value.to_owned())
            };
            (value("send_destination")? == "org.bluez").then_some(())?;
            Some((value("send_interface")?, value("send_member")))
        });
        Self(rules.collect())
    }

    fn allow(&self, interface: &str, member: &str) -> bool {
        self.0.iter().any(|(known, only)| {
            known == interface && only.as_ref().is_none_or(|only| only == member)
        })
    }
}

/// What the source asks of bluetoothd: each call by interface and method, and bluer's own calls by their
/// names. Its other methods read and write properties.
#[derive(Default)]
struct Asked {
    texts: HashMap<String, String>,
    calls: BTreeSet<(String, String)>,
}

/// How the source calls methods of D-Bus itself.
const CALLS: &[&str] = &["call", "call_at", "method_call"];

/// What bluer calls for these methods (0.17.4, adapter.rs and device.rs).
const BLUER: &[(&str, &str, &str)] = &[
    ("connect_device", "org.bluez.Adapter1", "ConnectDevice"),
    ("discover_devices", "org.bluez.Adapter1", "StartDiscovery"),
    ("remove_device", "org.bluez.Adapter1", "RemoveDevice"),
    ("connect_profile", "org.bluez.Device1", "ConnectProfile"),
    ("disconnect", "org.bluez.Device1", "Disconnect"),
    ("pair", "org.bluez.Device1", "Pair"),
    (
        "device_addresses",
        "org.freedesktop.DBus.ObjectManager",
        "GetManagedObjects",
    ),
    ("set_alias", "org.freedesktop.DBus.Properties", "Set"),
    ("set_pairable", "org.freedesktop.DBus.Properties", "Set"),
    ("set_powered", "org.freedesktop.DBus.Properties", "Set"),
];

impl Asked {
    fn by(folder: &str) -> BTreeSet<(String, String)> {
        let mut calls = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                calls.extend(Self::by(path.to_str().unwrap()));
                continue;
            }
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            let mut asked = Self::default();
            asked.visit_file(&file);
            calls.extend(asked.calls);
        }
        // The bus itself answers these.
        calls.retain(|(interface, _)| interface != "org.freedesktop.DBus");
        calls
    }

    fn text(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                self.texts.get(&name).cloned()
            }
            _ => None,
        }
    }
}

impl Visit<'_> for Asked {
    fn visit_item_const(&mut self, item: &ItemConst) {
        if let Some(text) = self.text(&item.expr) {
            self.texts.insert(item.ident.to_string(), text);
        }
    }

    fn visit_expr_method_call(&mut self, call: &ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        let name = call.method.to_string();
        for (_, interface, member) in BLUER.iter().filter(|(known, ..)| *known == name) {
            self.calls
                .insert(((*interface).to_owned(), (*member).to_owned()));
        }
        if !CALLS.contains(&&*name) {
            return;
        }
        let arguments: Vec<&Expr> = call.args.iter().collect();
        let found = arguments.windows(2).find_map(|pair| {
            let (interface, member) = (self.text(pair[0])?, self.text(pair[1])?);
            interface.starts_with("org.").then_some((interface, member))
        });
        // Whoever only passes on what it was given has a caller, who is found.
        let passes_on = arguments
            .iter()
            .any(|argument| matches!(argument, Expr::Path(path) if path.path.is_ident("method")));
        assert!(
            found.is_some() || passes_on,
            "`{name}` is called with no constant for interface and method"
        );
        self.calls.extend(found);
    }
}

fn systemd_analyze(arguments: &[&str]) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .env("SYSTEMD_COLORS", "0")
        .output()
        .expect("systemd is installed: `make deps`")
}

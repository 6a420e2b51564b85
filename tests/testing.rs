//! `bemo-sync test`: the same result every time, failures that say what came instead, and mistakes at
//! their place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bemo_sync::rehearsal::{Outcome, files_in, run};

const CONFIG: &str = "tests/testing/thermostat.yaml";
const TESTS: &str = "tests/testing/thermostat.test.yaml";

fn outcome(file: &str) -> Outcome {
    run(&[PathBuf::from(file)], None)
}

fn told(outcome: &Outcome) -> String {
    let failures = outcome.failures.join("\n");
    format!("{failures}\n{}", outcome.summary())
}

fn bemo_sync(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("BEMO_SYNC_LOG")
        .output()
        .expect("the program was built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn all_tests_of_this_repository_pass() {
    let files = files_in(Path::new(".")).unwrap();
    assert!(files.len() >= 2, "{files:?}");
    let outcome = run(&files, None);
    assert_eq!(outcome.mistakes, Vec::<String>::new());
    assert!(outcome.failures.is_empty(), "{}", told(&outcome));
    assert!(outcome.passed >= 20);
}

#[test]
fn every_kind_of_failure_says_what_came_instead() {
    let outcome = outcome("tests/testing/failures.yaml");
    assert_eq!(outcome.mistakes, Vec::<String>::new());
    assert_eq!(outcome.passed, 0);
    insta::assert_snapshot!(told(&outcome));
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    let outcome = outcome("tests/testing/mistakes.yaml");
    assert_eq!(outcome.count(), 0);
    insta::assert_snapshot!(outcome.mistakes.join("\n"));
}

#[test]
fn the_same_comes_out_every_time() {
    let once = |file: &str| {
        let outcome = outcome(file);
        assert_eq!(outcome.mistakes, Vec::<String>::new());
        told(&outcome)
    };
    for file in ["tests/testing/failures.yaml", TESTS, "services.test.yaml"] {
        let first = once(file);
        for _ in 0..50 {
            assert_eq!(once(file), first);
        }
    }
}

#[test]
fn the_page_about_testing_shows_what_is_so() {
    let page = fs::read_to_string("docs/testing.md").unwrap();
    let block = |mark: &str| {
        let begin = page.find(mark).unwrap() + mark.len();
        let length = page[begin..].find("```").unwrap();
        &page[begin..begin + length]
    };
    let directory = tempfile::tempdir().unwrap();
    fs::copy("services.yaml", directory.path().join("services.yaml")).unwrap();
    let tested = |source: &str| {
        fs::write(directory.path().join("services.test.yaml"), source).unwrap();
        text(&bemo_sync(directory.path(), &["test"]).stdout)
    };
    let example = block("```yaml\n");
    assert_eq!(tested(example), "ok: 3 tests passed\n");
    let wrong = example.replace("{ number: 7 }", "{ number: 8 }");
    assert_eq!(tested(&wrong), block("instead:\n\n```\n"));
}

#[test]
fn a_mistake_in_the_configuration_is_shown_as_check_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let broken = fs::read_to_string(CONFIG)
        .unwrap()
        .replace("max: 30", "max: 3000000");
    fs::write(
        file("thermostat.yaml"),
        broken.replace("${DEVICE_NAME}", "Warm"),
    )
    .unwrap();
    fs::copy(TESTS, file("thermostat.test.yaml")).unwrap();
    let tested = bemo_sync(directory.path(), &["test", "thermostat.yaml"]);
    let checked = bemo_sync(directory.path(), &["check", "thermostat.yaml"]);
    assert_eq!(tested.status.code(), Some(2));
    assert_eq!(text(&tested.stderr), text(&checked.stderr));
    assert_eq!(text(&tested.stdout), "");
}

#[test]
fn what_happens_is_said_with_an_exit_code_and_little_else() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    fs::create_dir(file("below")).unwrap();
    fs::copy(CONFIG, file("below/thermostat.yaml")).unwrap();
    fs::copy(TESTS, file("below/thermostat.test.yaml")).unwrap();
    fs::copy("services.yaml", file("services.yaml")).unwrap();
    fs::copy("services.test.yaml", file("services.test.yaml")).unwrap();
    let said = |arguments: &[&str]| {
        let output = bemo_sync(directory.path(), arguments);
        let code = output.status.code().unwrap();
        (code, text(&output.stdout), text(&output.stderr))
    };
    let passed = |count: u32| {
        let out = match count {
            1 => "ok: 1 test passed\n".to_owned(),
            23 => "ok: 23 tests in 2 files passed\n".to_owned(),
            count => format!("ok: {count} tests passed\n"),
        };
        (0, out, String::new())
    };
    assert_eq!(said(&["test"]), passed(11), "those beside services.yaml");
    assert_eq!(said(&["test", "below/thermostat.yaml"]), passed(12));
    assert_eq!(
        said(&["--config", "below/thermostat.yaml", "test"]),
        passed(12)
    );
    assert_eq!(said(&["test", "below", "services.test.yaml"]), passed(23));
    assert_eq!(said(&["test", "."]), passed(23));
    assert_eq!(said(&["test", "--filter", "255"]), passed(1));
    assert_eq!(said(&["test", "--filter", "AFTER 255"]), passed(1));
    let (code, out, err) = said(&["test", "--filter", "256"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("no test has `256` in its name"), "{err}");
    let (code, _, err) = said(&["test", "nowhere.test.yaml"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("nowhere.test.yaml:1:1: cannot be read"),
        "{err}"
    );
    let (code, _, err) = said(&["test", "--log", "debug", "--filter", "255"]);
    assert_eq!(code, 0);
    assert!(err.contains("DEBUG test: publishes"), "{err}");
    assert!(err.contains("name=\"after 255 comes 0\""), "{err}");

    let wrong = fs::read_to_string("services.test.yaml")
        .unwrap()
        .replace("bytes: \"63\"", "bytes: \"64\"");
    fs::write(file("services.test.yaml"), wrong).unwrap();
    let (code, out, err) = said(&["test"]);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(
        out.starts_with("FAILED: a message sets the number"),
        "{out}"
    );
    assert!(
        out.ends_with("\nfailed: 1 of 11 tests, in services.test.yaml\n"),
        "{out}"
    );
    fs::write(file("services.test.yaml"), "tests: []").unwrap();
    let (code, out, err) = said(&["test", "."]);
    assert_eq!(code, 2, "a mistake in one file");
    assert_eq!(
        out, "ok: 12 tests passed\n",
        "does not keep the others from running"
    );
    assert!(
        err.contains("services.test.yaml:1:8: there is no test in this"),
        "{err}"
    );
}

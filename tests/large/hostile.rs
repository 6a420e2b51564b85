//! Files that mean harm. Each ends in a message, in so much memory and output and no more.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Of which the program itself, as it is built for tests, takes a good part.
const MEMORY: u64 = 384 * 1024 * 1024;
/// A hundred mistakes, each with its line and some help.
const OUTPUT: usize = 100_000;

/// What `check` says of a file that it gets through a pipe, within [`MEMORY`].
fn said_of(name: &str, content: &[u8]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
        .args(["check", "/dev/stdin"])
        .env_remove("BEMO_SYNC_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built");
    // It waits for its input, so there is time for this.
    let limit = Rlimit {
        current: Some(MEMORY),
        maximum: Some(MEMORY),
    };
    let process = Pid::from_child(&program);
    prlimit(Some(process), Resource::As, limit).expect("its memory can be limited");
    let mut input = program.stdin.take().expect("it is piped");
    let output = std::thread::scope(|scope| {
        // It may have heard enough before the end.
        scope.spawn(move || input.write_all(content).is_ok());
        program.wait_with_output().expect("it ends")
    });
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let end = output.status;
    assert_eq!(end.signal(), None, "{name}: {end}\n{}", beginning(&said));
    assert_eq!(end.code(), Some(2), "{name}: {end}\n{}", beginning(&said));
    assert!(said.len() < OUTPUT, "{name}: {} bytes are said", said.len());
    assert!(said.ends_with("nothing was started\n"), "{name}: {said}");
    said
}

fn assert_says(name: &str, content: impl AsRef<[u8]>, expected: &str) {
    let said = said_of(name, content.as_ref());
    assert!(
        said.contains(expected),
        "{name}: `{expected}` is not said:\n{}",
        beginning(&said)
    );
}

fn beginning(said: &str) -> String {
    said.chars().take(2000).collect()
}

const HEAD: &str = "version: 1\nble: { adapter: virtual }\nmqtt: { broker: auto }\nservices:\n";

/// A configuration whose only characteristic has this in it.
fn characteristic(content: &str) -> String {
    format!(
        "{HEAD}  - name: S\n    uuid: 180F\n    characteristics:\n      \
         - {{ name: C, uuid: 2A19, access: [read], {content} }}\n"
    )
}

/// Nine times nine times nine … of a list, as `*z`.
fn bomb() -> String {
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (name, of) in ('b'..='z').zip('a'..) {
        let nine = vec![format!("*{of}"); 9].join(",");
        bomb.push_str(&format!("{name}: &{name} [{nine}]\n"));
    }
    bomb
}

#[test]
fn aliases_of_aliases() {
    let bomb = bomb();
    let with = |content: &str| format!("{bomb}{content}");
    assert_says("unused", &bomb, "unknown key `a`");
    assert_says(
        "services",
        with("version: 1\nservices: *z\n"),
        "a list where",
    );
    assert_says(
        "section",
        with("version: 1\nmqtt: *z\nservices: []\n"),
        "a list where",
    );
    assert_says(
        "in a section",
        with("version: 1\nmqtt: { birth: { topic: a, payload: *z } }\nservices: []\n"),
        "a list where",
    );
    for content in [
        "value: { type: u8 }, mqtt: { state: a, payload: *z }",
        "value: { type: u8 }, mqtt: { state: a, payload: { a: *z, b: $value } }",
    ] {
        assert_says(
            content,
            with(&characteristic(content)),
            "there is too much in this",
        );
    }
    for content in [
        "value: { type: struct, fields: *z }",
        "value: { type: u8, allowed: *z }",
    ] {
        assert_says(content, with(&characteristic(content)), "a list where");
    }
}

/// Each level names the one before twice, so that it is what is wanted all the way down.
#[test]
fn aliases_of_fields() {
    let mut fields = String::from("a0: &a0 [{ name: a, type: u8 }]\n");
    for level in 1..40 {
        let inner = level - 1;
        fields.push_str(&format!(
            "a{level}: &a{level} [{{ name: a, type: struct, fields: *a{inner} }}, \
             {{ name: b, type: struct, fields: *a{inner} }}]\n"
        ));
    }
    let content = characteristic("value: { type: struct, fields: *a39 }");
    assert_says(
        "fields",
        format!("{fields}{content}"),
        "there is too much in this",
    );
}

/// Deeper than the file itself can be.
#[test]
fn a_long_chain_of_aliases() {
    let mut chain = String::from("a0: &a0 [x]\n");
    let mut fields = String::from("b0: &b0 [{ name: a, type: u8 }]\n");
    for level in 1..5000 {
        let inner = level - 1;
        chain.push_str(&format!("a{level}: &a{level} [*a{inner}]\n"));
        fields.push_str(&format!(
            "b{level}: &b{level} [{{ name: a, type: struct, fields: *b{inner} }}]\n"
        ));
    }
    let payload = characteristic("value: { type: u8 }, mqtt: { state: a, payload: *a4999 }");
    // The keys at the top level are wrong too, but they come first and fill the list.
    let chain = format!("x-: {{\n{}}}\n{payload}", chain.replace('\n', ",\n"));
    assert_says("payload", chain, "more than 128 levels deep");
    let of_struct = characteristic("value: { type: struct, fields: *b4999 }");
    let fields = format!("x-: {{\n{}}}\n{of_struct}", fields.replace('\n', ",\n"));
    assert_says("fields", fields, "more than 128 levels deep");
}

#[test]
fn cycles() {
    assert_says("in itself", "a: &a [*a]\n", "leads to itself");
    assert_says(
        "further down",
        "a: &a { b: { c: [*a] } }\n",
        "leads to itself",
    );
    assert_says("a key", "&a a: { *a : 1 }\n", "unknown key");
}

/// The same long text again and again.
#[test]
fn a_long_text_by_many_aliases() {
    let text = "x".repeat(1024 * 1024);
    let mut names =
        format!("{HEAD}  - name: &a \"{text}\"\n    uuid: 180F\n    characteristics:\n");
    for index in 0..5000 {
        names.push_str(&format!(
            "      - {{ name: *a, uuid: 2A19, n{index}: *a, access: [*a] }}\n"
        ));
    }
    said_of("names", names.as_bytes());
    let uuids = "*a, ".repeat(5000);
    let content = format!("name: &a \"{text}\"\nversion: *a\nservices: [{uuids}]\n");
    assert_says("services", content, "a text where a whole number is wanted");
}

#[test]
fn depth() {
    for (name, content) in [
        ("lists in brackets", "[".repeat(100_000)),
        ("mappings in braces", "{a: ".repeat(100_000)),
        ("lists in dashes", "- ".repeat(100_000)),
        ("keys that are collections", "? ".repeat(100_000)),
    ] {
        let said = said_of(name, content.as_bytes());
        let is_clear = said.contains("levels deep") || said.contains("a plain word");
        assert!(is_clear, "{name}: {}", beginning(&said));
    }
    let mut lines = String::new();
    for level in 0..5000 {
        lines.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    assert_says("mappings in lines", lines, "levels deep");
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let quoted = format!("value: {{ type: json, initial: '{deep}' }}");
    assert_says("JSON in a text", characteristic(&quoted), "`initial`");
}

#[test]
fn length() {
    let megabytes = 16 * 1024 * 1024 - 100;
    assert_says("100 MB", vec![b'#'; 100_000_000], "longer than 16 MiB");
    assert_says("zeros", vec![0; 100_000_000], "longer than 16 MiB");
    assert_says(
        "one word",
        vec![b'a'; megabytes],
        "a text where a mapping is wanted",
    );
    assert_says(
        "one text",
        format!("\"{}\"", "a".repeat(megabytes)),
        "a text where",
    );
    assert_says("line ends", vec![b'\n'; megabytes], "the file is empty");
    assert_says(
        "one comment",
        format!("#{}", "a".repeat(megabytes)),
        "the file is empty",
    );
    assert_says("one key", format!("{}: 1", "a".repeat(megabytes)), "");
    assert_says(
        "spaces",
        format!("{}a: 1", " ".repeat(megabytes)),
        "unknown key `a`",
    );
    assert_says("brackets that close", "[],".repeat(megabytes / 3), "");
    let one_line = format!("[{}", "{},".repeat(megabytes / 3));
    assert_says("too many values", one_line, "more than a million values");
    let one_line = format!("[{}]", "a,".repeat(100_000));
    assert_says(
        "many values on one line",
        one_line,
        "a list where a mapping is wanted",
    );
    let empty = format!("{HEAD}[{}]", "{},".repeat(100_000));
    assert_says("empty services", empty.replace(":\n[", ": ["), "");
    let empty = "{},".repeat(100_000);
    let content = format!("{HEAD}  - {{ name: S, uuid: 180F, characteristics: [{empty}] }}\n");
    assert_says("empty characteristics", content, "");
}

#[test]
fn many_keys() {
    let keys = |format: &dyn Fn(usize) -> String| (0..60_000).map(format).collect::<String>();
    assert_says(
        "in lines",
        keys(&|index| format!("key{index}: 1\n")),
        "unknown key `key0`",
    );
    let line = keys(&|index| format!("key{index}: 1, "));
    assert_says("in one line", format!("{{{line}}}"), "unknown key `key99`");
    let million: String = (0..1_000_000)
        .map(|index| format!("k{index}: 1\n"))
        .collect();
    assert_says("a million", million, "more than a million values");
    let same = "a: 1\n".repeat(60_000);
    assert_says("all the same", same, "`a` stands here a second time");
    let words = keys(&|index| format!("w{index}: {index}, "));
    let content = characteristic(&format!("value: {{ type: u8, enum: {{ {words} }} }}"));
    assert_says(
        "words",
        content,
        "`w256` is 256, which the type cannot hold",
    );
    let secrets = keys(&|index| format!("pasword{index}: secret{index}\n"));
    let said = said_of("secrets", secrets.as_bytes());
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn many_mistakes() {
    let mut content = String::from(HEAD);
    content.push_str("  - name: S\n    uuid: 180F\n    characteristics:\n");
    for index in 0..10_000 {
        content.push_str(&format!(
            "      - {{ name: C, uuid: nonsense, axes{index}: [] }}\n"
        ));
    }
    assert_says("unknown keys", &content, "100 mistakes, perhaps more");
    let mistaken = content.replace("axes", "access: [], value: { type: u9 } } #");
    assert_says("values", mistaken, " more\n");
}

#[test]
fn bytes_that_are_no_text() {
    let valid = characteristic("value: { type: u8 }");
    let utf16: Vec<u8> = valid.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_says("UTF-16", &utf16, "not YAML");
    let marked = [&[0xFF, 0xFE], utf16.as_slice()].concat();
    assert_says("UTF-16 with a mark", marked, "this is not UTF-8");
    assert_says(
        "Latin-1",
        b"device: { name: B\xFCro }\n",
        "this is not UTF-8",
    );
    assert_says(
        "half a character",
        b"device: { name: \xE2\x82",
        "this is not UTF-8",
    );
    assert_says("a zero", "version: 1\0\nservices: []\n", "");
    assert_says("a zero in quotes", "version: \"1\0\"\nservices: []\n", "");
    assert_says("a bell", "version: 1\x07\nservices: []\n", "");
    assert_says("nothing", "", "the file is empty");
}

#[test]
fn yaml_that_is_not_for_here() {
    assert_says("a tab", "version: 1\nservices:\n\t- name: S\n", "");
    assert_says(
        "a merge key",
        "a: &a { version: 1 }\n<<: *a\n",
        "unknown key `<<`",
    );
    assert_says("a tag", "version: !!int 1\n", "YAML tags are not used here");
    assert_says(
        "a tag of its own",
        "version: !x 1\n",
        "YAML tags are not used here",
    );
    assert_says(
        "two documents",
        "version: 1\n---\nversion: 1\n",
        "a second YAML document",
    );
    let many = "---\nversion: 1\n".repeat(100_000);
    assert_says("many documents", many, "a second YAML document");
    assert_says(
        "a huge number",
        format!("version: {}\n", "9".repeat(1_000_000)),
        "",
    );
    let huge = "9".repeat(1000);
    for content in [
        format!("value: {{ type: u64, max: {huge} }}"),
        format!("value: {{ type: f64, max: {huge} }}"),
        "value: { type: f64, max: 1e999999999 }".to_owned(),
        "value: { type: array, items: { type: u8 }, max_items: 99999999999999999999 }".to_owned(),
        format!(
            "value: {{ type: utf8, pattern: \"{}\" }}",
            "(a{1000}){1000}"
        ),
        format!(
            "value: {{ type: utf8, pattern: \"{}\" }}",
            "(".repeat(100_000)
        ),
        format!("value: {{ type: u8 }}, source: {{ ticker: {{ every: {huge}s }} }}"),
    ] {
        said_of(
            &content[..content.len().min(100)],
            characteristic(&content).as_bytes(),
        );
    }
}

/// What works elsewhere works here.
#[test]
fn forms_of_yaml_that_mean_no_harm() {
    let check = |content: &str| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.yaml");
        std::fs::write(&path, content).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_bemo-sync"))
            .arg("check")
            .arg(&path)
            .output()
            .expect("the program was built");
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    };
    let valid = characteristic("value: { type: u8 }");
    for content in [
        valid.clone(),
        valid.replace('\n', "\r\n"),
        format!("\u{FEFF}{valid}"),
        format!("%YAML 1.2\n---\n{valid}...\n"),
    ] {
        let said = check(&content);
        assert!(said.contains("no mistakes"), "{content:?}: {said}");
    }
    // The columns are those that an editor shows.
    let marked = format!("\u{FEFF}{}", valid.replace("version: 1", "version: 2"));
    let said = check(&marked);
    assert!(said.contains("a.yaml:1:10: version 2"), "{said}");
}

//! docs/services-yaml.md says what the program does: its table of keys is the program's own types, like
//! the schema, and its examples are read and do what the page says.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use bemo_sync::codec::{Spec, Template, att};
use bemo_sync::config::{Placeholders, load_str, schema::services_schema};
use bemo_sync::plan::Plan;
use serde_json::Value as Json;

const PAGE: &str = "docs/services-yaml.md";
const BEGIN: &str = "<!-- keys: generated";
const END: &str = "<!-- keys: end -->";

#[test]
fn the_table_of_keys_is_the_programs_own() {
    let page = fs::read_to_string(PAGE).unwrap();
    let begin = page.find(BEGIN).expect("the page has the begin mark");
    let begin = begin + page[begin..].find('\n').expect("the mark ends its line") + 1;
    let end = page.find(END).expect("the page has the end mark");
    let table = tables(services_schema().as_value());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, format!("{}{table}{}", &page[..begin], &page[end..])).unwrap();
    } else {
        assert!(
            page[begin..end] == table,
            "{PAGE} is stale: run `UPDATE_DOCS=1 cargo test --test docs`"
        );
    }
}

/// What stands in ```yaml on the page and begins so.
fn examples(begins: &str) -> Vec<String> {
    let page = fs::read_to_string(PAGE).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap_or_default());
    let wanted = blocks.filter(|block| block.starts_with(begins));
    wanted.map(str::to_owned).collect()
}

fn plan_of(source: &str) -> Plan {
    let host = Placeholders::new(vec![("hostname", "box".to_owned())]);
    match load_str(Path::new(PAGE), source, &|_| None, host) {
        Ok(loaded) => loaded.plan,
        Err(mistakes) => panic!("{source}\n{mistakes}"),
    }
}

#[test]
fn every_whole_example_has_no_mistakes() {
    let examples = examples("version:");
    assert!(!examples.is_empty());
    for example in examples {
        plan_of(&example);
    }
}

/// An example of a value ends with comments: bytes on the air, and what they are in JSON.
#[test]
fn every_value_is_on_the_air_and_in_json_what_the_page_says() {
    let examples = examples("value:");
    assert!(examples.len() > 15);
    for example in examples {
        let mut source = String::from(
            "version: 1\nble: { adapter: virtual }\nservices:\n  - name: S\n    uuid: 180F\n    \
             characteristics:\n      - name: C\n        uuid: 2A19\n        access: [read]\n",
        );
        for line in example.lines() {
            writeln!(source, "        {line}").unwrap();
        }
        let spec = plan_of(&source).cells.remove(0).spec;
        let mut said = 0;
        for line in example.lines() {
            let comment = line
                .strip_prefix("# ")
                .and_then(|line| line.split_once(" = "));
            let Some((octets, json)) = comment else {
                continue;
            };
            check(&spec, &octets.replace(' ', ""), json);
            said += 1;
        }
        assert!(said > 0, "nothing is said of\n{example}");
    }
}

fn check(spec: &Spec, octets: &str, json: &str) {
    let bytes = bemo_sync::codec::json::from_hex(octets).expect("hexadecimal digits");
    let value = att::decode(spec, &bytes).and_then(|value| spec.admit(value));
    let value = value
        .unwrap_or_else(|error| panic!("{octets}: {error}"))
        .value;
    assert_eq!(Template::bare().write(spec, &value), json, "{octets}");
    let patch = Template::bare().read(spec, json.as_bytes());
    let patch = patch.unwrap_or_else(|error| panic!("{json}: {error}"));
    let kept = spec.admit(spec.merge(None, patch)).expect("it is allowed");
    let mut out = Vec::new();
    att::encode(spec, &kept.value, &mut out);
    assert_eq!(bemo_sync::codec::json::hex(&out), octets, "{json}");
}

/// A table for each kind of mapping, in the order in which the YAML leads to them.
fn tables(schema: &Json) -> String {
    let mut out = String::from("\n");
    let mut waiting = vec![("The top level".to_owned(), schema.clone())];
    let mut seen = Vec::new();
    while !waiting.is_empty() {
        let (title, object) = waiting.remove(0);
        let mut next = Vec::new();
        table(&title, &object, &mut out, &mut next);
        let mut fresh = Vec::new();
        for name in next {
            if !seen.contains(&name) {
                let definition = schema["$defs"][&name].clone();
                fresh.push((heading(&name), definition));
                seen.push(name);
            }
        }
        waiting.splice(0..0, fresh);
    }
    out
}

fn table(title: &str, object: &Json, out: &mut String, next: &mut Vec<String>) {
    writeln!(out, "### {title}\n\n{}\n", one_line(&object["description"])).unwrap();
    if let Some(words) = object["oneOf"]
        .as_array()
        .filter(|words| words.iter().all(|word| word["const"].is_string()))
    {
        writeln!(out, "| word | meaning |\n|---|---|").unwrap();
        for word in words {
            writeln!(
                out,
                "| `{}` | {} |",
                word["const"].as_str().unwrap(),
                one_line(&word["description"])
            )
            .unwrap();
        }
    }
    keys(object, out, next);
    if let Some(name) = reference(&object["additionalProperties"]) {
        next.push(name.to_owned());
    }
    // A short form and a long one, or a list of them: the keys of the long one.
    for form in object["anyOf"].as_array().into_iter().flatten() {
        if let Some(name) = reference(form).or(reference(&form["items"])) {
            next.push(name.to_owned());
        } else if form["properties"].is_object() {
            keys(form, out, next);
        }
    }
    out.push('\n');
}

fn keys(object: &Json, out: &mut String, next: &mut Vec<String>) {
    if let Some(properties) = object["properties"].as_object() {
        writeln!(out, "| key | type | default | meaning |\n|---|---|---|---|").unwrap();
        let required: Vec<&Json> = object["required"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        for (key, property) in properties {
            let is_required = required.iter().any(|name| **name == key.as_str());
            let default = match &property["default"] {
                _ if is_required => "required".to_owned(),
                Json::Null => String::new(),
                Json::Object(_) => String::new(),
                default => format!("`{}`", default.to_string().trim_matches('"')),
            };
            let meaning = one_line(&property["description"]);
            writeln!(
                out,
                "| `{key}` | {} | {default} | {meaning} |",
                kind(property, next)
            )
            .unwrap();
        }
    }
}

fn reference(schema: &Json) -> Option<&str> {
    schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix("#/$defs/"))
}

/// The type of a property in words, and the definitions that it leads to.
fn kind(property: &Json, next: &mut Vec<String>) -> String {
    if let Some(name) = reference(property) {
        next.push(name.to_owned());
        return format!(
            "[{}](#{})",
            heading(name).to_lowercase(),
            heading(name).to_lowercase().replace(' ', "-")
        );
    }
    if let Some(alternatives) = property["anyOf"]
        .as_array()
        .or(property["oneOf"].as_array())
    {
        let alternatives = alternatives
            .iter()
            .filter(|alternative| alternative["type"] != "null");
        let mut words: Vec<String> = alternatives
            .map(|alternative| match alternative["const"].as_str() {
                Some(word) => format!("`{word}`"),
                None => kind(alternative, next),
            })
            .collect();
        words.dedup();
        return words.join(" or ");
    }
    let types: Vec<&str> = match &property["type"] {
        Json::String(one) => vec![one],
        Json::Array(many) => many
            .iter()
            .filter_map(Json::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => return "anything".to_owned(),
    };
    let names: Vec<String> = types
        .into_iter()
        .map(|name| match name {
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            "array" => format!("list of {}", kind(&property["items"], next)),
            "object" => "mapping".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    names.join(" or ")
}

/// `CharacteristicConfig` is a name for programmers.
fn heading(name: &str) -> String {
    let mut words = String::new();
    for letter in name.trim_end_matches("Config").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    match words.split_once(' ') {
        Some(("Mqtt", rest)) => format!("MQTT {rest}"),
        _ if ["Mqtt", "Ble", "Uuid"].contains(&words.as_str()) => words.to_uppercase(),
        _ => words,
    }
}

fn one_line(description: &Json) -> String {
    description
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ")
        .replace('|', "\\|")
}

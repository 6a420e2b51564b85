//! `${NAME}` and `${NAME:-default}` from the environment, in values (never in keys).
//!
//! It works on the tree, not on the text of the file: what comes from outside cannot become YAML.

use super::diagnose::Diagnostic;
use super::read::MAX_MISTAKES;
use super::tree::{Kind, MAX_BYTES, Style, Tree};

/// Looks a variable up.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Replaces every variable; `$${` stays as `${`. A variable that is not set and has no default is a
/// mistake at its place.
pub fn interpolate(tree: &mut Tree, environment: &Environment<'_>, mistakes: &mut Vec<Diagnostic>) {
    let mut room = MAX_BYTES;
    for id in tree.value_scalars() {
        if !tree.text(id).contains("${") {
            continue;
        }
        match expand(tree.text(id), environment, room) {
            Ok(text) => {
                room -= text.len();
                tree.node_mut(id).kind = Kind::Scalar {
                    text,
                    style: Style::Substituted,
                }
            }
            Err((message, help)) => {
                mistakes.push(Diagnostic::new(tree.span(id), message).help(help));
                if mistakes.len() > MAX_MISTAKES {
                    return;
                }
            }
        }
    }
}

fn expand(
    text: &str,
    environment: &Environment<'_>,
    room: usize,
) -> Result<String, (String, String)> {
    let too_much = || {
        let message = "with what comes from the environment the file is longer than 16 MiB";
        let help = "name a variable of this size once";
        Err((message.to_owned(), help.to_owned()))
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if out.len() + rest.len() > room {
            return too_much();
        }
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at]);
            out.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            let help = "write `${NAME}`, or `$${` where you mean the characters themselves";
            return Err(("`${` without its `}`".to_owned(), help.to_owned()));
        };
        let inside = &rest[at + 2..at + end];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid {
            let help = "a name has letters, digits and `_`: `${NAME}` or `${NAME:-default}`";
            // It is not repeated: it may be a part of a password that has `${` in it.
            return Err(("this is no name of a variable".to_owned(), help.to_owned()));
        }
        // As in a shell, `:-` also stands in for a variable that is set but empty.
        match (
            environment(name).filter(|value| !value.is_empty() || default.is_none()),
            default,
        ) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => {
                let help = format!("set it, or give a default: `${{{name}:-…}}`");
                return Err((format!("the environment has no `{name}`"), help));
            }
        }
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    if out.len() > room {
        return too_much();
    }
    Ok(out)
}

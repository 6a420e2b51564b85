//! An address as a QR code (ISO/IEC 18004), for a phone that looks at the terminal.

use anstyle::{AnsiColor, Color, Style};
use fast_qr::{ECL, QRBuilder};

/// So many light modules around it. The standard asks for four; cameras make do with two, and so does a terminal.
const QUIET: usize = 2;
const INDENT: &str = "  ";

/// The code, two modules in each character; `None` where it does not fit. Without colours it is right on a dark
/// terminal.
pub(super) fn code(text: &str, is_coloured: bool, width: usize) -> Option<String> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let size = code.size + 2 * QUIET;
    if INDENT.len() + size > width {
        return None;
    }
    let inside = QUIET..QUIET + code.size;
    let is_dark = |x: usize, y: usize| {
        inside.contains(&x) && inside.contains(&y) && code[y - QUIET][x - QUIET].value()
    };
    let black_on_white = match is_coloured {
        true => Style::new()
            .fg_color(Some(Color::Ansi(AnsiColor::Black)))
            .bg_color(Some(Color::Ansi(AnsiColor::BrightWhite))),
        false => Style::new(),
    };
    let mut out = String::new();
    for y in (0..size).step_by(2) {
        out += &format!("{INDENT}{black_on_white}");
        for x in 0..size {
            // Below the last row there is the terminal itself.
            let (upper, lower) = (is_dark(x, y), is_dark(x, y + 1));
            let (upper, lower) = match is_coloured {
                true => (upper, lower),
                false => (!upper, !lower && y + 1 < size),
            };
            out.push(match (upper, lower) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        out += &format!("{black_on_white:#}\n");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The finder pattern (ISO/IEC 18004, 6.3.3) of the upper left, as it is seen: seven modules, a dark ring and a
    /// dark heart.
    #[test]
    fn a_code_begins_with_its_finder_pattern() {
        let lines = |is_coloured| {
            let code = code("http://192.0.2.1:8080/", is_coloured, 80).expect("it fits");
            let plain = anstream::adapter::strip_str(&code).to_string();
            let lines: Vec<String> = plain.lines().map(str::to_owned).collect();
            lines
        };
        let on_white: Vec<String> = lines(true);
        let begin = |line: &str| {
            line.chars()
                .skip(INDENT.len() + QUIET)
                .take(7)
                .collect::<String>()
        };
        let finder: Vec<String> = on_white[1..5].iter().map(|line| begin(line)).collect();
        assert_eq!(finder, ["█▀▀▀▀▀█", "█ ███ █", "█ ▀▀▀ █", "▀▀▀▀▀▀▀"]);
        let on_dark = lines(false);
        assert!(
            on_dark[0].trim().chars().all(|c| c == '█'),
            "light all around"
        );
        assert_eq!(begin(&on_dark[1]), " ▄▄▄▄▄ ");
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        assert!(code("http://192.0.2.1:8080/", true, 20).is_none());
    }
}

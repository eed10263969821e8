//! The one place that prints. Results go to the standard output, progress and errors to the standard error.

use std::io::{self, IsTerminal};
#[cfg(not(test))]
use std::io::{ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that stands at the end of the terminal and is drawn anew below what is printed.
pub trait Screen: Send + Sync {
    /// Makes room, lets `write` print, and stands again below.
    fn above(&self, write: &mut dyn FnMut());
    /// The process is about to end: it is gone.
    fn leave(&self);
}

static SCREEN: Mutex<Option<Arc<dyn Screen>>> = Mutex::new(None);

/// Sets what stands there, or that nothing does any more.
pub fn set_screen(screen: Option<Arc<dyn Screen>>) {
    *SCREEN.lock().unwrap_or_else(PoisonError::into_inner) = screen;
}

fn screen() -> Option<Arc<dyn Screen>> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Before the process is ended: leaves the terminal as it should be.
pub fn leave() {
    if let Some(screen) = screen() {
        screen.leave();
    }
}

/// In tests, where the harness keeps what is printed.
#[cfg(test)]
#[allow(clippy::print_stdout, reason = "kept by the harness, shown if the test fails")]
pub fn line(text: &str) {
    println!("{text}");
}

/// Likewise.
#[cfg(test)]
pub fn note(text: &str) {
    line(text);
}

/// Prints a line of a result. If nobody reads any more (`| head`), the process ends quietly.
#[cfg(not(test))]
pub fn line(text: &str) {
    let mut written = Ok(());
    let mut write = || {
        let mut out = io::stdout().lock();
        written = writeln!(out, "{text}").and_then(|()| out.flush());
    };
    match screen() {
        Some(screen) => screen.above(&mut write),
        None => write(),
    }
    if let Err(e) = written {
        if e.kind() != ErrorKind::BrokenPipe {
            note(&format!("error: cannot write to the standard output: {e}"));
        }
        std::process::exit(if e.kind() == ErrorKind::BrokenPipe { 0 } else { 1 });
    }
}

/// Prints a line about progress.
#[cfg(not(test))]
pub fn note(text: &str) {
    let mut write = || drop(writeln!(io::stderr().lock(), "{text}"));
    match screen() {
        Some(screen) => screen.above(&mut write),
        None => write(),
    }
}

/// Prints an error, once, with its causes, as one line.
pub fn error(e: &anyhow::Error) {
    note(&format!("error: {}", one_line(e)));
}

/// An error with its causes, as one line.
pub fn one_line(e: &anyhow::Error) -> String {
    format!("{e:#}").replace('\n', " ")
}

/// Whether a person watches the progress, at a terminal that can draw in place.
pub fn watched() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// Whether colours are welcome (<https://no-color.org>).
pub fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A length of time, for people: `0.4 s`, `14 s`, `3 m 20 s`, `2 h 05 m`.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    match seconds.round() as u64 {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} m {:02} s", s / 60, s % 60),
        s => format!("{} h {:02} m", s / 3600, s / 60 % 60),
    }
}

/// `1234567` as `1,234,567`.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Aligns rows under a header; columns with `true` in `right` are aligned to the right.
pub fn table(header: &[&str], right: &[bool], rows: &[Vec<String>]) -> String {
    let width = |s: &str| s.chars().count();
    let widths: Vec<usize> =
        (0..header.len()).map(|c| rows.iter().map(|r| width(&r[c])).fold(width(header[c]), usize::max)).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(c, s)| {
                let pad = " ".repeat(widths[c] - width(s));
                if right[c] { pad + s } else { s.clone() + &pad }
            })
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let header: Vec<String> = header.iter().map(|s| (*s).to_owned()).collect();
    let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
    let lines: Vec<String> = [header, rule].iter().chain(rows).map(|r| line(r)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn durations_and_numbers_read_well() {
        let all = [0.04, 9.94, 9.96, 59.4, 59.6, 3599.0, 7500.0].map(duration);
        assert_eq!(all, ["0.0 s", "9.9 s", "10 s", "59 s", "1 m 00 s", "59 m 59 s", "2 h 05 m"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        let e = anyhow!("no space\nleft").context("cannot write a/b").context("satellite wrn");
        assert_eq!(one_line(&e), "satellite wrn: cannot write a/b: no space left");
    }

    #[test]
    fn tables_align() {
        let rows = [vec!["ab".to_owned(), "1".to_owned()], vec!["Å".to_owned(), "22".to_owned()]];
        assert_eq!(table(&["a", "n"], &[false, true], &rows), "a    n\n--  --\nab   1\nÅ   22");
    }
}

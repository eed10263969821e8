//! Lines with colours, cut to a width.

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As the terminal has it.
    Plain,
    /// Less of it.
    Dim,
    /// A heading.
    Bold,
    /// Well.
    Green,
    /// At work.
    Cyan,
    /// Halted.
    Yellow,
    /// Wrong.
    Red,
}

impl Look {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Green => "32",
            Self::Cyan => "36",
            Self::Yellow => "33",
            Self::Red => "31",
        }
    }
}

/// A line in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(Look, String)>);

impl Line {
    /// Of one piece.
    pub fn new(look: Look, text: impl Into<String>) -> Self {
        Self::default().with(look, text)
    }

    /// With one more piece. What moves a cursor is blank.
    #[must_use]
    pub fn with(mut self, look: Look, text: impl Into<String>) -> Self {
        let text: String = text.into().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !text.is_empty() {
            self.0.push((look, text));
        }
        self
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, t)| t.chars().count()).sum()
    }

    /// As it goes to a terminal: at most `width` columns, with nothing blank at its end.
    pub fn text(&self, width: usize, colours: bool) -> String {
        let (mut out, mut left) = (String::new(), width);
        let last = self.0.iter().rposition(|(_, t)| !t.trim_end().is_empty());
        for (i, (look, text)) in self.0.iter().enumerate() {
            let mut text: String = text.chars().take(left).collect();
            left -= text.chars().count();
            if last.is_none_or(|last| i >= last) {
                text.truncate(text.trim_end().len());
            }
            if text.is_empty() {
                continue;
            }
            if colours && *look != Look::Plain {
                out += &format!("\x1b[{}m{text}\x1b[0m", look.code());
            } else {
                out += &text;
            }
        }
        out
    }
}

/// A length of time in at most four characters: `45s`, `12m`, `3h05`, `12h`, `3d`.
pub fn short(seconds: f64) -> String {
    match seconds.round() as u64 {
        s @ 0..100 => format!("{s}s"),
        s @ 100..5970 => format!("{}m", (s + 30) / 60),
        s @ 5970..36_000 => format!("{}h{:02}", s / 3600, s / 60 % 60),
        s @ 36_000..360_000 => format!("{}h", s / 3600),
        s => format!("{}d", (s / 86_400).min(999)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_coloured() {
        let line = Line::new(Look::Plain, "ab ").with(Look::Red, "cd\n").with(Look::Plain, "  ");
        assert_eq!((line.width(), line.text(80, false).as_str()), (8, "ab cd"));
        assert_eq!(line.text(80, true), "ab \x1b[31mcd\x1b[0m");
        assert_eq!(line.text(4, true), "ab \x1b[31mc\x1b[0m");
        assert_eq!(Line::default().text(4, true), "");
    }

    #[test]
    fn times_are_short() {
        let all = [0.4, 99.4, 99.6, 3600.0, 5968.0, 5970.0, 35_999.0, 36_000.0, 1e6, 1e30].map(short);
        assert_eq!(all, ["0s", "99s", "2m", "60m", "99m", "1h39", "9h59", "10h", "11d", "999d"]);
    }
}

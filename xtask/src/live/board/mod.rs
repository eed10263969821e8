//! For a person at a terminal: the board, drawn in place by a thread of its own, so that time goes on while a step takes long.

mod draw;
mod model;
mod text;
mod view;

pub use draw::draw;
pub use text::{Line, Look};
pub use view::{State, View};

use super::audience::Audience;
use super::event::Event;
use crate::ui;
use model::Model;
use std::io::{Write, stderr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use terminal_size::{Height, Width, terminal_size_of};

/// How often the thread looks, and how long what it drew stands where nothing happens.
const LOOK: Duration = Duration::from_millis(150);
const STAND: Duration = Duration::from_millis(500);

/// The board of the runs that this process tells of.
pub(super) struct Board {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    inner: Mutex<Inner>,
    stop: Condvar,
}

struct Inner {
    model: Model,
    canvas: Canvas,
    changed: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    /// Begins to draw.
    pub(super) fn new() -> Self {
        let inner = Inner { model: Model::default(), canvas: Canvas::default(), changed: false, stopped: false };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), stop: Condvar::new() });
        ui::set_screen(Some(shared.clone()));
        let theirs = shared.clone();
        let thread = std::thread::Builder::new().name("board".to_owned()).spawn(move || theirs.draw()).ok();
        Self { shared, thread }
    }
}

impl Shared {
    fn draw(&self) {
        let (mut inner, mut drawn) = (self.lock(), Instant::now());
        loop {
            (inner, _) = self.stop.wait_timeout(inner, LOOK).unwrap_or_else(PoisonError::into_inner);
            if inner.stopped {
                return;
            }
            if inner.changed || drawn.elapsed() >= STAND || inner.canvas.size != size() {
                inner.paint();
                drawn = Instant::now();
            }
        }
    }
}

impl Inner {
    fn paint(&mut self) {
        self.changed = false;
        let view = self.model.view();
        if !self.stopped && !view.runs.is_empty() {
            self.canvas.paint(&|width, height| draw(&view, width, height));
        }
    }
}

impl Audience for Board {
    fn hear(&mut self, event: &Event) {
        let mut inner = self.shared.lock();
        inner.model.hear(event);
        inner.changed = true;
        if let Event::Failed { error, .. } = event {
            drop(inner);
            ui::note(&format!("error: {error}"));
        }
    }
}

impl ui::Screen for Shared {
    fn above(&self, write: &mut dyn FnMut()) {
        let mut inner = self.lock();
        inner.canvas.clear();
        write();
        inner.paint();
    }

    fn leave(&self) {
        // The lock may be held by a thread that a halted terminal holds: then the process ends without this.
        if let Ok(mut inner) = self.inner.try_lock() {
            inner.stopped = true;
            inner.canvas.clear();
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        ui::set_screen(None);
        let mut inner = self.shared.lock();
        inner.stopped = true;
        inner.canvas.clear();
        drop(inner);
        self.shared.stop.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Lines at the end of the terminal that are drawn anew in their place.
#[derive(Default)]
pub struct Canvas {
    /// Columns of each line that stands there.
    standing: Vec<usize>,
    text: String,
    size: (usize, usize),
}

impl Canvas {
    /// Draws what `lines` makes of the terminal's columns and rows.
    pub fn paint(&mut self, lines: &dyn Fn(usize, usize) -> Vec<Line>) {
        let (width, height) = size();
        let (mut text, mut standing) = (String::new(), Vec::new());
        // The last column stays free, where terminals differ in when they go on to the next line; so does the last row, the cursor's.
        let (width, height) = (width.saturating_sub(1), height.saturating_sub(1));
        for line in lines(width, height) {
            text += &line.text(width, ui::colours());
            text += "\x1b[K\r\n";
            standing.push(line.width().min(width));
        }
        if text == self.text && self.size == size() {
            return;
        }
        write(&format!("{}{text}\x1b[J", self.home()));
        (self.standing, self.text, self.size) = (standing, text, (width + 1, height + 1));
    }

    /// Takes away what was drawn.
    pub fn clear(&mut self) {
        if !self.standing.is_empty() {
            write(&format!("{}\x1b[J", self.home()));
        }
        (self.standing, self.text) = (Vec::new(), String::new());
    }

    /// To the beginning of what stands there. A terminal that has become narrower has folded its lines.
    fn home(&self) -> String {
        let (width, height) = size();
        let rows: usize = self.standing.iter().map(|columns| columns.div_ceil(width.max(1)).max(1)).sum();
        match rows.min(height.saturating_sub(1)) {
            0 => "\r".to_owned(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

/// In one piece, so that nothing flickers. A terminal that is gone is no misfortune.
fn write(text: &str) {
    let mut out = stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The terminal's columns and rows.
fn size() -> (usize, usize) {
    match terminal_size_of(stderr()) {
        Some((Width(w), Height(h))) if w > 0 && h > 0 => (w.into(), h.into()),
        _ => (80, 24),
    }
}

//! Who hears the events.

use super::board::Board;
use super::event::Event;
use super::json::Json;
use super::plain::Plain;
use crate::ui;

/// Hears what happens to all runs of a command, in order.
pub trait Audience: Send {
    /// Something happened.
    fn hear(&mut self, event: &Event);
}

/// Who listens: a program that asked for JSON, a person at a terminal, or a log. What it draws is gone when it is dropped.
pub fn audience(json: bool) -> Box<dyn Audience> {
    if json {
        Box::new(Json::new(ui::line))
    } else if ui::watched() {
        Box::new(Board::new())
    } else {
        Box::new(Plain::new(ui::note))
    }
}

//! From the words of a command line to cells.

use crate::Usage;
use ::report::source::names::distance;
use nas::protocol::{METHODS, MethodName, method_named};

/// Which cells can be asked for: (task, method).
pub type Built<'a> = &'a dyn Fn(&str, &str) -> bool;

/// A task and a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The task's name.
    pub task: &'static str,
    /// The method's name.
    pub method: &'static str,
}

/// The cells that `words` name, in the order of the tables. Tasks alone mean every method that is built for them,
/// methods alone every task, `all` or nothing everything (but the yardsticks, which are to be named); a cell that is named and not built is refused.
///
/// # Errors
/// If a word is unknown, or a cell cannot be run.
pub fn select(words: &[String], built: Built<'_>) -> Result<Vec<Cell>, Usage> {
    let (mut tasks, mut methods) = (Vec::new(), Vec::new());
    let all = words.iter().any(|w| w == "all");
    if all && words.len() > 1 {
        return Err(Usage("'all' stands alone: leave it out to name tasks and methods".to_owned()));
    }
    for word in words.iter().filter(|w| *w != "all") {
        if let Ok(task) = tasks::by_name(word) {
            tasks.push(task.facts().name);
        } else if let Some(method) = method_named(word) {
            methods.push(*method);
        } else {
            return Err(Usage(unknown(word)));
        }
    }
    let both = !tasks.is_empty() && !methods.is_empty();
    let mut cells = Vec::new();
    for task in tasks::all().iter().map(|t| t.facts().name).filter(|t| tasks.is_empty() || tasks.contains(t)) {
        for method in METHODS.iter().filter(|m| if methods.is_empty() { !m.yardstick } else { methods.contains(m) }) {
            if method.covers(task) && built(task, method.name) {
                cells.push(Cell { task, method: method.name });
            } else if both {
                return Err(Usage(refusal(task, method, built)));
            }
        }
    }
    if cells.is_empty() {
        let what = if words.is_empty() || all { "cell".to_owned() } else { format!("cell of {}", words.join(", ")) };
        return Err(Usage(format!("no {what} is built yet{}", choices(built))));
    }
    Ok(cells)
}

fn refusal(task: &str, method: &MethodName, built: Built<'_>) -> String {
    if !method.covers(task) {
        return format!("{} is not for {task}: it is for {}", method.name, method.tasks.join(", "));
    }
    format!("{} on {task} is not built yet{}", method.name, choices(built))
}

/// What is built, to choose from.
fn choices(built: Built<'_>) -> String {
    let tasks = tasks::all().iter().map(|t| t.facts().name);
    let cells: Vec<String> = tasks
        .flat_map(|t| {
            METHODS.iter().filter(move |m| !m.yardstick && built(t, m.name)).map(move |m| format!("{t} {}", m.name))
        })
        .collect();
    if cells.is_empty() { String::new() } else { format!("; built are: {}", cells.join(", ")) }
}

/// What a word that nobody has may have meant.
pub fn unknown(word: &str) -> String {
    let tasks = tasks::all().iter().map(|t| t.facts().name);
    let names: Vec<&str> = tasks.chain(METHODS.iter().map(|m| m.name)).chain(["all"]).collect();
    let nearest = names.iter().min_by_key(|n| distance(word, n)).expect("there are names");
    let word = word.escape_debug();
    if distance(&word.to_string(), nearest) <= 3 {
        format!("there is no task or method '{word}'; did you mean '{nearest}'?")
    } else {
        format!("there is no task or method '{word}'; there are {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::tests::Fake;
    use crate::engine::Engine;

    fn chosen(line: &str) -> Result<Vec<String>, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let cells = select(&words, &|t, m| Fake::default().built(t, m)).map_err(|e| e.0)?;
        Ok(cells.iter().map(|c| format!("{} {}", c.task, c.method)).collect())
    }

    #[test]
    fn words_choose_cells_in_any_order() {
        let all = ["satellite wrn", "satellite gaea", "deepsea wrn"];
        for line in ["", "all"] {
            assert_eq!(chosen(line).unwrap(), all);
        }
        assert_eq!(chosen("wrn satellite").unwrap(), all[..1]);
        assert_eq!(chosen("deepsea wrn satellite").unwrap(), ["satellite wrn", "deepsea wrn"]);
        assert_eq!(chosen("satellite").unwrap(), all[..2]);
        assert_eq!(chosen("wrn").unwrap(), ["satellite wrn", "deepsea wrn"]);
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_a_way_out() {
        for (line, part) in [
            ("satelite", "no task or method 'satelite'; did you mean 'satellite'?"),
            ("satellite wm", "did you mean 'wrn'?"),
            ("imagenet21k", "there are cifar100, spherical"),
            ("darcy wrn", "wrn on darcy is not built yet; built are: satellite wrn, satellite gaea, deepsea wrn"),
            ("satellite autodl", "autodl is not for satellite: it is for darcy, psicov, cosmic"),
            ("darcy", "no cell of darcy is built yet; built are"),
            ("all wrn", "'all' stands alone"),
        ] {
            let text = chosen(line).unwrap_err();
            assert!(text.contains(part), "{text}");
        }
    }
}

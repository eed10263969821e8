//! Names of tasks and methods as people write them.

use crate::model::{BLOCKS, facts, title};
use nas::protocol::METHODS;

/// Letters and digits alone, in lower case: `DenseNAS random` and `densenas-random` are the same.
pub(crate) fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The task of this name or title; else what it may have meant.
pub fn task(word: &str) -> Result<&'static str, String> {
    let wanted = plain(word);
    let all: Vec<&'static str> = BLOCKS.into_iter().flatten().collect();
    let same = |t: &&&str| plain(t) == wanted || plain(facts(t).title) == wanted;
    if let Some(task) = all.iter().find(same) {
        return Ok(task);
    }
    let near = all.iter().map(|t| (distance(&wanted, t), t)).min_by_key(|d| d.0);
    match near {
        Some((d, task)) if d <= 3 && !wanted.is_empty() => Err(format!("did you mean '{task}'?")),
        _ => Err(format!("the tasks are {}", all.join(", "))),
    }
}

/// The method of this name or title; a name that the protocol has not stays as it is.
pub fn method(word: &str) -> String {
    let wanted = plain(word);
    let also = |name: &str| match name {
        "densenas" => "densenasoriginal",
        "wrn" => "defaultwrn",
        _ => "",
    };
    let known =
        METHODS.iter().find(|m| [plain(m.name), plain(title(m.name))].contains(&wanted) || also(m.name) == wanted);
    known.map_or_else(|| word.to_owned(), |m| m.name.to_owned())
}

/// Edits between two words.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        assert_eq!(task("CIFAR-100"), Ok("cifar100"));
        assert_eq!(task("Darcy Flow"), Ok("darcy"));
        assert_eq!(task("ninpro"), Err("did you mean 'ninapro'?".to_owned()));
        assert!(task("imagenet-21k").unwrap_err().starts_with("the tasks are cifar100, spherical"));
        assert_eq!(method("DARTS GAEA"), "gaea");
        assert_eq!(method("WRN-ASHA"), "wrn-asha");
        assert_eq!(method("Default WRN"), "wrn");
        assert_eq!(method("My Method"), "My Method");
    }
}

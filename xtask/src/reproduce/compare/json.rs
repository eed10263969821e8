//! Where two JSON values first differ.

use nas::run::canonical;
use serde_json::Value;
use std::collections::BTreeSet;

/// The most characters of a value that are shown.
const SHOWN: usize = 60;

/// The first place, by its path (`secondary.train_loss`, `architecture[3]`), at which two values differ, with both; objects
/// by key, arrays from the first. `None`: they are equal.
pub fn first(then: &Value, now: &Value) -> Option<(String, String, String)> {
    match (then, now) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let found = of_part(a.get(key), b.get(key))?;
                Some((join(key, &found.0), found.1, found.2))
            })
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|i| {
            let found = of_part(a.get(i), b.get(i))?;
            Some((join(&format!("[{i}]"), &found.0), found.1, found.2))
        }),
        _ => (then != now).then(|| (String::new(), text(Some(then)), text(Some(now)))),
    }
}

fn of_part(then: Option<&Value>, now: Option<&Value>) -> Option<(String, String, String)> {
    match (then, now) {
        (Some(a), Some(b)) => first(a, b),
        (None, None) => None,
        (a, b) => Some((String::new(), text(a), text(b))),
    }
}

fn join(head: &str, tail: &str) -> String {
    match tail {
        "" => head.to_owned(),
        t if t.starts_with('[') => format!("{head}{t}"),
        t => format!("{head}.{t}"),
    }
}

/// A value as it is shown: not at length.
fn text(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let whole = canonical(value);
    match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &whole[..end]),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_place_is_named_with_both_values() {
        let then = json!({"a": [1, {"b": 0.5}], "c": "x", "d": null});
        let with = |path: &str, v: Value| {
            let mut now = then.clone();
            *now.pointer_mut(path).unwrap() = v;
            let (place, old, new) = first(&then, &now).unwrap();
            format!("{place}: {old}, {new}")
        };
        assert_eq!(first(&then, &then), None);
        assert_eq!(with("/a/1/b", json!(0.5000000000000001)), "a[1].b: 0.5, 0.5000000000000001");
        assert_eq!(with("/a", json!([1])), "a[1]: {\"b\":0.5}, nothing");
        assert_eq!(with("/c", json!({"x": 1})), "c: \"x\", {\"x\":1}");
        assert_eq!(with("/d", json!("y".repeat(99))).len(), "d: null, ".len() + SHOWN + 3);
        // A key that is null is not a key that is not there; 1 and 1.0 are two texts.
        assert_eq!(first(&then, &json!({"a": [1, {"b": 0.5}], "c": "x"})).unwrap().2, "nothing");
        assert!(first(&json!(1), &json!(1.0)).is_some());
        assert_eq!(first(&json!([1]), &json!({"a": 1})).unwrap().0, "");
    }
}

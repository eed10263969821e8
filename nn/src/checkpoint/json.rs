//! Canonical JSON: keys sorted by bytes, no white space, numbers as serde_json writes them.

use serde_json::Value;

/// The canonical text of a value: equal values have equal texts. (serde_json's maps are sorted; the test below fails
/// should a dependency switch on their insertion order.)
pub fn canonical(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_numbers_survive() {
        let v = json!({"b": [1, 2.5, null], "a": {"z": "\"", "y": true}, "pi": 0.1f64 + 0.2});
        let text = canonical(&v);
        assert_eq!(text, r#"{"a":{"y":true,"z":"\""},"b":[1,2.5,null],"pi":0.30000000000000004}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), v);
    }
}

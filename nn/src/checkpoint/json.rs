//! Canonical JSON: keys sorted by bytes, no white space, numbers as serde_json writes them.

use serde_json::Value;

/// The canonical text of a value: equal values have equal texts.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (i, k) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(k.as_str()).to_string());
                out.push(':');
                write(out, &map[k]);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, v) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(out, v);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
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

//! Canonical JSON: sorted keys, no spaces, the shortest digits that read back as the same number.

use serde_json::Value;
use std::fmt::Write;

/// The one spelling of a value. Equal values give equal text, whatever order their keys were put in.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_to(&mut out, value);
    out
}

fn write_to(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_to(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                // Display of a string value quotes and escapes it.
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                write_to(out, &map[key.as_str()]);
            }
            out.push('}');
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

/// A number as JSON; what JSON lacks is spelt `"NaN"` (whatever its payload), `"Infinity"`, `"-Infinity"`.
pub fn number(x: f64) -> Value {
    match serde_json::Number::from_f64(x) {
        Some(n) => Value::Number(n),
        None if x.is_nan() => Value::from("NaN"),
        None if x > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// Reads what [`number`] wrote.
pub fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::String(s) => match s.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        v => v.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn canonical_json_sorts_keys_at_every_depth_and_spells_numbers_once() {
        let v = json!({"b": [1, {"z": -0.0, "a": 1e-5}], "a": "q\"uote\n", "c": null, "B": 0.1});
        assert_eq!(canonical(&v), r#"{"B":0.1,"a":"q\"uote\n","b":[1,{"a":0.00001,"z":-0.0}],"c":null}"#);
        let again: Value = serde_json::from_str(&canonical(&v)).unwrap();
        assert_eq!(canonical(&again), canonical(&v));
    }

    #[test]
    fn numbers_json_lacks_have_one_spelling_and_come_back() {
        assert_eq!(number(f64::from_bits(0xfff8_dead_beef_0001)), json!("NaN"));
        assert!(as_number(&number(f64::NAN)).unwrap().is_nan());
        for x in [f64::INFINITY, f64::NEG_INFINITY, 0.1, -0.0, f64::from(0.1f32)] {
            assert_eq!(as_number(&number(x)).unwrap().to_bits(), x.to_bits());
        }
    }
}

//! Numbers in JSON. (Canonical text is [`nn::checkpoint::canonical`].)

use serde_json::Value;

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
    fn numbers_json_lacks_have_one_spelling_and_come_back() {
        assert_eq!(number(f64::from_bits(0xfff8_dead_beef_0001)), json!("NaN"));
        assert!(as_number(&number(f64::NAN)).unwrap().is_nan());
        for x in [f64::INFINITY, f64::NEG_INFINITY, 0.1, -0.0, f64::from(0.1f32)] {
            assert_eq!(as_number(&number(x)).unwrap().to_bits(), x.to_bits());
        }
    }
}

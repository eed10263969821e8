//! Where two checkpoints first differ.

use super::json;
use nn::Checkpoint;
use safetensors::SafeTensors;

/// What is different, then and now, or how many tensors are the same.
///
/// Tensors first, in the file's order (a network's, then what the training keeps): name, shape, element; then the metadata.
pub fn first(then: &[u8], now: &[u8]) -> Result<usize, (String, String, String)> {
    let read = |bytes| Checkpoint::from_bytes(bytes).map_err(|e| e.to_string());
    let (a, b) = match (read(then), read(now)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(a), Err(b)) if then == now => return Err((String::new(), a, b)),
        (a, b) => {
            let say = |r: Result<Checkpoint, String>| r.map_or_else(|e| e, |_| "a checkpoint".to_owned());
            return Err((String::new(), say(a), say(b)));
        }
    };
    let (names_a, names_b): (Vec<_>, Vec<_>) = (a.names().collect(), b.names().collect());
    let parsed = (SafeTensors::deserialize(then), SafeTensors::deserialize(now));
    let (Ok(tensors_a), Ok(tensors_b)) = parsed else {
        return Err((String::new(), "no safetensors".to_owned(), "no safetensors".to_owned()));
    };
    for i in 0..names_a.len().max(names_b.len()) {
        let (x, y) = (names_a.get(i), names_b.get(i));
        let (Some((name, shape)), true) = (x, x == y) else {
            let say =
                |t: Option<&(&str, kernels::Shape)>| t.map_or("nothing".to_owned(), |(n, s)| format!("'{n}' {s}"));
            return Err((format!("tensor {i}"), say(x), say(y)));
        };
        let (Ok(x), Ok(y)) = (tensors_a.tensor(name), tensors_b.tensor(name)) else { continue };
        if x.dtype() != y.dtype() {
            return Err((format!("tensor '{name}'"), format!("{:?}", x.dtype()), format!("{:?}", y.dtype())));
        }
        let words = |t: &[u8]| t.chunks_exact(4).map(|w| [w[0], w[1], w[2], w[3]]).collect::<Vec<_>>();
        let (x_words, y_words) = (words(x.data()), words(y.data()));
        if let Some(at) = (0..x_words.len()).find(|&at| x_words[at] != y_words[at]) {
            let differ = (at..x_words.len()).filter(|&at| x_words[at] != y_words[at]).count();
            let place = format!(
                "tensor '{name}' {shape}, element {:?} ({differ} of {} differ)",
                indices(&shape[..], at),
                x_words.len()
            );
            let say = |word| number(word, x.dtype() == safetensors::Dtype::I32);
            return Err((place, say(x_words[at]), say(y_words[at])));
        }
    }
    match json::first(&a.meta, &b.meta) {
        Some((path, x, y)) => Err((format!("metadata {path}"), x, y)),
        None if then == now => Ok(names_a.len()),
        None => Err(("the bytes of its header".to_owned(), "others".to_owned(), "others".to_owned())),
    }
}

/// An element's place, row-major.
fn indices(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut place = vec![0; shape.len()];
    for (i, &n) in shape.iter().enumerate().rev() {
        (place[i], at) = (at % n, at / n);
    }
    place
}

/// Four bytes of a file, as bits and as a number.
fn number(word: [u8; 4], whole: bool) -> String {
    let bits = u32::from_le_bytes(word);
    if whole { format!("{bits:#010x} ({})", bits as i32) } else { format!("{bits:#010x} ({:?})", f32::from_bits(bits)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::kernels::Tensor;
    use serde_json::json;

    fn file(name: &str, shape: &[usize], data: &[f32], step: u64) -> Vec<u8> {
        let mut c = Checkpoint::new(json!({"step": step}));
        c.put_state("first", &Tensor::from_ints([2], &[1, 2]));
        c.put_state(name, &Tensor::from_slice(shape, data));
        c.to_bytes()
    }

    #[test]
    fn the_first_element_is_named_with_its_bits() {
        let then = file("w", &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 7);
        assert_eq!(first(&then, &then), Ok(2));
        let differs = |now: &[u8]| {
            let (place, a, b) = first(&then, now).unwrap_err();
            format!("{place}: {a} / {b}")
        };
        let next = f32::from_bits(4.0f32.to_bits() + 1);
        assert_eq!(
            differs(&file("w", &[2, 3], &[0.0, 1.0, 2.0, 3.0, next, 6.0], 8)),
            "tensor 'state.w' [2, 3], element [1, 1] (2 of 6 differ): 0x40800000 (4.0) / 0x40800001 (4.0000005)"
        );
        // Two zeros are two numbers here, and a NaN is itself.
        assert!(differs(&file("w", &[2, 3], &[-0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 7)).contains("0x80000000 (-0.0)"));
        let nan = file("w", &[1], &[f32::NAN], 7);
        assert_eq!(first(&nan, &nan), Ok(2));
        assert_eq!(differs(&file("w", &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 8)), "metadata step: 7 / 8");
        let other = file("v", &[2, 3], &[0.0; 6], 7);
        assert_eq!(differs(&other), "tensor 1: 'state.w' [2, 3] / 'state.v' [2, 3]");
        assert!(differs(&file("w", &[3, 2], &[0.0; 6], 7)).ends_with("'state.w' [2, 3] / 'state.w' [3, 2]"));
        let mut damaged = then.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(differs(&damaged).contains("a checkpoint / "), "{}", differs(&damaged));
        assert!(differs(b"").contains("a checkpoint / "));
    }
}

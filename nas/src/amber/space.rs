//! The space: layers in a row, each with one of seven operations, each of which may add any of the layers before it.
//!
//! Operation i works on the output of layer i - 1; the layers that layer i adds are chosen one by one. With twelve layers
//! there are 7^12 2^66 architectures, and one is 78 tokens.

use std::fmt;

use kernels::rng::Stream;
use serde_json::{Value as Json, json};

/// Layers of the published space.
pub const LAYERS: usize = 12;

/// Names of the operations, in the order of their tokens: convolutions of 8 and 4 places, the same with dilation 10, pools
/// of 4 places at stride 1, and nothing at all.
pub const OPERATIONS: [&str; 7] =
    ["conv_8", "conv_4", "dil_conv_8", "dil_conv_4", "max_pool_4", "avg_pool_4", "identity"];

/// The most layers of a description that is taken for real; a longer one is refused.
const MOST_LAYERS: usize = 256;

/// One architecture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// Of each layer, an index into [`OPERATIONS`].
    pub operations: Vec<usize>,
    /// Of each layer i, whether it adds layer 0, ..., i - 1; the first row is empty.
    pub skips: Vec<Vec<bool>>,
}

/// A value in words that fit a line.
fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Tokens of an architecture of so many layers.
pub fn token_count(layers: usize) -> usize {
    layers * (layers + 1) / 2
}

impl Sequence {
    /// How many layers it has.
    pub fn layers(&self) -> usize {
        self.operations.len()
    }

    /// Whether every operation is known and row i of the skips has i entries.
    pub fn is_valid(&self) -> bool {
        let rows = self.skips.iter().enumerate().all(|(i, row)| row.len() == i);
        self.skips.len() == self.operations.len() && rows && self.operations.iter().all(|&o| o < OPERATIONS.len())
    }

    /// Layer by layer: the operation, then 0 or 1 for each earlier layer.
    pub fn tokens(&self) -> Vec<usize> {
        let layer = |(&o, row): (&usize, &Vec<bool>)| {
            std::iter::once(o).chain(row.iter().map(|&s| usize::from(s))).collect::<Vec<_>>()
        };
        self.operations.iter().zip(&self.skips).flat_map(layer).collect()
    }

    /// Reads what [`Sequence::tokens`] gives.
    ///
    /// # Errors
    /// If there are not as many tokens as some number of layers has, or one is out of its range.
    pub fn from_tokens(tokens: &[usize]) -> Result<Self, String> {
        let n = tokens.len();
        let layers = (1..=MOST_LAYERS).find(|&l| token_count(l) >= n).filter(|&l| token_count(l) == n);
        let Some(layers) = layers else {
            return Err(format!(
                "{n} tokens are no architecture: give 1, 3, 6, ..., or {} for 12 layers",
                token_count(LAYERS)
            ));
        };
        let mut sequence = Self { operations: Vec::new(), skips: Vec::new() };
        for i in 0..layers {
            let (first, rest) = (token_count(i), token_count(i) + 1..token_count(i + 1));
            let operation = tokens[first];
            if operation >= OPERATIONS.len() {
                return Err(format!("token {first} is {operation}; an operation is 0 to {}", OPERATIONS.len() - 1));
            }
            if let Some(at) = rest.clone().find(|&at| tokens[at] > 1) {
                return Err(format!("token {at} is {}; a skip is 0 or 1", tokens[at]));
            }
            sequence.operations.push(operation);
            sequence.skips.push(tokens[rest].iter().map(|&t| t == 1).collect());
        }
        Ok(sequence)
    }

    /// `{"operations": ["conv_8", ...], "skips": [[], [0], [], [0, 2], ...]}`: of each layer, the earlier ones it adds.
    pub fn json(&self) -> Json {
        let added = |row: &Vec<bool>| row.iter().enumerate().filter_map(|(j, &s)| s.then_some(j)).collect::<Vec<_>>();
        json!({
            "operations": self.operations.iter().map(|&o| OPERATIONS[o]).collect::<Vec<_>>(),
            "skips": self.skips.iter().map(added).collect::<Vec<_>>(),
        })
    }

    /// Reads the members `operations` and `skips` as [`Sequence::json`] writes them; what else the object holds is the
    /// reader's to judge.
    ///
    /// # Errors
    /// Says what is wrong where, and what belongs there.
    pub fn read(json: &Json) -> Result<Self, String> {
        let list = |key: &str| match json[key].as_array() {
            Some(list) if !list.is_empty() && list.len() <= MOST_LAYERS => Ok(list),
            Some(list) => Err(format!("there are {} {key}; give 1 to {MOST_LAYERS}, one a layer", list.len())),
            None => Err(format!("the {key} are {}; give a list with one entry a layer", short(&json[key]))),
        };
        let (operations, skips) = (list("operations")?, list("skips")?);
        if operations.len() != skips.len() {
            return Err(format!(
                "there are {} operations and {} skips; give one of each a layer",
                operations.len(),
                skips.len()
            ));
        }
        let mut sequence = Self { operations: Vec::new(), skips: Vec::new() };
        for (i, (operation, row)) in operations.iter().zip(skips).enumerate() {
            let known = operation.as_str().and_then(|name| OPERATIONS.iter().position(|o| *o == name));
            let Some(known) = known else {
                return Err(format!(
                    "layer {i}'s operation is {}, none of {}",
                    short(operation),
                    OPERATIONS.join(", ")
                ));
            };
            let Some(row) = row.as_array() else {
                return Err(format!("layer {i}'s skips are {}; give a list of earlier layers", short(row)));
            };
            let mut added = vec![false; i];
            for source in row {
                match source.as_u64().and_then(|s| usize::try_from(s).ok()).filter(|&s| s < i) {
                    Some(s) if !added[s] => added[s] = true,
                    Some(s) => return Err(format!("layer {i} adds layer {s} twice; name it once")),
                    None => {
                        return Err(format!("layer {i} adds {}, which is no layer before it", short(source)));
                    }
                }
            }
            sequence.operations.push(known);
            sequence.skips.push(added);
        }
        Ok(sequence)
    }

    /// An architecture drawn uniformly: token by token, in their order.
    pub fn draw(layers: usize, stream: &mut Stream) -> Self {
        let mut sequence = Self { operations: Vec::new(), skips: Vec::new() };
        for i in 0..layers {
            sequence.operations.push(stream.below(OPERATIONS.len() as u64) as usize);
            sequence.skips.push((0..i).map(|_| stream.below(2) == 1).collect());
        }
        sequence
    }
}

/// For people: `0 conv_8, 1 max_pool_4 + 0, 2 identity + 0 + 1`.
impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (&o, row)) in self.operations.iter().zip(&self.skips).enumerate() {
            write!(f, "{}{i} {}", if i > 0 { ", " } else { "" }, OPERATIONS[o])?;
            for (j, _) in row.iter().enumerate().filter(|(_, s)| **s) {
                write!(f, " + {j}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::rng::{Key, Purpose};

    fn drawn(layers: usize, i: u64) -> Sequence {
        Sequence::draw(layers, &mut Key::new(0, Purpose::Test).stream(i))
    }

    #[test]
    fn twelve_layers_are_78_tokens_in_order() {
        let s = Sequence { operations: vec![3, 0, 6], skips: vec![vec![], vec![true], vec![false, true]] };
        assert_eq!(s.tokens(), [3, 0, 1, 6, 0, 1]);
        assert!(s.is_valid());
        assert_eq!(s.to_string(), "0 dil_conv_4, 1 conv_8 + 0, 2 identity + 1");
        assert_eq!((token_count(LAYERS), drawn(LAYERS, 0).tokens().len()), (78, 78));
    }

    #[test]
    fn architectures_survive_tokens_and_json() {
        for i in 0..40 {
            let s = drawn(1 + i as usize % LAYERS, i);
            assert_eq!(Sequence::from_tokens(&s.tokens()).as_ref(), Ok(&s));
            assert_eq!(Sequence::read(&s.json()), Ok(s));
        }
    }

    #[test]
    fn drawing_covers_the_space_evenly() {
        let (mut operations, mut skips) = ([0; 7], 0);
        for i in 0..1000 {
            let s = drawn(LAYERS, i);
            assert!(s.is_valid());
            s.operations.iter().for_each(|&o| operations[o] += 1);
            skips += s.skips.iter().flatten().filter(|s| **s).count();
        }
        assert!(operations.iter().all(|n| (1560..1870).contains(n)), "{operations:?}"); // 1714, deviation 38
        assert!((32_400..33_600).contains(&skips), "{skips}"); // 33,000, deviation 128
    }

    #[test]
    fn wrong_architectures_are_refused_in_words() {
        let says = |json: Json, words: &str| {
            let said = Sequence::read(&json).map_or_else(|e| e, |s| format!("accepted: {s}"));
            assert!(said.contains(words), "{said}\n  does not say: {words}");
        };
        says(json!(3), "the operations are null");
        says(json!({"operations": [], "skips": []}), "there are 0 operations");
        says(json!({"operations": ["conv_8"], "skips": [[], []]}), "1 operations and 2 skips");
        says(
            json!({"operations": ["conv_9"], "skips": [[]]}),
            "layer 0's operation is \"conv_9\", none of conv_8, conv_4",
        );
        says(json!({"operations": ["conv_8"], "skips": [3]}), "layer 0's skips are 3");
        says(json!({"operations": ["conv_8"], "skips": [[0]]}), "layer 0 adds 0, which is no layer before it");
        let two = |row: Json| json!({"operations": ["conv_8", "identity"], "skips": [[], row]});
        says(two(json!([0, 0])), "layer 1 adds layer 0 twice");
        says(two(json!([-1])), "layer 1 adds -1");
        says(two(json!([0.5])), "layer 1 adds 0.5");
        assert!(Sequence::from_tokens(&[1, 2]).unwrap_err().contains("2 tokens are no architecture"));
        assert!(Sequence::from_tokens(&[]).unwrap_err().contains("0 tokens"));
        assert!(Sequence::from_tokens(&[7]).unwrap_err().contains("token 0 is 7"));
        assert!(Sequence::from_tokens(&[1, 2, 2]).unwrap_err().contains("token 2 is 2; a skip"));
    }
}

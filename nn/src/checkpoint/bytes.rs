//! The bytes of a checkpoint.

use kernels::{DType, Shape};
use serde_json::{Map, Value, json};

use super::{Checkpoint, CheckpointError, Item, canonical};

/// Where the data begin is a multiple of this.
const ALIGN: usize = 64;
/// What stands before the header's own digest, inside the JSON string that is `np360`.
const MARK: &str = r#"\"header\":\""#;
const DIGITS: usize = 64;
/// Longest header that is read.
const MOST: usize = 100 << 20;

fn damaged(what: impl Into<String>) -> CheckpointError {
    CheckpointError::Damaged(what.into())
}

/// The place of the header's own digest.
fn digest_at(head: &[u8]) -> Option<std::ops::Range<usize>> {
    let at = head.windows(MARK.len()).position(|w| w == MARK.as_bytes())? + MARK.len();
    (at + DIGITS <= head.len()).then_some(at..at + DIGITS)
}

impl Checkpoint {
    /// The file. The same content gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let np360 = json!({
            "data": blake3::hash(&self.data).to_hex().as_str(),
            "format": 1,
            "header": "0".repeat(DIGITS),
            "meta": self.meta,
        });
        let mut header = Map::new();
        header.insert("__metadata__".into(), json!({ "np360": canonical(&np360) }));
        for i in &self.items {
            let dtype = match i.dtype {
                DType::F32 => "F32",
                DType::I32 => "I32",
            };
            let entry = json!({ "dtype": dtype, "shape": i.shape[..], "data_offsets": [i.bytes.start, i.bytes.end] });
            header.insert(i.name.clone(), entry);
        }
        let mut header = canonical(&Value::Object(header));
        while !(8 + header.len()).is_multiple_of(ALIGN) {
            header.push(' ');
        }
        let mut bytes = Vec::with_capacity(8 + header.len() + self.data.len());
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header.as_bytes());
        let digest = blake3::hash(&bytes).to_hex();
        let at = digest_at(&bytes).expect("the header holds its digest");
        bytes[at].copy_from_slice(digest.as_bytes());
        bytes.extend(&self.data);
        bytes
    }

    /// Reads a file and verifies it.
    ///
    /// # Errors
    /// If anything at all was changed since it was written, or another version wrote it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let length = bytes.first_chunk::<8>().ok_or_else(|| damaged("it has no length"))?;
        let length = u64::from_le_bytes(*length);
        let end = usize::try_from(length).ok().filter(|&n| n <= MOST && n + 8 <= bytes.len());
        let end = end.ok_or_else(|| damaged("it is shorter than its header"))? + 8;
        let (head, data) = bytes.split_at(end);

        let at = digest_at(head).ok_or_else(|| damaged("no digest of the header"))?;
        let mut plain = head.to_vec();
        plain[at.clone()].fill(b'0');
        if blake3::hash(&plain).to_hex().as_bytes() != &head[at] {
            return Err(damaged("the header does not match its digest"));
        }
        let header: Value = serde_json::from_slice(&head[8..]).map_err(|e| damaged(e.to_string()))?;
        let Value::Object(mut header) = header else { return Err(damaged("the header is no object")) };
        let text = header.remove("__metadata__").unwrap_or_default();
        let text = text["np360"].as_str().ok_or_else(|| damaged("no np360 metadata"))?;
        let mut np360: Value = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
        if np360["format"] != 1 {
            return Err(CheckpointError::Format(np360["format"].to_string()));
        }
        if np360["data"].as_str() != Some(blake3::hash(data).to_hex().as_str()) {
            return Err(damaged("the data do not match their digest"));
        }
        let items = header.iter().map(|(name, v)| item(name, v)).collect::<Option<Vec<Item>>>();
        let mut items = items.ok_or_else(|| damaged("an entry that is not understood"))?;
        // An empty tensor begins where the next one does.
        items.sort_by_key(|i| (i.bytes.start, i.bytes.end));
        let mut at = 0;
        for i in &items {
            if i.bytes.start != at || i.bytes.len() != 4 * i.shape.len() {
                return Err(damaged(format!("the place of '{}'", i.name)));
            }
            at = i.bytes.end;
        }
        if at != data.len() {
            return Err(damaged(format!("{} bytes of data where {at} are expected", data.len())));
        }
        let index = items.iter().enumerate().map(|(i, item)| (item.name.clone(), i)).collect();
        Ok(Self { meta: np360["meta"].take(), items, index, data: data.to_vec() })
    }
}

fn item(name: &str, v: &Value) -> Option<Item> {
    let dtype = match v["dtype"].as_str()? {
        "F32" => DType::F32,
        "I32" => DType::I32,
        _ => return None,
    };
    let numbers = |v: &Value| -> Option<Vec<usize>> {
        v.as_array()?.iter().map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())).collect()
    };
    let (shape, at) = (numbers(&v["shape"])?, numbers(&v["data_offsets"])?);
    let fits = shape.len() <= kernels::shape::MAX_RANK && at.len() == 2 && at[0] <= at[1];
    fits.then(|| Item { name: name.to_owned(), dtype, shape: Shape::new(&shape), bytes: at[0]..at[1] })
}

//! Round trips, refusals, and one flipped bit anywhere.

use super::*;
use crate::Kind;
use serde_json::json;

fn network(classes: usize) -> Params {
    let mut p = Params::new();
    let t = |shape: &[usize], k: f32| {
        let shape = Shape::new(shape);
        Tensor::from_slice(shape, &(0..shape.len()).map(|i| k + i as f32).collect::<Vec<_>>())
    };
    p.add("conv.weight", t(&[3, 3, 2, 5], 0.5), Kind::Parameter, Layout::Conv2d);
    p.add("bn.running_mean", t(&[5], -1.0), Kind::Buffer, Layout::Plain);
    p.add("fc.weight", t(&[5, classes], 0.25), Kind::Parameter, Layout::Linear);
    p
}

fn checkpoint(p: &Params) -> Checkpoint {
    let mut c = Checkpoint::new(json!({"epoch": 3, "best": 0.1 + 0.2, "name": "a \"quoted\" one"}));
    c.put_params(p);
    c.put_optimizer("momentum", p, ParamId(2), &Tensor::full(p.value(ParamId(2)).shape(), f32::NAN));
    c.put_state("order", &Tensor::from_ints([3], &[2, 0, -1]));
    c
}

#[test]
fn what_was_written_is_read_again() {
    let p = network(4);
    let bytes = checkpoint(&p).to_bytes();
    assert_eq!(bytes, checkpoint(&p).to_bytes());
    let c = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(c.to_bytes(), bytes);
    assert_eq!(c.meta, json!({"epoch": 3, "best": 0.1 + 0.2, "name": "a \"quoted\" one"}));
    let mut q = network(4);
    for i in 0..3 {
        let shape = q.value(ParamId(i)).shape();
        q.set(ParamId(i), Tensor::zeros(shape));
    }
    c.load_params(&mut q).unwrap();
    assert_eq!(p.digest(), q.digest());
    assert_eq!(c.state("order", Shape::new(&[3]), DType::I32).unwrap().ints(), [2, 0, -1]);
    let m = c.optimizer("momentum", &q, ParamId(2)).unwrap().unwrap();
    assert!(m.data().iter().all(|x| x.to_bits() == 0x7fc0_0000));
    assert!(c.optimizer("momentum", &q, ParamId(0)).unwrap().is_none());
}

#[test]
fn others_can_read_it() {
    let p = network(4);
    let bytes = checkpoint(&p).to_bytes();
    let (length, _) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!((8 + length) % 64, 0);
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let conv = file.tensor("conv.weight").unwrap();
    assert_eq!(conv.shape(), [5, 2, 3, 3]);
    let first: Vec<f32> =
        conv.data().chunks_exact(4).take(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    assert_eq!(first, [0.5, 10.5, 20.5, 30.5], "the kernel's columns come first in PyTorch's layout");
}

#[test]
fn one_flipped_bit_anywhere_is_found() {
    let bytes = checkpoint(&network(1)).to_bytes();
    for i in 0..bytes.len() {
        for bit in 0..8 {
            let mut b = bytes.clone();
            b[i] ^= 1 << bit;
            assert!(Checkpoint::from_bytes(&b).is_err(), "bit {bit} of byte {i}");
        }
    }
    for cut in [0, 7, 8, 100, bytes.len() - 1] {
        assert!(Checkpoint::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Checkpoint::from_bytes(&longer).is_err());
}

#[test]
fn another_network_is_refused_by_name_and_shapes() {
    let c = checkpoint(&network(4));
    let mut other = network(6);
    let before = other.digest();
    let e = c.load_params(&mut other).unwrap_err().to_string();
    assert!(e.contains("entry 2 is 'fc.weight' [4, 5] there and 'fc.weight' [6, 5] here"), "{e}");
    let mut longer = network(4);
    longer.add("fc.bias", Tensor::zeros([4]), Kind::Parameter, Layout::Plain);
    let e = c.load_params(&mut longer).unwrap_err().to_string();
    assert!(e.contains("entry 3 is missing there and 'fc.bias' [4] here"), "{e}");
    let mut shorter = Checkpoint::new(Value::Null);
    shorter.put_params(&longer);
    let e = shorter.load_params(&mut network(4)).unwrap_err().to_string();
    assert!(e.contains("entry 3 is 'fc.bias' [4] there and missing here"), "{e}");
    assert_eq!(other.digest(), before);
}

#[test]
fn missing_state_is_refused() {
    let c = checkpoint(&network(4));
    let e = c.state("alphas", Shape::new(&[14, 8]), DType::F32).unwrap_err().to_string();
    assert!(e.contains("nothing where state.alphas [14, 8]"), "{e}");
    assert!(c.state("order", Shape::new(&[3]), DType::F32).is_err());
}

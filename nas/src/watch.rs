//! Where numbers ran away: the step is recorded once more, and the first op that gives NaN or an infinity names itself.

use autograd::Tape;
use kernels::Device;
use nn::{Kind, Mode, OpError, Params, Pass};

/// What a loss that is not finite came from: a parameter that had run away before, else the first layer and op, in words.
pub fn origin(
    tape: &mut Tape,
    params: &mut Params,
    mode: Mode,
    record: impl FnOnce(&mut Pass<'_>) -> Result<(), OpError>,
) -> String {
    let ran_away = params.entries().iter().filter(|e| e.kind() == Kind::Parameter).find_map(|e| {
        let wrong = e.value().to(Device::Cpu).data().iter().copied().find(|x| !x.is_finite())?;
        Some(format!("parameter '{}' holds {wrong}, so the update before ran away", e.name()))
    });
    if let Some(found) = ran_away {
        return found;
    }
    tape.watch(true);
    let mut pass = Pass::new(tape, params, mode);
    let recorded = record(&mut pass);
    drop(pass);
    tape.watch(false);
    match recorded {
        Err(e) => format!("it began in {e}"),
        Ok(()) => "every op of its forward is finite when computed again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::Tensor;
    use kernels::rng::{Key, Purpose};
    use nn::layers::{LinearSpec, relu};
    use nn::{Builder, Tensor as Node};

    #[test]
    fn the_first_layer_and_op_are_named() {
        let (mut tape, mut params) = (Tape::new(), Params::new());
        let mut at = Builder::new(&mut params, 0);
        let layers = [at.linear("first", LinearSpec::new(2, 2)), at.linear("second", LinearSpec::new(2, 2))];
        let mode = Mode::Train(Key::new(0, Purpose::Dropout));
        let mut told = |params: &mut Params, x: f32| {
            origin(&mut tape, params, mode, |pass| {
                let h = layers[0].forward(pass, &Node::constant(Tensor::full([1, 2], x)))?;
                let h = relu(pass, &h)?;
                layers[1].forward(pass, &h).map(drop)
            })
        };
        assert!(told(&mut params, 1.0).contains("every op"));
        let text = told(&mut params, f32::NAN);
        assert!(text.contains("linear 'first'") && text.contains("so did its input 0 [1, 2]"), "{text}");
        let [first, second] = [layers[0].weight(), layers[1].weight()];
        params.value_mut(first).data_mut().fill(1.0);
        params.value_mut(second).data_mut().fill(f32::MAX);
        let text = told(&mut params, 1e30);
        assert!(text.contains("linear 'second'") && text.contains("from finite inputs"), "{text}");
        params.value_mut(second).data_mut()[0] = f32::NAN;
        assert!(told(&mut params, 1.0).contains("parameter 'second.weight' holds NaN"));
    }
}

//! Learning rates by epoch.

use nn::Schedule;

use super::{Case, Got, Row, row, unsupported};

pub(super) const ROWS: &[Row] = &[row("lr_schedule", |c| {
    let (schedule, base) = (schedule(c)?, c.number("base_lr")?);
    let rates = (0..c.stored("out.lr")?.data.len()).map(|e| schedule.rate(base, e)).collect();
    Ok(vec![Got::numbers("out.lr", rates)])
})];

fn schedule(case: &Case) -> anyhow::Result<Schedule> {
    Ok(match case.word("kind")? {
        "constant" => Schedule::Constant,
        "nb360_step" => Schedule::BenchmarkSteps { epochs: case.whole("total_epochs")? },
        "step" => Schedule::Step { size: case.whole("step_size")?, gamma: case.number("gamma")? },
        "exponential" => Schedule::Exponential { gamma: case.number("gamma")? },
        "multi_step" => Schedule::MultiStep { milestones: case.wholes("milestones")?, gamma: case.number("gamma")? },
        "cosine" => Schedule::Cosine { epochs: case.whole("T_max")?, end: case.number_or("eta_min", 0.0)? },
        "warmup_poly" => Schedule::WarmupPoly {
            warmup: case.whole("warmup")?,
            from: case.number("warmup_lr")?,
            epochs: case.whole("max_iter")?,
        },
        other => return Err(unsupported(format!("schedule '{other}'"))),
    })
}

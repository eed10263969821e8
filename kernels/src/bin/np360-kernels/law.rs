//! What no kernel may do, read off its PTX: the law of numbers as the compiler's text shows it.

/// An instruction that breaks the law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kernel, or a function that it calls.
    pub kernel: String,
    /// Its line in the PTX, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
    /// The instruction.
    pub text: String,
}

/// Every fault of a PTX text, in order.
pub fn faults(ptx: &str) -> Vec<Fault> {
    let (mut kernel, mut all) = (String::new(), Vec::new());
    for (i, line) in ptx.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default();
        if let Some(name) = function(line) {
            kernel = name.to_owned();
        }
        // Text of `asm` may hold several instructions a line.
        for text in line.split([';', '{', '}']).map(str::trim).filter(|t| !t.is_empty()) {
            let mut words = text.split_whitespace();
            let opcode = words.find(|w| !w.starts_with('@')).unwrap_or_default();
            if let Some(why) = fault(opcode) {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                all.push(Fault { kernel: kernel.clone(), line: i + 1, why: why.to_owned(), text });
            }
        }
    }
    all
}

/// The name in `.visible .entry name(` and `.func (.param .b32 r) name(`.
fn function(line: &str) -> Option<&str> {
    let rest = match (line.split_once(".entry "), line.split_once(".func ")) {
        (Some((_, rest)), _) => rest,
        (_, Some((_, rest))) => {
            rest.trim_start().strip_prefix('(').and_then(|r| r.split_once(')')).map_or(rest, |r| r.1)
        }
        _ => return None,
    };
    rest.trim().split(['(', ' ', ';']).next()
}

/// Why an instruction is not allowed; `None` if it is.
fn fault(opcode: &str) -> Option<&'static str> {
    let mut parts = opcode.split('.');
    let name = parts.next()?;
    let with: Vec<&str> = parts.collect();
    let has = |m: &str| with.contains(&m);
    let float = with.last().is_some_and(|t| ["f16", "f16x2", "bf16", "bf16x2", "f32", "f32x2", "f64"].contains(t));
    let nearest = has("rn") || !float;
    match name {
        "atom" | "red" => Some("an atomic, whose order nobody knows"),
        "mma" | "wmma" | "wgmma" | "tcgen05" => Some("a tensor core, whose sums have no specified order"),
        _ if has("ftz") => Some("subnormal numbers flushed"),
        _ if has("approx") || has("full") => Some("an approximation"),
        "mul" | "mad" if !nearest => Some("a product whose rounding is not said"),
        "add" | "sub" if !nearest => Some("a sum whose rounding is not said"),
        "fma" | "div" | "rcp" | "sqrt" if !nearest => Some("not rounded to nearest"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_of_instructions() {
        for good in [
            "mul.rn.f32",
            "add.rn.f64",
            "sub.rn.f32",
            "fma.rn.f32",
            "fma.rn.f64",
            "div.rn.f32",
            "rcp.rn.f64",
            "sqrt.rn.f32",
            "mul.lo.s32",
            "mul.wide.u32",
            "mul.hi.s32",
            "mad.lo.s32",
            "add.s32",
            "add.s64",
            "sub.s32",
            "div.s32",
            "add.cc.u32",
            "cvt.rn.f32.s32",
            "cvt.f64.f32",
            "cvt.rzi.s32.f32",
            "setp.lt.f32",
            "ld.global.nc.v4.f32",
            "st.shared.f32",
            "neg.f32",
            "abs.f64",
            "max.f32",
            "shfl.sync.down.b32",
            "redux.sync.add.s32",
            "bar.sync",
            "ret",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "atom.global.add.f32",
            "red.global.add.s32",
            "mul.f32",
            "add.f32",
            "sub.f64",
            "mad.f32",
            "fma.rm.f32",
            "fma.rz.f64",
            "div.full.f32",
            "div.approx.f32",
            "rcp.approx.ftz.f64",
            "sqrt.approx.f32",
            "rsqrt.approx.f32",
            "ex2.approx.ftz.f32",
            "mul.rn.ftz.f32",
            "cvt.rn.ftz.f32.f64",
            "add.rz.f32",
            "fma.rn.ftz.f32",
            "add.f16x2",
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
            "div.rz.f32",
            "setp.lt.ftz.f32",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_fault_names_its_kernel_and_line() {
        let ptx = "\
// add.f32 in a comment
.func  (.param .b32 out) helper(
)
{
\t@!%p1 bra \t$L__BB0_2;
\t@%p2 add.f32 \t%f1, %f2, %f3;
}
.visible .entry one(
{
\t{ mul.rn.f32 %f1, %f2, %f3; mul.f32 %f1, %f2, %f3; }
\tred.global.add.f32 \t[%rd1], %f1; // why
}";
        let found: Vec<(String, usize, String)> = faults(ptx).into_iter().map(|f| (f.kernel, f.line, f.text)).collect();
        let fault = |k: &str, l, t: &str| (k.to_owned(), l, t.to_owned());
        let expected = [
            fault("helper", 6, "@%p2 add.f32 %f1, %f2, %f3"),
            fault("one", 10, "mul.f32 %f1, %f2, %f3"),
            fault("one", 11, "red.global.add.f32 [%rd1], %f1"),
        ];
        assert_eq!(found, expected);
    }
}

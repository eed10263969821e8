//! `kernels compile`: every kernel through NVRTC for every architecture, what it uses, and whether it keeps the law.
//!
//! A worker process an architecture: one process cannot hold two versions of NVRTC, and `sm_70` needs version 12. A worker
//! prints its reports as lines; the same lines are kept in the cache, by a digest of everything they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use kernels::cuda::{Module, cache, nvrtc, wheels};
use kernels::ops;

use super::law::{self, Fault};
use super::{Options, Refusal, line, matches};

/// The architectures that are compiled for: Turing, Ampere, Hopper, and Volta, whose code NVRTC 12 makes.
const ARCHS: [&str; 4] = ["sm_75", "sm_80", "sm_90", "sm_70"];

/// Runs the command.
pub fn run(o: &Options) -> Result<ExitCode, Refusal> {
    let modules = modules(o.op.as_deref())?;
    if o.worker {
        return work(&modules, &o.archs[0], o.threads.unwrap_or(1));
    }
    let mut archs = o.archs.clone();
    if archs.is_empty() {
        archs = ARCHS.map(str::to_owned).to_vec();
    }
    if let Some(wrong) = archs.iter().find(|a| number(a).is_none()) {
        return Err(Refusal::usage(format!("'{wrong}' is no architecture; they are named sm_75, sm_80, sm_90")));
    }
    if o.install {
        wheels::install().map_err(|e| Refusal(1, format!("NVRTC cannot be installed: {e}")))?;
    }
    let all = compile(o.op.as_deref(), &archs)?;
    line(all.table(&modules));
    let kernels: usize = modules.iter().map(|m| all.kernels(m.name)).sum();
    for warning in &all.warnings() {
        line(format!("warning: {warning}"));
    }
    let wrong = all.wrong();
    if wrong.is_empty() {
        line(format!("{kernels} kernels x {} architectures: ok", archs.len()));
        return Ok(ExitCode::SUCCESS);
    }
    for (what, archs) in &wrong {
        line(format!("{what} ({})", archs.join(", ")));
    }
    line(format!("{kernels} kernels x {} architectures: {} wrong", archs.len(), wrong.len()));
    Ok(ExitCode::FAILURE)
}

/// The modules that a path names: an op, a family, a file of kernels that ops share; all without a path.
fn modules(path: Option<&str>) -> Result<Vec<&'static Module>, Refusal> {
    let of_ops = ops::TABLE.iter().filter(|r| matches(r.path, path)).map(|r| r.kernels);
    let named = ops::modules().into_iter().filter(|m| matches(m.name, path));
    let by_name: BTreeMap<&str, &'static Module> = of_ops.chain(named).map(|m| (m.name, m)).collect();
    if by_name.is_empty() {
        return Err(Refusal::usage(format!("no op, family or module '{}'", path.unwrap_or_default())));
    }
    Ok(by_name.into_values().collect())
}

/// `sm_90a` -> 90.
fn number(arch: &str) -> Option<u32> {
    arch.strip_prefix("sm_")?.trim_end_matches(['a', 'f']).parse().ok()
}

/// What a kernel uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Usage {
    kernel: String,
    registers: usize,
    /// Bytes of static shared memory.
    shared: usize,
    /// Bytes of local memory a thread.
    local: usize,
    spill_stores: usize,
    spill_loads: usize,
}

/// What became of a module on an architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Report {
    usages: Vec<Usage>,
    faults: Vec<Fault>,
    warnings: Vec<String>,
    /// What the compiler refused, line by line.
    errors: Vec<String>,
}

impl Report {
    fn new(compiled: &nvrtc::Compiled) -> Self {
        let warning = |l: &&str| l.contains("warning") && !l.contains("Architectures prior to");
        let warnings = compiled.log.lines().filter(warning).map(str::to_owned).collect();
        Self { usages: usages(&compiled.log), faults: law::faults(&compiled.ptx), warnings, errors: Vec::new() }
    }

    /// As lines of words between tabs.
    fn lines(&self) -> String {
        let mut text = String::new();
        for u in &self.usages {
            let Usage { kernel, registers, shared, local, spill_stores, spill_loads } = u;
            let _ = writeln!(text, "kernel\t{kernel}\t{registers}\t{shared}\t{local}\t{spill_stores}\t{spill_loads}");
        }
        for f in &self.faults {
            let _ = writeln!(text, "fault\t{}\t{}\t{}\t{}", f.kernel, f.line, f.why, f.text.replace('\t', " "));
        }
        for (kind, all) in [("warning", &self.warnings), ("error", &self.errors)] {
            for l in all {
                let _ = writeln!(text, "{kind}\t{}", l.replace('\t', " "));
            }
        }
        text
    }

    /// Takes up a line; whether it was one.
    fn read(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split('\t').collect();
        let n = |i: usize| words.get(i)?.parse::<usize>().ok();
        match words[..] {
            ["kernel", name, _, _, _, _, _] => self.usages.push(Usage {
                kernel: name.to_owned(),
                registers: n(2)?,
                shared: n(3)?,
                local: n(4)?,
                spill_stores: n(5)?,
                spill_loads: n(6)?,
            }),
            ["fault", kernel, _, why, text] => {
                let (kernel, why, text) = (kernel.to_owned(), why.to_owned(), text.to_owned());
                self.faults.push(Fault { kernel, line: n(2)?, why, text });
            }
            ["warning", text] => self.warnings.push(text.to_owned()),
            ["error", text] => self.errors.push(text.to_owned()),
            _ => return None,
        }
        Some(())
    }
}

/// What each kernel uses, from the compiler's report:
///
/// ```text
/// ptxas info    : Compiling entry function 'relu' for 'sm_90'
/// ptxas info    : Function properties for relu
/// ptxas         .     688 bytes stack frame, 688 bytes spill stores, 688 bytes spill loads
/// ptxas info    : Used 27 registers, used 1 barriers, 256 bytes smem, 372 bytes cmem[0]
/// ```
/// Functions that were not inlined into a kernel have properties of their own, which count as the kernel's.
fn usages(log: &str) -> Vec<Usage> {
    let mut all: Vec<Usage> = Vec::new();
    let before = |part: &str, unit: &str| -> usize {
        let number = part.split(unit).next().and_then(|p| p.split_whitespace().next_back());
        number.filter(|_| part.contains(unit)).and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    for l in log.lines() {
        if let Some((_, rest)) = l.split_once("Compiling entry function '") {
            let kernel = rest.split('\'').next().unwrap_or_default().to_owned();
            all.push(Usage { kernel, ..Usage::default() });
        }
        let Some(now) = all.last_mut() else { continue };
        now.local += before(l, " bytes stack frame");
        now.spill_stores += before(l, " bytes spill stores");
        now.spill_loads += before(l, " bytes spill loads");
        now.registers = now.registers.max(before(l, " registers,"));
        now.shared = now.shared.max(before(l, " bytes smem"));
    }
    all
}

/// A worker: compiles the modules for its architecture with a few threads, prints the reports.
fn work(modules: &[&Module], arch: &str, threads: usize) -> Result<ExitCode, Refusal> {
    let (major, minor) = nvrtc::version().map_err(|e| Refusal(1, e))?;
    if !nvrtc::supports(arch).map_err(|e| Refusal(1, e))? {
        return Err(Refusal(
            1,
            format!("NVRTC {major}.{minor} makes no code for {arch}; to install one that does: {}", wheels::COMMAND),
        ));
    }
    let version = format!("nvrtc {major}.{minor}");
    let (next, print) = (AtomicUsize::new(0), Mutex::new(()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(module) = modules.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let lines = report(module, arch, &version);
                    let _whole = print.lock().unwrap_or_else(PoisonError::into_inner);
                    line(format!("module\t{}\n{lines}", module.name).trim_end());
                }
            });
        }
    });
    Ok(ExitCode::SUCCESS)
}

/// The report's lines on a module, from the cache if it was made before. What was refused is not kept.
fn report(module: &Module, arch: &str, version: &str) -> String {
    let text = module.text();
    // Reports of another version of these rules are no longer true.
    let digest = nvrtc::digest(&text, &[arch, version, include_str!("compile.rs"), include_str!("law.rs")]);
    let file = cache().join("report").join(format!("{}-{digest}.txt", module.name.replace('/', "-")));
    if let Ok(lines) = std::fs::read_to_string(&file) {
        return lines;
    }
    match nvrtc::compile(module.name, &text, arch) {
        Ok(compiled) => {
            let lines = Report::new(&compiled).lines();
            nvrtc::keep(&file, lines.as_bytes());
            lines
        }
        Err(e) => Report { errors: e.lines().map(str::to_owned).collect(), ..Report::default() }.lines(),
    }
}

/// All reports, by module and architecture.
#[derive(Debug, Default)]
struct Reports {
    archs: Vec<String>,
    all: BTreeMap<(String, usize), Report>,
}

/// Starts the workers and collects what they print.
fn compile(op: Option<&str>, archs: &[String]) -> Result<Reports, Refusal> {
    let me = std::env::current_exe().map_err(|e| Refusal(1, format!("this program's own file: {e}")))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.div_ceil(archs.len()).to_string();
    let mut workers = Vec::new();
    for arch in archs {
        let mut command = Command::new(&me);
        command.args(["compile", "--worker", "--arch", arch, "--threads", &threads]).args(op).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        if number(arch) < Some(75)
            && let Some(folder) = wheels::NVRTC_12.libraries()
        {
            command.env("NP360_NVRTC", folder);
        }
        workers.push(command.spawn().map_err(|e| Refusal(1, format!("cannot start {}: {e}", me.display())))?);
    }
    let mut reports = Reports { archs: archs.to_vec(), all: BTreeMap::new() };
    let mut refused = None;
    for (i, mut worker) in workers.into_iter().enumerate() {
        let mut now = Report::default(); // lines before the first module, of which there are none
        let mut report = &mut now;
        for l in BufReader::new(worker.stdout.take().expect("it is piped")).lines().map_while(Result::ok) {
            match l.strip_prefix("module\t") {
                Some(name) => report = reports.all.entry((name.to_owned(), i)).or_default(),
                None if report.read(&l).is_some() => {}
                None => return Err(Refusal(1, format!("a worker for {} printed '{l}'", archs[i]))),
            }
        }
        let output = worker.wait_with_output().map_err(|e| Refusal(1, format!("a worker: {e}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim().trim_start_matches("error: ");
            let end = if said.is_empty() { format!("a worker ended with {}", output.status) } else { said.to_owned() };
            refused.get_or_insert(format!("{}: {end}", archs[i]));
        }
    }
    refused.map_or(Ok(reports), |why| Err(Refusal(1, why)))
}

impl Reports {
    /// Number of a module's kernels; on the first architecture that compiled it.
    fn kernels(&self, module: &str) -> usize {
        let of = |i: usize| self.all.get(&(module.to_owned(), i)).map(|r| r.usages.len());
        (0..self.archs.len()).filter_map(of).max().unwrap_or(0)
    }

    /// One line a kernel and architecture.
    fn table(&self, modules: &[&Module]) -> String {
        let header = ["module", "kernel", "arch", "registers", "shared", "local", "spill stores", "spill loads"];
        let mut rows = vec![header.map(str::to_owned)];
        for module in modules {
            let mut of: Vec<(&Usage, usize)> = Vec::new();
            for i in 0..self.archs.len() {
                let report = self.all.get(&(module.name.to_owned(), i));
                of.extend(report.iter().flat_map(|r| r.usages.iter().map(move |u| (u, i))));
            }
            of.sort_by_key(|(u, i)| (&u.kernel, *i));
            rows.extend(of.into_iter().map(|(u, i)| {
                let numbers = [u.registers, u.shared, u.local, u.spill_stores, u.spill_loads].map(|n| n.to_string());
                let [registers, shared, local, stores, loads] = numbers;
                let (module, kernel, arch) = (module.name.to_owned(), u.kernel.clone(), self.archs[i].clone());
                [module, kernel, arch, registers, shared, local, stores, loads]
            }));
        }
        let width = |c: usize| rows.iter().map(|r| r[c].len()).max().unwrap_or(0);
        let widths: [usize; 8] = std::array::from_fn(width);
        let cell = |c: usize, s: &str| {
            let w = widths[c];
            if c < 3 { format!("{s:w$}") } else { format!("{s:>w$}") }
        };
        let line = |r: &[String; 8]| r.iter().enumerate().map(|(c, s)| cell(c, s)).collect::<Vec<_>>().join("  ");
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What is wrong, and on which architectures.
    fn wrong(&self) -> BTreeMap<String, Vec<&str>> {
        let mut wrong: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for ((module, i), report) in &self.all {
            let mut put = |what: String| wrong.entry(what).or_default().push(&self.archs[*i]);
            for u in report.usages.iter().filter(|u| u.spill_stores + u.spill_loads > 0) {
                put(format!("{module} {}: spills registers", u.kernel));
            }
            for f in &report.faults {
                put(format!("{module} {}: {}: `{}`, line {} of the PTX", f.kernel, f.why, f.text, f.line));
            }
            if !report.errors.is_empty() {
                put(format!("{module}: {}", report.errors.join("\n")));
            }
        }
        wrong
    }

    /// The compiler's warnings, each once.
    fn warnings(&self) -> Vec<String> {
        let of = |((module, _), r): (&(String, usize), &Report)| {
            r.warnings.iter().map(|w| format!("{module}: {w}")).collect::<Vec<_>>()
        };
        let all: BTreeSet<String> = self.all.iter().flat_map(of).collect();
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
nvrtc: warning: Architectures prior to '<compute/sm>_75' are deprecated and may be removed in a future release
a.cu(3): warning #177-D: variable \"x\" was declared but never referenced
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'simple' for 'sm_70'
ptxas info    : Function properties for simple
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 26 registers, used 1 barriers, 256 bytes smem, 372 bytes cmem[0]
ptxas info    : Compile time = 21.586 ms
ptxas info    : Compiling entry function 'spilly' for 'sm_70'
ptxas info    : Function properties for spilly
ptxas         .     568 bytes stack frame, 560 bytes spill stores, 552 bytes spill loads
ptxas info    : Used 255 registers, used 0 barriers, 568 bytes cumulative stack size, 372 bytes cmem[0]
";

    fn usage(kernel: &str, numbers: [usize; 5]) -> Usage {
        let [registers, shared, local, spill_stores, spill_loads] = numbers;
        Usage { kernel: kernel.to_owned(), registers, shared, local, spill_stores, spill_loads }
    }

    fn report() -> Report {
        let ptx = ".visible .entry simple(\n)\n{\n\tmul.f32 \t%f1, %f2, %f3;\n}".to_owned();
        Report::new(&nvrtc::Compiled { cubin: Vec::new(), ptx, log: LOG.to_owned() })
    }

    #[test]
    fn the_compilers_report_is_read_and_kept() {
        let mut report = report();
        assert_eq!(report.usages, [usage("simple", [26, 256, 0, 0, 0]), usage("spilly", [255, 0, 568, 560, 552])]);
        assert_eq!((report.faults.len(), report.warnings.len()), (1, 1), "the deprecation is no warning of ours");
        report.errors = vec!["one".to_owned(), String::new(), "three".to_owned()];
        let mut read = Report::default();
        assert!(report.lines().lines().all(|l| read.read(l).is_some()));
        assert_eq!(read, report);
        assert!(read.read("kernel\tx\tmany\t0\t0\t0\t0").is_none() && read.read("").is_none());
    }

    #[test]
    fn what_is_wrong_names_module_kernel_line_and_architectures() {
        let archs = vec!["sm_70".to_owned(), "sm_90".to_owned()];
        let mut all = BTreeMap::from([(("a/b".to_owned(), 0), report()), (("a/b".to_owned(), 1), report())]);
        all.get_mut(&("a/b".to_owned(), 1)).unwrap().usages.pop();
        let reports = Reports { archs, all };
        let wrong: Vec<String> = reports.wrong().iter().map(|(w, a)| format!("{w} ({})", a.join(", "))).collect();
        let mul = "a/b simple: a product whose rounding is not said: `mul.f32 %f1, %f2, %f3`, line 4 of the PTX";
        assert_eq!(wrong, [format!("{mul} (sm_70, sm_90)"), "a/b spilly: spills registers (sm_70)".to_owned()]);
        assert_eq!((reports.kernels("a/b"), reports.kernels("c"), reports.warnings().len()), (2, 0, 1));
    }

    #[test]
    fn planted_faults_are_found_in_what_nvrtc_makes() {
        const TEXT: &str = r#"
#include "prelude.cuh"
KERNEL(256, spills, const float* a, float* b, int n) {
    float r[300];
    for (int i = 0; i < 300; i++) r[i] = a[i * n + threadIdx.x];
    for (int k = 0; k < n; k++) {
        #pragma unroll
        for (int i = 0; i < 300; i++) r[i] = np_fma(r[i], r[i * 7 % 300], a[k]);
    }
    #pragma unroll
    for (int i = 0; i < 300; i++) b[i * n + threadIdx.x] = r[i];
}
KERNEL(32, sins, const float* a, float* b) { atomicAdd(b, 1.0f); b[1] = expf(a[0]); b[2] = rsqrtf(a[1]); }
KERNEL(32, keeps, const float* a, double* b) { double x = a[0]; b[0] = a[0] * a[1] - a[2] / sqrtf(a[3]) + x * x / 3.0; }
"#;
        if nvrtc::version().is_err() {
            return; // nothing to ask; `compile` itself says what to install
        }
        let compiled: Vec<Report> = std::thread::scope(|scope| {
            let one = || Report::new(&nvrtc::compile("planted", TEXT, "sm_80").unwrap());
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(compiled.iter().all(|r| *r == compiled[0]), "threads may compile at the same time");
        let report = &compiled[0];
        let spills: Vec<&str> =
            report.usages.iter().filter(|u| u.spill_stores > 0).map(|u| u.kernel.as_str()).collect();
        assert_eq!((report.usages.len(), spills), (3, vec!["spills"]));
        let sins: BTreeSet<&str> = report.faults.iter().map(|f| f.why.as_str()).collect();
        assert!(report.faults.iter().all(|f| f.kernel == "sins"), "{:?}", report.faults);
        assert!(
            sins.iter().any(|s| s.contains("atomic")) && sins.iter().any(|s| s.contains("approximation")),
            "{sins:?}"
        );
    }

    #[test]
    fn a_path_names_modules() {
        let names = |p| modules(p).ok().map(|m| m.iter().map(|m| m.name).collect::<Vec<_>>());
        assert_eq!(names(Some("cuda/basic")).unwrap(), ["cuda/basic"]);
        assert_eq!(
            names(Some("conv/conv")).unwrap(),
            ["conv/conv/depthwise", "conv/conv/pointwise", "conv/conv/winograd"]
        );
        assert!(names(Some("optim")).unwrap().len() >= 4 && names(None).unwrap().len() > 10);
        assert_eq!(names(Some("conv/con")), None);
        assert_eq!(["sm_90a", "sm_75", "90", "sm_x"].map(number), [Some(90), Some(75), None, None]);
    }
}

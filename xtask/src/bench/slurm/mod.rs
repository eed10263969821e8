//! `--engine slurm`: every run a job of one array; this process submits, watches and collects.
//!
//! Machines share nothing but the file system. What is to be done is read from the runs' folders alone, so the watcher may be
//! stopped at any time: the jobs go on, and the same command watches again, submitting only what is neither done nor queued.
//!
//! - A run that reads what another finds (DenseNAS's random search) is submitted beside the array and waits for that element.
//! - A search by trials belongs to its run's job; while it has more trials open than it can work on, guests are submitted.
//! - A job that was killed or stopped puts itself back into the queue ([`script`]); one whose script died with it is submitted
//!   again from here.

pub mod queue;
pub mod script;

use super::child;
use super::one::{One, Standing};
use super::plan::Plan;
use crate::cli::BenchArgs;
use crate::live::{self, Audience, Event, Place};
use crate::ui;
use anyhow::Context;
use kernels::device::Choice;
use nas::run::{RESULT, interrupt, open_trials};
use queue::{NAME, Queued, State};
use script::{Array, ranges};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the queue and the folders are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long a job that has left the queue without a word may still be about to show its files: shared file systems lag.
const LAG: Duration = Duration::from_secs(20);
/// How often a job that vanishes is submitted again.
const VANISHED: usize = 3;
/// The most guests of one search.
const GUESTS: usize = 64;
/// How many seconds before a time limit a job is told.
const WARNING: usize = 120;

/// A run's job.
#[derive(Debug, Default)]
struct Job {
    /// The array and index under which it was last submitted.
    at: Option<(u64, usize)>,
    /// Where its log is.
    folder: PathBuf,
    /// Since when it is not in the queue.
    gone: Option<Instant>,
    vanished: usize,
    restarts: bool,
    running: bool,
    node: String,
    place: Option<Place>,
}

/// Everything that is under way.
struct Watch<'a> {
    args: &'a BenchArgs,
    plan: &'a Plan,
    /// `<out>/.slurm`.
    root: PathBuf,
    /// The folder of this submission, in it.
    folder: PathBuf,
    /// The run's folder, of those that are to be made.
    paths: Vec<Option<PathBuf>>,
    standings: Vec<Standing>,
    jobs: Vec<Job>,
    /// Arrays of guests, by the run that they help.
    guests: Vec<(u64, usize)>,
    /// Why jobs wait, as last told.
    told: BTreeSet<String>,
    silent: bool,
    /// Slurm does not take guests.
    helpless: bool,
}

/// Makes the runs.
///
/// # Errors
/// If Slurm is not there or refuses the jobs, or the folder of runs cannot be written.
pub fn run(args: &BenchArgs, plan: &Plan, one: &One<'_>, audience: &mut dyn Audience) -> anyhow::Result<Vec<Standing>> {
    let queued = queue::queue()?;
    let (paths, standings) = super::engines::made_ready(one, plan, audience);
    let out = std::path::absolute(&args.out).with_context(|| format!("cannot find {}", args.out.display()))?;
    let root = out.join(".slurm");
    let number = (1..).find(|n: &usize| !root.join(n.to_string()).exists()).expect("numbers do not end");
    let jobs = plan.work.iter().map(|_| Job::default()).collect();
    let folder = root.join(number.to_string());
    let (guests, told, silent, helpless) = (Vec::new(), BTreeSet::new(), false, false);
    let mut watch = Watch { args, plan, root, folder, paths, standings, jobs, guests, told, silent, helpless };
    watch.find(&queued);
    let open: Vec<usize> = (0..plan.work.len()).filter(|i| watch.open(*i) && watch.jobs[*i].at.is_none()).collect();
    watch.submit(&open, audience)?;
    watch.until_done(audience)
}

impl Watch<'_> {
    /// Whether a run is to be made and has not ended.
    fn open(&self, i: usize) -> bool {
        self.paths[i].is_some() && self.standings[i] == Standing::Waiting
    }

    /// Finds runs that an earlier command submitted and that are still in the queue.
    fn find(&mut self, queued: &[Queued]) {
        for folder in std::fs::read_dir(&self.root).into_iter().flatten().flatten().map(|e| e.path()) {
            let cells = std::fs::read_to_string(folder.join("cells")).unwrap_or_default();
            let cells: Vec<&str> = cells.lines().collect();
            for array in Array::of(&folder) {
                let queued = queued.iter().filter(|q| q.array == array.number && q.state != State::Over);
                for q in queued {
                    let number = if array.helps { array.indices[0] } else { q.index };
                    let Some(line) = number.checked_sub(1).and_then(|n| cells.get(n)) else { continue };
                    let Some(i) = (0..self.plan.work.len()).find(|i| self.line(*i) == *line) else { continue };
                    if array.helps {
                        self.guests.push((array.number, i));
                    } else if self.paths[i].is_some() {
                        self.jobs[i].at = Some((array.number, q.index));
                        self.jobs[i].folder.clone_from(&folder);
                    }
                }
            }
        }
        self.guests.dedup();
    }

    /// A run's line of `cells`: it names the profile too, since several may lie in one folder.
    fn line(&self, i: usize) -> String {
        let work = &self.plan.work[i];
        format!("{} {} {} {}", work.cell.task, work.cell.method, work.seed, self.args.profile.name())
    }

    /// Writes what every job needs.
    fn prepare(&self) -> anyhow::Result<()> {
        let folder = &self.folder;
        let written =
            |name: &str| format!("cannot write {} (--out chooses another folder)", folder.join(name).display());
        std::fs::create_dir_all(folder).with_context(|| written(""))?;
        let program = std::env::current_exe().context("cannot find this program")?;
        std::fs::copy(&program, folder.join("np360")).with_context(|| written("np360"))?;
        let lines: Vec<String> = (0..self.plan.work.len()).map(|i| self.line(i) + "\n").collect();
        std::fs::write(folder.join("cells"), lines.concat()).with_context(|| written("cells"))?;
        let script = script::job(folder, &child::flags(self.args)?);
        std::fs::write(folder.join("job.sh"), script).with_context(|| written("job.sh"))
    }

    /// Submits an array of the script.
    fn submit_array(&self, indices: &[usize], more: &[String], log: &str) -> anyhow::Result<u64> {
        if !self.folder.join("job.sh").exists() {
            self.prepare()?;
        }
        let limit = self.args.engine.array_limit.map(|n| format!("%{n}")).unwrap_or_default();
        let mut args = vec![
            "--parsable".to_owned(),
            format!("--job-name={NAME}"),
            format!("--array={}{limit}", ranges(indices)),
            "--requeue".to_owned(),
            // A job whose dependency failed leaves the queue; the watcher sees to it.
            "--kill-on-invalid-dep=yes".to_owned(),
            "--open-mode=append".to_owned(),
            format!("--signal=B:TERM@{WARNING}"),
            format!("--output={}", self.folder.join(log).display()),
        ];
        args.extend(self.args.engine.partition.iter().map(|p| format!("--partition={p}")));
        let gpus = self.args.engine.gpus.or(matches!(self.args.device, Choice::Cuda(_)).then_some(1));
        args.extend(gpus.map(|n| format!("--gres=gpu:{n}")));
        args.extend(self.args.threads.iter().map(|n| format!("--cpus-per-task={n}")));
        args.extend(self.args.engine.sbatch.iter().cloned());
        args.extend(more.iter().cloned());
        args.push(self.folder.join("job.sh").display().to_string());
        queue::submit(&args)
    }

    /// Submits runs: those that nothing comes before in one array; after it, each that waits for another with a dependency.
    fn submit(&mut self, runs: &[usize], audience: &mut dyn Audience) -> anyhow::Result<()> {
        let first = |i: usize| self.plan.work[i].after.filter(|f| self.open(*f));
        let (later, now): (Vec<usize>, Vec<usize>) = runs.iter().partition(|i| first(**i).is_some());
        if !now.is_empty() {
            self.sbatch(&now, None, audience)?;
        }
        for i in later {
            let at = self.plan.work[i].after.and_then(|f| self.jobs[f].at);
            self.sbatch(&[i], at, audience)?;
        }
        Ok(())
    }

    /// Submits runs as one array, to begin when another element has ended well.
    fn sbatch(
        &mut self,
        runs: &[usize],
        after: Option<(u64, usize)>,
        audience: &mut dyn Audience,
    ) -> anyhow::Result<()> {
        let lines: Vec<usize> = runs.iter().map(|i| i + 1).collect();
        let after = after.map(|(array, index)| format!("--dependency=afterok:{array}_{index}"));
        let number = self.submit_array(&lines, after.as_slice(), "%a.log")?;
        Array { number, indices: lines, helps: false }.note(&self.folder)?;
        for i in runs {
            let job = &mut self.jobs[*i];
            (job.at, job.gone, job.running) = (Some((number, i + 1)), None, false);
            job.folder.clone_from(&self.folder);
        }
        let (run, folder) = (self.plan.work[runs[0]].run(), self.folder.display());
        let what = if runs.len() == 1 { run.to_string() } else { format!("{} runs", runs.len()) };
        self.note(runs[0], &format!("submitted {what} as array {number}; logs in {folder}"), audience);
        Ok(())
    }

    fn note(&self, i: usize, text: &str, audience: &mut dyn Audience) {
        let cell = self.plan.work[i].cell;
        let (task, method, text) = (cell.task.to_owned(), cell.method.to_owned(), text.to_owned());
        audience.hear(&Event::Note { task, method, seed: Some(self.plan.work[i].seed), text });
    }

    /// Watches until every run has ended, or this process is asked to stop.
    fn until_done(mut self, audience: &mut dyn Audience) -> anyhow::Result<Vec<Standing>> {
        loop {
            match queue::queue() {
                Ok(queued) => {
                    self.silent = false;
                    for i in (0..self.plan.work.len()).filter(|i| self.open(*i)).collect::<Vec<_>>() {
                        if let Err(e) = self.look(i, &queued, audience) {
                            self.fail(i, ui::one_line(&e), audience);
                        }
                    }
                    self.waits(&queued, audience);
                    if let Err(e) = self.send_guests(&queued, audience) {
                        self.helpless = true;
                        self.note(0, &format!("no help for searches by trials: {e:#}"), audience);
                    }
                }
                // The controller may be restarted; the jobs do not mind.
                Err(e) if !self.silent => {
                    self.silent = true;
                    self.note(0, &format!("{e:#}; asking again"), audience);
                }
                Err(_) => {}
            }
            let open: Vec<usize> = (0..self.plan.work.len()).filter(|i| self.open(*i)).collect();
            if open.is_empty() {
                queue::cancel(&self.guests.iter().map(|(array, _)| *array).collect::<Vec<_>>());
                return Ok(self.standings);
            }
            let begun = Instant::now();
            while begun.elapsed() < LOOK {
                if interrupt::requested() {
                    let mut arrays: Vec<u64> = self.jobs.iter().filter_map(|j| j.at).map(|(array, _)| array).collect();
                    arrays.dedup();
                    let arrays: Vec<String> = arrays.iter().map(u64::to_string).collect();
                    let how = format!("the jobs go on without this watcher; scancel {} ends them", arrays.join(" "));
                    self.note(open[0], &how, audience);
                    open.iter().for_each(|i| self.standings[*i] = Standing::Interrupted);
                    return Ok(self.standings);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// Looks how a run is getting on.
    fn look(&mut self, i: usize, queued: &[Queued], audience: &mut dyn Audience) -> anyhow::Result<()> {
        let (work, path) = (&self.plan.work[i], self.paths[i].clone().expect("an open run has a folder"));
        if path.join(RESULT).exists() {
            // Not before the job has written the last of it.
            if let Ok(done) = super::one::done_in(work, &path) {
                self.standings[i] = Standing::Done;
                audience.hear(&done);
                return Ok(());
            }
        }
        let Some(at) = self.jobs[i].at else { return Ok(()) };
        let here = queued.iter().find(|q| (q.array, q.index) == at && q.state != State::Over);
        match here {
            Some(q) if q.state == State::Running => {
                let job = &mut self.jobs[i];
                job.gone = None;
                if !job.running || job.node != q.node {
                    (job.running, job.node) = (true, q.node.clone());
                    audience.hear(&Event::Start { run: work.run() });
                    self.note(i, &format!("runs on {} as job {}", q.node, q.job), audience);
                }
                self.progress(i, &path, audience);
            }
            Some(q) => {
                let job = &mut self.jobs[i];
                job.gone = None;
                if std::mem::take(&mut job.running) {
                    job.restarts = true;
                    self.note(i, "is back in the queue; it goes on from its last checkpoint", audience);
                }
                if self.jobs[i].restarts && q.reason == "BeginTime" {
                    queue::no_waiting(q.job);
                }
            }
            None => return self.missing(i, at.1, audience),
        }
        Ok(())
    }

    /// Tells what a run last said of itself.
    fn progress(&mut self, i: usize, path: &Path, audience: &mut dyn Audience) {
        let Some(now) = live::read(path).map(|l| l.place) else { return };
        let (run, before) = (self.plan.work[i].run(), self.jobs[i].place.replace(now.clone()));
        let Place { stage, done, total, step, metric, eta, .. } = now;
        match before.filter(|b| (&b.stage, b.total) == (&stage, total)) {
            None => audience.hear(&Event::Stage { run, stage, done, total }),
            Some(b) if b.done != done => audience.hear(&Event::Epoch { run, stage, done, total, metric, eta }),
            Some(b) if b.step != step => {
                const STEPS: f64 = 1000.0;
                audience.hear(&Event::Step { run, done: (step * STEPS) as usize, total: STEPS as usize });
            }
            Some(_) => {}
        }
    }

    /// A run without a result whose job is not in the queue.
    fn missing(&mut self, i: usize, index: usize, audience: &mut dyn Audience) -> anyhow::Result<()> {
        let run = self.plan.work[i].run();
        let job = &mut self.jobs[i];
        let exit = std::fs::read_to_string(job.folder.join(format!("{index}.exit"))).unwrap_or_default();
        let log = job.folder.join(format!("{index}.log"));
        let since = *job.gone.get_or_insert_with(Instant::now);
        let error = match exit.trim().parse::<i32>() {
            Ok(0) if since.elapsed() < LAG => return Ok(()),
            Ok(0) => format!("{run}: its job ended well and left no result; see {}", log.display()),
            Ok(code) => {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let why = said.lines().rev().find_map(|l| l.strip_prefix("error: "));
                why.map_or_else(
                    || format!("{run}: its job ended with exit code {code}; see {}", log.display()),
                    str::to_owned,
                )
            }
            Err(_) if since.elapsed() < 3 * LOOK => return Ok(()),
            // It waited for a job that failed: it goes on waiting for the one that is submitted in its place.
            Err(_) if self.plan.work[i].after.is_some_and(|f| self.open(f) && self.jobs[f].gone.is_some()) => {
                return Ok(());
            }
            Err(_) if self.jobs[i].vanished < VANISHED => {
                self.jobs[i].vanished += 1;
                self.note(i, "its job is gone without a word: submitting it again", audience);
                return self.submit(&[i], audience);
            }
            Err(_) => format!("{run}: its job vanished {VANISHED} times; see {}", log.display()),
        };
        self.fail(i, error, audience);
        Ok(())
    }

    fn fail(&mut self, i: usize, error: String, audience: &mut dyn Audience) {
        self.standings[i] = Standing::Failed;
        audience.hear(&Event::Failed { run: self.plan.work[i].run(), error });
    }

    /// Says why jobs wait, when that is more than their turn.
    fn waits(&mut self, queued: &[Queued], audience: &mut dyn Audience) {
        let usual = ["None", "Priority", "Resources", "JobArrayTaskLimit", "Dependency", "BeginTime", ""];
        let ours = queued
            .iter()
            .filter(|q| q.state == State::Pending && self.jobs.iter().any(|j| j.at == Some((q.array, q.index))));
        let reasons: BTreeSet<String> =
            ours.map(|q| q.reason.clone()).filter(|r| !usual.contains(&r.as_str())).collect();
        for reason in &reasons {
            if !self.told.contains(reason) {
                self.note(0, &format!("jobs wait: Slurm says {reason}"), audience);
            }
        }
        self.told = reasons;
    }

    /// Submits guests for searches that have more trials open than there are at work on them.
    fn send_guests(&mut self, queued: &[Queued], audience: &mut dyn Audience) -> anyhow::Result<()> {
        let live = |array: u64| queued.iter().filter(move |q| q.array == array && q.state != State::Over).count();
        self.guests.retain(|(array, _)| live(*array) > 0);
        if self.helpless {
            return Ok(());
        }
        for i in 0..self.plan.work.len() {
            let Some(path) =
                self.paths[i].as_ref().filter(|_| self.jobs[i].running && self.standings[i] == Standing::Waiting)
            else {
                continue;
            };
            let there: usize = self.guests.iter().filter(|(_, of)| *of == i).map(|(array, _)| live(*array)).sum();
            let wanted = open_trials(path).len().saturating_sub(1).min(GUESTS);
            if wanted <= there {
                continue;
            }
            let indices: Vec<usize> = (1..=wanted - there).collect();
            let export = format!("--export=ALL,NP360_HELP=--help-trials,NP360_LINE={}", i + 1);
            let number = self.submit_array(&indices, &[export], "help-%A.log")?;
            Array { number, indices: vec![i + 1], helps: true }.note(&self.folder)?;
            self.guests.push((number, i));
            self.note(i, &format!("{} trials are open: submitted help as array {number}", wanted + 1), audience);
        }
        Ok(())
    }
}

//! `--engine local --jobs N`: runs side by side, each in a process of its own, which tells its events through a pipe.

use super::child;
use super::one::{One, Standing};
use super::plan::{Plan, Work};
use crate::cli::BenchArgs;
use crate::live::{Audience, Event};
use anyhow::Context;
use nas::run::{interrupt, open_trials};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How often a child is looked for that could be started, or is to be stopped.
const LOOK: Duration = Duration::from_millis(200);
/// How long to wait before another guest is sent to the same run.
const GUESTS: Duration = Duration::from_secs(2);

/// What a child's threads tell.
enum Said {
    /// An event.
    Event(usize, Box<Event>),
    /// Its output has ended; the last line that it wrote to the standard error.
    End(usize, String),
}

/// A process that makes a run, or helps with its trials.
struct Process {
    child: Child,
    work: usize,
    guest: bool,
}

/// Everything that is under way.
struct Local<'a> {
    plan: &'a Plan,
    program: PathBuf,
    flags: Vec<String>,
    /// Threads of each process.
    threads: usize,
    /// The run's folder, of those that are to be made.
    paths: Vec<Option<PathBuf>>,
    standings: Vec<Standing>,
    started: Vec<bool>,
    processes: Vec<Option<Process>>,
    guests: Option<Instant>,
    tell: Sender<Said>,
    hear: Receiver<Said>,
}

/// Makes the runs, at most `--jobs` at a time.
///
/// # Errors
/// If this program cannot be started again.
pub fn run(args: &BenchArgs, plan: &Plan, one: &One<'_>, audience: &mut dyn Audience) -> anyhow::Result<Vec<Standing>> {
    let (paths, standings) = super::engines::made_ready(one, plan, audience);
    let (tell, hear) = channel();
    let threads = kernels::pool::threads().div_ceil(usize::from(args.engine.jobs).max(1)).max(1);
    let mut local = Local {
        plan,
        program: std::env::current_exe().context("cannot find this program")?,
        flags: child::flags(args)?,
        threads,
        paths,
        started: vec![false; standings.len()],
        standings,
        processes: Vec::new(),
        guests: None,
        tell,
        hear,
    };
    let mut stopped = false;
    loop {
        if interrupt::requested() && !stopped {
            stopped = true;
            local.stop();
        }
        while !stopped && local.running() < usize::from(args.engine.jobs) && local.begin(audience)? {}
        if local.running() == 0 {
            return Ok(local.standings);
        }
        match local.hear.recv_timeout(LOOK) {
            Ok(Said::Event(i, event)) => local.told(i, *event, audience),
            Ok(Said::End(i, last)) => local.ended(i, &last, audience)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => unreachable!("this thread holds a sender"),
        }
    }
}

impl Local<'_> {
    fn running(&self) -> usize {
        self.processes.iter().flatten().count()
    }

    /// Starts the next run that can begin, else somebody to help with trials; whether there was anything to start.
    fn begin(&mut self, audience: &mut dyn Audience) -> anyhow::Result<bool> {
        let ended = |s: Standing| matches!(s, Standing::Done | Standing::Failed | Standing::Interrupted);
        let next = self.plan.work.iter().enumerate().find(|(i, work)| {
            self.paths[*i].is_some()
                && !self.started[*i]
                && work.after.is_none_or(|first| ended(self.standings[first]))
                && !super::failed(self.plan, &self.standings, work.cell)
        });
        if let Some((i, work)) = next {
            self.started[i] = true;
            audience.hear(&Event::Start { run: work.run() });
            self.spawn(i, false)?;
            return Ok(true);
        }
        if self.guests.is_some_and(|t| t.elapsed() < GUESTS) {
            return Ok(false);
        }
        self.guests = Some(Instant::now());
        let at_work = |i: usize| self.processes.iter().flatten().filter(|p| p.work == i).count();
        let shared = (0..self.plan.work.len()).find(|i| {
            let path = self.paths[*i].as_ref().filter(|_| at_work(*i) > 0);
            path.is_some_and(|p| open_trials(p).len() > at_work(*i))
        });
        match shared {
            Some(i) => self.spawn(i, true).map(|()| true),
            None => Ok(false),
        }
    }

    fn spawn(&mut self, work: usize, guest: bool) -> anyhow::Result<()> {
        let Work { cell, seed, .. } = self.plan.work[work];
        let mut command = Command::new(&self.program);
        command.args(["bench", cell.task, cell.method, "--json", "--seeds", &seed.to_string()]);
        command.args(["--threads", &self.threads.to_string()]).args(&self.flags);
        if guest {
            command.arg("--help-trials");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C reaches this process alone, which then asks each child once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let (out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let (i, tell) = (self.processes.len(), self.tell.clone());
        std::thread::spawn(move || {
            let rest = std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = err.read_to_end(&mut text);
                String::from_utf8_lossy(&text).trim().lines().last().unwrap_or_default().to_owned()
            });
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Ok(event) = Event::parse(&line) {
                    let _ = tell.send(Said::Event(i, Box::new(event)));
                }
            }
            let _ = tell.send(Said::End(i, rest.join().unwrap_or_default()));
        });
        self.processes.push(Some(Process { child, work, guest }));
        Ok(())
    }

    /// Passes an event on; a guest's trainings are not the run's own progress.
    fn told(&mut self, process: usize, event: Event, audience: &mut dyn Audience) {
        let Some(Process { work, guest, .. }) = self.processes[process] else { return };
        match event {
            Event::Plan { .. } | Event::End { .. } | Event::Start { .. } => return,
            Event::Note { .. } => {}
            _ if guest => return,
            Event::Done { .. } => self.standings[work] = Standing::Done,
            Event::Failed { .. } => self.standings[work] = Standing::Failed,
            Event::Interrupted { .. } => self.standings[work] = Standing::Interrupted,
            _ => {}
        }
        audience.hear(&event);
    }

    /// Buries a process; one that did not say how its run ended is told of.
    fn ended(&mut self, i: usize, last: &str, audience: &mut dyn Audience) -> anyhow::Result<()> {
        let Some(mut process) = self.processes[i].take() else { return Ok(()) };
        let status = process.child.wait().context("cannot wait for a process")?;
        if process.guest || self.standings[process.work] != Standing::Waiting {
            return Ok(());
        }
        let run = self.plan.work[process.work].run();
        let error = match status.code() {
            Some(_) if !last.is_empty() => last.strip_prefix("error: ").unwrap_or(last).to_owned(),
            Some(code) => format!("{run}: its process ended with exit code {code} and did not say why"),
            None => {
                format!("{run}: its process was killed ({status}); the same command goes on from its last checkpoint")
            }
        };
        self.standings[process.work] = Standing::Failed;
        audience.hear(&Event::Failed { run, error });
        Ok(())
    }

    /// Asks every child to stop, once: each saves what it needs to go on.
    fn stop(&self) {
        let numbers = self.processes.iter().flatten().map(|p| p.child.id().to_string());
        let kill = format!("kill -TERM {}", numbers.collect::<Vec<_>>().join(" "));
        let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
    }
}

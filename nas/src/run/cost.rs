//! What a run costs: hours of all its attempts, and the most memory any of them held.

use super::disk::read_json;
use super::error::RunError;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Hours and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Wall-clock hours of all attempts; of one that was killed, those up to its last checkpoint.
    pub hours: f64,
    /// The most bytes of memory that any attempt held.
    pub peak_memory_bytes: u64,
}

/// Measures the attempt in hand.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since then.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

impl Cost {
    /// What a run's folder says, the work of guests on its trials included; nothing if it says nothing.
    ///
    /// # Errors
    /// If a file is there and cannot be read.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let mut all = Self::own(folder)?;
        for trial in std::fs::read_dir(folder.join("trials")).into_iter().flatten().flatten() {
            let part = Self::own(&trial.path())?;
            all.hours += part.hours;
            all.peak_memory_bytes = all.peak_memory_bytes.max(part.peak_memory_bytes);
        }
        Ok(all)
    }

    /// What one folder says of itself.
    pub(crate) fn own(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(super::COST);
        match read_json(&path)? {
            None => Ok(Self::default()),
            Some(v) => serde_json::from_value(v).map_err(|e| RunError::damaged(&path, e.to_string())),
        }
    }

    /// With the attempt in hand.
    pub fn with(self, clock: &Clock) -> Self {
        Self {
            hours: self.hours + clock.0.elapsed().as_secs_f64() / 3600.0,
            peak_memory_bytes: self.peak_memory_bytes.max(peak_memory().unwrap_or(0)),
        }
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data") + "\n"
    }
}

/// The most memory this process has held, as the system counts it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The time, UTC, as `2026-11-25T03:39:13Z`.
pub(crate) fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    utc(seconds)
}

fn utc(seconds: u64) -> String {
    let (days, s) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of year 0, in eras of 400 years; the year begins in March, so leap days come last.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_577_953), "2026-11-25T03:39:13Z");
    }

    #[test]
    fn cost_adds_hours_and_keeps_the_peak() {
        let cost = Cost { hours: 2.0, peak_memory_bytes: u64::MAX }.with(&Clock::start());
        assert!(cost.hours > 2.0 && cost.hours < 2.1 && cost.peak_memory_bytes == u64::MAX);
        assert!(peak_memory().unwrap() > 1 << 18);
    }
}

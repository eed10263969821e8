//! Ranks, improvement, performance profiles, resamples.

pub mod profile;
pub mod rank;
pub mod resample;

use crate::model::{BLOCKS, Entry, Table};

/// Figures by row and task, where they are: what statistics are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// The rows' names.
    pub methods: Vec<String>,
    /// The columns' tasks, in the order of the tables.
    pub tasks: Vec<&'static str>,
    /// Figures, row by row, in the tasks' units.
    pub values: Vec<Vec<Option<f64>>>,
}

impl Grid {
    /// The ranked rows of a table, and the tasks on which any of them has a figure.
    pub fn of(table: &Table) -> Self {
        Self::with(table, |entry| entry.mean)
    }

    /// The same with another figure of each entry.
    pub fn with(table: &Table, figure: impl Fn(&Entry) -> f64) -> Self {
        let methods: Vec<String> = table.ranked().map(|m| m.name.clone()).collect();
        let tasks: Vec<&'static str> = BLOCKS
            .into_iter()
            .flatten()
            .filter(|task| methods.iter().any(|m| table.entry(task, m).is_some()))
            .collect();
        let values = methods.iter().map(|m| tasks.iter().map(|t| table.entry(t, m).map(&figure)).collect()).collect();
        Self { methods, tasks, values }
    }

    /// The index of a row.
    pub fn row(&self, method: &str) -> Option<usize> {
        self.methods.iter().position(|m| m == method)
    }

    /// Indices of the tasks on which all of these rows have figures.
    pub fn common(&self, rows: &[usize]) -> Vec<usize> {
        (0..self.tasks.len()).filter(|t| rows.iter().all(|r| self.values[*r][*t].is_some())).collect()
    }

    /// The rank of every figure among those of its task.
    pub fn ranks(&self) -> Vec<Vec<Option<f64>>> {
        let mut ranks = vec![vec![None; self.tasks.len()]; self.methods.len()];
        for (t, task) in self.tasks.iter().enumerate() {
            let there: Vec<usize> = (0..self.methods.len()).filter(|m| self.values[*m][t].is_some()).collect();
            let figures: Vec<f64> = there.iter().filter_map(|m| self.values[*m][t]).collect();
            for (m, rank) in there.into_iter().zip(rank::ranks(task, &figures)) {
                ranks[m][t] = Some(rank);
            }
        }
        ranks
    }
}

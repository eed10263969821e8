//! The paper's Table 2.

use crate::model::{BLOCKS, Entry, Marks, Origin, Table};
use crate::published::figure;
use nas::protocol::METHODS;

/// Its figures as a table: of three seeds, which are not known one by one.
pub fn table() -> Table {
    let mut table = Table::new(Origin::Paper);
    for method in METHODS.iter().filter(|m| !m.yardstick) {
        for task in BLOCKS.into_iter().flatten() {
            let Some(published) = figure(task, method.name) else { continue };
            // AMBER's stand in a chart alone, without deviations or how many seeds.
            let picture = method.name == "amber";
            let entry = Entry {
                mean: published.mean,
                std: published.std,
                n: if picture { 0 } else { 3 },
                marks: Marks { picture, ..Marks::default() },
                ..Entry::default()
            };
            table.put(task, method.name, entry);
        }
    }
    table.notices.push(
        "AMBER's figures are read from a chart that the authors published: neither deviations nor numbers of seeds are given."
            .to_owned(),
    );
    table
}

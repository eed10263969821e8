//! A whole small search in its folder: interrupted anywhere, it finds the same.

use tasks::Sizes;

use super::*;
use crate::profile::Profile;
use crate::toy::{Mortal, Toy};

/// The smallest supernet with both kinds of cells.
fn toy() -> Toy {
    Toy::new(&Gaea, Sizes { train: 64, val: 16, test: 1 }, &[("search_epochs", 2.0), ("search_batch", 8.0)])
}

fn metrics(toy: &Toy, name: &str) -> String {
    String::from_utf8(toy.file(name, "metrics.jsonl")).unwrap()
}

#[test]
fn a_search_finds_the_same_however_often_it_dies() {
    let toy = toy();
    let whole = toy.search("whole", &mut Mortal(usize::MAX)).unwrap();
    let found = Genotype::from_json(&whole.network["genotype"]).unwrap();
    assert!(found.reduce.is_some() && whole.network["family"] == "cells", "{}", whole.network);
    let form = crate::arch::Form { kind: Kind::Series, input: vec![46, 1], outputs: 24 };
    crate::arch::Arch::new("gaea", "satellite", &form, whole.clone()).unwrap();
    let lines = metrics(&toy, "whole");
    let lines: Vec<Json> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((lines.len(), lines[1]["epoch"].as_u64()), (2, Some(2)));
    assert!(lines[1]["gap"]["derived"].is_number() && lines[1]["gap"]["random"].is_number(), "{}", lines[1]);
    assert_eq!(lines[1]["architecture"]["genotype"], whole.network["genotype"]);

    let mut deaths = 0;
    let found = loop {
        match toy.search("often", &mut Mortal(3)) {
            Ok(found) => break found,
            Err(_) => deaths += 1,
        }
    };
    assert!(deaths >= 2, "it died {deaths} times");
    assert_eq!((found, metrics(&toy, "often")), (whole, metrics(&toy, "whole")));
}

#[test]
fn channels_that_do_not_part_are_refused_in_words() {
    let mut values = Profile::Smoke.values("satellite", "gaea");
    assert_eq!(spec(Kind::Series, 1, 24, &values).unwrap().channels, 4);
    values.own.insert("search_channels".to_owned(), 10.into());
    let said = spec(Kind::Series, 1, 24, &values).unwrap_err().to_string();
    assert!(said.contains("search_channels is 10") && said.contains("give a multiple of 4"), "{said}");
}

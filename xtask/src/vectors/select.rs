//! Which cases are replayed.

/// `--only` and `--skip`: families (`conv2d`) or cases (`networks/wrn*`); `*` stands for anything.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

impl Selection {
    /// Of these patterns; no `only` is everything.
    pub fn new(only: &[String], skip: &[String]) -> Self {
        Self { only: only.to_vec(), skip: skip.to_vec() }
    }

    /// Whether the case `family/case` is replayed.
    pub fn takes(&self, name: &str) -> bool {
        let any = |all: &[String]| all.iter().any(|p| names(p, name));
        (self.only.is_empty() || any(&self.only)) && !any(&self.skip)
    }
}

fn names(pattern: &str, name: &str) -> bool {
    match pattern.contains('/') {
        true => fits(pattern, name),
        false => fits(pattern, name.split('/').next().unwrap_or(name)),
    }
}

/// The pattern's parts between stars follow each other in the text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_cases_and_stars() {
        let s = |only: &[&str], skip: &[&str]| {
            let own = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
            Selection::new(&own(only), &own(skip))
        };
        assert!(s(&[], &[]).takes("conv2d/k1"));
        assert!(s(&["conv2d"], &[]).takes("conv2d/k1") && !s(&["conv"], &[]).takes("conv2d/k1"));
        assert!(s(&["conv*"], &[]).takes("conv2d/k1"));
        let networks = s(&["networks/wrn*", "networks/resnet1d*"], &[]);
        assert!(networks.takes("networks/wrn_10_1_32x32") && networks.takes("networks/resnet1d_m8"));
        assert!(!networks.takes("networks/fno_16x16") && !networks.takes("norm/wrn"));
        assert!(!s(&[], &["networks"]).takes("networks/fno_16x16"));
        assert!(s(&["networks/*_32x32"], &[]).takes("networks/wrn_10_1_32x32"));
        assert!(!s(&["conv2d/k1"], &[]).takes("conv2d/k1_s2"));
    }
}

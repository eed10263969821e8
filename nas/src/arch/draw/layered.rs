//! A layout of small directed graphs in columns, left to right: every edge's label is a box of its own.
//!
//! Labels, and the places where a long edge passes a column, are vertices like the nodes: so the order within a column,
//! found by barycentres from several beginnings, decides about crossings; the heights, by least squares with the
//! separations kept, about bends. Edges bend only between columns, so none touches a box that is not its own.

/// A width and a height.
pub type Size = (f64, f64);

/// From a node to a later one, with the size of its label.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// Number of the node it leaves.
    pub from: usize,
    /// Number of the node it enters; larger.
    pub to: usize,
    /// The size of its label.
    pub label: Option<Size>,
}

/// Distances.
#[derive(Debug, Clone, Copy)]
pub struct Gaps {
    /// Between columns, where edges bend.
    pub columns: f64,
    /// Between boxes of a column.
    pub boxes: f64,
    /// Between two edges that enter or leave a node.
    pub ports: f64,
}

/// A box, by its corner and size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// A stretch of an edge from box to box: points where it is straight and those between which it bends, in turn.
pub type Stretch = Vec<(f64, f64)>;

/// Where everything goes; the top left corner of it all is (0, 0).
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Of it all.
    pub size: Size,
    /// The nodes.
    pub nodes: Vec<Rect>,
    /// The labels, where edges have one.
    pub labels: Vec<Option<Rect>>,
    /// Each edge: one stretch, or one to its label and one from there.
    pub edges: Vec<Vec<Stretch>>,
}

/// A vertex: a node, a label, or a place where an edge passes.
struct Vertex {
    column: usize,
    size: Size,
    /// Neighbours to the left and to the right.
    near: [Vec<usize>; 2],
    /// Middle.
    y: f64,
    passed: bool,
}

/// Lays out nodes, which edges lead to from lower numbers alone.
pub fn layout(nodes: &[Size], edges: &[Edge], gaps: Gaps) -> Layout {
    let mut graph = Graph::new(nodes, edges, gaps);
    graph.order();
    graph.heights();
    graph.draw(nodes.len(), edges)
}

struct Graph {
    gaps: Gaps,
    vertices: Vec<Vertex>,
    /// Vertices of each column, from top to bottom.
    columns: Vec<Vec<usize>>,
    /// Vertices of each edge, from node to node.
    chains: Vec<Vec<usize>>,
}

impl Graph {
    fn new(nodes: &[Size], edges: &[Edge], gaps: Gaps) -> Self {
        let mut column = vec![0; nodes.len()];
        for to in 0..nodes.len() {
            let before =
                edges.iter().filter(|e| e.to == to).map(|e| column[e.from] + 1 + usize::from(e.label.is_some()));
            column[to] = before.max().unwrap_or(0);
        }
        let vertex = |column, size, passed| Vertex { column, size, near: [Vec::new(), Vec::new()], y: 0.0, passed };
        let mut vertices: Vec<Vertex> = nodes.iter().zip(&column).map(|(&size, &c)| vertex(c, size, false)).collect();
        let mut chains = Vec::new();
        for e in edges {
            let mut chain = vec![e.from];
            for c in column[e.from] + 1..column[e.to] {
                let label = e.label.filter(|_| c + 1 == column[e.to]);
                chain.push(vertices.len());
                vertices.push(vertex(c, label.unwrap_or((0.0, 0.0)), label.is_none()));
            }
            chain.push(e.to);
            for pair in chain.windows(2) {
                vertices[pair[0]].near[1].push(pair[1]);
                vertices[pair[1]].near[0].push(pair[0]);
            }
            chains.push(chain);
        }
        let last = column.iter().max().map_or(0, |c| c + 1);
        let columns = (0..last).map(|c| (0..vertices.len()).filter(|&v| vertices[v].column == c).collect()).collect();
        Self { gaps, vertices, columns, chains }
    }

    /// Finds an order of each column with few crossings.
    fn order(&mut self) {
        let mut best: Option<(usize, Vec<Vec<usize>>)> = None;
        let mut random = 1u64;
        for _ in 0..64 {
            for _ in 0..8 {
                for side in [0, 1] {
                    self.sweep(side);
                    let cost = self.cost();
                    if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                        best = Some((cost, self.columns.clone()));
                    }
                }
            }
            for column in &mut self.columns {
                for i in (1..column.len()).rev() {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    column.swap(i, (random >> 33) as usize % (i + 1));
                }
            }
        }
        if let Some((_, columns)) = best {
            self.columns = columns;
        }
        // Upside down it is as good; node 0 is to be on top.
        if self
            .columns
            .first()
            .is_some_and(|c| c.iter().position(|&v| v == 0) > Some(c.len() / 2 - usize::from(c.len() % 2 == 0)))
        {
            self.columns.iter_mut().for_each(|c| c.reverse());
        }
    }

    /// The place of each vertex in its column, as a share of it.
    fn places(&self) -> Vec<f64> {
        let mut places = vec![0.0; self.vertices.len()];
        for column in &self.columns {
            column.iter().enumerate().for_each(|(i, &v)| places[v] = (i as f64 + 0.5) / column.len() as f64);
        }
        places
    }

    /// Sorts each column by the mean place of its neighbours on one side (0: left), away from that side.
    fn sweep(&mut self, side: usize) {
        let last = self.columns.len();
        for i in 0..last {
            let c = if side == 0 { i } else { last - 1 - i };
            let places = self.places();
            let mean = |v: usize| {
                let near = &self.vertices[v].near[side];
                if near.is_empty() {
                    return places[v];
                }
                near.iter().map(|&n| places[n]).sum::<f64>() / near.len() as f64
            };
            let mut column = std::mem::take(&mut self.columns[c]);
            column.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
            self.columns[c] = column;
        }
    }

    /// Crossings weigh most, then how far edges climb.
    fn cost(&self) -> usize {
        let places = self.places();
        let mut cost = 0;
        for column in &self.columns {
            let edges: Vec<(f64, f64)> = column
                .iter()
                .flat_map(|&v| self.vertices[v].near[1].iter().map(move |&n| (v, n)))
                .map(|(v, n)| (places[v], places[n]))
                .collect();
            for (i, a) in edges.iter().enumerate() {
                cost += ((a.0 - a.1).abs() * 100.0) as usize;
                cost += edges[..i].iter().filter(|b| (a.0 - b.0) * (a.1 - b.1) < 0.0).count() * 1000;
            }
        }
        cost
    }

    /// Least distance of the middles of a column's neighbours `a` over `b`.
    fn separation(&self, a: usize, b: usize) -> f64 {
        let [a, b] = [a, b].map(|v| &self.vertices[v]);
        let gap = if a.passed && b.passed { self.gaps.boxes * 0.75 } else { self.gaps.boxes };
        (a.size.1 + b.size.1) / 2.0 + gap
    }

    /// Finds heights: each column in turn nearest to the means of its neighbours, its order and separations kept.
    fn heights(&mut self) {
        for round in 0..240 {
            let count = self.columns.len();
            for i in 0..count {
                let c = if round % 2 == 0 { i } else { count - 1 - i };
                let column = self.columns[c].clone();
                let mut offsets = vec![0.0; column.len()];
                for i in 1..column.len() {
                    offsets[i] = offsets[i - 1] + self.separation(column[i - 1], column[i]);
                }
                let wanted: Vec<(f64, f64)> = column
                    .iter()
                    .zip(&offsets)
                    .map(|(&v, offset)| {
                        let (y, weight) = self.wanted(v);
                        (y - offset, weight)
                    })
                    .collect();
                for ((&v, offset), y) in column.iter().zip(&offsets).zip(isotonic(&wanted)) {
                    self.vertices[v].y = y + offset;
                }
            }
            if round % 8 == 7 {
                self.straighten();
            }
        }
    }

    /// Makes each edge level where it passes several columns, if the others leave it room.
    fn straighten(&mut self) {
        for chain in self.chains.clone() {
            let passed = &chain[1..chain.iter().rposition(|&v| self.vertices[v].passed).map_or(1, |i| i + 1)];
            let (Some(&first), Some(&last)) = (passed.first(), passed.last()) else { continue };
            let [before, after] = [self.vertices[first].near[0][0], self.vertices[last].near[1][0]];
            let wanted = (self.vertices[before].y + self.vertices[after].y) / 2.0;
            let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
            for &v in passed {
                let column = &self.columns[self.vertices[v].column];
                let at = column.iter().position(|&u| u == v).unwrap_or(0);
                if at > 0 {
                    least = least.max(self.vertices[column[at - 1]].y + self.separation(column[at - 1], v));
                }
                if let Some(&next) = column.get(at + 1) {
                    most = most.min(self.vertices[next].y - self.separation(v, next));
                }
            }
            if least <= most {
                passed.iter().for_each(|&v| self.vertices[v].y = wanted.clamp(least, most));
            }
        }
    }

    /// The height a vertex would have, and how much it minds. Long edges and chains mind most, so that they are straight.
    fn wanted(&self, v: usize) -> (f64, f64) {
        let weight = |n: usize| {
            let [v, n] = [&self.vertices[v], &self.vertices[n]];
            let (left, right) = if v.column < n.column { (v, n) } else { (n, v) };
            match (v.passed, n.passed) {
                (true, true) => 8.0,
                (true, false) | (false, true) => 2.0,
                (false, false) if left.near[1].len() == 1 && right.near[0].len() == 1 => 40.0,
                (false, false) => 1.0,
            }
        };
        let near = || self.vertices[v].near.iter().flatten();
        let total: f64 = near().map(|&n| weight(n)).sum();
        if total == 0.0 {
            return (self.vertices[v].y, 1.0);
        }
        (near().map(|&n| weight(n) * self.vertices[n].y).sum::<f64>() / total, total)
    }

    fn draw(&self, nodes: usize, edges: &[Edge]) -> Layout {
        let widths = self.columns.iter().map(|c| c.iter().map(|&v| self.vertices[v].size.0).fold(0.0, f64::max));
        let mut left = 0.0;
        let spans: Vec<(f64, f64)> = widths
            .map(|w| {
                let span = (left, left + w);
                left += w + self.gaps.columns;
                span
            })
            .collect();
        let top = self.vertices.iter().map(|v| v.y - v.size.1 / 2.0).fold(f64::INFINITY, f64::min);
        let bottom = self.vertices.iter().map(|v| v.y + v.size.1 / 2.0).fold(f64::NEG_INFINITY, f64::max);
        let rect = |v: usize| {
            let Vertex { column, size: (w, h), y, .. } = &self.vertices[v];
            let middle = (spans[*column].0 + spans[*column].1) / 2.0;
            Rect { x: middle - w / 2.0, y: y - h / 2.0 - top, w: *w, h: *h }
        };
        // Where a chain's edge enters (side 0) or leaves (side 1) a vertex: several at a node are spread over its side.
        let port = |v: usize, side: usize, other: usize| {
            let near = &self.vertices[v].near[side];
            let mut sorted = near.clone();
            sorted.sort_by(|&a, &b| self.vertices[a].y.total_cmp(&self.vertices[b].y));
            let at = sorted.iter().position(|&n| n == other).unwrap_or(0) as f64;
            let most = (self.vertices[v].size.1 - 12.0).max(0.0) / (near.len() as f64 - 1.0).max(1.0);
            self.vertices[v].y - top + (at - (near.len() as f64 - 1.0) / 2.0) * self.gaps.ports.min(most)
        };
        let stretches = |chain: &[usize]| {
            let mut all = Vec::new();
            let mut now = Stretch::new();
            for pair in chain.windows(2) {
                let (from, to) = (rect(pair[0]), rect(pair[1]));
                let (y0, y1) = (port(pair[0], 1, pair[1]), port(pair[1], 0, pair[0]));
                if now.is_empty() {
                    now.push((from.x + from.w, y0));
                }
                now.push((spans[self.vertices[pair[0]].column].1, y0));
                now.push((spans[self.vertices[pair[1]].column].0, y1));
                if !self.vertices[pair[1]].passed {
                    now.push((to.x, y1));
                    all.push(std::mem::take(&mut now));
                }
            }
            all
        };
        Layout {
            size: ((left - self.gaps.columns).max(0.0), (bottom - top).max(0.0)),
            nodes: (0..nodes).map(rect).collect(),
            labels: edges
                .iter()
                .zip(&self.chains)
                .map(|(e, chain)| e.label.map(|_| rect(chain[chain.len() - 2])))
                .collect(),
            edges: self.chains.iter().map(|chain| stretches(chain)).collect(),
        }
    }
}

/// The non-decreasing numbers nearest to the wanted ones (value, weight), by pooling neighbours that violate the order.
fn isotonic(wanted: &[(f64, f64)]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for &(value, weight) in wanted {
        let mut pool = (value, weight, 1);
        while let Some(&(v, w, n)) = pools.last().filter(|p| p.0 > pool.0) {
            pools.pop();
            pool = ((v * w + pool.0 * pool.1) / (w + pool.1), w + pool.1, n + pool.2);
        }
        pools.push(pool);
    }
    pools.iter().flat_map(|&(v, _, n)| std::iter::repeat_n(v, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooled_numbers_keep_the_order_and_the_mean() {
        assert_eq!(isotonic(&[(1.0, 1.0), (4.0, 1.0), (2.0, 1.0), (3.0, 2.0)]), [1.0, 3.0, 3.0, 3.0]);
        assert_eq!(isotonic(&[]), [0.0; 0]);
    }

    #[test]
    fn boxes_are_apart_and_edges_touch_none_but_their_own() {
        let label = Some((90.0, 22.0));
        let gaps = Gaps { columns: 40.0, boxes: 14.0, ports: 8.0 };
        let mut random = 7u64;
        for _ in 0..50 {
            let mut edges = Vec::new();
            for to in 2..6 {
                for _ in 0..2 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    edges.push(Edge { from: (random >> 40) as usize % to, to, label });
                }
                edges.push(Edge { from: to, to: 6, label: None });
            }
            let l = layout(&[(34.0, 34.0); 7], &edges, gaps);
            let boxes: Vec<Rect> = l.nodes.iter().copied().chain(l.labels.iter().flatten().copied()).collect();
            let inside =
                |r: &Rect| r.x >= -0.01 && r.y >= -0.01 && r.x + r.w <= l.size.0 + 0.01 && r.y + r.h <= l.size.1 + 0.01;
            assert!(boxes.iter().all(inside), "{l:?}");
            for (i, a) in boxes.iter().enumerate() {
                for b in &boxes[..i] {
                    let apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
                    assert!(apart, "{a:?} {b:?}");
                }
            }
            // Between the bends an edge is level, and then no box is in its way.
            for stretch in l.edges.iter().flatten() {
                for level in stretch.chunks(2) {
                    let [(x0, y), (x1, y1)] = level else { panic!("{stretch:?} is not in pairs") };
                    assert_eq!(y, y1);
                    let hits = |r: &&Rect| r.x < *x1 && *x0 < r.x + r.w && r.y < *y && *y < r.y + r.h;
                    assert_eq!(boxes.iter().find(hits), None, "{stretch:?}");
                }
            }
        }
    }
}

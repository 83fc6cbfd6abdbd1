//! Why a model said what it said, as far as its pictures tell: the classes of its mask, the slices that show a finding best, and a
//! map of where a classifier looked. Runs a network again only for a map, and then on one slice.

pub mod keys;
mod occlusion;
mod spread;
pub mod stored;

use tocsin_domain::explanation::KeySlice;
use tocsin_imaging::heat::HeatMap;

use self::occlusion::occluded;
use self::spread::{Cells, spread};
use super::answers::{OutputAnswer, Verdict};
use super::channels::tensor;
use super::exam::Exam;
use super::grid::Grid;
use super::manifest::{Explanation, Manifest, OutputKind};
use super::network::{Network, NetworkError};

/// One slice of the model's grid with the neighbours that its channels show.
struct Look {
    grid: Grid,
    /// Values before channels, `[slab, row, column]`.
    values: Vec<f32>,
    /// Place of the slice among them.
    slab: usize,
}

/// Whether a map is to be made after the result, over each key slice that a score was read from.
pub fn map_follows(manifest: &Manifest, answers: &[OutputAnswer], keys: &[KeySlice]) -> bool {
    let scored = |key: &KeySlice| {
        let answer = answers.iter().find(|answer| answer.name == key.output);
        let class = answer.and_then(|answer| answer.classes.iter().find(|class| class.class == key.class));
        class.is_some_and(|class| matches!(class.verdict, Verdict::Score(_)))
    };
    match manifest.explanation {
        Explanation::Map { .. } | Explanation::Occlusion { .. } => keys.iter().any(scored),
        Explanation::Mask | Explanation::Boxes | Explanation::None => false,
    }
}

/// Where the model looked on one slice; `None` where no place of it mattered, or nothing is to be shown.
pub fn map(network: &mut Network, exam: &Exam, key: &KeySlice) -> Result<Option<HeatMap>, NetworkError> {
    let output = network.package.manifest.output(&key.output);
    let scores = output
        .is_some_and(|output| matches!(output.kind, OutputKind::Classification | OutputKind::Regression));
    let look = if scores {
        look(network, exam, key.slice)?
    } else {
        None
    };
    let Some(look) = look else { return Ok(None) };
    let cells = match network.package.manifest.explanation.clone() {
        Explanation::Map { tensor, channel } => answered(network, &look, &tensor, channel)?,
        Explanation::Occlusion { grid, patch, value } => {
            occluded(network, &look, key, &occlusion::Patch { grid, patch, value })?
        }
        Explanation::Mask | Explanation::Boxes | Explanation::None => return Ok(None),
    };
    Ok(spread(&cells, &look.grid, key.slice))
}

fn look(network: &Network, exam: &Exam, slice: usize) -> Result<Option<Look>, NetworkError> {
    let Some((part, k)) = exam.part_of(slice) else {
        return Ok(None);
    };
    let (grid, values) = network.arrange(part)?;
    let slabs = grid.back.get(k).into_iter().flatten();
    let Some((slab, _)) = slabs.max_by(|a, b| a.1.total_cmp(&b.1)).copied() else {
        return Ok(None);
    };
    let reach = network.package.recipe.channels.adjacent;
    let (from, to) = (
        slab.saturating_sub(reach),
        (slab + reach + 1).min(grid.slabs.len()),
    );
    let plane = grid.plane();
    Ok(Some(Look {
        values: values[from * plane..to * plane].to_vec(),
        slab: slab - from,
        grid,
    }))
}

impl Look {
    /// `f32 [channel, row, column]` of the slice, from these values instead of its own.
    fn item(&self, network: &Network, values: &[f32]) -> Vec<f32> {
        let channels = &network.package.recipe.channels;
        tensor(values, self.grid.plane(), channels, [self.slab, self.slab + 1], 1)
    }

    /// The shape of so many items.
    fn shape(&self, network: &Network, items: usize) -> [usize; 4] {
        let channels = network.package.recipe.channels.count();
        [items, channels, self.grid.rows.size, self.grid.columns.size]
    }
}

/// The network's own map.
fn answered(network: &mut Network, look: &Look, name: &str, channel: usize) -> Result<Cells, NetworkError> {
    let item = look.item(network, &look.values);
    let shape = look.shape(network, 1);
    let tensors = network.ask(&shape, &item, &[name])?;
    let differs = |found: &[usize]| NetworkError::Shape {
        name: name.to_owned(),
        found: found.to_vec(),
        expected: vec![1, channel + 1, 0, 0],
    };
    let tensor = tensors.first().ok_or_else(|| differs(&[]))?;
    let [1, channels, rows, columns] = tensor.shape[..] else {
        return Err(differs(&tensor.shape));
    };
    let cells = rows * columns;
    if channel >= channels || cells == 0 {
        return Err(differs(&tensor.shape));
    }
    Ok(Cells {
        rows,
        columns,
        values: tensor.values[channel * cells..(channel + 1) * cells].to_vec(),
    })
}

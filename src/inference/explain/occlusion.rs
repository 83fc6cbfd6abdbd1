//! A patch slid over one slice: where it lowers what the network says for a class, the network looked (Zeiler and Fergus,
//! arXiv 1311.2901). As many runs as there are places, which the manifest bounds.

use tocsin_domain::explanation::KeySlice;

use super::Look;
use super::spread::Cells;
use crate::manifest::{Activation, InputKind, Output};
use crate::network::{Network, NetworkError};

pub(super) struct Patch {
    /// Places by rows and by columns.
    pub grid: [usize; 2],
    /// Side, as a share of the side of the model's grid.
    pub patch: f64,
    pub value: f32,
}

/// By how much the class loses at each place.
pub(super) fn occluded(
    network: &mut Network,
    look: &Look,
    key: &KeySlice,
    patch: &Patch,
) -> Result<Cells, NetworkError> {
    let [rows, columns] = patch.grid;
    let none = Cells {
        rows,
        columns,
        values: vec![0.0; rows * columns],
    };
    let manifest = &network.package.manifest;
    let Some(output) = manifest.output(&key.output).cloned() else {
        return Ok(none);
    };
    let Some(class) = output.classes.iter().position(|class| *class == key.class) else {
        return Ok(none);
    };
    let batch = match manifest.input.kind {
        InputKind::Volume => manifest.input.batch,
        // Images are read one by one, and a network may take no more.
        InputKind::Image => 1,
    };
    let said = |network: &mut Network, items: Vec<Vec<f32>>| -> Result<Vec<f32>, NetworkError> {
        let shape = look.shape(network, items.len());
        let tensors = network.ask(&shape, &items.concat(), &[&output.name])?;
        worth(
            &output,
            class,
            tensors.first().map_or(&[], |tensor| &tensor.values),
            items.len(),
        )
    };
    let whole = look.item(network, &look.values);
    let whole = said(network, vec![whole])?[0];
    let mut values = Vec::with_capacity(rows * columns);
    for from in (0..rows * columns).step_by(batch.max(1)) {
        let to = (from + batch.max(1)).min(rows * columns);
        let items = (from..to)
            .map(|place| look.item(network, &covered(look, patch, place)))
            .collect();
        values.extend(
            said(network, items)?
                .into_iter()
                .map(|left| (whole - left).max(0.0)),
        );
    }
    Ok(Cells {
        rows,
        columns,
        values,
    })
}

/// What the network says for the class, before it is squeezed between 0 and 1, where nothing would be lost at the top: against the
/// best other class where one excludes the other.
fn worth(output: &Output, class: usize, values: &[f32], items: usize) -> Result<Vec<f32>, NetworkError> {
    let classes = output.classes.len();
    if values.len() != items * classes {
        return Err(NetworkError::Shape {
            name: output.name.clone(),
            found: vec![values.len()],
            expected: vec![items, classes],
        });
    }
    let of = |said: &[f32]| {
        let others = said.iter().enumerate().filter(|(other, _)| *other != class);
        match output.activation {
            Activation::None | Activation::Sigmoid => said[class],
            Activation::Softmax => {
                said[class] - others.map(|(_, value)| *value).reduce(f32::max).unwrap_or(0.0)
            }
        }
    };
    Ok(values.chunks_exact(classes.max(1)).map(of).collect())
}

/// The values with the patch about one place, through all the slices that the network sees.
fn covered(look: &Look, patch: &Patch, place: usize) -> Vec<f32> {
    let [rows, columns] = patch.grid;
    let (height, width) = (look.grid.rows.size, look.grid.columns.size);
    let about = |place: usize, places: usize, side: usize| {
        let centre = (place as f64 + 0.5) * side as f64 / places as f64;
        let half = patch.patch * side as f64 / 2.0;
        let from = (centre - half).round().clamp(0.0, side as f64) as usize;
        from..((centre + half).round().clamp(0.0, side as f64) as usize)
    };
    let (down, across) = (
        about(place / columns, rows, height),
        about(place % columns, columns, width),
    );
    let mut values = look.values.clone();
    for slab in values.chunks_exact_mut((height * width).max(1)) {
        for row in down.clone() {
            slab[row * width + across.start..row * width + across.end].fill(patch.value);
        }
    }
    values
}

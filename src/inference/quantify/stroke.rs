//! What only a head with a stroke has: the occluded artery's segment, and the regions that early ischaemia has reached. Pure.

use tocsin_domain::finding::Presence;
use tocsin_domain::quantify::aspects::aspects;
use tocsin_domain::quantify::components::{Component, MaskError};
use tocsin_domain::quantify::occlusion::occlusions;
use tocsin_domain::volume::{Mask, Volume};

use super::asked::{Asked, absorb};
use super::volumes::segmented;
use super::{Quoted, code};
use crate::manifest::FindingSpec;

pub(super) fn occlusion(asked: &Asked, spec: &FindingSpec, volume: &Volume, parts: &[Component]) -> Quoted {
    let mut finding = segmented(asked, spec, &volume.geometry, parts);
    if finding.presence != Presence::Present {
        return (finding, Vec::new());
    }
    let limitations = absorb(&mut finding, occlusions(volume, parts, &code(&spec.site)));
    (finding, limitations)
}

pub(super) fn ischaemia(
    asked: &Asked,
    spec: &FindingSpec,
    volume: &Volume,
    mask: &Mask,
    parts: &[Component],
) -> Result<Quoted, MaskError> {
    let mut finding = segmented(asked, spec, &volume.geometry, parts);
    if finding.presence != Presence::Present {
        return Ok((finding, Vec::new()));
    }
    let limitations = absorb(&mut finding, aspects(volume, mask)?);
    Ok((finding, limitations))
}

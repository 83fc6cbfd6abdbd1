//! From opened files to an exam: where each frame lies, by the headers, then every frame decoded into its place.

use tocsin_domain::parallel::{map, map_planes};
use tocsin_domain::volume::Volume;
use tocsin_imaging::decode::{DecodeError, Doubt, Image, Slice};
use tocsin_imaging::images::stills;
use tocsin_imaging::series::{SeriesError, arrange, doubtful};

use super::super::exam::{Exam, Part};
use super::super::manifest::InputKind;
use super::cache::Opened;

/// Why files make no exam.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("instance {instance}")]
    Decode {
        instance: String,
        #[source]
        source: DecodeError,
    },
    #[error(transparent)]
    Series(#[from] SeriesError),
}

/// One frame, and what its header says.
struct Frame<'f> {
    file: &'f Opened,
    outline: Slice,
}

/// The frames of these files as a model of this kind reads them.
pub fn exam(kind: InputKind, files: &[Opened], threads: usize) -> Result<Exam, ReadError> {
    let mut frames = Vec::with_capacity(files.len());
    for file in files {
        frames.extend(outlines(file)?);
    }
    match kind {
        InputKind::Volume => Ok(Exam::of_volume(volume(&frames, threads)?)),
        InputKind::Image => images(&frames, threads),
    }
}

/// What the headers say of every frame, in the order of the files; without values.
pub fn headers(files: &[Opened]) -> Result<Vec<Slice>, ReadError> {
    let mut headers = Vec::with_capacity(files.len());
    for file in files {
        headers.extend(outlines(file)?.into_iter().map(|frame| frame.outline));
    }
    Ok(headers)
}

fn outlines(file: &Opened) -> Result<Vec<Frame<'_>>, ReadError> {
    let frame = |outline| Frame { file, outline };
    match file {
        Opened::Kept(slices) => Ok(slices.iter().map(Slice::outline).map(frame).collect()),
        Opened::Fresh(image) => {
            let outline = |at| image.outline(at).map(frame);
            let outlines: Result<Vec<_>, _> = (0..image.frames()).map(outline).collect();
            outlines.map_err(|source| failed(image, source))
        }
    }
}

fn failed(image: &Image, source: DecodeError) -> ReadError {
    ReadError::Decode {
        instance: image.instance_uid().to_string(),
        source,
    }
}

impl Frame<'_> {
    fn write(&self, out: &mut [i16]) -> Result<(), ReadError> {
        let doubt = match self.file {
            Opened::Kept(slices) => self.kept(slices, out),
            Opened::Fresh(image) => image
                .decode_into(self.outline.frame, out)
                .map_err(|source| failed(image, source))?,
        };
        match doubt {
            Some(doubt) => Err(doubtful(&self.outline, doubt).into()),
            None => Ok(()),
        }
    }

    fn kept(&self, slices: &[Slice], out: &mut [i16]) -> Option<Doubt> {
        let slice = slices.iter().find(|slice| slice.frame == self.outline.frame)?;
        out.copy_from_slice(&slice.values);
        slice.doubt
    }
}

fn volume(frames: &[Frame<'_>], threads: usize) -> Result<Volume, ReadError> {
    let outlines: Vec<&Slice> = frames.iter().map(|frame| &frame.outline).collect();
    let (geometry, order) = arrange(&outlines)?;
    let mut voxels = vec![0; geometry.len()];
    let plane = geometry.rows * geometry.columns;
    let written = map_planes(&mut voxels, plane, threads, |k, out| frames[order[k]].write(out));
    written.into_iter().collect::<Result<(), _>>()?;
    Ok(Volume { geometry, voxels })
}

/// Each frame for itself.
fn images(frames: &[Frame<'_>], threads: usize) -> Result<Exam, ReadError> {
    let decoded = map(frames, threads, |frame| {
        let mut values = vec![0; frame.outline.rows * frame.outline.columns];
        frame.write(&mut values)?;
        Ok(Slice {
            values,
            ..frame.outline.clone()
        })
    });
    let slices = decoded.into_iter().collect::<Result<Vec<Slice>, ReadError>>()?;
    let parts = stills(&slices)?.into_iter().map(|still| Part {
        volume: still.volume,
        scaled: still.scaled,
    });
    Ok(Exam {
        kind: InputKind::Image,
        parts: parts.collect(),
    })
}

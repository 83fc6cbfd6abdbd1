"""The numeric contract between the training code and the server: from a volume in Hounsfield units to the model's input,
and from its output back to a mask on the grid of the series. models/<name>/manifest.toml names these operations; the
server computes the same numbers. This file trains nothing and reads no DICOM.

Conventions
  volume      int16 or float32 array [slice, row, column], HU, slices ordered from the feet to the head
  offsets     float64 [slices]: position of each slice along the normal, mm, strictly increasing
  spacing     (row spacing, column spacing), mm
  coordinates index coordinates: the centre of voxel i is i, its edges are i - 0.5 and i + 0.5 (half-pixel convention)
"""

from __future__ import annotations

import dataclasses

import numpy as np

HU_RANGE = (-1024.0, 3071.0)
SLAB_MM = 5.0
PIXEL_MM = 1.25
SIZE = 192
FOREGROUND_ABOVE = -300.0
FILL = -1000.0
WINDOWS = ((40.0, 80.0), (80.0, 200.0), (600.0, 2800.0))
ADJACENT = 1
CHANNELS = len(WINDOWS) * (2 * ADJACENT + 1)
THRESHOLD = 0.5


@dataclasses.dataclass
class Grid:
    """Where the model's grid lies in the series."""

    edges: np.ndarray          # [slices + 1] source slice boundaries along the normal, mm
    slabs: int
    offsets: np.ndarray        # of the source slices
    centre: tuple[float, float]  # row and column (index coordinates of the source) of the grid's centre
    step: tuple[float, float]    # source pixels per grid pixel, rows and columns
    shape: tuple[int, int]       # rows, columns of the source


def slice_edges(offsets: np.ndarray) -> np.ndarray:
    """Boundaries between slices: half way to each neighbour; the outer ones by the neighbouring gap, halved.
    A single slice counts as SLAB_MM thick."""
    offsets = np.asarray(offsets, np.float64)
    if len(offsets) == 1:
        return np.array([offsets[0] - SLAB_MM / 2, offsets[0] + SLAB_MM / 2])
    middle = (offsets[1:] + offsets[:-1]) / 2
    first = offsets[0] - (offsets[1] - offsets[0]) / 2
    last = offsets[-1] + (offsets[-1] - offsets[-2]) / 2
    return np.concatenate([[first], middle, [last]])


def foreground_centre(volume: np.ndarray) -> tuple[float, float]:
    """crop_foreground: mean row and mean column of all voxels of the whole volume above FOREGROUND_ABOVE (strictly);
    the middle of the image when there are none. Found on the source grid, before resampling."""
    counts = (volume > FOREGROUND_ABOVE).sum(axis=0, dtype=np.int64)
    total = int(counts.sum())
    rows, columns = counts.shape
    if total == 0:
        return (rows - 1) / 2, (columns - 1) / 2
    r = float((counts.sum(axis=1) * np.arange(rows)).sum()) / total
    c = float((counts.sum(axis=0) * np.arange(columns)).sum()) / total
    return r, c


def make_grid(volume: np.ndarray, offsets, spacing) -> Grid:
    """The number of slabs is the extent over SLAB_MM, rounded up, but a last slab thinner than a tenth of SLAB_MM is not
    begun: ceil(extent / SLAB_MM - 0.1), at least 1. Slab j covers edges[0] + j * SLAB_MM .. + SLAB_MM."""
    edges = slice_edges(offsets)
    slabs = max(1, int(np.ceil((edges[-1] - edges[0]) / SLAB_MM - 0.1)))
    return Grid(
        edges=edges,
        slabs=slabs,
        offsets=np.asarray(offsets, np.float64),
        centre=foreground_centre(volume),
        step=(PIXEL_MM / spacing[0], PIXEL_MM / spacing[1]),
        shape=volume.shape[1:],
    )


def slab_weights(grid: Grid) -> np.ndarray:
    """[slabs, slices]: length of source slice k inside slab j, normalised to a sum of 1 per slab. A slab that no slice
    reaches cannot occur, because slabs start at the first edge and end before the last."""
    start = grid.edges[0] + SLAB_MM * np.arange(grid.slabs)[:, None]
    overlap = np.minimum(start + SLAB_MM, grid.edges[None, 1:]) - np.maximum(start, grid.edges[None, :-1])
    overlap = np.clip(overlap, 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def source_coordinates(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the source under each row and column of the model's grid:
    centre + (i - (SIZE - 1) / 2) * step."""
    i = np.arange(SIZE) - (SIZE - 1) / 2
    return grid.centre[0] + i * grid.step[0], grid.centre[1] + i * grid.step[1]


def bilinear(plane: np.ndarray, rows: np.ndarray, columns: np.ndarray, fill: float) -> np.ndarray:
    """Bilinear interpolation of one plane at rows × columns (index coordinates). A neighbour outside the plane counts as
    `fill`; so the border fades to `fill` over one pixel."""
    padded = np.pad(np.asarray(plane, np.float32), 1, constant_values=np.float32(fill))

    def axis(x, n):
        x = np.clip(x, -1.0, n) + 1.0          # into the padded plane; beyond one pixel outside all is fill
        low = np.minimum(np.floor(x).astype(np.int64), n)
        return low, (x - low).astype(np.float32)

    r, fr = axis(rows, plane.shape[0])
    c, fc = axis(columns, plane.shape[1])
    top = padded[r][:, c] * (1 - fc) + padded[r][:, c + 1] * fc
    bottom = padded[r + 1][:, c] * (1 - fc) + padded[r + 1][:, c + 1] * fc
    return top * (1 - fr)[:, None] + bottom * fr[:, None]


def to_grid(volume: np.ndarray, grid: Grid, fill: float = FILL) -> np.ndarray:
    """clip, resample and crop_foreground: float32 [slabs, SIZE, SIZE] in HU. Slices are averaged first, then each slab
    is interpolated in its plane."""
    volume = np.clip(volume, *HU_RANGE)
    weights = slab_weights(grid)
    rows, columns = source_coordinates(grid)
    out = np.empty((grid.slabs, SIZE, SIZE), np.float32)
    for j, w in enumerate(weights):
        used = np.nonzero(w > 0)[0]
        slab = np.zeros(grid.shape, np.float32)
        for k in used:
            slab += volume[k].astype(np.float32) * np.float32(w[k])
        out[j] = bilinear(slab, rows, columns, fill)
    return out


def stack_windows(hu: np.ndarray) -> np.ndarray:
    """[..., H, W] HU to [..., windows, H, W]: clamp((hu - (centre - width / 2)) / width, 0, 1)."""
    planes = [np.clip((hu - (c - w / 2)) / w, 0, 1) for c, w in WINDOWS]
    return np.stack(planes, axis=-3).astype(np.float32)


def adjacent_slices(windows: np.ndarray) -> np.ndarray:
    """[slabs, windows, H, W] to [slabs, 3 * windows, H, W]: slab k-1, k, k+1; the first and the last repeat themselves."""
    n = len(windows)
    shifted = [windows[np.clip(np.arange(n) + d, 0, n - 1)] for d in range(-ADJACENT, ADJACENT + 1)]
    return np.concatenate(shifted, axis=1)


def model_input(volume: np.ndarray, offsets, spacing) -> tuple[np.ndarray, Grid]:
    grid = make_grid(volume, offsets, spacing)
    return adjacent_slices(stack_windows(to_grid(volume, grid))), grid


def back_to_series(probability: np.ndarray, grid: Grid) -> np.ndarray:
    """[slabs, SIZE, SIZE] probabilities to a mask uint8 [slices, rows, columns] of the series. A source slice takes the
    slab that its offset lies in (floor, bounded to the last); in its plane the probability is interpolated bilinearly at
    each source pixel, 0 outside the grid, and compared: >= THRESHOLD."""
    mask = np.zeros((len(grid.offsets), *grid.shape), np.uint8)
    rows = (np.arange(grid.shape[0]) - grid.centre[0]) / grid.step[0] + (SIZE - 1) / 2
    columns = (np.arange(grid.shape[1]) - grid.centre[1]) / grid.step[1] + (SIZE - 1) / 2
    planes: dict[int, np.ndarray] = {}
    for k, offset in enumerate(grid.offsets):
        j = min(max(int(np.floor((offset - grid.edges[0]) / SLAB_MM)), 0), grid.slabs - 1)
        if j not in planes:
            planes = {j: bilinear(probability[j], rows, columns, 0.0) >= THRESHOLD}
        mask[k] = planes[j]
    return mask


def slice_volume_ml(offsets, spacing) -> np.ndarray:
    """Volume of one voxel of each slice, mL."""
    return np.diff(slice_edges(offsets)) * spacing[0] * spacing[1] / 1000.0


def components_ml(mask: np.ndarray, offsets, spacing) -> list[float]:
    """Volumes of the connected components (26 neighbours), mL, largest first."""
    from scipy import ndimage

    labels, n = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    if n == 0:
        return []
    per_slice = slice_volume_ml(offsets, spacing)
    volume = np.zeros(n + 1)
    for k in range(mask.shape[0]):
        volume += np.bincount(labels[k].ravel(), minlength=n + 1) * per_slice[k]
    return sorted(volume[1:].tolist(), reverse=True)

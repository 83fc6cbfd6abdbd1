"""The numeric contract between the training code and the server: from a volume (Hounsfield units) or an image to the model's
input, and from its output back to masks on the grid of the series. What runs in which order is read from the manifest; here
and in the server the same words compute the same numbers. This file trains nothing and reads no DICOM.

Conventions
  volume      int16, uint16 or float32 array [slice, row, column], slices ordered from the feet to the head; an image is a
              volume of one slice, low values dark
  offsets     float64 [slices]: position of each slice along the normal, mm, strictly increasing
  spacing     (row spacing, column spacing), mm
  coordinates index coordinates: the centre of voxel i is i, its edges are i - 0.5 and i + 0.5 (half-pixel convention)
"""

from __future__ import annotations

import dataclasses
import pathlib
import tomllib

import numpy as np

#: A last slab thinner than this share of a slab is not begun.
SLAB_SLACK = 0.1


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The operations of a manifest that the packages of this folder use."""

    clip: tuple[float, float] | None
    slab_mm: float | None             # None: slices as they are
    pixel_mm: tuple[float, float] | None  # None: the whole image in the frame
    plane: str                        # bilinear or area
    size: tuple[int, int]
    fill: float
    above: float | None               # None: the frame lies about the middle of the image
    percentiles: tuple[float, float] | None
    windows: tuple[tuple[float, float], ...]  # none: one channel as it is
    adjacent: int
    threshold: float
    classes: tuple[str, ...]

    @property
    def channels(self) -> int:
        return max(1, len(self.windows)) * (2 * self.adjacent + 1)

    @classmethod
    def read(cls, manifest: pathlib.Path) -> Recipe:
        document = tomllib.loads(manifest.read_text())
        by_name = {}
        for operation in document["input"]["operations"]:
            by_name.setdefault(operation["op"], operation)
        known = {"modality_lut", "clip", "resample", "resize", "crop_foreground", "percentiles", "stack_windows", "adjacent_slices"}
        if unknown := set(by_name) - known:
            raise ValueError(f"{manifest}: {unknown} is not among {known}")
        resample, resize = by_name.get("resample"), by_name.get("resize")
        if resize and resize["fit"] != "letterbox":
            raise ValueError(f"{manifest}: only letterbox is known")
        scale, frame = resample or resize, resize or by_name["crop_foreground"]
        output = document["outputs"][0]
        return cls(
            clip=tuple(by_name["clip"]["range"]) if "clip" in by_name else None,
            slab_mm=resample["spacing_mm"][0] if resample else None,
            pixel_mm=tuple(resample["spacing_mm"][1:]) if resample else None,
            plane=scale["plane"],
            size=tuple(frame["size"]),
            fill=frame["fill"],
            above=frame.get("above"),
            percentiles=tuple(by_name["percentiles"]["range"]) if "percentiles" in by_name else None,
            windows=tuple(map(tuple, by_name["stack_windows"]["windows"])) if "stack_windows" in by_name else (),
            adjacent=by_name.get("adjacent_slices", {"count": 0})["count"],
            threshold=output["threshold"],
            classes=tuple(output["classes"]),
        )


@dataclasses.dataclass
class Grid:
    """Where the model's grid lies in the series."""

    recipe: Recipe
    edges: np.ndarray          # [slices + 1] source slice boundaries along the normal, mm
    slabs: int
    offsets: np.ndarray        # of the source slices
    centre: tuple[float, float]  # row and column (index coordinates of the source) of the grid's centre
    step: tuple[float, float]    # source pixels per grid pixel, rows and columns
    shape: tuple[int, int]       # rows, columns of the source


def slice_edges(offsets: np.ndarray, alone: float = 1.0) -> np.ndarray:
    """Boundaries between slices: half way to each neighbour; the outer ones by the neighbouring gap, halved.
    A single slice counts as `alone` mm thick."""
    offsets = np.asarray(offsets, np.float64)
    if len(offsets) == 1:
        return np.array([offsets[0] - alone / 2, offsets[0] + alone / 2])
    middle = (offsets[1:] + offsets[:-1]) / 2
    first = offsets[0] - (offsets[1] - offsets[0]) / 2
    last = offsets[-1] + (offsets[-1] - offsets[-2]) / 2
    return np.concatenate([[first], middle, [last]])


def foreground_centre(volume: np.ndarray, above: float) -> tuple[float, float]:
    """crop_foreground: mean row and mean column of all voxels of the whole volume above `above` (strictly); the middle of the
    image when there are none. Found on the source grid, before resampling."""
    counts = (volume > above).sum(axis=0, dtype=np.int64)
    total = int(counts.sum())
    rows, columns = counts.shape
    if total == 0:
        return (rows - 1) / 2, (columns - 1) / 2
    r = float((counts.sum(axis=1) * np.arange(rows)).sum()) / total
    c = float((counts.sum(axis=0) * np.arange(columns)).sum()) / total
    return r, c


def make_grid(volume: np.ndarray, offsets, spacing, recipe: Recipe) -> Grid:
    """The number of slabs is the extent over their thickness, rounded up, but a last slab thinner than a tenth of one is not
    begun: ceil(extent / slab - 0.1), at least 1. Slab j covers edges[0] + j * slab .. + slab. Without a distance of pixels
    the whole image lies in the frame, as large as it fits (letterbox)."""
    rows, columns = volume.shape[1:]
    edges = slice_edges(offsets, recipe.slab_mm or 1.0)
    slabs = len(offsets)
    if recipe.slab_mm:
        slabs = max(1, int(np.ceil((edges[-1] - edges[0]) / recipe.slab_mm - SLAB_SLACK)))
    if recipe.pixel_mm:
        step = (recipe.pixel_mm[0] / spacing[0], recipe.pixel_mm[1] / spacing[1])
    else:
        step = (max(rows / recipe.size[0], columns / recipe.size[1]),) * 2
    centre = ((rows - 1) / 2, (columns - 1) / 2)
    if recipe.above is not None:
        centre = foreground_centre(volume, recipe.above)
    return Grid(recipe, edges, slabs, np.asarray(offsets, np.float64), centre, step, (rows, columns))


def slab_weights(grid: Grid) -> np.ndarray:
    """[slabs, slices]: length of source slice k inside slab j, normalised to a sum of 1 per slab. A slab that no slice
    reaches cannot occur, because slabs start at the first edge and end before the last."""
    slab_mm = grid.recipe.slab_mm
    if not slab_mm:
        return np.eye(len(grid.offsets))
    start = grid.edges[0] + slab_mm * np.arange(grid.slabs)[:, None]
    overlap = np.minimum(start + slab_mm, grid.edges[None, 1:]) - np.maximum(start, grid.edges[None, :-1])
    overlap = np.clip(overlap, 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def source_coordinates(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the source under each row and column of the model's grid:
    centre + (i - (size - 1) / 2) * step."""
    rows, columns = ((np.arange(n) - (n - 1) / 2) for n in grid.recipe.size)
    return grid.centre[0] + rows * grid.step[0], grid.centre[1] + columns * grid.step[1]


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


def area(plane: np.ndarray, rows: np.ndarray, columns: np.ndarray, step: tuple[float, float], fill: float) -> np.ndarray:
    """The mean over what each pixel of the grid covers, `step` source pixels wide; what lies outside counts as `fill`."""
    covers = [cover(x, s, n) for x, s, n in zip((rows, columns), step, plane.shape)]
    inside = covers[0] @ np.asarray(plane, np.float32) @ covers[1].T
    outside = 1 - np.outer(covers[0].sum(1), covers[1].sum(1))
    return inside + np.float32(fill) * outside.clip(0, None)


def cover(centres: np.ndarray, step: float, n: int) -> np.ndarray:
    """[pixels of the grid, source pixels]: share of each source pixel, which reaches from i - 0.5 to i + 0.5."""
    i = np.arange(n)
    overlap = np.minimum(centres[:, None] + step / 2, i + 0.5) - np.maximum(centres[:, None] - step / 2, i - 0.5)
    return (overlap.clip(0, None) / step).astype(np.float32)


def to_grid(volume: np.ndarray, grid: Grid, fill: float | None = None) -> np.ndarray:
    """clip, resample and frame: float32 [slabs, rows, columns] in source values. Slices are averaged first, then each slab is
    resampled in its plane."""
    recipe = grid.recipe
    fill = recipe.fill if fill is None else fill
    weights = slab_weights(grid)
    rows, columns = source_coordinates(grid)
    out = np.empty((grid.slabs, *recipe.size), np.float32)
    for j, w in enumerate(weights):
        slab = np.zeros(grid.shape, np.float32)
        for k in np.nonzero(w > 0)[0]:
            plane = volume[k].astype(np.float32)
            slab += (plane.clip(*recipe.clip) if recipe.clip else plane) * np.float32(w[k])
        if recipe.plane == "area" and max(grid.step) > 1:
            out[j] = area(slab, rows, columns, grid.step, fill)
        else:
            out[j] = bilinear(slab, rows, columns, fill)
    return out


def values_on_grid(volume: np.ndarray, grid: Grid) -> np.ndarray:
    """to_grid, then percentiles of the source values to 0 and 1 where the recipe has them."""
    values = to_grid(volume, grid)
    if grid.recipe.percentiles:
        low, high = np.percentile(volume, grid.recipe.percentiles).astype(np.float32)
        values = ((values - low) / (high - low if high > low else np.float32(1))).clip(0, 1)
    return values


def stack_windows(values: np.ndarray, windows) -> np.ndarray:
    """[..., H, W] to [..., windows, H, W]: clamp((value - (centre - width / 2)) / width, 0, 1)."""
    if not windows:
        return values[..., None, :, :].astype(np.float32)
    planes = [np.clip((values - (c - w / 2)) / w, 0, 1) for c, w in windows]
    return np.stack(planes, axis=-3).astype(np.float32)


def adjacent_slices(windows: np.ndarray, count: int) -> np.ndarray:
    """[slabs, windows, H, W] to [slabs, (2 count + 1) windows, H, W]: slab k - count … k + count; the first and the last
    repeat themselves."""
    n = len(windows)
    shifted = [windows[np.clip(np.arange(n) + d, 0, n - 1)] for d in range(-count, count + 1)]
    return np.concatenate(shifted, axis=1)


def model_input(volume: np.ndarray, offsets, spacing, recipe: Recipe) -> tuple[np.ndarray, Grid]:
    grid = make_grid(volume, offsets, spacing, recipe)
    return adjacent_slices(stack_windows(values_on_grid(volume, grid), recipe.windows), recipe.adjacent), grid


def back_to_series(probability: np.ndarray, grid: Grid, threshold: float | None = None) -> np.ndarray:
    """[slabs, rows, columns] probabilities of one class to a mask uint8 [slices, rows, columns] of the series. A source slice
    takes the slab that its offset lies in (floor, bounded to the last); in its plane the probability is interpolated
    bilinearly at each source pixel, 0 outside the grid, and compared: >= threshold."""
    size, slab_mm = grid.recipe.size, grid.recipe.slab_mm
    threshold = grid.recipe.threshold if threshold is None else threshold
    mask = np.zeros((len(grid.offsets), *grid.shape), np.uint8)
    rows, columns = (
        (np.arange(n) - centre) / step + (side - 1) / 2 for n, centre, step, side in zip(grid.shape, grid.centre, grid.step, size))
    last = (-1, None)
    for k, offset in enumerate(grid.offsets):
        j = min(max(int(np.floor((offset - grid.edges[0]) / slab_mm)), 0), grid.slabs - 1) if slab_mm else k
        if j != last[0]:
            empty = probability[j].max() < threshold
            last = (j, 0 if empty else bilinear(probability[j], rows, columns, 0.0) >= threshold)
        mask[k] = last[1]
    return mask


def slice_volume_ml(offsets, spacing) -> np.ndarray:
    """Volume of one voxel of each slice, mL; of a single slice counted as 1 mm thick."""
    return np.diff(slice_edges(offsets)) * spacing[0] * spacing[1] / 1000.0


def components(mask: np.ndarray, elements: np.ndarray) -> list[float]:
    """Sizes of the connected components (26 neighbours), largest first; `elements` is the size of a voxel of each slice."""
    from scipy import ndimage

    if not mask.any():
        return []
    box = ndimage.find_objects(mask.astype(np.uint8), 1)[0]
    labels, n = ndimage.label(mask[box], structure=np.ones((3, 3, 3)))
    size = np.zeros(n + 1)
    for k, plane in enumerate(labels, box[0].start):
        size += np.bincount(plane.ravel(), minlength=n + 1) * elements[k]
    return sorted(size[1:].tolist(), reverse=True)

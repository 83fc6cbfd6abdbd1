"""Changes of a manifest that follow from a training: hash, operating point, expected figures, golden cases. Its text and its
comments stay as they are."""

from __future__ import annotations

import pathlib
import re
import tomllib

from evaluate import Point


def read(folder: pathlib.Path) -> dict:
    return tomllib.loads((folder / "manifest.toml").read_text())


def put(text: str, key: str, value: str) -> str:
    """The value of a key that stands once at the beginning of a line."""
    changed, n = re.subn(rf"(?m)^({key} = )(\"[^\"]*\"|[-0-9.e]+)", lambda m: m.group(1) + value, text)
    if n != 1:
        raise ValueError(f"{key} stands {n} times")
    return changed


def put_point(text: str, point: Point) -> str:
    if "total_mm2 =" in text:
        return put(text, "total_mm2", f"{point.total:.0f}.0")
    return put(put(text, "total_ml", f"{point.total:.2f}"), "largest_component_ml", f"{point.largest:.2f}")


def put_golden(text: str, cases: list[str]) -> str:
    return text.split("\n[[golden]]", 1)[0].rstrip("\n") + "\n" + "".join(cases)

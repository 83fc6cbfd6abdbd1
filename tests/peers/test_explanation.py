"""Where a classifier looked, through the whole program: a map lies where the blood is, on the page and in the key image, whether the
network says it itself or is asked with a patch; and under a policy without marks nothing points anywhere."""
import io
import itertools
import json
import urllib.request

import numpy as np
import pydicom
import pytest
from PIL import Image

from classifier import NAME, package
from hospital import Hospital
from service import until

PATCH = '[explanation]\nkind = "occlusion"\ngrid = [12, 12]\npatch = 0.15\nvalue = 0.25\n'
OWN = '[explanation]\nkind = "map"\ntensor = "where"\n'


def picture(service, path):
    """Status and pixels."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.http}{path}", headers={"Authorization": f"Bearer {service.token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, np.array(Image.open(io.BytesIO(answer.read())))
    except urllib.error.HTTPError as error:
        return error.code, None


@pytest.fixture
def hospital_with(tmp_path, storescp):
    made = []

    def make(explanation, policy="preview-with-marks"):
        models = package(tmp_path / "models", explanation, policy)
        hospital = Hospital(tmp_path / "hospital", [storescp], inference={"models": str(models), "only": None})
        made.append(hospital)
        return hospital

    yield make
    for hospital in made:
        hospital.close()


#: The archive keeps what every test sent: each sends a study of its own.
NUMBERS = itertools.count(41)


def read(hospital):
    phantom = hospital.phantom(next(NUMBERS), volume=60)
    hospital.order(phantom)
    hospital.scan(phantom)
    found = hospital.service.ai(phantom.study, ["flagged"], model=NAME)
    assert found["model"] == NAME
    hospital.settled(phantom, "structured_report", "key_image")
    return phantom


def blood_on(phantom, layer):
    """The phantom's own mask of a slice, from the feet up."""
    truth = json.loads((phantom.folder / "truth.json").read_text())["geometry"]
    shape = truth["slices"], truth["rows"], truth["columns"]
    return np.fromfile(phantom.folder / "mask.bin", np.uint8).reshape(shape)[layer] != 0


def captures(storescp, study):
    objects = [pydicom.dcmread(path) for path in storescp.files()]
    return [one for one in objects if one.StudyInstanceUID == study and one.Modality == "CT"]


@pytest.mark.parametrize("explanation", [PATCH, OWN], ids=["patch", "its own"])
def test_the_map_lies_where_the_blood_is(hospital_with, storescp, explanation, tmp_path):
    hospital = hospital_with(explanation)
    phantom = read(hospital)
    base = f"/api/v1/studies/{hospital.study_id(phantom)}"
    (stack,) = [s for s in hospital.service.get(f"{base}/stacks")["items"] if len(s["layers"]) > 1]
    (marks,) = stack["marks"]
    assert marks["marked"] == [] and marks["heat"]
    assert marks["heat"][0]["layer"] == marks["key"]
    status, pixels = picture(hospital.service, f"{base}/heat/{marks['result_id']}/{marks['heat'][0]['slice']}")
    assert status == 200
    row, column = np.unravel_index(pixels[..., 3].argmax(), pixels.shape[:2])
    blood = blood_on(phantom, marks["key"])
    at = int((row + 0.5) * blood.shape[0] / pixels.shape[0]), int((column + 0.5) * blood.shape[1] / pixels.shape[1])
    rows, columns = np.nonzero(blood)
    assert len(rows), "the key slice holds blood"
    # No further from the blood than half a patch.
    assert np.hypot(rows - at[0], columns - at[1]).min() < 0.08 * blood.shape[0], (at, rows.mean(), columns.mean())
    captured = until("the key image", lambda: captures(storescp, phantom.study))[0]
    assert "heat map" in captured.DerivationDescription
    inside = captured.pixel_array.astype(int)
    red = inside[..., 0] - inside[..., 2] > 60
    assert red.any(), "the map is burned in"
    Image.fromarray(captured.pixel_array).save(tmp_path / "key.png")
    print("key image at", tmp_path / "key.png")


def test_without_marks_the_key_image_is_plain_and_no_map_is_told_of(hospital_with, storescp):
    hospital = hospital_with(PATCH, policy="preview-plain")
    phantom = read(hospital)
    base = f"/api/v1/studies/{hospital.study_id(phantom)}"
    stacks = hospital.service.get(f"{base}/stacks")["items"]
    assert all(stack["marks"] == [] for stack in stacks)
    captured = until("the key image", lambda: captures(storescp, phantom.study))[0]
    assert captured.DerivationDescription.startswith("Key slice")
    picture_of = captured.pixel_array.astype(int)
    grey = (picture_of.max(axis=2) - picture_of.min(axis=2)) < 8
    rows = grey.all(axis=1)
    assert rows.sum() >= 256, "no colour on any row of the slice"

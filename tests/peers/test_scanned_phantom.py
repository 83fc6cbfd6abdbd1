"""A plastic head that was really scanned: nothing bleeds in it, and half of its series are not for the model."""
import pytest

from objects import files_below, shared
from senders import scan
from service import Service, until

FOLDER = shared("data/dicom/ct-head-philips-phantom/S21570")


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    if FOLDER is None:
        pytest.skip("the shared data is not here")
    service = Service(tmp_path_factory.mktemp("scanned")).start()
    yield service
    service.stop()


def send(service, *series):
    scan(service.dicom, *(FOLDER / name for name in series))


def test_localizer_and_exam_summaries_are_not_eligible_and_the_head_is_not_flagged(scanned):
    files = [file for name in ("S1000", "S2010", "S4010") for file in files_below(FOLDER / name)]
    send(scanned, "S1000", "S4010")
    (study,) = until("the study", lambda: list(scanned.every("/api/v1/worklist")))
    said = scanned.ai(study["study_uid"], ["not_eligible"])
    assert said["reason"], said
    print("localizer and summaries:", said["state"], said["reason"])

    send(scanned, "S2010")
    said = scanned.ai(study["study_uid"], ["not_flagged", "quality_rejected", "flagged", "failed"])
    print("head:", said["state"], said["reason"])
    assert said["state"] in ("not_flagged", "quality_rejected"), said
    assert said["reason"] or said["state"] == "not_flagged"
    study = scanned.get(f"/api/v1/studies/{study['study_id']}")
    assert study["images"] == len(files)
    assert study["alerts"] == []

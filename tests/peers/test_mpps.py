"""What a modality says of its work decides when a series is complete: a pause of a step in progress starts no model, and the
end of one waits for no silence. An archive's notice does the same, and brings the images where it is asked to."""
import io
import urllib.request

import pytest
from pydicom.uid import generate_uid
from pynetdicom.sop_class import InstanceAvailabilityNotification as IAN

from classifier import NAME, package
from neighbours import Orthanc
from service import Service, until
from steps import MPPS, Exam, calling, change, create, send

MAP = '[explanation]\nkind = "map"\ntensor = "where"\n'


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    orthanc = Orthanc(folder / "orthanc", DicomAlwaysAllowFind=True, DicomAlwaysAllowGet=True)
    source = {"name": "PACS", "retrieve": "c-get", "ae_title": "ORTHANC", "host": "127.0.0.1", "port": orthanc.port,
              "fetch_announced": True}
    service = Service(
        folder / "service",
        inference={"models": package(folder / "models", MAP), "only": None},
        priors={"sources": [source]},
        # So long that no test ends by it.
        dicom={"step_patience_seconds": 240},
    ).start()
    service.orthanc = orthanc
    yield service
    service.stop()
    orthanc.stop()


def study(service, exam):
    """All that the API says of it, once there is a study."""
    row = until("the study", lambda: service.study(exam.study))
    return service.get(f"/api/v1/studies/{row['study_id']}")


def study_once(service, exam, what, condition):
    def now():
        seen = study(service, exam)
        return seen if condition(seen) else None

    return until(what, now)


def events(seen, name):
    return [event["detail"] for event in seen["timeline"] if event["event"] == name]


def looked_at(images):
    """Assembly has seen so many."""
    return lambda seen: seen["images"] == images


def is_settled(seen):
    return seen["state"] == "settled"


def test_a_pause_of_a_step_starts_no_model_and_its_last_image_does(hospital):
    exam = Exam(12)
    assert create(hospital, exam.begun(), exam.step).Status == 0
    with calling(hospital) as association:
        send(association, exam.images[:6])
    # Six slices without a gap, their association released: without the step that would be a series.
    paused = study_once(hospital, exam, "the first half", looked_at(6))
    assert paused["announced"]["acquisition"] == "in_progress"
    assert events(paused, "step_begun")[0].startswith("CT1")
    assert events(paused, "series_ready") == [] and events(paused, "admission") == []

    assert change(hospital, exam.ended(), exam.step).Status == 0
    told = study_once(hospital, exam, "what is missing", lambda seen: seen["announced"]["missing"] == 6)
    assert told["announced"]["images"] == 12 and events(told, "series_ready") == []

    with calling(hospital) as association:
        send(association, exam.images[6:])
        hospital.ai(exam.study, ["flagged", "not_flagged"], model=NAME)
        # The association is open, so nothing but the step says that this is all.
        seen = study_once(hospital, exam, "settled", is_settled)
    assert events(seen, "series_ready") == ["12 instances, step_completed"]
    assert events(seen, "step_completed") == ["CT1: 12 images in 1 series"]
    assert seen["announced"]["missing"] == 0


def test_a_step_that_is_completed_before_its_images_come_needs_no_silence(hospital):
    exam = Exam(8)
    assert create(hospital, exam.begun(), exam.step).Status == 0
    assert change(hospital, exam.ended(), exam.step).Status == 0
    with calling(hospital) as association:
        send(association, exam.images)
        seen = study_once(hospital, exam, "settled", is_settled)
    assert events(seen, "series_ready")[-1] == "8 instances, step_completed"
    assert events(seen, "settled") == ["every series is complete"]
    told = [event["event"] for event in seen["timeline"]]
    assert told.index("step_begun") < told.index("step_completed") < told.index("series_ready")


def test_a_step_that_was_given_up_ends_too_and_says_so(hospital):
    exam = Exam(8)
    assert create(hospital, exam.begun(), exam.step).Status == 0
    with calling(hospital) as association:
        send(association, exam.images[:4])
        study_once(hospital, exam, "four images", looked_at(4))
        ended = exam.ended("DISCONTINUED", exam.images[:4])
        assert association.send_n_set(ended, MPPS, exam.step)[0].Status == 0
        seen = study_once(hospital, exam, "settled", is_settled)
    assert seen["announced"]["acquisition"] == "discontinued"
    assert events(seen, "series_ready") == ["4 instances, step_discontinued"]
    assert [said["state"] for said in seen["announced"]["said"]] == ["discontinued"]


def test_a_step_of_unscheduled_work_counts_by_its_images(hospital):
    exam, other = Exam(5), Exam(1)
    misnamed = exam.begun()
    misnamed.ScheduledStepAttributesSequence[0].StudyInstanceUID = other.study
    assert create(hospital, misnamed, exam.step).Status == 0
    with calling(hospital) as association:
        send(association, exam.images)
        study_once(hospital, exam, "five images", looked_at(5))
        assert association.send_n_set(exam.ended(), MPPS, exam.step)[0].Status == 0
        seen = study_once(hospital, exam, "settled", is_settled)
    assert events(seen, "series_ready")[-1] == "5 instances, step_completed"


def test_what_the_standard_refuses_is_refused_by_name(hospital):
    exam = Exam(3)
    refused = [
        ({"PerformedStationAETitle": None}, 0x0120, "(0040,0241)"),
        ({"PerformedStationAETitle": ""}, 0x0121, "(0040,0241)"),
        ({"ScheduledStepAttributesSequence": []}, 0x0121, "(0040,0270)"),
        ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106, "(0040,0252)"),
    ]
    for changes, status, tag in refused:
        answer = create(hospital, exam.begun(**changes), exam.step)
        assert (answer.Status, answer.ErrorComment[:11]) == (status, tag), answer
    assert create(hospital, exam.begun(), exam.step).Status == 0
    assert create(hospital, exam.begun(), exam.step).Status == 0x0111
    assert change(hospital, exam.ended(), generate_uid()).Status == 0x0112
    assert change(hospital, exam.ended(PerformedSeriesSequence=[]), exam.step).Status == 0x0120
    assert change(hospital, exam.ended(PerformedProcedureStepEndDate=None), exam.step).Status == 0x0120
    # Kept, but for whom it is of.
    assert change(hospital, exam.ended(PatientID="SOMEBODY"), exam.step).Status == 0x0107
    late = change(hospital, exam.ended("DISCONTINUED"), exam.step)
    assert late.Status == 0x0110 and "final" in late.ErrorComment
    assert late.ErrorID == 0xA710


def test_a_step_that_was_acknowledged_outlives_a_kill(hospital):
    exam = Exam(3)
    assert create(hospital, exam.begun(), exam.step).Status == 0
    hospital.kill()
    hospital.start()
    assert create(hospital, exam.begun(), exam.step).Status == 0x0111
    assert change(hospital, exam.ended(), exam.step).Status == 0


def test_a_notice_that_comes_first_is_fulfilled_by_the_last_image(hospital):
    exam = Exam(6)
    assert create(hospital, exam.available(at="NOBODY"), generate_uid(), IAN).Status == 0
    with calling(hospital) as association:
        send(association, exam.images)
        seen = study_once(hospital, exam, "ready", lambda seen: events(seen, "series_ready"))
    assert events(seen, "series_ready")[-1] == "6 instances, notice_fulfilled"
    assert events(seen, "images_available") == ["CT1: 6 images in 1 series"]


def test_what_an_archive_cannot_give_is_shown_and_not_waited_for(hospital):
    exam = Exam(6)
    with calling(hospital) as association:
        send(association, exam.images[:5])
    notice = exam.available("UNAVAILABLE", exam.images[5:], at="NOBODY")
    assert create(hospital, notice, generate_uid(), IAN).Status == 0
    told = study_once(hospital, exam, "the notice", lambda seen: seen["announced"])["announced"]
    assert (told["images"], told["missing"], told["out_of_reach"]) == (0, 0, 1)


def test_a_notice_without_what_it_must_say_is_refused(hospital):
    exam = Exam(1)
    nothing = exam.available()
    del nothing.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].RetrieveAETitle
    answer = create(hospital, nothing, generate_uid(), IAN)
    assert (answer.Status, answer.ErrorComment[:11]) == (0x0120, "(0008,0054)")
    unknown = create(hospital, exam.available("SOMEWHERE"), generate_uid(), IAN)
    assert unknown.Status == 0x0106


def test_images_of_a_notice_are_fetched_from_the_archive_that_may_be_asked(hospital):
    exam = Exam(6)
    for image in exam.images:
        stored = io.BytesIO()
        image.save_as(stored, enforce_file_format=True)
        request = urllib.request.Request(
            f"http://127.0.0.1:{hospital.orthanc.http}/instances", data=stored.getvalue(), method="POST"
        )
        urllib.request.urlopen(request, timeout=30).close()
    with calling(hospital) as association:
        send(association, exam.images[:2])
    assert create(hospital, exam.available(), generate_uid(), IAN).Status == 0
    seen = study_once(hospital, exam, "the rest", lambda seen: events(seen, "images_fetched"))
    assert seen["announced"]["missing"] == 0
    assert [said["fetch_state"] for said in seen["announced"]["said"]] == ["done"]
    assert study_once(hospital, exam, "six images", looked_at(6))["sender"] == "CT1"

"""What is stored can be found and fetched by those of whom the configuration says so: dcmtk, pynetdicom and Orthanc ask,
in every model and level, and are told how far it came."""
import subprocess
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage as CT,
    PatientRootQueryRetrieveInformationModelFind as PATIENT_FIND,
    PatientRootQueryRetrieveInformationModelGet as PATIENT_GET,
    StudyRootQueryRetrieveInformationModelFind as FIND,
    StudyRootQueryRetrieveInformationModelGet as GET,
    StudyRootQueryRetrieveInformationModelMove as MOVE,
)

import scu
from hl7 import merge
from mllp import Client
from neighbours import Orthanc, Storescp, free_ports
from service import Service, until


def instance(study, series, number, syntax=ExplicitVRLittleEndian, **changes):
    """A small CT slice."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CT, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "QUERY^QUINN", "QR-1", "19500505", "F"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20260301", "101500", "ACC-QR-1"
    ds.StudyDescription, ds.StudyID, ds.ReferringPhysicianName = "CT Abdomen", "7", "REFERRER^RITA"
    ds.Modality, ds.SeriesNumber, ds.SeriesDescription, ds.BodyPartExamined = "CT", "2", "thin", "ABDOMEN"
    ds.InstanceNumber, ds.ImageType = str(number), ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.Rows = ds.Columns = 16
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 1
    ds.SmallestImagePixelValue = -5
    ds.add_new(0x00090010, "LO", "PRIVATE")
    ds.add_new(0x00091001, "LO", "kept")
    pixels = np.full((16, 16), number, dtype="<i2").tobytes()
    ds.PixelData = pixels if not syntax.is_compressed else encapsulate([b"\xff\x4f\xff\x51" + bytes(60)])
    ds["PixelData"].VR = "OB" if syntax.is_compressed else "OW"
    ds.update(changes)
    for key, value in changes.items():
        setattr(ds, key, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = CT, ds.SOPInstanceUID
    return ds


def send(service, *instances):
    ae = AE("SCANNER")
    for syntax in {ds.file_meta.TransferSyntaxUID for ds in instances}:
        ae.add_requested_context(CT, syntax)
    association = ae.associate("127.0.0.1", service.dicom, ae_title="TOCSIN")
    assert association.is_established
    for ds in instances:
        assert association.send_c_store(ds).Status == 0
    association.release()


class Site:
    """A service with three studies, a workstation that may retrieve, and two nodes that objects can be sent to."""

    def __init__(self, folder):
        self.dcmtk = Storescp(folder / "dcmtk")
        (port,) = free_ports(1)
        self.orthanc_port = port
        peers = [
            {"ae_title": "WORKSTATION", "host": "127.0.0.1", "retrieve": True},
            {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": port, "retrieve": True},
            {"ae_title": "SCANNER", "host": "127.0.0.1"},
            {"ae_title": "DCMTK", "host": "127.0.0.1", "port": self.dcmtk.port},
        ]
        self.service = Service(
            folder / "service", dicom={"accept": "peers", "peers": peers}, inference={"only": []}
        ).start()
        self.study, self.compressed, self.other = (generate_uid() for _ in range(3))
        series = generate_uid()
        self.instances = [instance(self.study, series, n) for n in (1, 2)]
        self.instances.append(instance(self.study, generate_uid(), 1, ImplicitVRLittleEndian, SeriesNumber="3"))
        self.packed = [instance(self.compressed, generate_uid(), 1, JPEG2000Lossless, AccessionNumber="ACC-QR-2")]
        elsewhere = {"PatientID": "QR-2", "PatientName": "Other^Olga", "StudyDate": "20250301"}
        self.others = [instance(self.other, generate_uid(), 1, AccessionNumber="ACC-QR-3", **elsewhere)]
        send(self.service, *self.instances, *self.packed, *self.others)

    def close(self):
        try:
            self.service.stop()
        finally:
            self.dcmtk.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


def keys(level, **asked):
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    for name, value in asked.items():
        setattr(ds, name, value)
    return ds


def associated(site, *classes, title="WORKSTATION", roles=(), storage=(), patience=30, **options):
    ae = AE(title)
    ae.dimse_timeout = patience
    for sop_class in classes:
        ae.add_requested_context(sop_class, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    for sop_class, syntax in storage:
        ae.add_requested_context(sop_class, syntax)
    association = ae.associate("127.0.0.1", site.service.dicom, ae_title="TOCSIN", ext_neg=list(roles), **options)
    assert association.is_established
    return association


def find(site, sop_class, asked):
    association = associated(site, sop_class)
    answers = [(status.Status, ds) for status, ds in association.send_c_find(asked, sop_class)]
    association.release()
    return answers


def found(answers):
    assert answers[-1][0] == 0, hex(answers[-1][0])
    return [ds for _, ds in answers[:-1]]


def program(name, *arguments):
    return subprocess.run([f"/usr/bin/{name}", *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "asked, studies",
    [
        ({"PatientName": "query*"}, {"study", "compressed"}),
        ({"PatientID": "QR-2"}, {"other"}),
        ({"PatientID": "QR-?"}, {"study", "compressed", "other"}),
        ({"StudyDate": "20260101-20261231"}, {"study", "compressed"}),
        ({"StudyDate": "-20251231"}, {"other"}),
        ({"AccessionNumber": "ACC-QR-2"}, {"compressed"}),
        ({"ModalitiesInStudy": "MR"}, set()),
        ({"ModalitiesInStudy": "CT", "StudyTime": "1000-1100"}, {"study", "compressed", "other"}),
        ({"PatientName": "", "StudyDescription": "*"}, {"study", "compressed", "other"}),
    ],
)
def test_studies_are_found_by_every_kind_of_key(site, asked, studies):
    answers = found(find(site, FIND, keys("STUDY", StudyInstanceUID="", **asked)))
    assert {ds.StudyInstanceUID for ds in answers} == {getattr(site, name) for name in studies}
    assert all(ds.RetrieveAETitle == "TOCSIN" for ds in answers)


def test_a_study_is_described_and_a_key_that_is_not_known_is_told(site):
    asked = keys(
        "STUDY", StudyInstanceUID=[site.study, site.other], PatientName="", PatientID="", StudyTime="", AccessionNumber="",
        StudyDescription="", ReferringPhysicianName="", NumberOfStudyRelatedSeries="", NumberOfStudyRelatedInstances="",
        ModalitiesInStudy="", PatientWeight="",
    )
    answers = find(site, FIND, asked)
    assert [status for status, _ in answers] == [0xFF01, 0xFF01, 0]
    (ds,) = [ds for _, ds in answers[:-1] if ds.StudyInstanceUID == site.study]
    assert (ds.PatientName, ds.PatientID, ds.StudyTime) == ("QUERY^QUINN", "QR-1", "101500")
    assert (ds.NumberOfStudyRelatedSeries, ds.NumberOfStudyRelatedInstances) == (2, 3)
    assert (ds.ModalitiesInStudy, ds.StudyDescription) == ("CT", "CT Abdomen")
    assert ds.ReferringPhysicianName == "REFERRER^RITA" and "PatientWeight" not in ds


def test_series_images_and_patients_are_found_below_and_above(site):
    series = found(find(site, FIND, keys("SERIES", StudyInstanceUID=site.study, Modality="CT", SeriesNumber="",
                                         SeriesInstanceUID="", NumberOfSeriesRelatedInstances="")))
    assert sorted((ds.SeriesNumber, ds.NumberOfSeriesRelatedInstances) for ds in series) == [(2, 2), (3, 1)]
    thin = site.instances[0].SeriesInstanceUID
    images = found(find(site, PATIENT_FIND, keys("IMAGE", PatientID="QR-1", StudyInstanceUID=site.study,
                                                 SeriesInstanceUID=thin, SOPInstanceUID="", InstanceNumber="2", Rows=None)))
    assert [(ds.SOPInstanceUID, ds.Rows) for ds in images] == [(site.instances[1].SOPInstanceUID, 16)]
    patients = found(find(site, PATIENT_FIND, keys("PATIENT", PatientID="", PatientName="Q*")))
    assert [(ds.PatientID, ds.PatientName) for ds in patients] == [("QR-1", "QUERY^QUINN")]
    for asked in (keys("SERIES", SeriesInstanceUID=""), keys("PATIENT", PatientID=""), keys("WORLD")):
        assert find(site, FIND, asked)[-1][0] == 0xA900


def test_a_query_is_audited_before_it_is_answered(site):
    found(find(site, FIND, keys("STUDY", StudyInstanceUID=site.other)))
    entry = site.service.rows("select * from audit_entry where action = 'study.query' order by seq desc")[0]
    assert (entry["actor"], entry["actor_kind"]) == ("WORKSTATION", "peer")
    row = site.service.rows("select id from study where study_uid = ?", site.other)[0]
    assert entry["object"] == f"study:{row['id']}"
    assert site.service.run("audit", "verify").returncode == 0


def test_who_only_sends_can_ask_for_nothing(site):
    ae = AE("SCANNER")
    ae.add_requested_context(FIND)
    ae.add_requested_context(CT)
    association = ae.associate("127.0.0.1", site.service.dicom, ae_title="TOCSIN", ext_neg=[build_role(CT, scp_role=True)])
    assert association.is_established
    refused = {cx.abstract_syntax: cx.result for cx in association.rejected_contexts}
    assert refused[FIND] == 1
    assert not any(cx.as_scp for cx in association.accepted_contexts)
    association.release()


def test_dcmtk_finds_gets_and_moves(site, tmp_path):
    study = f"StudyInstanceUID={site.study}"
    who = ("-aet", "WORKSTATION", "-aec", "TOCSIN", "127.0.0.1", site.service.dicom)
    asked = program("findscu", "-S", *who, "-k", "QueryRetrieveLevel=STUDY", "-k", study, "-k", "PatientName")
    assert asked.returncode == 0 and "QUERY^QUINN" in asked.stdout + asked.stderr, asked.stderr
    got = program("getscu", "-S", "-od", tmp_path, *who, "-k", "QueryRetrieveLevel=STUDY", "-k", study)
    assert got.returncode == 0, got.stderr
    same([dcmread(path) for path in tmp_path.iterdir()], site.instances)
    moved = program("movescu", "-S", "-aem", "DCMTK", *who, "-k", "QueryRetrieveLevel=STUDY", "-k", study)
    assert moved.returncode == 0, moved.stderr
    same([dcmread(path) for path in site.dcmtk.files()], site.instances)
    unknown = program("movescu", "-v", "-S", "-aem", "NOBODY", *who, "-k", "QueryRetrieveLevel=STUDY", "-k", study)
    assert "MoveDestinationUnknown" in unknown.stdout + unknown.stderr


def same(received, sent):
    """The same values, whatever the encoding."""
    received = {ds.SOPInstanceUID: ds for ds in received}
    assert received.keys() == {ds.SOPInstanceUID for ds in sent}
    for ds in sent:
        buffer = BytesIO()
        ds.save_as(buffer, enforce_file_format=True)
        ours = received[ds.SOPInstanceUID]
        theirs = dcmread(BytesIO(buffer.getvalue()))
        for element in theirs:
            assert ours[element.tag].value == element.value or element.tag.is_private, element
        assert ours[0x00091001].value in ("kept", b"kept")


class Taker:
    """Keeps what a C-GET sends, and answers with `status`."""

    def __init__(self, status=0):
        self.taken, self.status = [], status

    def __call__(self, event):
        ds = event.dataset
        ds.file_meta = event.file_meta
        self.taken.append(ds)
        return self.status


def get(site, taker, asked, syntaxes, sop_class=GET, ending=None):
    association = associated(
        site, sop_class, roles=[build_role(CT, scp_role=True)], storage=[(CT, syntax) for syntax in syntaxes],
        evt_handlers=[(evt.EVT_C_STORE, taker)],
    )
    answers = []
    for answer in association.send_c_get(asked, sop_class, msg_id=9):
        answers.append(answer)
        if ending and ending(association, answers):
            break
    association.release()
    return answers


PLAIN = [ExplicitVRLittleEndian]


def test_a_c_get_counts_and_a_compressed_instance_goes_as_it_is_or_not_at_all(site):
    taker = Taker()
    answers = get(site, taker, keys("STUDY", StudyInstanceUID=site.study), PLAIN)
    assert [s.Status for s, _ in answers] == [0xFF00] * 3 + [0]
    assert [s.NumberOfRemainingSuboperations for s, _ in answers[:3]] == [2, 1, 0]
    assert answers[-1][0].NumberOfCompletedSuboperations == 3
    same(taker.taken, site.instances)

    taker = Taker()
    packed = keys("STUDY", StudyInstanceUID=site.compressed)
    assert get(site, taker, packed, [*PLAIN, JPEG2000Lossless])[-1][0].Status == 0
    assert taker.taken[0].PixelData == site.packed[0].PixelData
    assert taker.taken[0].file_meta.TransferSyntaxUID == JPEG2000Lossless
    status, failed = get(site, Taker(), packed, PLAIN)[-1]
    assert status.Status == 0xA702
    assert failed.FailedSOPInstanceUIDList == site.packed[0].SOPInstanceUID

    both = keys("STUDY", StudyInstanceUID=[site.study, site.compressed])
    status, _ = get(site, Taker(), both, PLAIN)[-1]
    assert (status.Status, status.NumberOfFailedSuboperations) == (0xB000, 1)
    assert get(site, Taker(0xA700), keys("STUDY", StudyInstanceUID=site.study), PLAIN)[-1][0].Status == 0xA702
    assert get(site, Taker(), keys("STUDY", StudyInstanceUID=generate_uid()), PLAIN)[-1][0].Status == 0
    assert get(site, Taker(), keys("STUDY", PatientName="*"), PLAIN)[-1][0].Status == 0xA900


def test_one_series_one_image_and_a_whole_patient(site):
    taker = Taker()
    thin = site.instances[0].SeriesInstanceUID
    get(site, taker, keys("SERIES", StudyInstanceUID=site.study, SeriesInstanceUID=thin), PLAIN)
    assert {ds.SOPInstanceUID for ds in taker.taken} == {ds.SOPInstanceUID for ds in site.instances[:2]}
    taker = Taker()
    one = site.instances[1].SOPInstanceUID
    get(site, taker, keys("IMAGE", StudyInstanceUID=site.study, SeriesInstanceUID=thin, SOPInstanceUID=one), PLAIN)
    assert [ds.SOPInstanceUID for ds in taker.taken] == [one]
    taker = Taker()
    get(site, taker, keys("PATIENT", PatientID="QR-2"), PLAIN, sop_class=PATIENT_GET)
    assert {ds.StudyInstanceUID for ds in taker.taken} == {site.other}
    entry = site.service.rows("select * from audit_entry where action = 'study.retrieve' order by seq desc")[0]
    assert entry["actor"] == "WORKSTATION"


def test_who_cancels_gets_no_more_and_who_breaks_off_harms_nobody(site):
    def stop(event):
        event.assoc.send_c_cancel(9, query_model=GET)
        return 0

    association = associated(site, GET, roles=[build_role(CT, scp_role=True)], storage=[(CT, PLAIN[0])],
                             evt_handlers=[(evt.EVT_C_STORE, stop)])
    answers = list(association.send_c_get(keys("STUDY", StudyInstanceUID=site.study), GET, msg_id=9))
    assert answers[-1][0].Status == 0xFE00
    assert answers[-1][0].NumberOfRemainingSuboperations == 2
    association.release()

    association = associated(site, GET, roles=[build_role(CT, scp_role=True)], storage=[(CT, PLAIN[0])], patience=1,
                             evt_handlers=[(evt.EVT_C_STORE, lambda event: event.assoc.abort() or 0)])
    list(association.send_c_get(keys("STUDY", StudyInstanceUID=site.study), GET))
    assert found(find(site, FIND, keys("STUDY", StudyInstanceUID=site.study)))


@pytest.mark.parametrize(
    "identifier, status",
    [
        (b"", 0xC000),
        (b"garbage that is no data set", 0xC000),
        (b"\x08\0\x52\0\xff\xff\xff\x7fSTUDY", 0xC000),
        (b"\x08\0\x52\0\x06\0\0\0STUDY " + bytes(5 << 20), 0xC000),
        (b"\x08\0\x52\0\x06\0\0\0SERIES", 0xA900),
        (None, 0x0120),
    ],
)
def test_an_identifier_that_cannot_be_read_is_refused_and_the_association_stands(site, identifier, status):
    contexts = [(FIND, [scu.IMPLICIT]), (scu.VERIFICATION, [scu.IMPLICIT])]
    with scu.Association(site.service.dicom, contexts, calling="WORKSTATION") as association:
        association.send_command(1, scu.command(0x20, FIND, data_set=identifier is not None))
        if identifier is not None:
            association.send_data(1, identifier)
        assert association.answer().status == status
        assert association.echo(3) == 0
        # In the context of another service, and a service that nobody has.
        for field, asked in ((0x20, FIND), (0x150, scu.VERIFICATION)):
            association.send_command(3, scu.command(field, asked, data_set=False))
            assert association.answer().status in (0x0122, 0x0211)
        assert association.echo(3) == 0


def test_nothing_of_the_quarantine_leaves(site):
    twin = instance(site.other, site.others[0].SeriesInstanceUID, 99, PatientID="QR-2", PatientName="Other^Olga")
    twin.SOPInstanceUID = twin.file_meta.MediaStorageSOPInstanceUID = site.others[0].SOPInstanceUID
    send(site.service, twin)
    assert site.service.quarantine(twin.SOPInstanceUID)
    taker = Taker()
    get(site, taker, keys("STUDY", StudyInstanceUID=site.other), PLAIN)
    assert [ds.PixelData for ds in taker.taken] == [site.others[0].PixelData]


def test_a_number_that_was_merged_finds_what_its_survivor_has(site):
    with Client(site.service.hl7) as client:
        client.send(merge("QR-2", "QR-9"))
    asked = keys("STUDY", StudyInstanceUID="", PatientID="QR-9")
    answers = until("the merge is known", lambda: found(find(site, FIND, asked)))
    assert [(ds.StudyInstanceUID, ds.PatientID) for ds in answers] == [(site.other, "QR-9")]
    assert not found(find(site, FIND, keys("STUDY", StudyInstanceUID="", PatientID="QR-5")))


def test_orthanc_asks_and_fetches(site, tmp_path):
    modalities = {"tocsin": ["TOCSIN", "127.0.0.1", site.service.dicom]}
    orthanc = Orthanc(tmp_path / "orthanc", site.orthanc_port, DicomModalities=modalities)
    try:
        query = orthanc.post("/modalities/tocsin/query", {"Level": "Study", "Query": {"StudyInstanceUID": site.study}})
        answers = orthanc.get(f"{query['Path']}/answers")
        assert len(answers) == 1
        orthanc.post(f"{query['Path']}/answers/0/retrieve", {"TargetAet": "ORTHANC", "Synchronous": True})
        for ds in site.instances:
            assert orthanc.find(ds.SOPInstanceUID)
        echoed = orthanc.post("/modalities/tocsin/query", {"Level": "Study", "Query": {"PatientID": "QR-1"}})
        assert len(orthanc.get(f"{echoed['Path']}/answers")) == 2
    finally:
        orthanc.stop()

"""An archive that has taken our objects is asked to keep them safe, and says so later over an association of its own."""
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel as PUSH
from pynetdicom.sop_class import StorageCommitmentPushModelInstance as INSTANCE
from pynetdicom.sop_class import Verification
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AllStoragePresentationContexts

from neighbours import Orthanc, free_ports
from radiographs import DX, package, radiograph
from service import Service, until


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return package(tmp_path_factory.mktemp("models"))


def service(folder, models, port, archive):
    peers = [{"role": "archive", "host": "127.0.0.1", "commitment": True, "send": ["sr"], **archive}]
    return Service(
        folder, inference={"models": models, "only": None}, dicom={"listen": f"127.0.0.1:{port}", "peers": peers}
    ).start()


def scanned(service):
    """A nodule that is read, and its report."""
    ds = radiograph(23, "20251201")
    ae = AE("SCANNER")
    ae.add_requested_context(DX)
    association = ae.associate("127.0.0.1", service.dicom, ae_title="TOCSIN")
    assert association.is_established and association.send_c_store(ds).Status == 0
    association.release()
    return until("the study", lambda: service.study(ds.StudyInstanceUID))["study_id"]


def commitment(service, study, *states, seconds=60):
    def now():
        said = [d["commitment"] or "" for d in service.get(f"/api/v1/studies/{study}")["deliveries"]]
        return said[0] if said and said[0].startswith(states) else None

    return until(f"the commitment is {states}", now, seconds)


def test_orthanc_keeps_what_it_took(tmp_path, models):
    (port,) = free_ports(1)
    tocsin = {"AET": "TOCSIN", "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True}
    orthanc = Orthanc(tmp_path / "orthanc", DicomModalities={"tocsin": tocsin})
    ours = service(tmp_path / "service", models, port, {"ae_title": "ORTHANC", "port": orthanc.port})
    try:
        assert commitment(ours, scanned(ours), "committed") == "committed"
    finally:
        ours.stop()
        orthanc.stop()


class Forgetful:
    """Takes everything, and says of the first that it does not keep it."""

    def __init__(self, port):
        self.port, self.asked, self.stored = port, [], 0
        self.ae = AE("FORGETFUL")
        self.ae.supported_contexts = AllStoragePresentationContexts
        self.ae.add_supported_context(PUSH)
        self.ae.add_supported_context(Verification)
        (own,) = free_ports(1)
        self.server = self.ae.start_server(
            ("127.0.0.1", own), block=False,
            evt_handlers=[(evt.EVT_C_STORE, self.store), (evt.EVT_N_ACTION, self.action)],
        )
        self.own = own

    def store(self, event):
        self.stored += 1
        return 0

    def action(self, event):
        self.asked.append(event.action_information)
        return 0, None

    def report(self, asked, reason=None, role=True, transaction=None):
        """What it says of the objects of a request: the status of the answer."""
        ds = Dataset()
        ds.TransactionUID = transaction or asked.TransactionUID
        items = [Dataset() for _ in asked.ReferencedSOPSequence]
        for item, of in zip(items, asked.ReferencedSOPSequence):
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = of.ReferencedSOPClassUID, of.ReferencedSOPInstanceUID
            if reason:
                item.FailureReason = reason
        if reason:
            ds.FailedSOPSequence = items
        else:
            ds.ReferencedSOPSequence = items
        ae = AE("FORGETFUL")
        ae.add_requested_context(PUSH, ExplicitVRLittleEndian)
        roles = [build_role(PUSH, scp_role=True)] if role else []
        association = ae.associate("127.0.0.1", self.port, ae_title="TOCSIN", ext_neg=roles)
        assert association.is_established
        if role:
            assert association.accepted_contexts[0].as_scp and not association.accepted_contexts[0].as_scu
        else:
            association.accepted_contexts[0]._as_scp = True
        status, _ = association.send_n_event_report(ds, 2 if reason else 1, PUSH, INSTANCE)
        association.release()
        return status.Status


def test_what_is_not_kept_is_sent_again_and_a_stranger_is_not_believed(tmp_path, models):
    (port,) = free_ports(1)
    archive = Forgetful(port)
    ours = service(tmp_path / "service", models, port, {"ae_title": "FORGETFUL", "port": archive.own})
    try:
        study = scanned(ours)
        until("it is asked", lambda: archive.asked)
        assert commitment(ours, study, "asked")
        assert archive.report(archive.asked[0], transaction=generate_uid()) == 0x0115
        assert archive.report(archive.asked[0], reason=0x0112) == 0
        until("it is sent and asked again", lambda: archive.stored == 2 and len(archive.asked) == 2)
        assert archive.asked[1].TransactionUID != archive.asked[0].TransactionUID
        # Whoever kills the service in between loses nothing: the row says what was asked.
        ours.kill()
        ours.start()
        assert archive.report(archive.asked[1], role=False) == 0
        assert commitment(ours, study, "committed") == "committed"
    finally:
        ours.stop()
        archive.server.shutdown()

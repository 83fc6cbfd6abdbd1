"""A modality of another maker (pynetdicom): a CT series of its own, what it says of its work by MPPS, and an archive that
says by IAN what it keeps."""
from contextlib import contextmanager

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE
from pynetdicom.sop_class import InstanceAvailabilityNotification as IAN
from pynetdicom.sop_class import ModalityPerformedProcedureStep as MPPS

from scu import CT

SIDE = 32


class Exam:
    """A head of a few slices, without anything in it."""

    def __init__(self, slices=12, patient="STEP-1", accession="ST1"):
        self.study, self.series, self.step = generate_uid(), generate_uid(), generate_uid()
        self.images = [self._slice(number, patient, accession) for number in range(slices)]

    def _slice(self, number, patient, accession):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CT, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = CT, meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID = self.study, self.series
        ds.PatientID, ds.PatientName, ds.AccessionNumber = patient, "STEP^STELLA", accession
        ds.StudyDate, ds.StudyTime, ds.Modality = "20260314", "101500", "CT"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.SeriesNumber, ds.InstanceNumber = 2, number + 1
        ds.ImagePositionPatient = [0, 0, 5 * number]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SliceThickness = [6, 6], 5
        ds.Rows = ds.Columns = SIDE
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleIntercept, ds.RescaleSlope = 0, 1
        ds.PixelData = np.full((SIDE, SIDE), 30, "<i2").tobytes()
        return ds

    # What it says of its work.

    def begun(self, **changes):
        ds = Dataset()
        scheduled = Dataset()
        scheduled.StudyInstanceUID, scheduled.AccessionNumber = self.study, "ST1"
        scheduled.ReferencedStudySequence = []
        scheduled.RequestedProcedureID = scheduled.RequestedProcedureDescription = "RP1"
        scheduled.ScheduledProcedureStepID = scheduled.ScheduledProcedureStepDescription = "SPS1"
        scheduled.ScheduledProtocolCodeSequence = []
        ds.ScheduledStepAttributesSequence = [scheduled]
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "STEP^STELLA", "STEP-1", "", ""
        ds.PerformedProcedureStepID, ds.PerformedStationAETitle = "PPS1", "CT1"
        ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = "20260314", "101500"
        ds.PerformedProcedureStepStatus, ds.Modality, ds.StudyID = "IN PROGRESS", "CT", ""
        ds.PerformedSeriesSequence = []
        return changed(ds, changes)

    def ended(self, state="COMPLETED", images=None, **changes):
        ds = Dataset()
        ds.PerformedProcedureStepStatus = state
        ds.PerformedProcedureStepEndDate, ds.PerformedProcedureStepEndTime = "20260314", "102000"
        series = Dataset()
        series.SeriesInstanceUID, series.ProtocolName, series.RetrieveAETitle = self.series, "HEAD", ""
        series.ReferencedImageSequence = [reference(image) for image in images or self.images]
        ds.PerformedSeriesSequence = [series]
        return changed(ds, changes)

    def available(self, state="ONLINE", images=None, at="ORTHANC"):
        ds = Dataset()
        ds.StudyInstanceUID, ds.ReferencedPerformedProcedureStepSequence = self.study, []
        series = Dataset()
        series.SeriesInstanceUID = self.series
        series.ReferencedSOPSequence = []
        for image in images or self.images:
            item = reference(image)
            item.InstanceAvailability, item.RetrieveAETitle = state, at
            series.ReferencedSOPSequence.append(item)
        ds.ReferencedSeriesSequence = [series]
        return ds


def reference(image):
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item


def changed(ds, changes):
    """With other values; None takes one away."""
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


@contextmanager
def calling(service, title="CT1", *classes):
    entity = AE(ae_title=title)
    for one in classes or (MPPS, IAN, CT):
        entity.add_requested_context(one, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", service.dicom, ae_title="TOCSIN")
    assert association.is_established
    try:
        yield association
    finally:
        association.release()


def send(association, images):
    for image in images:
        assert association.send_c_store(image).Status == 0


def create(service, ds, uid, sop_class=MPPS):
    """The answer to an N-CREATE: its status, with error comment."""
    with calling(service) as association:
        return association.send_n_create(ds, sop_class, uid)[0]


def change(service, ds, uid):
    with calling(service) as association:
        return association.send_n_set(ds, MPPS, uid)[0]

"""Another vendor's product: structured reports as highdicom writes them, a rejection of one, and its ORU^R01."""
import datetime

import highdicom as hd
import numpy as np
import pydicom
from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

import hl7

MAKER, NAME, VERSION = "Example AI Vendor", "ICH-Detect", "2.3.1"
HEMORRHAGE = Code("1386000", "SCT", "Intracranial hemorrhage")
PRESENT, ABSENT = Code("52101004", "SCT", "Present"), Code("272519000", "SCT", "Absent")
PRESENCE = Code("705057003", "SCT", "Presence")
BRAIN = Code("12738006", "SCT", "Brain")


def observer(maker=MAKER):
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=generate_uid(), name="ich@site", manufacturer_name=maker, model_name=NAME, serial_number="SN-42"),
    )


def images(folder):
    return [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]


def number(code, value, unit):
    return Measurement(name=code, value=value, unit=unit)


def report(read, finding=HEMORRHAGE, presence=PRESENT, volume=31.0, maker=MAKER, name=NAME):
    """TID 1500: one finding of the study as a whole, and one lesion outlined on an image."""
    algorithm = AlgorithmIdentification(
        name=name, version=VERSION, family=Code("123110", "DCM", "Artificial Intelligence"))
    key = read[len(read) // 2]
    cubic = Code("mm3", "UCUM", "cubic millimeter")
    said = [QualitativeEvaluation(name=PRESENCE, value=presence)]
    whole = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=generate_uid(), identifier="study"),
        finding_type=finding,
        finding_sites=[FindingSite(anatomic_location=BRAIN)],
        algorithm_id=algorithm,
        measurements=[
            number(Code("111012", "DCM", "Certainty of Finding"), 93.7, Code("%", "UCUM", "Percent")),
            number(Code("118565006", "SCT", "Volume"), volume * 1000, cubic),
            number(Code("RDE165", "RADELEMENT", "Midline shift"), 0.42, Code("cm", "UCUM", "centimeter")),
        ],
        qualitative_evaluations=said,
        source_images=[SourceImageForMeasurementGroup(key.SOPClassUID, key.SOPInstanceUID)],
    )
    region = ImageRegion(
        graphic_type=hd.sr.GraphicTypeValues.CIRCLE,
        graphic_data=np.array([[40.0, 40.0], [48.0, 40.0]]),
        source_image=SourceImageForRegion(key.SOPClassUID, key.SOPInstanceUID),
    )
    lesion = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=generate_uid(), identifier="lesion 1"),
        referenced_region=region,
        finding_type=finding,
        finding_sites=[FindingSite(anatomic_location=BRAIN, laterality=Code("7771000", "SCT", "Left"))],
        algorithm_id=algorithm,
        measurements=[number(Code("103339001", "SCT", "Long Axis"), 4.1, Code("cm", "UCUM", "centimeter"))],
    )
    groups = [whole, lesion] if presence == PRESENT else [whole]
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer(maker)),
        procedure_reported=Code("30799-1", "LN", "CT Head WO contrast"),
        imaging_measurements=groups,
        referenced_images=read,
    )
    return Comprehensive3DSR(
        evidence=read, content=content[0], series_instance_uid=generate_uid(), series_number=91,
        sop_instance_uid=generate_uid(), instance_number=1, manufacturer=maker, is_complete=True, is_final=False,
    )




def rejection(document):
    """A key object selection that takes a report back, as an archive or the product itself writes it."""
    selection = hd.ko.KeyObjectSelection(
        document_title=codes.DCM.RejectedForQualityReasons,
        referenced_objects=[document], observer_device_context=observer())
    return hd.ko.KeyObjectSelectionDocument(
        evidence=[document], content=selection, series_instance_uid=generate_uid(), series_number=92,
        sop_instance_uid=generate_uid(), instance_number=1, manufacturer=MAKER)


def message(phantom, status="P", application="ACME", patient=None, finding="1386000^Intracranial hemorrhage^SCT"):
    """ORU^R01 with one finding; every row in this status."""
    by = f"{NAME}^{NAME} {VERSION}^99ACME|SN-42^{MAKER}"
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S.%f")[:18] + "+0000"
    control, overall = hl7.next_control_id(), "F" if status == "F" else "P"
    lines = [
        f"MSH|^~\\&|{application}|AI|TOCSIN|GH|{now}||ORU^R01^ORU_R01|{control}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||{patient or phantom.patient}^^^GH^MR",
        f"OBR|1||F{phantom.accession}^RIS|||||||||||||||{phantom.accession}||||{now}|||{overall}",
        f"OBX|1|ST|113014^DICOM Study^DCM|1|{phantom.study}||||||O",
        f"OBX|2|CE|{finding}|1|52101004^Present^SCT|||AA|0.94||{status}||||||{by}",
        f"OBX|3|NM|118565006^Volume^SCT|1|31000|mm3^^UCUM|||||{status}||||||{by}",
        f"OBX|4|TX|19005-8^Impression^LN|1|AI result, not a report||||||{status}||||||{by}",
    ]
    return ("\r".join(lines) + "\r").encode()

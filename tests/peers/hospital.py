"""A hospital around the service: orders and phantoms go in, and every destination is a system of another maker."""
import zlib

import pydicom

import hl7
from mailbox import Mailbox
from mllp import Client, acknowledgement
from neighbours import Ris
from phantoms import synth
from senders import scan
from service import Service, until

PATIENT_NAME = "BLEEDING^BERTA"
PEOPLE = [
    {"id": "roy", "name": "Dr Roy", "email": "roy@hospital.example", "roles": ["stroke"]},
    {"id": "ito", "name": "Dr Ito", "email": "ito@hospital.example", "roles": ["radiologist"]},
]
POLICIES = [{"name": "stroke", "steps": [{"to": ["stroke"], "wait_minutes": 30}], "last_resort": "radiologist"}]


class Hospital:
    def __init__(self, folder, archives, inference=None, neighbour=None, security=None, fhir=None, vendors=None, fhircast=None, **ris):
        self.folder, self.archives = folder, archives
        self.ris, self.mailbox = neighbour or Ris(), Mailbox()
        self.service = Service(
            folder / "service",
            dicom={"peers": [archive.peer() for archive in archives]},
            ris={"enabled": True, "host": "127.0.0.1", "port": self.ris.port, "facility": "GH", **ris},
            hl7={"facility": "GH"},
            **{name: values for name, values in (("inference", inference), ("tls", security), ("fhir", fhir), ("vendors", vendors), ("fhircast", fhircast)) if values},
            alerts={
                **self.mailbox.channel(),
                "from": "tocsin@hospital.example",
                "default_policy": "stroke",
                "people": PEOPLE,
                "policies": POLICIES,
            },
        ).start()

    def close(self):
        try:
            self.service.stop()
        finally:
            self.ris.close()
            self.mailbox.close()

    def phantom(self, seed, finding="iph", volume=40):
        """Thick slices of a coarse matrix: made and read in seconds, and as positive as any."""
        return Phantom(self.folder / f"phantom{seed}", seed, finding, volume)

    def order(self, phantom, **options):
        with Client(self.service.hl7) as client:
            made = hl7.order(phantom.accession, phantom.patient, study=phantom.study, name=PATIENT_NAME, **options)
            assert acknowledgement(client.send(made))[0] == "AA"
        accession = phantom.accession
        query = "select id from imaging_order where accession = ?"
        until("the order is placed", lambda: self.service.rows(query, accession))

    def scan(self, phantom):
        scan(self.service.dicom, phantom.folder / "dicom")

    def study_id(self, phantom):
        return until("the study", lambda: self.service.study(phantom.study))["study_id"]

    def settled(self, phantom, *kinds, states=("confirmed",), seconds=90):
        """The deliveries of these kinds, once each is in one of these states."""
        study = self.study_id(phantom)

        def now():
            owed = {key: d for key, d in self.service.deliveries(study).items() if key[0] in kinds}
            there = {kind for kind, _ in owed} == set(kinds)
            return owed if there and all(d["state"] in states for d in owed.values()) else None

        return until(f"{kinds} are {states}", now, seconds)


class Phantom:
    def __init__(self, folder, seed, finding, volume):
        self.folder = folder
        options = ["--finding", finding, "--seed", seed, "--slice-mm", 5, "--matrix", 256]
        if finding != "none":
            options += ["--volume-ml", volume]
        files = synth(folder / "dicom", *options)
        for other in ("truth.json", "mask.bin"):
            (folder / "dicom" / other).rename(folder / other)
        first = pydicom.dcmread(files[0], stop_before_pixels=True)
        self.study, self.accession, self.patient = first.StudyInstanceUID, first.AccessionNumber, first.PatientID


def number(text):
    """A number of few digits that always is the same for a text."""
    return zlib.crc32(text.encode()) % 10**8

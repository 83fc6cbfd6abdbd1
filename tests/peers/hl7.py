"""HL7 messages: samples of our own, and the real ones of the shared data where it is there."""
import itertools
import re

from objects import shared

NUMBERS = itertools.count(1)
VERSIONS = {"2.1", "2.2", "2.3", "2.3.1", "2.3.2", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2",
            "2.9", "2.9.1"}
# What changes something here; everything else that is well-formed is kept and ignored.
USED = {
    "ORM": {"O01", ""},
    "OMI": {"O23"},
    "OMG": {"O19"},
    "ORU": {"R01", ""},
    "ADT": {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A28", "A31", "A18", "A34", "A40", "A47"},
    "SIU": {"S12", "S13", "S14", "S15", "S17", "S26"},
    "ORR": {"O02", ""},
    "ORI": {"O24"},
    "ORG": {"O20"},
}


def next_control_id():
    return f"PEER{next(NUMBERS):06}"


def message(kind, *lines, version="2.5.1", control_id=None, charset="UNICODE UTF-8", processing="P", encoding="utf-8"):
    head = f"MSH|^~\\&|RIS|GH|TOCSIN|GH|20260101120000+0100||{kind}|{control_id or next_control_id()}|{processing}|{version}||||||{charset}"
    return "".join(line + "\r" for line in (head, *lines)).encode(encoding)


def pid(number, name="MUSTER^MAX", authority="GH"):
    return f"PID|1||{number}^^^{authority}^MR||{name}||19500101|M"


def order(accession, patient, study=None, control="NW", priority="R", status="SC", kind="ORM^O01^ORM_O01", **options):
    timing = f"1^^^20260101120000+0100^^{priority}"
    lines = [
        pid(patient, name=options.pop("name", "MUSTER^MAX")),
        f"PV1|1|E|ER^1^1^GH{'|' * 16}V{accession}",
        f"ORC|{control}|P{accession}^CIS|F{accession}^RIS||{status}||{timing}||20260101120000+0100|||7001^DOC^ORDERING",
        f"OBR|1|P{accession}^CIS|F{accession}^RIS|CTHEAD^CT HEAD WO CONTRAST^L|||||||||HEADACHE|||7001^DOC^ORDERING||{accession}|{accession}|{accession}||||CT|||{timing}",
    ]
    if study:
        lines.append(f"ZDS|{study}^RIS^Application^DICOM")
    return message(kind, *lines, **options)


def visit(control_id, patient, event="A04"):
    """Of a patient whose name is that of the message, so that each of them changes something."""
    name = f"CAMPAIGN^{control_id}"
    lines = [f"EVN|{event}|20260101120000+0100", pid(patient, name=name), "PV1|1|E|ER^1^1^GH"]
    return message(f"ADT^{event}^ADT_A01", *lines, control_id=control_id)


def merge(gone, stays, **options):
    return message("ADT^A40^ADT_A39", "EVN|A40|20260101120000+0100", pid(stays), f"MRG|{gone}^^^GH^MR", **options)


def samples():
    """Of each kind that is used one, and some that are not, in several versions."""
    found = {
        f"{kind} {version}": message(f"ADT^{kind}", f"EVN|{kind}|20260101120000", pid(f"S{kind}{version}"),
                                     "PV1|1|E", version=version, charset="")
        for kind, version in itertools.product(("A01", "A04", "A08"), ("2.3.1", "2.5.1", "2.7"))
    }
    found |= {f"ORM {v}": order(f"S{v}", "S1", version=v, kind="ORM^O01", charset="") for v in ("2.3", "2.4", "2.5.1")}
    found["A40"] = merge("S2", "S3")
    found["schedule"] = message("SIU^S12", "SCH|1", pid("S4"))
    found["query"] = message("QBP^Q11", "QPD|Z")
    return found


def real():
    """By place in the shared data: one message each, with the line ends that HL7 asks for."""
    folder = shared("data/hl7")
    found = {}
    for path in sorted(folder.rglob("*")) if folder else []:
        if path.suffix not in (".hl7", ".txt") or path.name.startswith("LICENSE"):
            continue
        for number, text in enumerate(messages(path.read_bytes())):
            found[f"{path.relative_to(folder)}#{number}"] = text
    return found


def everything():
    """By place in the shared data: the real messages, and the worked examples."""
    found = {f"hl7/{name}": text for name, text in real().items()}
    folder = shared("data/interop-examples/hl7")
    for path in sorted(folder.glob("*.hl7")) if folder else []:
        for number, text in enumerate(messages(path.read_bytes())):
            found[f"interop-examples/hl7/{path.name}#{number}"] = text
    return found


def messages(data):
    """A file may hold a batch; each of its messages is sent by itself."""
    data = re.sub(b"\r\n|\n", b"\r", data)
    data = re.sub(rb"^(FHS|BHS|BTS|FTS)[^\r]*\r?", b"", data, flags=re.M)
    starts = [m.start() for m in re.finditer(rb"(?:^|(?<=\r)|(?<=\xef\xbb\xbf))MSH(?=[^A-Za-z0-9])", data)]
    if len(starts) < 2:
        return [data]
    return [data[a:b] for a, b in zip(starts, starts[1:] + [len(data)])]


class Header:
    """MSH as a reader who knows nothing else sees it."""

    def __init__(self, message):
        text = message.removeprefix(b"\xef\xbb\xbf").lstrip()
        self.is_hl7 = text.startswith(b"MSH")
        line = text.split(b"\r")[0].decode("utf-8", "replace")
        separator = line[3:4] or "|"
        fields = line.split(separator) + [""] * 20
        component = fields[1][:1] or "^"
        first = lambda n: fields[n].split(component)[0].strip()
        self.control, self.processing, self.version = fields[9].strip(), first(10), first(11)
        kind = fields[8].split(component) + [""]
        self.kind, self.trigger = kind[0].strip(), kind[1].strip()
        self.accept, self.application = first(14), first(15)
        self.sender = (first(2), first(3))

    def is_used(self):
        return self.kind == "ACK" or self.trigger in USED.get(self.kind, ())

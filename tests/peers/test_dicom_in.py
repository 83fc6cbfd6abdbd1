"""Images in, from real senders and with real files: what an archive takes is taken and kept as it was sent."""
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from pydicom import dcmread

from objects import File, corpora, data_set_of, explicit, part10, slice_of, us
from scu import CT, EXPLICIT, Aborted, Rejected, store
from senders import associate, dcmtk
from service import until

CORPORA = corpora()


@pytest.mark.parametrize("nodelay", [False, True])
def test_echoscu_is_answered(service, nodelay):
    asked = dcmtk("echoscu", "-v", "-aec", "TOCSIN", "127.0.0.1", service.dicom, nodelay=nodelay)
    assert asked.returncode == 0, asked.stderr
    assert "Received Echo Response (Success)" in asked.stdout + asked.stderr


def test_a_wrong_called_title_is_rejected_with_the_reason_of_the_standard(service):
    asked = dcmtk("echoscu", "-aec", "NOBODY", "127.0.0.1", service.dicom)
    assert asked.returncode != 0
    assert "Called AE Title Not Recognized" in asked.stdout + asked.stderr
    assert service.logged("the called AE title is not ours")


def test_a_sender_that_is_not_listed_is_rejected_and_a_listed_one_is_not(another):
    peers = [{"ae_title": "CT1", "host": "127.0.0.1"}, {"ae_title": "CT2", "host": "192.0.2.7"}]
    service = another(dicom={"accept": "peers", "peers": peers})
    listed, unknown, elsewhere = (
        dcmtk("echoscu", "-aet", title, "-aec", "TOCSIN", "127.0.0.1", service.dicom) for title in ("CT1", "CT9", "CT2")
    )
    assert listed.returncode == 0, listed.stderr
    for refused in (unknown, elsewhere):
        assert refused.returncode != 0
        assert "Calling AE Title Not Recognized" in refused.stdout + refused.stderr
    assert service.logged("not among the peers")
    assert service.logged("does not belong to this address")


NO_CONTEXT = "presentation context refused"


def answers(port, files, at_once=1, **options):
    """What a receiver says to each file: a status and its comment, or why there is none."""

    def answer(file):
        try:
            said = store(port, file.sop_class, file.instance, file.syntax, file.data_set, timeout=60, **options)
            return (said.status, said.comment) if said else (None, NO_CONTEXT)
        except (Aborted, Rejected, OSError) as error:
            return None, f"{type(error).__name__} {error}"

    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(files, pool.map(answer, files)))


# What the archive takes and we do not, by the word of the refusal: a study, series or object named by something that is no
# UID (PS3.5 section 9) could be named in none of the objects that we send about it.
NOT_NAMED = ("a UID holds digits and dots only", "a UID is 1 to 64 characters long")
# A file of a medium, and of none of the classes that travel by C-STORE.
DIRECTORY = "1.2.840.10008.1.3.10"


@pytest.mark.parametrize("corpus", CORPORA)
def test_what_an_archive_accepts_is_accepted_and_the_rest_refused_with_a_reason(service, orthanc, corpus):
    files = CORPORA[corpus]
    assert files, f"no DICOM file in {corpus}"
    # The archive says nothing to some and lets its time run out.
    archive = answers(orthanc.port, files, at_once=4, called="ORTHANC")
    ours = answers(service.dicom, files)
    accepted = [file for file in files if ours[file][0] == 0]
    refused = {file: ours[file] for file in files if ours[file][0] != 0}
    stricter = {file: ours[file] for file in refused if archive[file][0] == 0}
    stricter = {f: said for f, said in stricter.items() if not any(word[:30] in said[1] for word in NOT_NAMED)}
    print(f"{corpus}: {len(files)} files, {len(accepted)} accepted, the archive took "
          f"{sum(said[0] == 0 for said in archive.values())}; refused: {refused}")
    assert not stricter, f"the archive takes these: {stricter}"
    for file, (status, comment) in refused.items():
        if file.sop_class == DIRECTORY:
            assert comment == NO_CONTEXT
            continue
        assert status is not None, f"{file}: {comment}"
        assert comment, f"{file}: refused with {status:#06x} and no word"
        assert service.logged(f'"status":"{status:#06x}"'), f"{file}: no line in the log"


@pytest.mark.parametrize("corpus", CORPORA)
def test_what_is_accepted_is_kept_as_it_was_sent(service, corpus):
    files = CORPORA[corpus]
    ours = answers(service.dicom, files)
    kept = 0
    for file in files:
        if ours[file][0] != 0:
            continue
        rows = service.instances(file.instance) + service.quarantine(file.instance)
        assert rows, f"{file}: accepted and not found"
        stored = [(row["transfer_syntax"], data_set_of(service.blob(row["sha256"]))) for row in rows]
        assert (file.syntax, file.data_set) in stored, f"{file}: other bytes were kept"
        kept += 1
    assert kept or not any(said[0] == 0 for said in ours.values())


SYNTAX_FLAGS = {
    "1.2.840.10008.1.2": "-xi",
    "1.2.840.10008.1.2.1": "-xe",
    "1.2.840.10008.1.2.1.99": "-xd",
    "1.2.840.10008.1.2.2": "-xb",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx",
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
    "1.2.840.10008.1.2.5": "-xr",
    "1.2.840.10008.1.2.4.100": "-xm",
    "1.2.840.10008.1.2.4.101": "-xh",
    "1.2.840.10008.1.2.4.102": "-xn",
    "1.2.840.10008.1.2.4.103": "-xl",
    "1.2.840.10008.1.2.4.104": "-x2",
    "1.2.840.10008.1.2.4.105": "-x3",
    "1.2.840.10008.1.2.4.106": "-xo",
    "1.2.840.10008.1.2.4.107": "-x4",
    "1.2.840.10008.1.2.4.108": "-x5",
}


def can_be_filed(file):
    """Whether it names itself, its series and its study, as a sender says it does."""
    try:
        read = dcmread(file.path, stop_before_pixels=True)
    except Exception:  # some are broken on purpose
        return False
    return bool(read.get("StudyInstanceUID") and read.get("SeriesInstanceUID")) and (
        read.get("SOPInstanceUID") == file.instance
    )


def filmed(folder, syntax):
    """An object of one fragment, where no real one is at hand: whether it is film, no receiver asks."""
    uid = f"1.2.826.0.1.3680043.9.9999.78.{syntax.rsplit('.', 1)[1]}"
    plain, pixels = slice_of(uid), explicit(0x7FE0, 0x0010, "OW", us(0) * 64)
    fragments = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\x04\0\0\0\0\0\1\xb3" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    assert plain.endswith(pixels)
    path = folder / "film.dcm"
    path.write_bytes(part10(CT, f"{uid}.1.1", syntax, plain.removesuffix(pixels) + fragments))
    return File(path)


def test_every_option_of_storescu_that_names_a_syntax_is_tried():
    options = dcmtk("storescu", "--help").stdout.splitlines()
    proposing = {words[0] for words in map(str.split, options) if len(words) > 1 and words[1].startswith("--propose-")}
    # -x= is -xe without an order; the others are tried below.
    assert proposing - {"-x="} == set(SYNTAX_FLAGS.values())


@pytest.mark.parametrize("nodelay", [False, True])
@pytest.mark.parametrize("syntax", SYNTAX_FLAGS)
def test_storescu_sends_every_transfer_syntax_that_it_knows(service, tmp_path, syntax, nodelay):
    files = [file for all_ in CORPORA.values() for file in all_ if file.syntax == syntax]
    files = [file for file in files if len(file.data_set) < 2_000_000 and can_be_filed(file)][:6]
    files = files or [filmed(tmp_path, syntax)]
    # -xd and the like propose the syntax first; -R proposes what the files need and nothing else.
    sent = dcmtk("storescu", "-v", "-R", SYNTAX_FLAGS[syntax], "-aec", "TOCSIN", "127.0.0.1", service.dicom,
                 *[file.path for file in files], nodelay=nodelay)
    said = sent.stdout + sent.stderr
    # dcmtk refuses to read some of the deliberately broken files; what it sends must be taken.
    tried = said.count("I: Sending file")
    assert tried and said.count("Received Store Response (Success)") == tried, said


def test_pynetdicom_stores_an_image(service):
    uid = "1.2.826.0.1.3680043.9.9999.77"
    image = dcmread(BytesIO(part10(CT, f"{uid}.1.1", EXPLICIT, slice_of(uid))))
    association = associate(service.dicom, "PYNET")
    assert association.is_established
    assert association.send_c_store(image).Status == 0
    association.release()
    assert service.instances(f"{uid}.1.1")


def test_the_same_image_twice_is_kept_once(service):
    uid = "1.2.826.0.1.3680043.9.9999.78"
    for _ in range(3):
        assert store(service.dicom, CT, f"{uid}.1.1", EXPLICIT, slice_of(uid)).status == 0
    assert len(service.instances(f"{uid}.1.1")) == 1
    assert service.quarantine(f"{uid}.1.1") == []
    # The worklist counts when the study is next looked at.
    counted = until("its images are counted", lambda: (service.study(uid) or {}).get("images"))
    assert counted == 1


def test_other_bytes_under_a_known_uid_are_answered_with_success_and_quarantined(service):
    uid = "1.2.826.0.1.3680043.9.9999.79"
    assert store(service.dicom, CT, f"{uid}.1.1", EXPLICIT, slice_of(uid, pixel=1)).status == 0
    other = slice_of(uid, pixel=2)
    for _ in range(2):
        assert store(service.dicom, CT, f"{uid}.1.1", EXPLICIT, other).status == 0
    (kept,) = service.instances(f"{uid}.1.1")
    (apart,) = service.quarantine(f"{uid}.1.1")
    assert data_set_of(service.blob(kept["sha256"])) == slice_of(uid, pixel=1)
    assert data_set_of(service.blob(apart["sha256"])) == other
    assert apart["state"] == "open" and apart["kept_sha256"] == kept["sha256"]
    assert service.logged("instance kept apart")


def test_what_no_model_reads_is_kept(service):
    report = "1.2.840.10008.5.1.4.1.1.88.11"
    uid = "1.2.826.0.1.3680043.9.9999.80"
    head = explicit(0x0008, 0x0016, "UI", CT)
    data = explicit(0x0008, 0x0016, "UI", report) + slice_of(uid).removeprefix(head)
    assert store(service.dicom, report, f"{uid}.1.1", EXPLICIT, data).status == 0
    assert service.instances(f"{uid}.1.1")

"""Three hundred names that were made to harm: each is text wherever it is shown, and nowhere else."""
import csv
import io
import json
import urllib.parse
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import html5lib
import pytest

from hostile import Study, harmless, hostile, mark, safe, shown
from mllp import Client, acknowledgement
from scu import CT, EXPLICIT, Association
from service import Service, parsed, until

#: Where an address stands. No patient is in one.
ADDRESSES = ("href", "src", "action", "formaction", "data-rows", "data-images", "data-live-part", "data-worker")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    """All studies, refused by the model for having one slice, none linked to an order; harmless ones were sent last."""
    bad = hostile()
    good = harmless(len(bad))
    service = Service(tmp_path_factory.mktemp("hostile")).start()
    try:
        send(service, [*bad, *good])
        yield SimpleNamespace(service=service, bad=bad, good=good)
    finally:
        service.stop()


def send(service, studies):
    with Client(service.hl7) as client:
        for study in studies:
            for message in study.messages().values():
                assert acknowledgement(client.send(message))[0] == "AA", study
    with Association(service.dicom, [(CT, [EXPLICIT])]) as association:
        for study in studies:
            answer = association.store(CT, f"{study.uid}.1.1", study.image())
            assert answer.status == 0, (study, answer)
        association.release()
    refused = "select count(*) as n from analysis where state = 'quality_rejected'"
    applied = "select count(*) as n from message where direction = 'in' and state <> 'applied'"
    until("the model refused all", lambda: service.rows(refused)[0]["n"] == len(studies), 120, every=0.2)
    until("all messages are applied", lambda: service.rows(applied)[0]["n"] == 0)
    ids = {row["study_uid"]: row["id"] for row in service.rows("select id, study_uid from study")}
    for study in studies:
        study.id = ids[study.uid]


# ---- Reading a page ----------------------------------------------------------------------------------------------------


def read(html):
    return html5lib.parse(html, namespaceHTMLElements=False)


def elements(tree):
    """Of each element its way from the root, with the names of its attributes; comments among them."""
    found = set()

    def walk(element, way):
        kind = element.tag if isinstance(element.tag, str) else "comment"
        way = f"{way}/{kind}[{' '.join(sorted(element.attrib))}]"
        found.add(way)
        for child in element:
            walk(child, way)

    walk(tree, "")
    return found


def addresses(tree):
    return [element.get(name) for element in tree.iter() for name in ADDRESSES if isinstance(element.tag, str) and element.get(name)]


def words(element):
    return "".join(element.itertext())


def own(element):
    """The text of an element before its first child."""
    return (element.text or "").rstrip(" ")


def page(service, path):
    status, html = service.get(path, raw=True, headers={"Accept": "text/html"})
    assert status == 200, (path, status)
    return html


def pages(service, paths):
    """These pages, read beside each other: reading one takes longer than asking for it."""
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(read, (page(service, path) for path in paths)))


def of_studies(service, kind, studies):
    return zip(studies, pages(service, [kind.format(study.id) for study in studies]))


def check_structure(bad, good):
    """Nothing is on these pages that is not on pages with harmless names, and no name is in an address."""
    known = set().union(*map(elements, good))
    for tree in bad:
        strange = elements(tree) - known
        assert not strange, strange
        assert not [one for one in addresses(tree) if "K0" in one]


def by_study(rows):
    return {row.get("data-study-id"): row for row in rows}


# ---- The tests ---------------------------------------------------------------------------------------------------------


def test_there_are_enough_of_them_and_no_two_are_the_same(ward):
    assert len({study.text for study in ward.bad}) >= 300
    assert {study.place for study in ward.bad} == set(Study.PLACES)


def test_the_worklist_shows_them_as_text(ward):
    tree = read(page(ward.service, "/?limit=500"))
    check_structure([tree], [read(page(ward.service, "/?sort=patient&limit=6"))])
    rows = by_study(tree.iterfind(".//tbody/tr[@data-study-id]"))
    assert len(rows) == len(ward.bad) + len(ward.good)
    for study in ward.bad:
        row = rows[study.id]
        assert words(row.find("td[@class='patient']/b")) == shown(study.name), study
        assert words(row.find(".//a[@class='open']")) == study.exam, study
        assert words(row.find("td[@class='exam']/span[@class='dim']")) == study.said["accession"], study
    assert page(ward.service, "/") and page(ward.service, "/worklist/rows")


def test_a_search_for_them_finds_each_and_shows_what_was_looked_for(ward):
    for study in [study for study in ward.bad if study.place == "name"]:
        status, html = ward.service.post("/worklist/search", urllib.parse.urlencode({"q": study.name}).encode(), raw=True, headers=FORM)
        tree = read(html)
        assert status == 200 and tree.find(".//input[@id='q']").get("value") == study.name, study


def test_study_pages_show_them_as_text(ward):
    good = [tree for _, tree in of_studies(ward.service, "/studies/{}", ward.good)]
    bad = [study for study in ward.bad if study.place in Study.IMAGES]
    for study, tree in of_studies(ward.service, "/studies/{}", bad):
        check_structure([tree], good)
        spans = list(tree.find(".//section[@class='about']/h2").iter("span"))
        assert study.exam in map(own, spans), study
        assert shown(study.name) in map(own, spans), study
        assert study.said["accession"] in words(tree.find(".//p[@class='facts']")), study
        (stack,) = json.loads(tree.find(".//section[@data-stacks]").get("data-stacks"))
        assert stack["description"] == study.said["series"], study


def test_reports_show_them_as_text(ward):
    good = [tree for _, tree in of_studies(ward.service, "/studies/{}/report", ward.good)]
    bad = [study for study in ward.bad if study.place in ("name", "exam", "accession")]
    for study, tree in of_studies(ward.service, "/studies/{}/report", bad):
        check_structure([tree], good)
        heading = tree.find(".//section[@class='whom']/h2")
        assert own(heading) == shown(study.name), study
        assert words(heading.findall("span")[-1]) == study.exam, study
        assert study.said["accession"] in words(tree.find(".//section[@class='whom']/p")), study


def test_reconciliation_shows_those_of_images_and_of_messages_as_text(ward):
    tree = read(page(ward.service, "/reconciliation?limit=500"))
    check_structure([tree], [read(page(ward.service, "/reconciliation?limit=6"))])
    sections = {section.find(".//form").get("action").split("/")[2]: section for section in tree.iterfind(".//main/section")}
    for study in ward.bad:
        section = sections[study.id]
        assert words(section.find("h2")) == study.exam, study
        assert own(section.find("p")) == shown(study.name), study
        assert own(section.findall(".//tbody/tr/td")[1]) == shown(study.ordered), study


def test_the_list_of_repeats_shows_them_as_text(ward):
    tree = read(page(ward.service, "/quality?limit=500"))
    check_structure([tree], [read(page(ward.service, "/quality?limit=6"))])
    rows = by_study(tree.iterfind(".//tbody/tr[@data-study-id]"))
    for study in ward.bad:
        exam, patient = rows[study.id].findall("td")[:2]
        assert words(exam.find("a")) == study.exam, study
        assert own(patient) == shown(study.name), study


def test_messages_show_them_as_they_came(ward):
    listed = {message["control_id"]: message["id"] for message in ward.service.every("/api/v1/messages")}
    check_structure([read(page(ward.service, "/messages?limit=500"))], [read(page(ward.service, "/messages?limit=6"))])
    carriers = [(study, next(reversed(study.messages()))) for study in [*ward.bad, *ward.good] if study.place in ("order", "visit")]
    trees = pages(ward.service, [f"/messages/{listed[control]}" for _, control in carriers])
    good = [tree for (study, _), tree in zip(carriers, trees) if study in ward.good]
    for (study, _), tree in zip(carriers, trees):
        check_structure([tree], good)
        fields = {words(row.find("th")).split()[0]: words(row.find("td")) for row in tree.iterfind(".//tbody/tr")}
        assert fields["PID-5"] == study.field(study.place), study


def test_a_spreadsheet_gets_them_as_text(ward):
    rows = list(csv.reader(io.StringIO(page(ward.service, "/worklist.csv"), newline="")))
    header = rows[1]
    table = {row[header.index("identifier")]: dict(zip(header, row)) for row in rows[2:]}
    for study in ward.bad:
        row = table[study.patient]
        said = (row["patient"], row["description"], row["accession"])
        assert said == tuple(map(safe, (shown(study.name), study.said["exam"], study.said["accession"]))), study
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_the_api_gives_them_as_they_came(ward):
    items = {item["study_id"]: item for item in ward.service.every("/api/v1/worklist")}
    unlinked = {item["study_id"]: item for item in ward.service.every("/api/v1/reconciliation")}
    for study in ward.bad:
        item, (candidate,) = items[study.id], unlinked[study.id]["candidates"]
        assert item["patient"]["name"] == study.name and item["patient"]["display"] == shown(study.name), study
        assert (item["description"], item["accession"]) == (study.said["exam"], study.said["accession"]), study
        assert candidate["patient"]["name"] == study.ordered, study


def test_the_log_holds_none_of_them(ward):
    log = ward.service.log.read_text()
    assert not [study for study in ward.bad if mark(study.number) in log]
    # No line is one of theirs: beside the code of the first account all were written by the logger.
    assert [line for line in log.splitlines() if not parsed(line)] == ward.service.logged("No account exists yet")

"""SIGTERM under load: the service ends in good order, and keeps what it acknowledged."""
import itertools
import threading
import time

import verdicts
from load import ONE_PERSON, Feed, Ledger, Scanner
from phantoms import Template, synth
from rows import Rows
from service import Service


def test_a_stop_under_load_ends_within_twenty_seconds_and_leaves_no_lease(tmp_path):
    service = Service(tmp_path / "service", alerts=ONE_PERSON).start()
    ledger, stop, numbers = Ledger(), threading.Event(), itertools.count()
    files = synth(tmp_path / "phantom", "--finding", "iph", "--seed", "2", "--matrix", "128", "--slice-mm", "5")
    template, lock = Template("bleed", files), threading.Lock()

    def take():
        with lock:
            number = next(numbers)
        study = template.study(tmp_path / "studies" / str(number), number)
        with lock:
            ledger.studies.append(study)
        return study

    senders = [Feed(service.hl7, ledger, 20, 1, stop)]
    senders += [Scanner(f"CT{n}", service.dicom, ledger, 20, take, stop, n) for n in range(4)]
    try:
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (len(ledger.messages) < 60 or len(ledger.instances) < 60):
            time.sleep(0.1)
        code, seconds = service.terminate()
        assert code == 0, service.log.read_text()[-2000:]
        assert seconds <= 20
        rows = Rows(service.database)
        assert rows.query("SELECT kind FROM job WHERE state = 1") == [], "a lease was left"
        # The senders are still at it; the service comes back and they finish.
        service.start()
        stop.set()
        for sender in senders:
            sender.join(60)
            assert not sender.is_alive()
        code, seconds = service.terminate()
        assert (code, seconds <= 20) == (0, True)
        faults = verdicts.instances(rows, ledger, service.blobs) + verdicts.duplicates(rows)
        lost = [fault for fault in verdicts.messages(rows, ledger) if "lost" in fault or "changed" in fault]
        assert faults + lost == []
        assert len(ledger.messages) >= 60 and len(ledger.instances) >= 60
    finally:
        stop.set()
        service.end()

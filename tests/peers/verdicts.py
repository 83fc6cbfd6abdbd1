"""Holds the database and the stored objects of a healed service against what was acknowledged. Each violation is a sentence."""
from collections import Counter, defaultdict

from phantoms import content_hash

FINAL = {"flagged", "not_flagged", "indeterminate", "not_eligible", "quality_rejected", "failed", "superseded", "withdrawn"}
#: After the mail server took a page, our commit is due; a kill later than this is no excuse for a repeat.
SMTP_WINDOW_SECONDS = 2.0


def messages(rows, ledger):
    found = defaultdict(list)
    for row in rows.query(
        "SELECT control_id, sha256, sha256_hex(raw) AS raw_sha256, state FROM message WHERE direction = 'in'"
    ):
        found[row["control_id"]].append(row)
    faults = []
    for control_id, known in ledger.messages.items():
        kept = found.get(control_id, [])
        if not kept:
            faults.append(f"lost message {control_id}")
        elif len(kept) > 1:
            faults.append(f"duplicate message {control_id}")
        elif {kept[0]["sha256"], kept[0]["raw_sha256"]} != {known["sha256"]}:
            faults.append(f"changed message {control_id}")
        elif kept[0]["state"] not in ("applied", "ignored"):
            faults.append(f"message {control_id} is {kept[0]['state']}")
    faults += [f"message {control_id} was never sent" for control_id in found if control_id not in ledger.sent_messages]
    return faults


def instances(rows, ledger, blobs):
    found = {row["sop_uid"]: row for row in rows.query("SELECT sop_uid, sha256 FROM instance")}
    faults = []
    for uid, known in ledger.instances.items():
        if uid not in found:
            faults.append(f"lost instance {uid}")
            continue
        sha256 = found[uid]["sha256"]
        path = blobs / sha256[:2] / f"{sha256}.dcm"
        if not path.exists():
            faults.append(f"lost blob {uid}")
        elif sha256 != known["sha256"] or content_hash(path) != sha256:
            faults.append(f"changed blob {uid}")
    (kept_apart,) = rows.query("SELECT count(*) AS n FROM quarantine")
    if kept_apart["n"]:
        faults.append(f"{kept_apart['n']} instances in quarantine, none was sent with other bytes")
    return faults


def duplicates(rows):
    questions = {
        "orders of accession": "SELECT accession AS k FROM imaging_order GROUP BY accession HAVING count(*) > 1",
        "studies of": "SELECT study_uid AS k FROM study GROUP BY study_uid HAVING count(*) > 1",
        "series of": "SELECT series_uid AS k FROM series GROUP BY series_uid HAVING count(*) > 1",
        "results of analysis": "SELECT analysis_id AS k FROM result GROUP BY analysis_id HAVING count(*) > 1",
        "standing results of study and model": (
            "SELECT a.study_id AS k FROM result r JOIN analysis a ON a.id = r.analysis_id "
            "WHERE r.superseded_by IS NULL GROUP BY a.study_id, a.model HAVING count(*) > 1"
        ),
        "alerts": "SELECT dedup_key AS k FROM alert GROUP BY dedup_key HAVING count(*) > 1",
    }
    return [f"duplicate {what} {row['k']}" for what, sql in questions.items() for row in rows.query(sql)]


def studies(rows, ledger, expected):
    """None stands still; each is linked to its order and says what its template says without kills."""
    known = {row["study_uid"]: row for row in rows.query("SELECT id, study_uid, state, link, instances FROM study")}
    spoken = defaultdict(list)
    for row in rows.query("SELECT study_id, state, reason, result_id FROM analysis ORDER BY created_at"):
        spoken[row["study_id"]].append(row)
    faults, outcomes = [], Counter()
    for study in ledger.studies:
        row = known.get(study["uid"])
        if row is None:
            faults.append(f"study {study['uid']} is not there")
            continue
        states = [a["state"] for a in spoken[row["id"]]]
        standing = [state for state in states if state != "superseded"]
        outcomes[f"{study['template']}: {standing[-1] if standing else 'nothing'}"] += 1
        if row["state"] != "settled" or not standing or not set(states) <= FINAL:
            faults.append(f"study {study['uid']} is stuck: {row['state']}, {states}")
        elif row["instances"] != len(study["images"]):
            faults.append(f"study {study['uid']} has {row['instances']} of {len(study['images'])} instances")
        elif expected[study["template"]] not in standing:
            reasons = [a["reason"] for a in spoken[row["id"]]]
            faults.append(f"study {study['uid']} ({study['template']}) says {states}: {reasons}")
        if study.get("ordered") and row["link"] != "linked":
            faults.append(f"study {study['uid']} is {row['link']}")
    return faults, dict(outcomes)


def jobs(rows):
    dead = rows.query("SELECT kind, last_error FROM job WHERE state = 3")
    return [f"dead job {row['kind']}: {row['last_error']}" for row in dead]


def pages(rows, mails, kills):
    """Each open alert has its page; each page came once, or again in the window and marked so."""
    faults, by_id = [], defaultdict(list)
    for mail in mails:
        by_id[mail["id"]].append(mail)
    wanted = rows.query(
        "SELECT n.message_id, n.state, a.status FROM alert a LEFT JOIN notification n ON n.alert_id = a.id"
    )
    known = {row["message_id"] for row in wanted}
    for row in wanted:
        over = row["status"] in ("retracted", "acknowledged")
        if row["message_id"] not in by_id and not over:
            faults.append(f"lost page {row['message_id']}: {row['state']}")
    faults += [f"page {message_id} belongs to no alert" for message_id in by_id if message_id not in known]
    repeats = 0
    for message_id, copies in by_id.items():
        for before, after in zip(copies, copies[1:]):
            repeats += 1
            in_window = any(-0.1 <= kill - before["at"] <= SMTP_WINDOW_SECONDS for kill in kills)
            if not after["repeat"]:
                faults.append(f"page {message_id} came twice and does not say so")
            if not in_window:
                faults.append(f"page {message_id} came twice without a kill between")
    positive = rows.query(
        "SELECT s.study_uid FROM study s JOIN analysis an ON an.study_id = s.id AND an.state = 'flagged' "
        "WHERE NOT EXISTS (SELECT 1 FROM alert a WHERE a.study_id = s.id AND a.status <> 'retracted')"
    )
    faults += [f"study {row['study_uid']} is flagged and has no alert" for row in positive]
    return faults, repeats

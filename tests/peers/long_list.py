#!/usr/bin/env python3
"""long_list.py DATABASE-URL COUNT: makes a worklist of COUNT open studies from the few that are there.

Copies rows, with identities, bands, scores and times of arrival of their own, each with its series and what the models said of
it, and notes that each changed, so that a service that runs meanwhile hears of them.
"""
import random
import sys
import time
import uuid

from rows import Rows

PIECE = 1_000
PARTS = ("series", "analysis", "result")


def seed(rows, count):
    """Copies what is there, under other identities. Seconds it took."""
    began, chance, now = time.monotonic(), random.Random(1), int(time.time() * 1e6)
    studies = rows.query("select * from study where id in (select study_id from result)")
    assert studies, "no study here has a result that could be copied"
    of = lambda table: {s["id"]: rows.query(f"select * from {table} where study_id = '{s['id']}'") for s in studies}
    parts = {table: of(table) for table in PARTS}
    made = {table: [] for table in ("study", *parts, "study_change")}
    for number in range(count - len(studies)):
        original = studies[number % len(studies)]
        ids = {}
        copy = dict(original, id=new(ids, original["id"]), study_uid=f"1.2.826.0.1.3680043.9.9999.9.{number}")
        band = chance.choices([0, 1, 2], [80, 17, 3])[0]
        arrived = now - chance.randrange(3 * 86_400 * 10**6)
        copy |= {"accession": f"L{number:06}", "patient_identifier": f"LONG{number:06}", "patient_name": f"LONG{number % 977:03}^{number:06}"}
        copy |= {"band": band, "human_band": band, "band_without_ai": band, "score": chance.randrange(100), "score_without_ai": chance.randrange(100)}
        copy |= {"arrived_at": arrived, "last_instance_at": arrived, "modality": chance.choice(["CT", "CT", "CT", "MR", "CR"]), "order_id": None, "state": "settled"}
        made["study"].append(copy)
        made["study_change"].append({"study_id": copy["id"], "at": now})
        for table, found in parts.items():
            for row in found[original["id"]]:
                more = {"id": new(ids, row["id"]), "study_id": ids[original["id"]]}
                for key in ("analysis_id", "series_id", "result_id"):
                    if row.get(key):
                        more[key] = new(ids, row[key])
                if table == "series":
                    more["series_uid"] = f"{copy['study_uid']}.{len(made[table])}"
                if table == "result":
                    more["record"] = row["record"].replace(original["id"], ids[original["id"]])
                made[table].append({**row, **more})
    for table, copies in made.items():
        insert(rows, table, copies)
    return round(time.monotonic() - began, 1)


def new(ids, old):
    return ids.setdefault(old, str(uuid.uuid4()))


def insert(rows, table, copies):
    for at in range(0, len(copies), PIECE):
        piece = copies[at : at + PIECE]
        values = ",\n".join(f"({', '.join(map(rows.literal, row.values()))})" for row in piece)
        rows.execute(f"INSERT INTO {table} ({', '.join(piece[0])}) VALUES {values}")


if __name__ == "__main__":
    seed(Rows(sys.argv[1]), int(sys.argv[2]))

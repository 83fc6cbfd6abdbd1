"""A short form of the kill campaign, on both databases. `make kills` runs the long one."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).with_name("campaign_kill.py")


def campaign(*arguments):
    done = subprocess.run([sys.executable, str(CAMPAIGN), *arguments], capture_output=True, text=True, timeout=900)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("database,seed", [("sqlite", "5"), ("postgres", "6")])
def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(database, seed):
    code, seen = campaign("--kills", "5", "--database", database, "--seed", seed)
    assert seen["violations"] == [], seen
    assert code == 0
    assert seen["acknowledged"]["messages"] > 50 and seen["acknowledged"]["instances"] > 50

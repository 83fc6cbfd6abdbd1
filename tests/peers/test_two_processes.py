"""Two processes on one database: what one takes in, the other shows, and its browsers hear of it."""
import json
import subprocess
import sys
from pathlib import Path


def test_what_one_process_takes_in_is_seen_and_heard_at_the_other_and_claimed_once():
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("two_processes.py"))], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["answers"] == [0]
    assert seen["listed"][0] == seen["listed"][1] and len(seen["listed"][0]) == 1
    assert seen["claims"] == [200, 409]
    assert seen["runs"] == 1, "both could have read it"

"""No process outlives the tests, whatever happens to them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Prints the process ids of a nursery and of three workers, one of which is stopped.
PROGRAM = """
import asyncio, json, signal, sys
from pathlib import Path
from tests.faults.crew import Crew
from tests.faults.nursery import Nursery
from tests.faults.places import Place
from tests.faults.worker import Job

async def main(folder):
    nursery = Nursery(folder / "log")
    job = Job(Place("sqlite", str(folder / "db"), ""), folder / "journal")
    async with Crew(nursery, job, size=3) as crew:
        pids = [member.pid for member in crew.members]
        nursery.send(pids[0], signal.SIGSTOP)
        print(json.dumps([nursery._process.pid, *pids]), flush=True)
        await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize(
    "victim",
    [
        "the tests",
        pytest.param(
            "the nursery",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux kills orphans"),
        ),
    ],
)
def test_no_worker_outlives_the_tests_or_the_nursery(tmp_path, victim):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as tests:
        assert tests.stdout is not None
        pids = json.loads(tests.stdout.readline())
        assert all(lives(pid) for pid in pids)
        os.kill(tests.pid if victim == "the tests" else pids[0], signal.SIGKILL)
        give_up = time.monotonic() + 60
        while any(lives(pid) for pid in pids) and time.monotonic() < give_up:
            time.sleep(0.02)
        left = [pid for pid in pids if lives(pid)]
        tests.kill()
    assert left == []


def lives(pid):
    """Whether a process runs or is stopped; one that has ended and was not waited for does not."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return bool(state) and not state.startswith("Z")

"""Runs one turn in a process of its own: `python -m tests.generated.processes` is that process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.generated import programs, source
from tests.generated.turns import Turn
from tests.generated.world import typed


@dataclass
class Found:
    """What the process found: the log, and the rest as text."""

    log: bytes | None
    rest: str


def run_in_fresh_process(
    turn: Turn, log: bytes | None, response: Any, drawn: int, seed: int
) -> Found:
    """Run a turn in a process that starts for it, with its own hash seed."""
    given = {
        "program": repr(turn.program),
        "styles": turn.styles,
        "log": None if log is None else log.hex(),
        "response": repr(response),
        "drawn": drawn,
    }
    ended = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    return Found(None if found["log"] is None else bytes.fromhex(found["log"]), found["rest"])


def _main() -> None:
    given = json.load(sys.stdin)
    names = {**vars(programs), **source.VALUES}
    turn = Turn(eval(given["program"], names), given["styles"])
    log = None if given["log"] is None else bytes.fromhex(given["log"])
    ran = turn.run(log, eval(given["response"], names), given["drawn"])
    rest = repr((typed(ran.messages), typed(ran.result), ran.world.performed))
    json.dump({"log": None if ran.log is None else ran.log.hex(), "rest": rest}, sys.stdout)


if __name__ == "__main__":
    _main()

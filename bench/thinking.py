"""How soon `auricle ask` begins to plan: the seconds from the command to the first words of the plan.

    python bench/thinking.py [RECORDING] [--runs 3]

In a home of its own, three cases: *first ever*, when the fixed part of the prompt has to be read; *cold*, with that
kept and no worker; *warm*, with a worker that has the model loaded. Without a recording it takes pyannote's sample.
"""

import argparse
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tools.worker_process import stop_worker

INSTRUCTION = "This is a phone call between Diane and Sheila. Diarize it and write it as Q&A."
LONGEST = 120.0
POLL = 0.02


def auricle(home: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "AURICLE_HOME": str(home), "AURICLE_MODEL": "local:"}
    return subprocess.Popen(
        [sys.executable, "-m", "agent.cli", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def planning_begins(home: Path, recording: str) -> float:
    """Seconds until the plan's first words are in the library; the instruction is then left alone."""
    began = time.monotonic()
    asking = auricle(home, "ask", recording, INSTRUCTION)
    try:
        with closing(sqlite3.connect(f"file:{home / 'library.db'}?mode=ro", uri=True)) as library:
            while time.monotonic() - began < LONGEST:
                if library.execute("SELECT 1 FROM jobs WHERE kind = 'chat' AND result IS NOT NULL").fetchone():
                    return time.monotonic() - began
                if asking.poll() is not None:
                    raise SystemExit("auricle ask ended before it planned: run it by hand to see why.")
                time.sleep(POLL)
        raise SystemExit(f"Nothing was planned within {LONGEST:.0f} s.")
    finally:
        asking.send_signal(signal.SIGINT)
        asking.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", nargs="?", help="a file")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        recording = options.recording or _sample()
        if auricle(home, "add", recording).wait():
            raise SystemExit(f"{recording} cannot be added.")
        try:
            told = {"first ever": [planning_begins(home, recording)], "cold": [], "warm": []}
            for _ in range(options.runs):
                stop_worker(home)
                told["cold"].append(planning_begins(home, recording))
                told["warm"].append(planning_begins(home, recording))
        finally:
            stop_worker(home)
    for case, seconds in told.items():
        print(f"{case:10}  {statistics.median(seconds):5.1f} s  ({', '.join(f'{one:.1f}' for one in seconds)})")


def _sample() -> str:
    from importlib.util import find_spec

    found = find_spec("pyannote.audio")
    if found is None or found.origin is None:
        raise SystemExit("Give a recording.")
    return str(Path(found.origin).parent / "sample" / "sample.wav")


if __name__ == "__main__":
    main()

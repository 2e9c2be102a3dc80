"""Hours with a client that is impatient and mortal, over stdio and with real weights; run by `make soak`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auricle.times import to_seconds
from library import Library
from tests.client_that_gives_up import SECONDS
from tests.test_soak import spoken
from tests.worker_kit import until
from tools.transcript import fold

pytestmark = [pytest.mark.soak, pytest.mark.models]

ROOT = Path(__file__).parent.parent
MIDDLE = 40.0
"""Percent of the words after which the first client is killed."""


def client(home: Path, folder: Path, file: str, wait: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.client_that_gives_up", str(folder), file, str(wait)],
        cwd=ROOT,
        env={**os.environ, "AURICLE_HOME": str(home), "AURICLE_WAIT_SECONDS": str(wait), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def told(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="")
        yield json.loads(line)


def servers(folder: Path) -> list[int]:
    """The processes that serve this folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:  # gone meanwhile
            continue
        if b"serve" in words and os.fsencode(folder) in words:
            found.append(int(place.parent.name))
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked for in /proc")
@pytest.mark.parametrize(("minutes", "wait"), [(3, 1), (30, 20)], ids=["three minutes", "half an hour"])
def test_one_impatient_client_is_killed_in_the_middle_and_another_goes_on_to_the_end(
    home: Path, tmp_path: Path, minutes: int, wait: float
) -> None:
    folder = tmp_path / "allowed"
    folder.mkdir()
    spoken(folder / "long.wav", minutes)

    first = client(home, folder, "long.wav", wait)
    calls = []
    for call in told(first):
        calls.append(call)
        if call.get("kind") == "recognize" and MIDDLE <= call["percent"] < 100:
            break
    first.kill()
    first.wait()
    reached = calls[-1]["percent"]
    assert calls[-1]["job"] and reached < 100, "it was killed in the middle"
    until(lambda: not servers(folder))

    second = client(home, folder, "long.wav", wait)
    *more, done = told(second)
    assert second.wait() == 0
    went_on = [call["percent"] for call in more if call["kind"] == "recognize"]
    assert all(percent >= reached for percent in went_on), "nothing was begun anew"
    longest = max(call["seconds"] for call in calls + more)
    print(f"{minutes} minutes: killed at {reached} %, {len(calls)} + {len(more)} calls, the longest {longest} s")
    assert longest < SECONDS
    with Library(home) as library:
        recording = library.recordings.get(done["recording"])
        transcript = fold(library, recording)
    words = [word for line in transcript.utterances for word in line.words]
    assert len(words) == done["words"]
    assert to_seconds(words[-1].end) > minutes * 60 - 10
    assert done["speakers"] >= 2
    assert sum(word.speaker is not None for word in words) > 0.9 * len(words)
    until(lambda: not servers(folder))

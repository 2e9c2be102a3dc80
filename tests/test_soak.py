"""Long proofs with real weights, run by `make soak`: kills, memory, and a little of something long."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from library import Library
from tests.sample import sample
from tools.jobs import Jobs
from tools.transcript import fold
from tools.work import Quiet
from tools.worker import PID
from tools.worker_process import stop_worker

pytestmark = [pytest.mark.soak, pytest.mark.models]

ROOT = Path(__file__).parent.parent
COUNTING = (sys.executable, "-P", "-m", "tests.worker_that_counts")


def spoken(path: Path, minutes: float, every: float = 30.0) -> Path:
    """The sample's half minute of talk every so many seconds, silence between; each time a little louder or quieter."""
    with wave.open(str(sample())) as source:
        talk = np.frombuffer(source.readframes(source.getnframes()), "<i2")[: 30 * SAMPLE_RATE]
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        for number in range(round(minutes * 60 / every)):
            out.writeframes((talk * (1 - number % 5 / 20)).astype("<i2").tobytes())
            out.writeframes(bytes(round((every - len(talk) / SAMPLE_RATE) * SAMPLE_RATE) * 2))
    return path


@dataclass
class Killer:
    """Ends the home's worker with SIGKILL again and again, at random moments."""

    home: Path
    times: int
    least: float
    most: float
    killed: int = 0
    _dice: random.Random = field(default_factory=lambda: random.Random(11))

    def run(self, over: threading.Event) -> None:
        while self.killed < self.times and not over.wait(self._moment()):
            try:
                os.kill(int((self.home / PID).read_text()), signal.SIGKILL)
                self.killed += 1
            except (OSError, ValueError):
                continue  # it is just starting

    def _moment(self) -> float:
        """Every fourth worker dies while it begins."""
        return (
            self._dice.uniform(0.2, self.least) if self.killed % 4 == 3 else self._dice.uniform(self.least, self.most)
        )


@contextmanager
def killing(killer: Killer) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=killer.run, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def everything(home: Path, file: Path, piece_seconds: float, killer: Killer | None = None) -> tuple[object, int]:
    """All that is heard in a file, and how many pieces were begun for it."""
    settings = Settings(home=home, piece_seconds=piece_seconds)
    with Library(home) as library:
        recording = library.recordings.add(file, lambda done, total: None)
        jobs = Jobs(library, settings, command=COUNTING)
        with killing(killer or Killer(home, 0, 1, 1)):
            for kind in ("recognize", "diarize"):
                jobs.run(kind, {"recording": recording.id}, Quiet())
        stop_worker(home)
        transcript = fold(library, recording)
    words = [(word.start, word.end, word.text) for line in transcript.utterances for word in line.words]
    speakers = {view.id: view.label for view in transcript.speakers}
    turns = [(turn.start, turn.end, speakers[turn.label]) for turn in transcript.turns]
    assert words and turns
    return (words, turns), len((home / "begun").read_text().splitlines())


@pytest.mark.parametrize(
    ("minutes", "every", "piece_seconds", "kills", "between"),
    [(5, 30, 5, 20, (0, 2)), (60, 120, 300, 5, (10, 50))],
    ids=["five minutes", "an hour"],
)
def test_kills_change_nothing_and_cost_a_piece_each(
    tmp_path: Path, minutes: float, every: float, piece_seconds: float, kills: int, between: tuple[float, float]
) -> None:
    file = spoken(tmp_path / "long.wav", minutes, every)
    undisturbed, pieces = everything(tmp_path / "calm", file, piece_seconds)
    # What three workers in a row died over without a piece has failed: each must have the time for one on this machine.
    needed = time_for_a_piece(tmp_path / "calm")
    killer = Killer(tmp_path / "killed", kills, needed + between[0], needed + between[1])
    survived, begun = everything(tmp_path / "killed", file, piece_seconds, killer)
    print(f"{minutes} minutes: {pieces} pieces; with {killer.killed} kills {begun} were begun")
    assert killer.killed == kills
    assert survived == undisturbed
    assert begun <= pieces + kills


def time_for_a_piece(home: Path) -> float:
    """Seconds until a worker has started, loaded its models, and finished the piece that takes longest."""
    times = []
    with Library(home) as library:
        (recording,) = library.recordings.list()
        jobs = sorted(library.jobs.list(), key=lambda job: job.created)
        for job, kind in zip(jobs, ("recognition", "voices"), strict=True):
            kept = sorted(take.created for take in library.takes.find(recording.id, kind))
            times.append(kept[0] - job.created + max(later - earlier for earlier, later in pairwise(kept)))
    return max(times)


@dataclass
class Peaks:
    """The most memory in MiB that the worker and the command line took."""

    worker: int = 0
    caller: int = 0


def peaks(home: Path, file: Path) -> Peaks:
    """Transcribes and diarizes from the command line, and watches."""
    found, over = Peaks(), threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            try:
                status = Path(f"/proc/{(home / PID).read_text()}/status").read_text()
            except OSError:
                continue
            found.worker = max(found.worker, *(int(x.split()[1]) >> 10 for x in status.splitlines() if "VmHWM" in x), 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for command in ("transcribe", "diarize"):
            _, peak = auricle(home, command, str(file), "--json")
            found.caller = max(found.caller, peak)
    finally:
        over.set()
        watcher.join()
        stop_worker(home)
    return found


def auricle(home: Path, *arguments: str) -> tuple[dict[str, object], int]:
    """What the command line answered, and the most memory in MiB that it took."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("auricle"), *arguments],
        cwd=home.parent,
        env={**os.environ, "AURICLE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    answer = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, answer
    return answer, usage.ru_maxrss >> 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize(("minutes", "every"), [(60, 120), (600, 1200)], ids=["an hour", "ten hours, mostly silence"])
def test_memory_does_not_grow_with_length(tmp_path: Path, minutes: float, every: float) -> None:
    short = peaks(tmp_path / "short", spoken(tmp_path / "short.wav", 5))
    long = peaks(tmp_path / "long", spoken(tmp_path / "long.wav", minutes, every))
    print(f"{minutes} minutes: {long}; 5 minutes: {short}")
    assert long.worker <= 1.1 * short.worker
    assert long.caller <= 1.1 * short.caller


def test_two_minutes_of_an_hour_cost_a_fraction_of_it(tmp_path: Path) -> None:
    """And what was asked for first is heard only once."""
    file, home = spoken(tmp_path / "hour.wav", 60, every=60), tmp_path / "home"

    def seconds(*arguments: str) -> float:
        began = time.monotonic()
        auricle(home, "transcribe", str(file), "--json", *arguments)
        return time.monotonic() - began

    try:
        auricle(home, "add", str(file), "--json")
        seconds("--start", "0", "--end", "5")  # the worker starts and loads the model
        part = seconds("--start", "41:00", "--end", "43:00")
        whole = part + seconds()
    finally:
        stop_worker(home)
    print(f"two minutes took {part:.1f} s, all of it {whole:.1f} s")
    assert part <= 0.08 * whole

"""Long proofs, run by `make soak`."""

import itertools
import os
import signal
import wave
from pathlib import Path

import pytest

from auricle.settings import Settings
from library import Library
from tests.sample import sample
from tools.jobs import stop_worker
from tools.toolbox import Toolbox
from tools.work import Quiet
from tools.worker import PID

pytestmark = [pytest.mark.soak, pytest.mark.models]

MINUTES = 10
PIECE = 30.0


class KillsTheWorker(Quiet):
    """Ends the worker once, as hard as it goes, after some of the work is done."""

    def __init__(self, home: Path, after: float) -> None:
        super().__init__()
        self._home, self._after, self.killed = home, after, False

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        if not self.killed and "listening" in note and done >= self._after:
            os.kill(int((self._home / PID).read_text()), signal.SIGKILL)
            self.killed = True


def tiled(path: Path) -> Path:
    """The sample again and again, for ten minutes."""
    with wave.open(str(sample())) as source, wave.open(str(path), "wb") as target:
        target.setparams(source.getparams())
        frames = source.readframes(source.getnframes())
        for _ in range(MINUTES * 2):
            target.writeframes(frames)
    return path


def test_ten_minutes_survive_the_workers_death_and_no_piece_is_kept_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    toolbox = Toolbox(Settings(home=home, piece_seconds=PIECE))
    try:
        recording = toolbox.add_recording(str(tiled(tmp_path / "long.wav")))
        work = KillsTheWorker(home, after=120)
        heard = toolbox.transcribe(recording.id, work=work)
        assert work.killed
        assert heard.words > 60 * MINUTES
        with Library(home) as library:
            spans = sorted((take.span.start, take.span.end) for take in library.takes.find(recording.id, "recognition"))
        assert len(spans) >= MINUTES * 60 / PIECE
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
        assert toolbox.transcribe(recording.id).newly_heard_seconds == 0
    finally:
        toolbox.close()
        stop_worker(home)

"""Taking in a long recording needs no more memory than a short one."""

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.soak

RATE = 44_100
ADD = """
import resource, sys
from pathlib import Path
from library import Library
with Library(Path(sys.argv[1])) as library:
    recording = library.recordings.add(Path(sys.argv[2]), lambda done, total: None)
    assert library.recordings.verify(recording)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def talk(path: Path, minutes: int) -> Path:
    """Two sides that take turns, in stereo: the channels are kept as well."""
    generator = np.random.default_rng(1)
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, RATE, 0, "NONE", ""))
        for turn in range(minutes * 20):
            sound = np.zeros((3 * RATE, 2))
            sound[:, turn % 2] = generator.normal(0, 3000, 3 * RATE) * (np.arange(3 * RATE) % RATE > RATE // 10)
            out.writeframes(sound.astype("<i2").tobytes())
    return path


def peak(folder: Path, minutes: int) -> int:
    """The most memory that taking it in needed, in KiB."""
    file = talk(folder / f"{minutes}.wav", minutes)
    command = [sys.executable, "-c", ADD, str(folder / f"home{minutes}"), str(file)]
    ran = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True)
    assert len(list((folder / f"home{minutes}" / "audio").glob("*.wav"))) == 3
    return int(ran.stdout)


def test_an_hour_is_taken_in_with_the_memory_of_five_minutes(tmp_path: Path) -> None:
    short, long = peak(tmp_path, 5), peak(tmp_path, 60)
    assert long <= 1.1 * short, f"{long} KiB for an hour, {short} KiB for five minutes"

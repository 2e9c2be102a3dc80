"""What this machine does: how much faster than real time it hears words and tells voices apart."""

import tempfile
import time
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from auricle.settings import Settings
from engines.build import build
from library import Library
from tools.jobs import Jobs
from tools.work import Work

_TIMES = 4
"""How often the half minute of talk is measured: its beginning alone tells too little."""


class MachineSpeed(BaseModel):
    """Attributes:
    quality: That was measured.
    loading: Seconds until the models are loaded and have heard half a minute.
    transcribe, diarize: Times real time, once they are.
    hour: Minutes that an hour of talk takes, both together.
    """

    quality: str
    loading: float
    transcribe: float
    diarize: float
    hour: float


def measure(settings: Settings, work: Work) -> MachineSpeed:
    """Listens to some minutes of a telephone call, in a library of its own, and takes the time."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        settings = settings.model_copy(update={"home": here / "home", "worker": "inline"})
        engines = build(settings)
        with Library(settings.home) as library:
            jobs = Jobs(library, settings, engines)

            def seconds(file: Path, kind: str) -> float:
                recording = library.recordings.add(file, lambda done, total: None)
                began = time.perf_counter()
                jobs.run(kind, {"recording": recording.id}, work)
                return time.perf_counter() - began

            kinds = ("recognize", "diarize")
            loading = sum(seconds(sample(), kind) for kind in kinds)
            longer = _repeated(sample(), here / "longer.wav")
            took = [seconds(longer, kind) for kind in kinds]
        engines.close()
        length = _length(longer)
    transcribe, diarize = (length / each for each in took)
    return MachineSpeed(
        quality=settings.quality,
        loading=loading,
        transcribe=transcribe,
        diarize=diarize,
        hour=60 / transcribe + 60 / diarize,
    )


def sample() -> Path:
    """Half a minute of a telephone call, which pyannote.audio's package carries."""
    package: Any = find_spec("pyannote")
    return next(Path(folder) / "audio" / "sample" / "sample.wav" for folder in package.submodule_search_locations)


def _repeated(source: Path, target: Path) -> Path:
    with wave.open(str(source)) as sound, wave.open(str(target), "wb") as out:
        out.setparams(sound.getparams())
        out.writeframes(sound.readframes(sound.getnframes()) * _TIMES)
    return target


def _length(file: Path) -> float:
    with wave.open(str(file)) as sound:
        return float(sound.getnframes() / sound.getframerate())

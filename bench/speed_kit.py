"""What the figures of bench/speed.py are measured with: both sides loaded and warm, and a file of what was measured."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auricle.settings import Settings
from bench.baselines import Baselines
from engines.build import build
from engines.device import for_ctranslate2
from engines.protocols import Engines
from library import Library
from tools.jobs import Jobs
from tools.transcript import fold
from tools.views import Transcript
from tools.work import Quiet

FILE = Path(tempfile.gettempdir()) / "auricle-bench" / "speed.jsonl"


@dataclass(frozen=True)
class Measured:
    """One recording, or one set of clips, on both sides.

    Attributes:
        figure, item: What was measured on what.
        audio: Its seconds.
        ours, direct: Seconds that both sides took.
        found: What accuracy is reckoned from, as JSON.
        at: The date.
    """

    figure: str
    item: str
    audio: float
    ours: float
    direct: float
    found: dict[str, Any] = field(default_factory=dict)
    at: str = field(default_factory=lambda: f"{date.today():%d %B %Y}")


class Kept:
    """What was measured, one JSON document a line."""

    def __init__(self, file: Path = FILE) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self._rows = [Measured(**json.loads(line)) for line in lines]

    def of(self, figure: str) -> list[Measured]:
        return [row for row in self._rows if row.figure == figure]

    def has(self, figure: str, item: str) -> bool:
        return any(row.item == item for row in self.of(figure))

    def add(self, row: Measured) -> None:
        self._rows.append(row)
        self._write()

    def forget(self, figure: str) -> None:
        self._rows = [row for row in self._rows if row.figure != figure]
        self._write()

    def _write(self) -> None:
        part = self._file.with_suffix(".part")
        part.write_text("".join(json.dumps(asdict(row)) + "\n" for row in self._rows), encoding="utf-8")
        part.replace(self._file)


class Kit:
    """Auricle's engines and the baselines, each loaded once; a new library for every measurement."""

    def __init__(self) -> None:
        self.settings = Settings(worker="inline")
        self.engines: Engines = build(self.settings)
        self.baselines = Baselines(self.settings)

    def ours(self, paths: Sequence[Path], kinds: Iterable[str]) -> tuple[float, list[Transcript]]:
        """Seconds from the files to what is kept of them in a library, models loaded; and that."""
        with tempfile.TemporaryDirectory() as home:
            settings = self.settings.model_copy(update={"home": Path(home)})
            with Library(settings.home) as library:
                jobs = Jobs(library, settings, self.engines)
                began = time.perf_counter()
                recordings = [library.recordings.add(path, lambda done, total: None) for path in paths]
                for kind in kinds:
                    for recording in recordings:
                        jobs.run(kind, {"recording": recording.id}, Quiet())
                transcripts = [fold(library, recording) for recording in recordings]
                return time.perf_counter() - began, transcripts

    def warm(self, path: Path, direct: Callable[[Path], object], kinds: Iterable[str]) -> None:
        """Loads both sides and lets them do a little."""
        self.ours([path], kinds)
        direct(path)

    @cached_property
    def defaults(self) -> Any:
        """faster-whisper's WhisperModel as it comes: nothing is said but where the weights are."""
        from faster_whisper import WhisperModel

        return WhisperModel(str(self.baselines.whisper_folder))


@contextmanager
def empty_home() -> Any:
    """An environment with a home of its own for `auricle` commands; its worker ends with it."""
    from tools.worker_process import stop_worker

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        try:
            yield {**os.environ, "AURICLE_HOME": str(home)}
        finally:
            stop_worker(home)


def seconds(commands: Sequence[Sequence[str]], environment: dict[str, str] | None = None) -> float:
    """How long these programs of the project take, one after the other."""
    began = time.perf_counter()
    for command in commands:
        subprocess.run([sys.executable, "-m", *command], env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def timed(run: Callable[..., Any], *args: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    found = run(*args)
    return time.perf_counter() - began, found


def machine(settings: Settings, engines: Engines) -> str:
    place = for_ctranslate2(settings.device)
    packages = ", ".join(f"{name} {version(name)}" for name in ("faster-whisper", "pyannote.audio", "torch"))
    return (
        f"Measured on {_processor()}, {os.cpu_count()} cores, {place.device} {place.compute_type}, "
        f"{platform.system()}, Python {platform.python_version()}, {packages}; {engines.recognizer().identity}, "
        f"{engines.diarizer().identity}. A ratio below 1 is less time than called directly."
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

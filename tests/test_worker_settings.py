"""A worker hears with the settings of who asked, whoever started it."""

from dataclasses import replace
from pathlib import Path

import pytest

from auricle.settings import Settings
from engines.protocols import Engines
from engines.sources import Report
from library import Library
from tests.fakes import FakeRecognizer, fake_engines, tone
from tools.worker import LOCK, Worker
from tools.worker_process import _environment


def test_each_job_has_engines_of_its_own_settings(home: Path, library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 2), lambda done, total: None)
    built: list[Settings] = []
    heard: list[FakeRecognizer] = []
    closed: list[Settings] = []

    def build(settings: Settings, report: Report) -> Engines:
        report.say(f"fetching {settings.whisper}")
        built.append(settings)
        heard.append(FakeRecognizer(identity=settings.whisper))
        return replace(fake_engines(heard[-1]), close=lambda: closed.append(settings))

    ids = [
        library.jobs.submit(
            "recognize", {"recording": recording.id, "language": language}, f"{number}", settings=mine
        ).id
        for number, (language, mine) in enumerate(
            [("en", {"whisper": "large"}), ("de", {"whisper": "large"}), ("en", {"whisper": "tiny", "beam_size": 1})]
        )
    ]
    (home / LOCK).touch()
    worker = Worker(Settings(home=home, idle_seconds=1), build)
    worker.run()
    worker.close()

    assert [library.jobs.get(job).state for job in ids] == ["done"] * 3
    assert [(settings.whisper, settings.beam) for settings in built] == [("large", 5), ("tiny", 1)]
    assert closed == built[:1], "what is not needed any more frees its memory"
    assert [[options.beam_size for options in recognizer.calls] for recognizer in heard] == [[5, 5], [1]]


def test_whoever_waits_sees_how_far_the_fetching_of_weights_is(home: Path, library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 2), lambda done, total: None)
    job = library.jobs.submit("recognize", {"recording": recording.id}, "key", settings={}).id
    seen = []

    def build(settings: Settings, report: Report) -> Engines:
        report.progress("whisper-base", 58_000_000, 145_000_000)
        seen.append(library.jobs.get(job))
        return fake_engines()

    (home / LOCK).touch()
    worker = Worker(Settings(home=home, idle_seconds=0.1), build)
    worker.run()
    worker.close()
    assert [(row.note, row.done, row.total) for row in seen] == [("fetching whisper-base", 58, 145)]
    assert library.jobs.get(job).state == "done"


def test_a_started_worker_finds_the_settings_in_force_and_what_is_left_open(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mine in (Settings(home=home), Settings(home=home, quality="fast", beam_size=3)):
        for name, value in _environment(mine).items():
            monkeypatch.setenv(name, value)
        assert Settings(worker=mine.worker) == mine

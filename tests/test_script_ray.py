"""Recordings through a script on a local Ray, a hundred in the soak, come to the same as without it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agent.script import Script, load
from agent.script_ray import run_on_ray
from agent.script_run import run
from auricle.errors import ModelUnavailable
from auricle.settings import Settings
from engines.protocols import Engines
from tests.fakes import FakeRecognizer, fake_engines, tone
from tools.toolbox import Toolbox
from tools.work import Quiet

pytest.importorskip("ray", reason="Ray is not installed: pip install 'auricle[ray]'")

ROOT = Path(__file__).parent.parent
BROKEN = 5
STEPS = """
steps:
  - transcribe: {}
  - diarize: {}
  - search: {words: refund}
    as: found
  - for: speaker in speakers
    export: {format: srt, speakers: ["{{ speaker.name }}"], path: "{{ recording.stem }} {{ speaker.name }}.srt"}
    as: written
together:
  - for: recording in recordings
    describe_recording: {}
    as: all
"""


def over_there() -> Engines:
    """What hears in Ray's processes; the first try of all is killed, as a machine that fails would be."""
    died = Path(os.environ["AURICLE_TEST_DIED"])

    def die(window: int) -> None:
        if not died.exists():
            died.touch()
            os._exit(1)

    return fake_engines(FakeRecognizer(during=die))


@cache
def nothing_here() -> Engines:
    """Engines that fail where they are made to listen in this process."""

    def heard_here(window: int) -> None:
        raise AssertionError("this was heard here and not on the cluster")

    return fake_engines(FakeRecognizer(during=heard_here))


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing of Ray's is left in the person's folders; its sockets want a short path."""
    folder = tempfile.mkdtemp(prefix="ray")
    for name, value in {
        "HOME": folder,
        "RAY_TMPDIR": folder,
        "RAY_AUTH_MODE": "disabled",
        "PYTHONPATH": str(ROOT),
        "AURICLE_TEST_DIED": str(tmp_path / "died"),
    }.items():
        monkeypatch.setenv(name, value)
    yield
    shutil.rmtree(folder, ignore_errors=True)


def script(folder: Path) -> Script:
    (folder / "s.yaml").write_text(STEPS)
    return load(folder / "s.yaml")


OF_A_LIBRARY = ("id", "recording", "revision", "seconds", "next")


def without_ids(value: Any, folder: Path) -> Any:
    """What a report says, without what differs between two libraries: ids, revisions, folders and seconds."""
    if isinstance(value, dict):
        return {key: without_ids(each, folder) for key, each in value.items() if key not in OF_A_LIBRARY}
    if isinstance(value, list):
        return [without_ids(each, folder) for each in value]
    return value.replace(str(folder), "") if isinstance(value, str) else value


@pytest.mark.parametrize("many", [8, pytest.param(100, marks=pytest.mark.soak)])
def test_recordings_come_to_the_same_on_ray(
    ray: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    sounds = [str(tone(tmp_path / f"{number}.wav", 5 + number % 7, pitch=200 + number)) for number in range(many)]
    Path(sounds[BROKEN]).write_bytes(b"RIFF nothing")
    reports = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        settings = Settings(home=folder / "home", worker="inline")
        if name == "here":
            toolbox = Toolbox(settings, engines=fake_engines())
            report = run(
                script(tmp_path), sounds, toolbox, lambda path, at=toolbox: at.add_recording(path).id, work=Quiet()
            )
            toolbox.close()
        else:
            report = run_on_ray(
                script(tmp_path),
                sounds,
                settings,
                lambda toolbox, path: toolbox.add_recording(path).id,
                address="local",
                work=Quiet(),
                local=nothing_here(),
                make=over_there,
            )
        files = {path.name: path.read_text() for path in folder.glob("*.srt")}
        reports.append((without_ids(report.model_dump(mode="json"), folder), files))
    here, there = reports
    assert there == here
    assert len(there[1]) > many
    assert (tmp_path / "died").exists()  # and Ray tried that again
    failed = [number for number, one in enumerate(there[0]["recordings"]) if one["error"]]
    assert failed == [BROKEN]


def test_a_cluster_that_is_not_there_is_said_in_one_line(ray: None, tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ModelUnavailable, match="give another --ray ADDRESS"):
        run_on_ray(
            script(tmp_path),
            ["a.wav"],
            settings,
            lambda toolbox, path: path,
            address="127.0.0.1:1",
            work=Quiet(),
            local=nothing_here(),
            make=over_there,
        )

"""The example scripts, with the real engines and the small local model, on the recording pyannote.audio carries."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.script import load
from agent.script_report import write_report
from agent.script_run import ScriptReport, run
from tests.sample import sample
from tools.toolbox import Toolbox
from tools.work import Quiet

pytestmark = pytest.mark.models

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def toolbox(thinking_toolbox: Toolbox) -> Toolbox:
    return thinking_toolbox


def done(toolbox: Toolbox, name: str, values: dict[str, str] | None = None) -> ScriptReport:
    call = toolbox.add_recording(str(sample())).id
    report = run(load(EXAMPLES / f"{name}.yaml", values), [call], toolbox, str, work=Quiet())
    assert report.failures == []
    return report


def test_calls_are_checked_into_a_table(toolbox: Toolbox, tmp_path: Path) -> None:
    report = done(toolbox, "calls")
    check = report.recordings[0].results["check"]
    assert set(check) == {"about", "solved", "promised", "mood"}
    assert check["mood"] in ("friendly", "neutral", "annoyed")
    columns = write_report(report, str(tmp_path / "calls.csv")).read_text().splitlines()[0]
    assert "check.mood" in columns and "talk.interruptions" in columns


def test_every_mention_is_cut_out(toolbox: Toolbox) -> None:
    report = done(toolbox, "mentions", {"words": "Chicago"})
    clips = report.recordings[0].results["clips"]
    assert len(clips) >= 2
    assert all("Chicago" in clip["hit"]["text"] and Path(clip["path"]).stat().st_size > 1000 for clip in clips)
    assert report.together is not None and report.together.results["gist"]["gist"]


@pytest.mark.soak
@pytest.mark.parametrize("name", ["interviews", "meeting", "minutes", "podcast"])
def test_every_other_example_runs_to_its_end(toolbox: Toolbox, name: str) -> None:
    report = done(toolbox, name)
    assert report.recordings[0].files
    assert all(result is not None for result in report.recordings[0].results.values())
    again = done(toolbox, name)
    assert all(step.kept for step in again.recordings[0].steps if step.tool in ("ask", "name_speakers"))


@pytest.mark.soak
def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ours = {key: value for key, value in os.environ.items() if key.startswith("AURICLE_")}
    environment = {**os.environ, **ours, "AURICLE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    script = tmp_path / "three.yaml"
    script.write_text(
        "steps:\n- transcribe\n- ask: Where is Diane?\n  as: a\n- ask: Where is Sheila?\n  as: b\n"
        "- ask: What is the weather like?\n  as: c\n"
    )
    command = [sys.executable, "-m", "agent.cli", "run", str(script), str(sample()), "--json"]
    first = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while len(list((home / "kept").rglob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    first.kill()
    first.wait()
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    (report,) = json.loads(again.stdout)["recordings"]
    assert [step["kept"] for step in report["steps"]][:2] == [False, True]
    assert set(report["results"]) == {"a", "b", "c"}

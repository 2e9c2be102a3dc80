"""`--quality`, and how fast this machine is."""

from pathlib import Path

import pytest

from auricle.quality import TRADES
from tests.cli_kit import command_line
from tests.fakes import FakeRecognizer, fake_engines, tone
from tools import measuring


def test_a_quality_is_given_for_one_command_or_for_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recognizer = FakeRecognizer()
    auricle = command_line(capsys, monkeypatch, fake_engines(recognizer))
    file = tone(tmp_path / "a.wav", 3)
    for arguments in ([], ["--quality", "fast"], ["--quality", "balanced"]):
        assert auricle("transcribe", file, *arguments).code == 0
    assert [options.beam_size for options in recognizer.calls] == [5, 1]  # balanced is what was heard first
    assert auricle("diarize", file, "--quality", "best").code == 0


def test_a_quality_that_there_is_not_is_wrong_usage_and_help_says_what_each_trades(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    auricle = command_line(capsys, monkeypatch)
    ran = auricle("transcribe", tone(tmp_path / "a.wav", 1), "--quality", "perfect", "--json")
    assert ran.code == 2
    assert all(name in ran.error["message"] for name in TRADES)
    told = " ".join(auricle("transcribe", "--help").out.replace("│", " ").split())
    assert all(trade.told in told for trade in TRADES.values())


def test_the_doctor_tells_how_fast_this_machine_is_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    auricle = command_line(capsys, monkeypatch)
    monkeypatch.setattr("agent.cli.doctor.ensure_models", lambda *_: None)
    monkeypatch.setattr(measuring, "build", lambda settings: fake_engines())
    assert "speed" not in auricle("doctor", "--json").document
    speed = auricle("doctor", "--bench", "--json").document["speed"]
    assert speed["quality"] == "balanced"
    assert speed["hour"] == pytest.approx(60 / speed["transcribe"] + 60 / speed["diarize"])
    assert "times faster than real time" in auricle("doctor", "--bench").out
    assert auricle("list", "--json").document["recordings"] == []

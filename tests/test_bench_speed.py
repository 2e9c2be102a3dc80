"""What bench/speed.py keeps and makes of it; the measuring itself belongs to `make bench`."""

import json
from pathlib import Path

import pytest

from bench.speed import main
from bench.speed_figures import FIGURES
from bench.speed_kit import Kept, Measured


def test_what_was_measured_survives_and_a_figure_is_forgotten_alone(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.jsonl")
    kept.add(Measured("clips", "clips", 400.0, 20.0, 100.0))
    kept.add(Measured("transcribe", "a", 60.0, 4.0, 4.0))
    again = Kept(tmp_path / "kept.jsonl")
    assert again.has("clips", "clips")
    assert not again.has("clips", "others")
    again.forget("clips")
    assert [json.loads(line)["figure"] for line in (tmp_path / "kept.jsonl").read_text().splitlines()] == ["transcribe"]


def test_a_row_is_the_ratio_of_all_the_time_and_of_all_the_words(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept.jsonl")
    assert "| – | – |" in FIGURES["transcribe"].row(kept)
    kept.add(Measured("transcribe", "a", 60.0, 4.0, 5.0, {"ours": 10, "direct": 12, "words": 100}))
    kept.add(Measured("transcribe", "b", 120.0, 8.0, 7.0, {"ours": 20, "direct": 20, "words": 300}))
    row = FIGURES["transcribe"].row(kept)
    assert "| 3.0 min, 2 of 6 parts | 12.0 s | 12.0 s | 1.00 | <= 1.03 | WER 7.5, direct 8.0 |" in row


def test_a_figure_that_there_is_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["speed", "--only", "coffee"])
    with pytest.raises(SystemExit, match="no figure 'coffee': there are transcribe"):
        main()

"""Accuracy beside faster-whisper and pyannote called directly: `python -m bench.accuracy --sets ami,libri`.

Auricle is the whole way from the file to the words and their voices, with the same weights. Everything about a set is
printed as soon as it is measured; the whole goes to bench/results/accuracy.md.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from bench.baselines import Baselines, Turns, Words
from bench.scoring import DiarizationErrors, Item, WordErrors, eval_folder, load_items
from engines.build import build
from engines.device import for_ctranslate2
from engines.protocols import Audio, Engines
from library import Library
from tools.jobs import Jobs
from tools.transcript import fold
from tools.work import Quiet

SETS = (
    "pyannote_sample,ami,turns_pv,meetings,libri,sonnets,mfa,sphinx,faster_whisper,languages_pv,languages_az,"
    "overlap_mix,vctk_noise"
)
HEAD = (
    "| set | files | minutes | WER | direct | direct, VAD | DER | direct | cpWER | direct | speed | direct |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)
RESULTS = Path(__file__).parent / "results" / "accuracy.md"


@dataclass
class Row:
    """What is measured over a set; `direct` is the baselines'."""

    name: str
    files: int = 0
    audio: float = 0.0
    took: float = 0.0
    direct_took: float = 0.0
    wer: WordErrors = field(default_factory=WordErrors)
    direct_wer: WordErrors = field(default_factory=WordErrors)
    vad_wer: WordErrors = field(default_factory=WordErrors)
    der: DiarizationErrors = field(default_factory=DiarizationErrors)
    direct_der: DiarizationErrors = field(default_factory=DiarizationErrors)
    cpwer: WordErrors = field(default_factory=WordErrors)
    direct_cpwer: WordErrors = field(default_factory=WordErrors)

    def __str__(self) -> str:
        rates = (self.wer, self.direct_wer, self.vad_wer, self.der, self.direct_der, self.cpwer, self.direct_cpwer)
        shown = ["–" if each.rate is None else f"{each.rate:.1f}" for each in rates]
        speeds = [f"{self.audio / took:.1f}x" for took in (self.took, self.direct_took)]
        return "| " + " | ".join([self.name, str(self.files), f"{self.audio / 60:.1f}", *shown, *speeds]) + " |"


def measure(item: Item, row: Row, jobs: Jobs, library: Library, baselines: Baselines) -> None:
    """Adds one recording to its set's row."""
    from faster_whisper import decode_audio

    audio: Audio = decode_audio(str(item.path), sampling_rate=SAMPLE_RATE)
    row.files, row.audio = row.files + 1, row.audio + len(audio) / SAMPLE_RATE
    began = time.perf_counter()
    recording = library.recordings.add(item.path, lambda done, total: None)
    jobs.run("recognize", {"recording": recording.id}, Quiet())
    if item.turns:
        jobs.run("diarize", {"recording": recording.id}, Quiet())
    transcript = fold(library, recording)
    row.took += time.perf_counter() - began
    words = [word for utterance in transcript.utterances for word in utterance.words]
    direct, took = baselines.words(item, audio, vad=False)
    row.direct_took += took
    if item.text is not None:
        row.wer.add(item.text, "".join(word.text for word in words))
        row.direct_wer.add(item.text, "".join(text for *_, text in direct))
        row.vad_wer.add(item.text, "".join(text for *_, text in baselines.words(item, audio, vad=True)[0]))
    if item.turns:
        turns, took = baselines.turns(item, audio)
        row.direct_took += took
        row.der.add(item, [(t.start / SAMPLE_RATE, t.end / SAMPLE_RATE, t.label) for t in transcript.turns])
        row.direct_der.add(item, turns)
        if item.said:
            row.cpwer.add_by_speaker(
                item.said, _by_speaker([word.text for word in words], [word.speaker or "nobody" for word in words])
            )
            texts = [text for *_, text in direct]
            row.direct_cpwer.add_by_speaker(item.said, _by_speaker(texts, _naively(direct, turns)))


def main() -> None:
    arguments = argparse.ArgumentParser(description="Accuracy beside faster-whisper and pyannote called directly.")
    arguments.add_argument("--sets", default=SETS, help="comma-separated, of the evaluation recordings' manifest")
    wanted = arguments.parse_args().sets.split(",")
    folder = eval_folder()
    if not (folder / "manifest.jsonl").is_file():
        sys.exit(f"There are no evaluation recordings in {folder}: set AURICLE_EVAL to a folder with a manifest.jsonl.")
    home = tempfile.TemporaryDirectory()
    settings = Settings(home=Path(home.name), worker="inline")
    engines, baselines, library = build(settings), Baselines(settings), Library(settings.home)
    jobs = Jobs(library, settings, engines)
    rows: list[Row] = []
    print(_about(settings, engines), HEAD, sep="\n\n", flush=True)
    for name in wanted:
        items = [item for item in load_items(folder, [name]) if item.text or item.turns]
        if not items:
            print(f"The set '{name}' has no recording with a reference.", file=sys.stderr)
            continue
        row = Row(name)
        for item in items:
            measure(item, row, jobs, library, baselines)
        rows.append(row)
        print(row, flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    table = "\n".join([HEAD, *map(str, rows)])
    RESULTS.write_text(f"# Accuracy\n\n{_about(settings, engines)}\n\n{table}\n", encoding="utf-8")


def _naively(words: Words, turns: Turns) -> list[str]:
    """The voice that speaks at the word's middle, else the last one that began before it."""
    turns = sorted(turns)
    starts = [start for start, *_ in turns]
    found = []
    for start, end, _ in words:
        middle = (start + end) / 2
        before = turns[: bisect_right(starts, middle)]
        speaking = [label for _, until, label in before if until > middle]
        found.append(speaking[-1] if speaking else before[-1][2] if before else "nobody")
    return found


def _by_speaker(texts: list[str], labels: list[str]) -> dict[str, str]:
    said: dict[str, str] = {}
    for text, label in zip(texts, labels, strict=True):
        said[label] = said.get(label, "") + text
    return said


def _about(settings: Settings, engines: Engines) -> str:
    place = for_ctranslate2(settings.device)
    packages = ", ".join(f"{name} {version(name)}" for name in ("faster-whisper", "pyannote.audio", "torch"))
    return (
        f"Measured on {date.today():%d %B %Y}: {platform.machine()}, {os.cpu_count()} cores, "
        f"{place.device} {place.compute_type}, Python {platform.python_version()}, {packages}; "
        f"{engines.recognizer().identity}, beam {settings.beam}; {engines.diarizer().identity}.\n\n"
        "Percent; lower is better. WER and cpWER without case and punctuation; DER without collar, overlap included. "
        "`direct` is faster-whisper and pyannote's pipeline called directly with the same weights, and for cpWER the "
        "voice at each word's middle. Speed is times real time, with the loading of the models."
    )


if __name__ == "__main__":
    main()

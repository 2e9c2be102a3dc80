"""The figures of bench/speed.py: what is measured, on what, and what it should come to."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from auricle.times import SAMPLE_RATE
from bench.scoring import DiarizationErrors, Item, WordErrors, eval_folder, load_items
from bench.speed_kit import Kept, Kit, Measured, empty_home, seconds, timed
from tools.views import Transcript

CLIPS = 100
_AT_ONCE = 10
"""Clips that are measured between two times of keeping what was."""

REPEATS = 12
"""Of five minutes, which are an hour."""


class Figure(ABC):
    """One line of the table."""

    name: ClassVar[str]
    what: ClassVar[str]
    aim: ClassVar[str]
    note: ClassVar[str]
    parts: ClassVar[int]
    """Rows of a whole measurement; with fewer the table says so."""

    @abstractmethod
    def measure(self, kit: Kit, kept: Kept) -> None:
        """Measures what is not kept yet."""

    def row(self, kept: Kept) -> str:
        rows = kept.of(self.name)
        if not rows:
            return f"| {self.what} | – | – | – | – | {self.aim} | |"
        audio, ours, direct = (sum(getattr(row, field) for row in rows) for field in ("audio", "ours", "direct"))
        ratio = self.ratio(rows)
        whole = "" if len(rows) == self.parts else f", {len(rows)} of {self.parts} parts"
        shown = [f"{audio / 60:.1f} min{whole}", f"{ours:.1f} s", f"{direct:.1f} s", f"{ratio:.2f}", self.aim]
        return f"| {' | '.join([self.what, *shown, self.accuracy(rows)])} |"

    def ratio(self, rows: list[Measured]) -> float:
        return sum(row.ours for row in rows) / sum(row.direct for row in rows)

    def accuracy(self, rows: list[Measured]) -> str:
        return ""


class Transcribing(Figure):
    """Recognition of some minutes, against one call of faster-whisper for each file."""

    defaults: ClassVar[bool]
    parts = 6

    def measure(self, kit: Kit, kept: Kept) -> None:
        items = [item for item in _items("pyannote_sample,meetings,sonnets") if item.text]
        missing = [item for item in items if not kept.has(self.name, item.id)]
        if missing:
            kit.warm(missing[0].path, lambda path: self.direct(kit, path), ["recognize"])
        for item in missing:
            direct, text = timed(self.direct, kit, item.path)
            ours, (transcript,) = kit.ours([item.path], ["recognize"])
            found = _word_errors([(item.text, _text(transcript), text)])
            kept.add(Measured(self.name, item.id, item.seconds, ours, direct, found))

    def direct(self, kit: Kit, path: Path) -> str:
        """What faster-whisper hears in a file."""
        if self.defaults:
            heard, _ = kit.defaults.transcribe(str(path))
        else:
            heard, _ = kit.baselines.whisper.transcribe(
                str(path),
                beam_size=kit.settings.beam,
                word_timestamps=True,
                hallucination_silence_threshold=2,
            )
        return "".join(segment.text for segment in heard)

    def accuracy(self, rows: list[Measured]) -> str:
        return _wer(rows)


class SameSettings(Transcribing):
    name, what, aim = "transcribe", "transcribe, beside the same settings", "<= 1.03"
    note = "transcribe: faster-whisper with the same numbers, threads, beam, word times and silence threshold."
    defaults = False


class Defaults(Transcribing):
    name, what, aim = "defaults", "transcribe, beside faster-whisper's defaults", "<= 0.90"
    note = "defaults: `WhisperModel(folder).transcribe(file)`, which gives segments and no word times."
    defaults = True


class Diarizing(Figure):
    name, what, aim = "diarize", "diarize, beside pyannote's pipeline", "<= 0.25"
    note = "diarize: pyannote's SpeakerDiarization with its default step, the same segmentation and embedding."
    parts = 12

    def measure(self, kit: Kit, kept: Kept) -> None:
        items = [item for item in _items("pyannote_sample,ami,meetings") if item.turns]
        missing = [item for item in items if not kept.has(self.name, item.id)]
        if missing:
            sample = items[0].path
            kit.warm(sample, kit.baselines.speakers, ["diarize"])
        for item in missing:
            direct, turns = timed(kit.baselines.speakers, item.path)
            ours, (transcript,) = kit.ours([item.path], ["diarize"])
            told = [(turn.start / SAMPLE_RATE, turn.end / SAMPLE_RATE, turn.label) for turn in transcript.turns]
            kept.add(
                Measured(
                    self.name, item.id, item.seconds, ours, direct, {"ours": told, "direct": list(map(list, turns))}
                )
            )

    def accuracy(self, rows: list[Measured]) -> str:
        known = {item.id: item for item in _items("pyannote_sample,ami,meetings")}
        rates = []
        for side in ("ours", "direct"):
            errors = DiarizationErrors()
            for row in rows:
                errors.add(known[row.item], [tuple(turn) for turn in row.found[side]])
            rates.append(errors.rate or 0.0)
        return f"DER {rates[0]:.1f}, direct {rates[1]:.1f}"


class Together(Figure):
    name, what, aim = "together", "transcribe and diarize, cold, beside two scripts", "<= 0.60"
    note = (
        "together: `auricle transcribe` and `auricle diarize` of a new file in a new home, beside one script with "
        "faster-whisper and one with pyannote, one after the other; imports and loading count."
    )
    parts = 1

    def measure(self, kit: Kit, kept: Kept) -> None:
        (item,) = [item for item in _items("meetings") if item.id == "meeting-dev_meet5"]
        if not kept.has(self.name, item.id):
            file = str(item.path)
            direct = seconds([("bench.baselines", kind, file) for kind in ("words", "turns")])
            with empty_home() as environment:
                ours = seconds([("agent.cli", kind, file, "--json") for kind in ("transcribe", "diarize")], environment)
            kept.add(Measured(self.name, item.id, item.seconds, ours, direct))


class Clips(Figure):
    name, what, aim = "clips", f"{CLIPS} clips of 2 to 6 s, beside a call each", "<= 0.33"
    note = "clips: turns and utterances of the recordings; faster-whisper as under transcribe, loaded once."
    parts = CLIPS // _AT_ONCE

    def measure(self, kit: Kit, kept: Kept) -> None:
        missing = [first for first in range(0, CLIPS, _AT_ONCE) if not kept.has(self.name, str(first))]
        if not missing:
            return
        with tempfile.TemporaryDirectory() as folder:
            clips = list(_clips(Path(folder)))
            kit.warm(clips[0][0], lambda path: SameSettings().direct(kit, path), ["recognize"])
            for first in missing:
                paths, texts = zip(*clips[first : first + _AT_ONCE], strict=True)
                direct, said = timed(_each, SameSettings(), kit, paths)
                ours, transcripts = kit.ours(paths, ["recognize"])
                found = _word_errors(zip(texts, map(_text, transcripts), said, strict=True))
                length = sum(_sound(path).size for path in paths) / SAMPLE_RATE
                kept.add(Measured(self.name, str(first), length, ours, direct, found))

    def accuracy(self, rows: list[Measured]) -> str:
        return _wer(rows)


class Length(Figure):
    """The long one is the short one over and over, so that a minute of each asks for the same."""

    kind: ClassVar[str]
    parts = 1

    def measure(self, kit: Kit, kept: Kept) -> None:
        if kept.has(self.name, "hour"):
            return
        with _hour() as (short, long):
            kit.ours([short], [self.kind])
            direct, _ = kit.ours([short], [self.kind])
            ours, _ = kit.ours([long], [self.kind])
        kept.add(Measured(self.name, "hour", 3600, ours, direct * REPEATS))


class LongWords(Length):
    name, what, aim, kind = (
        "hour-words",
        "transcribe an hour, beside its five minutes twelve times",
        "<= 1.10",
        "recognize",
    )
    note = "hour: the five minutes take that long themselves, times twelve."


class LongVoices(Length):
    name, what, aim, kind = "hour-voices", "diarize an hour, beside its five minutes twelve times", "<= 1.10", "diarize"
    note = "An hour is the made meeting over and over, a little quieter each time."


FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in (SameSettings(), Defaults(), Diarizing(), Together(), Clips(), LongWords(), LongVoices())
}


def _each(figure: Transcribing, kit: Kit, paths: Sequence[Path]) -> list[str]:
    return [figure.direct(kit, path) for path in paths]


def _items(sets: str) -> list[Item]:
    """The shortest first: what was stopped has the most to keep."""
    return sorted(load_items(eval_folder(), sets.split(",")), key=lambda item: item.seconds)


def _text(transcript: Transcript) -> str:
    return "".join(word.text for utterance in transcript.utterances for word in utterance.words)


def _word_errors(said: Any) -> dict[str, int]:
    ours, direct = WordErrors(), WordErrors()
    for reference, heard, by_direct in said:
        ours.add(reference, heard)
        direct.add(reference, by_direct)
    return {"ours": ours.errors, "direct": direct.errors, "words": ours.words}


def _wer(rows: list[Measured]) -> str:
    words, ours, direct = (sum(row.found[key] for row in rows) for key in ("words", "ours", "direct"))
    return f"WER {100 * ours / words:.1f}, direct {100 * direct / words:.1f}"


def _sound(path: Path) -> NDArray[np.float32]:
    from faster_whisper import decode_audio

    sound: NDArray[np.float32] = decode_audio(str(path), sampling_rate=SAMPLE_RATE)
    return sound


def _written(path: Path, sound: NDArray[np.floating[Any]]) -> Path:
    import soundfile

    soundfile.write(path, sound.astype(np.float32), SAMPLE_RATE)
    return path


def _clips(folder: Path) -> Iterator[tuple[Path, str]]:
    """(a file of 2 to 6 s, what is said in it), cut from the references; where they are too few, quieter ones again."""
    cuts = []
    for item in _items("meetings,libri,ami,mfa,sphinx,languages_pv,vctk_noise"):
        sound = _sound(item.path)
        for start, end, text in item.lines or [(0.0, len(sound) / SAMPLE_RATE, item.text or "")]:
            if 2 <= end - start <= 6 and text.strip():
                cuts.append((sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)], text))
    for number in range(CLIPS):
        cut, text = cuts[number % len(cuts)]
        yield _written(folder / f"{number}.wav", cut / (1 + number // len(cuts))), text


@contextmanager
def _hour() -> Iterator[tuple[Path, Path]]:
    """Five minutes of meeting, and an hour of them."""
    (item,) = [item for item in _items("meetings") if item.id == "meeting-dev_meet5"]
    sound = np.resize(_sound(item.path), 300 * SAMPLE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        hour = np.concatenate([sound * np.float32(1 - time / 40) for time in range(REPEATS)]).astype(np.float32)
        yield _written(Path(folder) / "short.wav", sound), _written(Path(folder) / "long.wav", hour)

"""What strangers score: `python -m bench.calibrate FOLDER` measures an embedding model and writes engines/voices.toml.

FOLDER holds a folder for each voice, with audio of that one person and at least 25 s of speech. The voices must be in
none of the evaluation's sets. Only figures are written down: of the voices themselves nothing is left.

Those in the project were measured on the prompts and letters that Debian's packages asterisk-core-sounds-*,
asterisk-prompt-*, ktuberling-data and klettres-data carry: people reading in some thirty languages. Folders whose names
agree in what follows the last `_` may be the same person's, and are not compared.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from auricle.settings import get_settings
from auricle.times import SAMPLE_RATE
from engines.build import build
from engines.comparing import Calibration, halves, matches
from engines.protocols import Audio, Embedder

TARGET = Path(__file__).parent.parent / "engines" / "voices.toml"
ENROLLED, TESTED = 10, 40
"""Seconds of each voice: for its voiceprint, and at most for tests."""

LENGTHS = (2, 3, 5, 8)
FALSE_NAMES = 0.005
"""Of strangers' stretches may get a name; half of what is promised."""

PIECE = 3
"""Seconds: what is compared within one person's speech."""

GALLERIES = 400
KNOWN = 10
_FRAME = SAMPLE_RATE // 40


@dataclass(frozen=True)
class Voice:
    """A person's voiceprint, and what else they say, by the length of the stretches."""

    name: str
    enrolled: NDArray[np.float32]
    tests: dict[int, NDArray[np.float32]]
    pieces: NDArray[np.float32]

    def may_be(self, other: "Voice") -> bool:
        return self.name.rpartition("_")[2] == other.name.rpartition("_")[2]


def main() -> None:
    arguments = argparse.ArgumentParser(description="Measures an embedding model on people that no evaluation knows.")
    arguments.add_argument("folder", type=Path)
    folder: Path = arguments.parse_args().folder
    embedder = build(get_settings()).embedder()
    voices = []
    for place in sorted(each for each in folder.iterdir() if each.is_dir()):
        speech = _speech(place)
        if speech.size >= (ENROLLED + 15) * SAMPLE_RATE:
            voices.append(_measured(place.name, speech, embedder))
            print(f"{place.name}: {speech.size / SAMPLE_RATE:.0f} s", file=sys.stderr, flush=True)
    found, about = calibrate(voices)
    TARGET.write_text(_toml(embedder.identity, found, about), encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))


def calibrate(voices: list[Voice]) -> tuple[Calibration, str]:
    """The figures, and what they rest on in words."""
    mean, spread = [], []
    for length in LENGTHS:
        scores = np.concatenate([(one.tests[length] @ other.enrolled) for one, other in _strangers(voices)])
        mean.append(round(float(scores.mean()), 4))
        spread.append(round(float(scores.std()), 4))
    one, two = _halves(voices)
    long, short = np.array([v.tests[8] @ v.enrolled for v in voices], dtype=object), _pairs(voices)
    parted = round(float(np.quantile(one, 0.05) + np.quantile(two, 0.5)) / 2, 3)
    alike = (float(np.quantile(np.concatenate(list(long)), 0.05)) + float(np.quantile(short, 0.99))) / 2
    draft = Calibration(
        seconds=tuple(map(float, LENGTHS)), mean=tuple(mean), spread=tuple(spread), threshold=0.0, margin=0.0,
        shortest=float(LENGTHS[0]), one_voice=parted, alike=round(alike, 3),
    )  # fmt: skip
    strangers, known = _trials(voices, draft)
    threshold = float(np.quantile(strangers[:, 0], 1 - FALSE_NAMES))
    margin = float(np.quantile(known[known[:, 0] >= threshold, 1], 0.005))
    named = (known[:, 0] >= threshold) & (known[:, 1] >= margin) & (known[:, 2] > 0)
    wrong = (strangers[:, 0] >= threshold) & (strangers[:, 1] >= margin)
    about = (
        f"{len(voices)} voices, {date.today():%d %B %Y}: {ENROLLED} s enrolled, {LENGTHS[0]} to {LENGTHS[-1]} s "
        f"tested, {KNOWN} people known. Of strangers' {len(strangers)} stretches {wrong.mean():.2%} got a name, of "
        f"known people's {len(known)} {named.mean():.1%} theirs."
    )
    return Calibration(**{**draft.__dict__, "threshold": round(threshold, 2), "margin": round(margin, 2)}), about


def _strangers(voices: list[Voice]) -> Iterator[tuple[Voice, Voice]]:
    return ((one, other) for one in voices for other in voices if not one.may_be(other))


def _pairs(voices: list[Voice]) -> NDArray[np.float32]:
    return np.concatenate([one.tests[8] @ other.enrolled for one, other in _strangers(voices)])


def _halves(voices: list[Voice]) -> tuple[list[float], list[float]]:
    """How alike the halves of one person's speech are, and of two people's, in pieces of ``PIECE`` seconds."""
    chance = random.Random(11)
    one, two = [], []
    for voice, other in _strangers(voices):
        if chance.random() < 0.2:
            shares = [chance.randint(2, 6), chance.randint(2, 6)]
            two.append(halves(np.concatenate([voice.pieces[: shares[0]], other.pieces[: shares[1]]]))[1])
    for voice in voices:
        one += [halves(voice.pieces[:count])[1] for count in range(4, len(voice.pieces) + 1)]
    told = [np.quantile(scores, [0.01, 0.05, 0.5, 0.95, 0.99]).round(3) for scores in (one, two)]
    print(f"Halves of one person's speech: {told[0]}; of two people's: {told[1]}.", file=sys.stderr)
    return one, two


def _trials(voices: list[Voice], draft: Calibration) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(score, margin, right) of strangers' and known people's stretches before galleries drawn at random."""
    chance = random.Random(7)
    strangers: list[tuple[float, ...]] = []
    known: list[tuple[float, ...]] = []
    for _ in range(GALLERIES):
        gallery = chance.sample(voices, KNOWN)
        people, vectors = [voice.name for voice in gallery], np.stack([voice.enrolled for voice in gallery])
        voice = chance.choice(voices)
        if voice.name not in people and any(voice.may_be(other) for other in gallery):
            continue
        for length, tests in voice.tests.items():
            for test in tests[:4]:
                (found,) = matches(test[None], [float(length)], people, vectors, draft)
                row = (found.score, found.margin, float(found.best == voice.name))
                (known if voice.name in people else strangers).append(row)
        member = chance.choice(gallery)
        for length, tests in member.tests.items():
            (found,) = matches(tests[:1], [float(length)], people, vectors, draft)
            known.append((found.score, found.margin, float(found.best == member.name)))
    return np.array(strangers), np.array(known)


def _measured(name: str, speech: Audio, embedder: Embedder) -> Voice:
    rest = speech[ENROLLED * SAMPLE_RATE :][: TESTED * SAMPLE_RATE]
    enrolled = embedder.embed(speech[: ENROLLED * SAMPLE_RATE])
    tests = {length: _embedded(rest, length, embedder) for length in LENGTHS}
    return Voice(name, enrolled, tests, tests[PIECE])


def _embedded(speech: Audio, seconds: int, embedder: Embedder) -> NDArray[np.float32]:
    step = seconds * SAMPLE_RATE
    return np.stack([embedder.embed(speech[at : at + step]) for at in range(0, speech.size - step + 1, step)])


def _speech(folder: Path) -> Audio:
    """All that is said in a folder's files, in an order drawn once, without the silence at their ends."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    random.Random(folder.name).shuffle(files)
    heard: list[Audio] = []
    for file in files:
        if sum(part.size for part in heard) >= (ENROLLED + TESTED) * SAMPLE_RATE:
            break
        try:
            heard.append(_trimmed(_decoded(file)))
        except (av.error.FFmpegError, ValueError, IndexError):
            print(f"{file} is left out: it cannot be decoded.", file=sys.stderr)
    return np.concatenate([part for part in heard if part.size >= SAMPLE_RATE // 4] or [np.zeros(0, np.float32)])


def _decoded(file: Path) -> Audio:
    with av.open(str(file), format="g722" if file.suffix == ".g722" else None) as container:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        parts = [part.to_ndarray().ravel() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    sound: Audio = np.concatenate(parts).astype(np.float32) / np.float32(32768)
    return sound


def _trimmed(sound: Audio) -> Audio:
    frames = sound[: sound.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    levels: Audio = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-10)
    loud = np.flatnonzero(levels > max(levels.max(initial=-100) - 35, -60))
    return sound[max(0, loud[0] - 2) * _FRAME : (loud[-1] + 3) * _FRAME] if loud.size else sound[:0]


def _toml(model: str, found: Calibration, about: str) -> str:
    kept = TARGET.read_text(encoding="utf-8") if TARGET.is_file() else _HEAD
    others = [part for part in kept.split("\n\n[") if not part.startswith(f'"{model}"]')]
    fields = {name: list(value) if isinstance(value, tuple) else value for name, value in found.__dict__.items()}
    lines = "\n".join(f"{name} = {value}" for name, value in fields.items())
    return "\n\n[".join([part.rstrip() for part in others] + [f'"{model}"]\n# {about}\n{lines}\n'])


_HEAD = """# What strangers score with each embedding model, and from where on a voice is known: engines/comparing.py.
# Measured by bench/calibrate.py on people who are in none of the evaluation's recordings; of them only this is left."""

if __name__ == "__main__":
    main()

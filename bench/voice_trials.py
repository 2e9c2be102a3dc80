"""Trials of who is speaking: real utterances, clean and degraded, with vectors that are kept from run to run."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from auricle.times import SAMPLE_RATE
from bench.scoring import eval_folder
from engines.comparing import Calibration, matches
from engines.protocols import Audio, Embedder

KEPT = Path(__file__).parents[1] / ".bench" / "voices"
ENROLLED, TESTED = 10, 5
"""Seconds of speech for a voiceprint, and for a test."""


@dataclass(frozen=True)
class Utterance:
    """Some seconds of one person."""

    id: str
    person: str
    sound: Audio

    @property
    def seconds(self) -> float:
        return self.sound.size / SAMPLE_RATE


class Vectors:
    """The vector of any sound under any condition, computed once and kept on disk by its hash."""

    def __init__(self, embedder: Embedder, folder: Path = KEPT) -> None:
        self._embedder, self._folder = embedder, folder / embedder.identity
        self._folder.mkdir(parents=True, exist_ok=True)

    def of(self, sound: Audio) -> NDArray[np.float32]:
        kept = self._folder / f"{hashlib.sha256(sound.tobytes()).hexdigest()[:24]}.npy"
        if not kept.is_file():
            np.save(kept, self._embedder.embed(sound))
        vector: NDArray[np.float32] = np.load(kept, allow_pickle=False)
        return vector


def load(sets: Sequence[str]) -> list[Utterance]:
    """Utterances with their speakers, in order; a person with turns in a recording is cut out of it."""
    from faster_whisper import decode_audio

    folder = eval_folder()
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines() if line]
    found: list[Utterance] = []
    for row in (row for row in rows if row["set"] in sets):
        sound: Audio = decode_audio(str(folder / row["path"]), sampling_rate=SAMPLE_RATE)
        if len(row["speakers"]) == 1:
            found.append(Utterance(row["id"], row["speakers"][0], sound))
        elif row["reference_rttm"]:
            found += _cut_out(row["id"], sound, (folder / row["reference_rttm"]).read_text(encoding="utf-8"))
    return found


def _cut_out(name: str, sound: Audio, rttm: str) -> Iterator[Utterance]:
    for line in rttm.splitlines():
        if line.startswith("SPEAKER"):
            fields = line.split()
            start, length = float(fields[3]), float(fields[4])
            part = sound[round(start * SAMPLE_RATE) : round((start + length) * SAMPLE_RATE)]
            yield Utterance(f"{name}-{start}", f"{name}-{fields[7]}", part)


def enrolments(utterances: Sequence[Utterance]) -> Iterator[tuple[Audio, set[str]]]:
    """Ways to take ``ENROLLED`` seconds of one person, beginning at each utterance in turn; and which ones they use."""
    for first in range(len(utterances)):
        turned = [*utterances[first:], *utterances[:first]]
        taken: list[Utterance] = []
        while turned and sum(each.sound.size for each in taken) < ENROLLED * SAMPLE_RATE:
            taken.append(turned.pop(0))
        sound = np.concatenate([each.sound for each in taken])[: ENROLLED * SAMPLE_RATE]
        if sound.size == ENROLLED * SAMPLE_RATE and turned:
            yield sound, {each.id for each in taken}


def pieces(utterance: Utterance) -> list[Audio]:
    """``TESTED`` seconds each."""
    step = TESTED * SAMPLE_RATE
    return [utterance.sound[at : at + step] for at in range(0, utterance.sound.size - step + 1, step)]


@dataclass(frozen=True)
class Verdicts:
    """What came of trials.

    Attributes:
        known: (utterance, whether it got its own name, whether it got another's) of people who are known.
        strangers: (utterance, whether it got a name) of those who are not.
    """

    known: list[tuple[str, bool, bool]]
    strangers: list[tuple[str, bool]]


def open_set(
    utterances: Sequence[Utterance], vectors: Vectors, measured: Calibration, degrade: Callable[[Audio], Audio]
) -> Verdicts:
    """Every split of the people with enough speech into known ones and strangers, every utterance of all the others.

    Degraded is what is to be recognised; voiceprints are of clean speech.
    """
    people = {each.person: [one for one in utterances if one.person == each.person] for each in utterances}
    ways = {person: list(enrolments(its)) for person, its in people.items()}
    members = [person for person, its in ways.items() if len(its) > 1]
    heard = {each.id: vectors.of(degrade(each.sound)) for each in utterances}
    voiceprints = {person: [vectors.of(sound) for sound, _ in ways[person]] for person in members}
    result = Verdicts([], [])
    for size in range(1, len(members) + 1):
        for known in combinations(members, size):
            for turn in range(max(len(ways[person]) for person in known)):
                chosen = {person: turn % len(ways[person]) for person in known}
                gallery = np.stack([voiceprints[person][way] for person, way in chosen.items()])
                used = {one for person, way in chosen.items() for one in ways[person][way][1]}
                for each in utterances:
                    if each.id in used:
                        continue
                    (match,) = matches(heard[each.id][None], [each.seconds], known, gallery, measured)
                    if each.person in known:
                        right = match.name == each.person
                        result.known.append((each.id, right, match.name is not None and not right))
                    else:
                        result.strangers.append((each.id, match.name is not None))
    return result


def clean(sound: Audio) -> Audio:
    return sound


def narrow(sound: Audio) -> Audio:
    """As a telephone has it: 8 kHz."""
    return _through(sound, "pcm_alaw", "wav", 8000, None)


def noisy(sound: Audio) -> Audio:
    """Pink noise 10 dB under the speech, the same for the same speech."""
    chance = np.random.default_rng(int(np.abs(sound[:1000]).sum() * 1e6) % 2**32)
    spectrum = np.fft.rfft(chance.normal(size=sound.size))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(spectrum.size), 1)), n=sound.size)
    scale = np.sqrt(np.mean(np.square(sound)) / np.mean(np.square(pink)) / 10)
    return np.asarray(sound + scale * pink, dtype=np.float32)


def squeezed(sound: Audio) -> Audio:
    """MP3 at 32 kbit/s."""
    return _through(sound, "libmp3lame", "mp3", SAMPLE_RATE, 32_000)


CONDITIONS: dict[str, Callable[[Audio], Audio]] = {
    "clean": clean,
    "8 kHz, A-law": narrow,
    "noise at 10 dB": noisy,
    "mp3 at 32 kbit/s": squeezed,
}


def _through(sound: Audio, codec: str, kind: str, rate: int, bit_rate: int | None) -> Audio:
    """Encoded and decoded again."""
    file = io.BytesIO()
    frame = av.AudioFrame.from_ndarray((sound * 32767).astype("<i2")[None], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    with av.open(file, "w", format=kind) as out:
        stream: Any = out.add_stream(codec, rate=rate, layout="mono")
        if bit_rate:
            stream.bit_rate = bit_rate
        resampler = av.AudioResampler(stream.format.name, "mono", rate, frame_size=stream.frame_size or 0)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as read:
        back = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        parts = [p.to_ndarray().ravel() for each in read.decode(audio=0) for p in back.resample(each)]
    result: Audio = np.concatenate(parts).astype(np.float32) / np.float32(32768)
    return result

"""The GPU path with stand-ins: batches, what is heard again by itself, and memory that runs out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from engines import recognition
from engines.batched import BatchDecoder, stretches
from engines.batching import Batches
from engines.decoding import Decoder, Position
from engines.device import Name, placement

FRAMES = 9000
GOOD, REPEATING, SILENT = "a good line of words", "la " * 60, "thanks for watching"


def test_out_of_memory_halves_the_batches_and_loses_nothing() -> None:
    sizes: list[int] = []

    def work(batch: Sequence[int]) -> list[int]:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise RuntimeError("CUDA failed with error out of memory")
        return [2 * item for item in batch]

    batches = Batches(8)
    assert list(batches.run(range(7), work)) == [0, 2, 4, 6, 8, 10, 12]
    assert sizes == [7, 3, 3, 1]
    assert batches.size == 3


def test_memory_that_does_not_suffice_for_one_and_other_errors_are_told() -> None:
    def full(batch: Sequence[int]) -> list[int]:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    def broken(batch: Sequence[int]) -> list[int]:
        raise RuntimeError("cuDNN is missing")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(Batches(4).run([1, 2, 3], full))
    with pytest.raises(RuntimeError, match="cuDNN"):
        list(Batches(4).run([1, 2, 3], broken))


def test_sound_is_cut_in_pauses_and_only_without_one_elsewhere() -> None:
    phrases = [(0, 1000), (1100, 2500), (2600, 4000), (4100, 9000)]
    assert stretches([(0, 9000)], phrases, 3000) == [(0, 2500), (2500, 4000), (4000, 7000), (7000, 9000)]
    assert stretches([(0, 800), (5000, 6000)], [(0, 800), (5000, 6000)], 3000) == [(0, 800), (5000, 6000)]


@dataclass
class BatchModel:
    """Stands for faster-whisper's model: each stretch is heard as its number in ``texts`` says.

    Attributes:
        most: More stretches than that at once do not fit.
        sizes: How many there were at once.
    """

    texts: list[str]
    most: int = 100
    sizes: list[int] = field(default_factory=list)
    max_length: int = 448
    time_precision: float = 0.02

    @property
    def model(self) -> "BatchModel":
        return self

    def encode(self, features: Any) -> Any:
        if len(features) > self.most:
            raise RuntimeError("CUDA failed with error out of memory")
        self.sizes.append(len(features))
        return features

    def get_prompt(self, tokenizer: Any, tokens: list[int], hotwords: Any) -> list[int]:
        return [1]

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> list[Any]:
        assert len(encoded) == len(prompts)
        numbers = [int(sound[0, 0]) for sound in encoded]
        return [
            SimpleNamespace(
                sequences_ids=[[number]],
                scores=[-9.0 if self.texts[number] == SILENT else -0.2],
                no_speech_prob=0.9 if self.texts[number] == SILENT else 0.0,
            )
            for number in numbers
        ]

    def _split_segments_by_timestamps(self, *, tokens: list[int], time_offset: float, **_: Any) -> Any:
        return [{"start": time_offset, "text": self.texts[tokens[0]]}], 0, True

    def add_word_timestamps(
        self, segments: list[Any], tokenizer: Any, encoded: Any, sizes: Any, *_: Any, **__: Any
    ) -> None:
        assert len(segments) == len(encoded) == len(sizes)


@dataclass
class AloneDecoder:
    """Stands for the decoder that hears one window after the other."""

    model: BatchModel
    frames: int = FRAMES
    heard: list[tuple[int, int]] = field(default_factory=list)
    options: Any = field(
        default_factory=lambda: SimpleNamespace(
            beam_size=5,
            patience=1,
            length_penalty=1,
            suppress_blank=True,
            suppress_tokens=[],
            max_initial_timestamp=1.0,
            hotwords=None,
            prepend_punctuations="",
            append_punctuations="",
        )
    )

    @property
    def tokenizer(self) -> Any:
        return SimpleNamespace(decode=lambda tokens: self.model.texts[tokens[0]])

    def windows(self, clips: list[tuple[int, int]], position: Position) -> Any:
        self.heard += clips
        yield [{"start": clips[0][0] / 100, "text": "heard alone"}], Position(clips[0][1])


CLIPS = [(0, 2500), (2500, 5000), (5000, 7000), (7000, 9000)]


def decode(model: BatchModel, size: int, frame: int = 0) -> tuple[list[list[str]], AloneDecoder]:
    features = np.zeros((80, FRAMES + 1), dtype=np.float32)
    for number, (first, _) in enumerate(CLIPS):
        features[0, first] = number
    alone = AloneDecoder(model)
    decoder = BatchDecoder(cast(Decoder, cast(Any, alone)), features, Batches(size))
    found = list(decoder.windows(CLIPS, Position(frame=frame)))
    assert [after.frame for _, after in found] == [last for _, last in CLIPS if last > frame]
    return [[segment["text"] for segment in segments] for segments, _ in found], alone


def test_stretches_are_heard_at_once_and_only_what_is_doubtful_again_by_itself() -> None:
    model = BatchModel([GOOD, REPEATING, SILENT, GOOD])
    told, alone = decode(model, 4)
    assert told == [[GOOD], ["heard alone"], [], [GOOD]]
    assert alone.heard == [(2500, 5000)]
    assert model.sizes == [4]


def test_recognition_goes_on_in_smaller_batches_where_memory_runs_out() -> None:
    model = BatchModel([GOOD] * 4, most=2)
    told, _ = decode(model, 4)
    assert told == [[GOOD]] * 4
    assert model.sizes == [2, 2]


def test_batched_recognition_goes_on_where_it_was_interrupted() -> None:
    model = BatchModel([GOOD] * 4)
    told, _ = decode(model, 4, frame=5000)
    assert len(told) == 2
    assert model.sizes == [2]


@pytest.mark.parametrize(
    ("device", "batched", "expected"), [("cuda", True, 64), ("cuda", False, None), ("cpu", True, None)]
)
def test_only_a_gpu_hears_in_batches_and_not_where_the_best_quality_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: Name, batched: bool, expected: int | None
) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).touch()
    monkeypatch.setattr(recognition, "_load_where_it_works", lambda *_: (object(), placement(device)))
    batches = recognition.WhisperRecognizer(tmp_path, "own@1", batched=batched)._batches
    assert (batches and batches.size) == expected

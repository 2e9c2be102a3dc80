"""faster-whisper and pyannote called directly, with the same weights; what they said is kept in a temporary folder.

`python -m bench.baselines words|turns FILE` is the script somebody would write with one of them.
"""

import json
import os
import sys
import tempfile
import time
import unittest.mock
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from bench.scoring import Item
from engines import campplus, weights
from engines.protocols import Audio

Turns = list[tuple[float, float, str]]
Words = list[tuple[float, float, str]]


class Baselines:
    """Each is run once for a recording and remembered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cache = Path(tempfile.gettempdir()) / "auricle-bench"
        self._cache.mkdir(exist_ok=True)

    def words(self, item: Item, audio: Audio, *, vad: bool) -> tuple[Words, float]:
        """(start, end, text) of each word as faster-whisper's defaults give them, and the seconds it took."""

        def run() -> Words:
            heard, _ = self.whisper.transcribe(
                audio, beam_size=self._settings.beam, word_timestamps=True, vad_filter=vad
            )
            return [(word.start, word.end, word.word) for segment in heard for word in segment.words]

        return self._once(f"words{'-vad' if vad else ''}", self._settings.whisper, item, run)

    def turns(self, item: Item, audio: Audio) -> tuple[Turns, float]:
        """(start, end, speaker) as pyannote's SpeakerDiarization gives them, and the seconds it took."""

        def run() -> Turns:
            return self._speakers(audio)

        return self._once("turns", f"{self._settings.segmentation}-{self._settings.embedding}", item, run)

    def speakers(self, path: Path) -> Turns:
        """(start, end, speaker) from a file, every time anew."""
        from faster_whisper import decode_audio

        return self._speakers(decode_audio(str(path), sampling_rate=SAMPLE_RATE))

    def _speakers(self, audio: Audio) -> Turns:
        import torch

        output = self._pyannote({"waveform": torch.from_numpy(audio)[None], "sample_rate": SAMPLE_RATE})
        tracks = output.speaker_diarization.itertracks(yield_label=True)
        return [(segment.start, segment.end, label) for segment, _, label in tracks]

    def _once(self, what: str, model: str, item: Item, run: Callable[[], Turns]) -> tuple[Turns, float]:
        name = f"{what}-{Path(model).name}-{self._settings.beam}-{item.id}.json".replace("/", "_")
        path = self._cache / name
        if not path.exists():
            began = time.perf_counter()
            found = run()
            path.write_text(json.dumps({"found": found, "seconds": time.perf_counter() - began}), encoding="utf-8")
        kept = json.loads(path.read_text(encoding="utf-8"))
        return [tuple(row) for row in kept["found"]], kept["seconds"]

    @property
    def whisper_folder(self) -> Path:
        return weights.resolve(self._settings.whisper, self._settings)

    @cached_property
    def whisper(self) -> Any:
        """With the numbers and threads that Auricle would take."""
        from faster_whisper import WhisperModel

        from engines.device import for_ctranslate2

        place = for_ctranslate2(self._settings.device)
        return WhisperModel(
            str(self.whisper_folder), device=place.device, compute_type=place.compute_type, cpu_threads=place.threads
        )

    @cached_property
    def _pyannote(self) -> Any:
        os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
        from pyannote.audio import Model
        from pyannote.audio.pipelines import speaker_diarization as pipelines

        segmentation: Any = Model.from_pretrained(str(weights.resolve(self._settings.segmentation, self._settings)))
        embedding = _Embedding(campplus.load_campplus(weights.resolve(self._settings.embedding, self._settings)))
        with (
            unittest.mock.patch.object(pipelines, "get_plda", lambda *_, **__: None),
            unittest.mock.patch.object(pipelines, "PretrainedSpeakerEmbedding", lambda *_, **__: embedding),
        ):
            pipeline = pipelines.SpeakerDiarization(
                segmentation=segmentation,
                embedding="campplus",
                embedding_exclude_overlap=True,
                clustering="AgglomerativeClustering",
            )
        clustering = {"method": "centroid", "min_cluster_size": 12, "threshold": self._settings.speaker_threshold}
        return pipeline.instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": clustering})


class _Embedding:
    """CAM++ behind the interface that pyannote's pipeline asks of an embedding; one by one, as its WeSpeaker class."""

    sample_rate = SAMPLE_RATE
    dimension = campplus.EMBEDDING_SIZE
    metric = "cosine"
    min_num_samples = SAMPLE_RATE // 10

    def __init__(self, network: campplus.CAMPlusPlus) -> None:
        self._network = network

    def __call__(self, waveforms: Any, masks: Any) -> Any:
        import torch
        from torch.nn import functional

        found = np.full((len(waveforms), self.dimension), np.nan)
        for row, (waveform, mask) in enumerate(zip(waveforms, masks, strict=True)):
            features = campplus.fbank(waveform[0])
            chosen = functional.interpolate(mask[None, None], size=len(features), mode="nearest")[0, 0] > 0.5
            if chosen.sum() >= 5:
                with torch.inference_mode():
                    found[row] = self._network(features[chosen][None])[0].numpy()
        return found


def main(kind: str, file: str) -> None:
    baselines = Baselines(Settings())
    if kind == "turns":
        for start, end, speaker in baselines.speakers(Path(file)):
            print(f"{start:.2f} {end:.2f} {speaker}")
    else:
        for segment in baselines.whisper.transcribe(file, word_timestamps=True)[0]:
            print(f"{segment.start:.2f} {segment.end:.2f} {segment.text}")


if __name__ == "__main__":
    main(*sys.argv[1:])

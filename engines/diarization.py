"""Diarization: pyannote.audio's segmentation and clustering around CAM++ embeddings, in two halves.

`listen` is the slow one and does not know how many people there are; `cluster` is the quick one and can be asked
again with another number. The pieces are pyannote's own, put together as its SpeakerDiarization pipeline does (Bredin,
"pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023), since that class cannot be made without
weights this project does not use (PLDA) and cannot be stopped between its halves.
"""

import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.domain import Diarization
from auricle.errors import ModelUnavailable
from auricle.times import SAMPLE_RATE
from engines import campplus, clustering
from engines.clustering import quiet_pyannote
from engines.device import Wanted, for_torch
from engines.protocols import Audio, Progress, SpeakerCount
from engines.voicemap import VoiceMap

STEP = 0.1
"""Windows start every tenth of their own length; 0.25 is thrice as fast and a point of DER worse."""

_SEGMENTATION_SHARE = 0.15
"""Of the time `listen` takes."""

_FEWEST_FRAMES = 5
"""Feature frames (10 ms each) under which a voice gets no embedding."""

_ENOUGH_ALONE = 0.01
"""Of a window: a voice that speaks alone for longer is embedded from that alone, without what others say over it."""

_GATHERED_WINDOWS = 16
"""Windows whose voices are embedded together, those of equal length as one batch."""


class PyannoteDiarizer:
    """Loaded segmentation and embedding networks."""

    def __init__(self, segmentation: Path, embedding: Path, identity: str, wanted: Wanted = "auto") -> None:
        """Loads both networks.

        Args:
            segmentation: A checkpoint of pyannote's PyanNet with powerset classes.
            embedding: A checkpoint of CAM++.
            identity: Engine and weights as ``name@hash``.
            wanted: The device.

        Raises:
            ModelUnavailable: A file is no such checkpoint, or ``cuda`` was asked for and there is none.
        """
        self.identity = identity
        self._place = for_torch(wanted)
        self._device = torch.device(self._place.device)
        self._segmentation = _load_segmentation(segmentation)
        try:
            self._embedding = campplus.load_campplus(embedding).to(self._device)
        except (RuntimeError, OSError, pickle.UnpicklingError, AttributeError) as error:
            raise _unusable(embedding, "CAM++", error) from error

    def listen(self, audio: Audio, progress: Progress) -> VoiceMap:
        """Who speaks within each window, and with what voice.

        Args:
            audio: (samples,), 16 kHz, of any length.
            progress: Told the share done; may raise.
        """
        quiet_pyannote()
        from pyannote.audio import Inference

        duration = float(self._segmentation.specifications.duration)
        inference = Inference(
            self._segmentation,
            duration=duration,
            step=STEP * duration,
            skip_aggregation=True,
            batch_size=self._place.batch,
            device=self._device,
        )
        waveform = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))

        def segmented(completed: int, total: int) -> None:
            progress(_SEGMENTATION_SHARE * min(1.0, completed / total))

        scores: Any = inference.slide(waveform[None], SAMPLE_RATE, hook=segmented)
        segmentations = scores.data.astype(np.float32)
        windows = scores.sliding_window
        frame = self._segmentation.receptive_field
        embeddings = self._embed(waveform, segmentations, round(windows.step * SAMPLE_RATE), progress)
        progress(1.0)
        return VoiceMap(
            segmentations=segmentations,
            embeddings=embeddings,
            window=(windows.start, windows.duration, windows.step),
            frame=(frame.start, frame.duration, frame.step),
            length=len(audio),
        )

    def cluster(self, voices: VoiceMap, count: SpeakerCount) -> Diarization:
        """Who is who: see `engines.clustering.cluster`."""
        return clustering.cluster(voices, count)

    def _embed(
        self, waveform: torch.Tensor, segmentations: NDArray[np.float32], step: int, progress: Progress
    ) -> NDArray[np.float32]:
        """An embedding for each local speaker that says anything, (windows, local speakers, 192)."""
        windows, _, speakers = segmentations.shape
        embeddings = np.full((windows, speakers, campplus.EMBEDDING_SIZE), np.nan, dtype=np.float32)
        for first in range(0, windows, _GATHERED_WINDOWS):
            gathered = range(first, min(first + _GATHERED_WINDOWS, windows))
            by_length: dict[int, list[tuple[int, int, torch.Tensor]]] = {}
            for window in gathered:
                for speaker, features in self._voices_in(waveform, segmentations[window], window * step):
                    by_length.setdefault(len(features), []).append((window, speaker, features))
            for alike in by_length.values():
                for start in range(0, len(alike), self._place.batch):
                    batch = alike[start : start + self._place.batch]
                    with torch.inference_mode():
                        stacked = torch.stack([features for *_, features in batch]).to(self._device)
                        vectors = self._embedding(stacked).cpu().numpy()
                    for (window, speaker, _), vector in zip(batch, vectors, strict=True):
                        embeddings[window, speaker] = vector
                    progress(_SEGMENTATION_SHARE + (1 - _SEGMENTATION_SHARE) * first / windows)
        return embeddings

    def _voices_in(
        self, waveform: torch.Tensor, activity: NDArray[np.float32], start: int
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """(local speaker, its feature frames) for those who speak in the window; features are computed once."""
        if not activity.any():
            return
        alone = activity * (activity.sum(axis=1, keepdims=True) < 2)
        enough = alone.sum(axis=0) > math.ceil(_ENOUGH_ALONE * len(activity))
        masks = torch.from_numpy(np.where(enough, alone, activity).T.copy())
        length = round(float(self._segmentation.specifications.duration) * SAMPLE_RATE)
        window = waveform[start : start + length]
        features = campplus.fbank(torch.nn.functional.pad(window, (0, length - len(window))))
        chosen = torch.nn.functional.interpolate(masks[None], size=len(features), mode="nearest")[0] > 0.5
        for speaker, frames in enumerate(chosen):
            if int(frames.sum()) >= _FEWEST_FRAMES:
                yield speaker, features[frames]


def _load_segmentation(path: Path) -> Any:
    """PyanNet from pyannote's checkpoint, with only the classes in it that describe the task."""
    quiet_pyannote()
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    known: list[Any] = [Problem, Resolution, Specifications, torch.torch_version.TorchVersion]
    try:
        with torch.serialization.safe_globals(known):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        model = PyanNet(**checkpoint["hyper_parameters"])
        model.on_load_checkpoint(checkpoint)
        model.load_state_dict(checkpoint["state_dict"], strict=True)
    except (RuntimeError, OSError, pickle.UnpicklingError, KeyError, TypeError) as error:
        raise _unusable(path, "pyannote's segmentation", error) from error
    specifications: Any = model.specifications
    if not specifications.powerset:
        raise _unusable(path, "pyannote's segmentation", "it has no powerset classes, as 3.0 has")
    return model.eval()


def _unusable(path: Path, what: str, reason: object) -> ModelUnavailable:
    first_line = (str(reason).splitlines() or [""])[0]
    return ModelUnavailable(
        f"{path} cannot be loaded as a checkpoint of {what} ({first_line}): "
        f"`auricle models verify` checks the files, `auricle models pull` fetches broken ones again."
    )

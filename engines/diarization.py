"""Diarization: pyannote.audio's segmentation, CAM++ embeddings and clustering, in two halves.

This is the slow one, which goes piece by piece and does not know how many people there are; `engines.clustering` is the
quick one and can be asked again with another number. Together they do what pyannote's SpeakerDiarization pipeline does
(Bredin, "pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023); that class itself wants weights this
project does not use (PLDA), all the audio in memory, and to go through in one go.
"""

import math
import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from auricle.domain import Span
from auricle.errors import ModelUnavailable
from auricle.times import SAMPLE_RATE
from engines import campplus
from engines.device import Wanted, for_torch
from engines.protocols import Audio, Progress
from engines.voicemap import VoiceMap, Windows

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
        self._segmentation = _load_segmentation(segmentation).to(self._device)
        self.windows, self._frames, self._powerset = _shape(self._segmentation)
        self._speakers = self._powerset.num_classes
        try:
            self._embedding = campplus.load_campplus(embedding).to(self._device)
        except (RuntimeError, OSError, pickle.UnpicklingError, AttributeError) as error:
            raise _unusable(embedding, "CAM++", error) from error

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        """Who speaks within each window, and with what voice. Windows far from any speech are not looked at.

        Args:
            audio: (samples,), 16 kHz, from the start of a window on; as many windows as `Windows.count` says.
            speech: Where a `SpeechDetector` finds somebody speaking in it, and a window's length before and after.
            progress: Told the share done; may raise.
        """
        windows = self.windows.count(len(audio))
        waveform = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))
        waveform = functional.pad(waveform, (0, self.windows.covered(windows) - len(audio)))
        looked_at = [number for number in range(windows) if self._spoken_in(number, speech)]
        active = np.zeros((windows, self._frames, self._speakers), dtype=bool)
        for start in range(0, len(looked_at), self._place.batch):
            batch = looked_at[start : start + self._place.batch]
            active[batch] = self._segmented(torch.stack([self._window(waveform, number) for number in batch]))
            progress(_SEGMENTATION_SHARE * (start + len(batch)) / len(looked_at))
        embeddings = self._embed(waveform, active, looked_at, progress)
        progress(1.0)
        return VoiceMap(active, embeddings, self.windows)

    def _spoken_in(self, number: int, speech: Sequence[Span]) -> bool:
        """Whether anybody speaks in a window or beside it: the detector overhears who is far from the microphone."""
        start, length = number * self.windows.step, self.windows.length
        around = Span(start=start - length, end=start + 2 * length)
        return any(around.shared_with(span) for span in speech)

    def _window(self, waveform: torch.Tensor, number: int) -> torch.Tensor:
        return waveform[number * self.windows.step :][: self.windows.length]

    def _segmented(self, batch: torch.Tensor) -> NDArray[np.bool_]:
        """(windows, samples) -> who speaks when in each, (windows, frames, local speakers)."""
        with torch.inference_mode():
            scores = self._segmentation(batch[:, None].to(self._device))
            result: NDArray[np.bool_] = self._powerset.to_multilabel(scores).cpu().numpy() > 0.5
        return result

    def _embed(
        self, waveform: torch.Tensor, active: NDArray[np.bool_], looked_at: Sequence[int], progress: Progress
    ) -> NDArray[np.float32]:
        """An embedding for each local speaker that says anything, (windows, local speakers, 192)."""
        embeddings = np.full((len(active), self._speakers, campplus.EMBEDDING_SIZE), np.nan, dtype=np.float32)
        for first in range(0, len(looked_at), _GATHERED_WINDOWS):
            by_length: dict[int, list[tuple[int, int, torch.Tensor]]] = {}
            for window in looked_at[first : first + _GATHERED_WINDOWS]:
                for speaker, features in self._voices_in(self._window(waveform, window), active[window]):
                    by_length.setdefault(len(features), []).append((window, speaker, features))
            for alike in by_length.values():
                for start in range(0, len(alike), self._place.batch):
                    batch = alike[start : start + self._place.batch]
                    with torch.inference_mode():
                        stacked = torch.stack([features for *_, features in batch]).to(self._device)
                        vectors = self._embedding(stacked).cpu().numpy()
                    for (window, speaker, _), vector in zip(batch, vectors, strict=True):
                        embeddings[window, speaker] = vector
                    progress(_SEGMENTATION_SHARE + (1 - _SEGMENTATION_SHARE) * first / len(looked_at))
        return embeddings

    def _voices_in(self, window: torch.Tensor, active: NDArray[np.bool_]) -> Iterator[tuple[int, torch.Tensor]]:
        """(local speaker, its feature frames) for those who speak in the window; features are computed once."""
        if not active.any():
            return
        alone = active & (active.sum(axis=1, keepdims=True) < 2)
        enough = alone.sum(axis=0) > math.ceil(_ENOUGH_ALONE * len(active))
        masks = torch.from_numpy(np.where(enough, alone, active).T.astype(np.float32))
        features = campplus.fbank(window)
        chosen = functional.interpolate(masks[None], size=len(features), mode="nearest")[0] > 0.5
        for speaker, frames in enumerate(chosen):
            if int(frames.sum()) >= _FEWEST_FRAMES:
                yield speaker, features[frames]


def quiet_pyannote() -> None:
    """Before pyannote is imported: no telemetry. (Nothing is fetched: every checkpoint here is an existing file.)"""
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    # It warns about torchcodec, which never runs here: audio comes as waveforms.
    warnings.filterwarnings("ignore", module=r"pyannote\.audio\.core\.io")


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


def _shape(model: Any) -> tuple[Windows, int, Any]:
    """The windows a segmentation network sees, its frames in one of them, and what its classes mean."""
    from pyannote.audio.utils.powerset import Powerset

    specifications = model.specifications
    length = round(specifications.duration * SAMPLE_RATE)
    frame = model.receptive_field
    powerset = Powerset(len(specifications.classes), specifications.powerset_max_classes)
    windows = Windows(length=length, step=round(length * STEP), frame=(frame.duration, frame.step))
    return windows, int(model.num_frames(length)), powerset.to(model.device)


def _unusable(path: Path, what: str, reason: object) -> ModelUnavailable:
    first_line = (str(reason).splitlines() or [""])[0]
    return ModelUnavailable(
        f"{path} cannot be loaded as a checkpoint of {what} ({first_line}): "
        f"`auricle models verify` checks the files, `auricle models pull` fetches broken ones again."
    )

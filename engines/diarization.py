"""Diarization: pyannote.audio's segmentation, CAM++ embeddings and clustering, in two halves.

This is the slow one, which goes piece by piece and does not know how many people there are; `engines.clustering` is the
quick one and can be asked again with another number. Together they do what pyannote's SpeakerDiarization pipeline does
(Bredin, "pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023); that class itself wants weights this
project does not use (PLDA), all the audio in memory, and to go through in one go.
"""

import os
import pickle
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from auricle.domain import Span
from auricle.errors import ModelUnavailable
from auricle.quality import TRADES, Trade
from auricle.times import SAMPLE_RATE
from engines import campplus
from engines.batching import Batches
from engines.device import Wanted, for_torch
from engines.protocols import Audio, Progress
from engines.segmenting import Segmentation
from engines.voicemap import VoiceMap, Windows
from engines.voicing import Voices

_SEGMENTATION_SHARE = 0.6
"""Of the time `listen` takes."""


class PyannoteDiarizer:
    """Loaded segmentation and embedding networks."""

    def __init__(
        self,
        segmentation: Path,
        embedding: Path,
        identity: str,
        wanted: Wanted = "auto",
        trade: Trade = TRADES["balanced"],
    ) -> None:
        """Loads both networks.

        Args:
            segmentation: A checkpoint of pyannote's PyanNet with powerset classes.
            embedding: A checkpoint of CAM++.
            identity: Engine and weights as ``name@hash``.
            wanted: The device.
            trade: How much care to take.

        Raises:
            ModelUnavailable: A file is no such checkpoint, or ``cuda`` was asked for and there is none.
        """
        self.identity = identity
        place = for_torch(wanted)
        self._device = torch.device(place.device)
        self._batches = Batches(place.batch)
        model = _load_segmentation(segmentation).to(self._device)
        self.windows, self._frames, powerset = _shape(model, trade.step)
        self._speakers = powerset.num_classes
        self._segmentation = Segmentation(model, powerset, self.windows)
        try:
            network = campplus.load_campplus(embedding).to(self._device)
        except (RuntimeError, OSError, pickle.UnpicklingError, AttributeError) as error:
            raise _unusable(embedding, "CAM++", error) from error
        self._voices = Voices(network, self._device, self.windows, trade.shared_voices)

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        """Who speaks within each window, and with what voice. Windows far from any speech are not looked at.

        Args:
            audio: (samples,), 16 kHz, from the start of a window on; as many windows as `Windows.count` says.
            speech: Where a `SpeechDetector` finds somebody speaking in it, and a window's length before and after.
            progress: Told the share done; may raise.
        """
        windows = self.windows.count(len(audio))
        waveform = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))
        waveform = functional.pad(waveform, (0, self.windows.covered(windows) - len(audio))).to(self._device)
        looked_at = [number for number in range(windows) if self._spoken_in(number, speech)]
        active = np.zeros((windows, self._frames, self._speakers), dtype=bool)

        if looked_at:
            segmented = partial(self._segmentation.active, waveform, self._segmentation.filtered(waveform))
            for done, (number, found) in enumerate(
                zip(looked_at, self._batches.run(looked_at, segmented), strict=True)
            ):
                active[number] = found
                progress(_SEGMENTATION_SHARE * (done + 1) / len(looked_at))

        def embedding(share: float) -> None:
            progress(_SEGMENTATION_SHARE + (1 - _SEGMENTATION_SHARE) * share)

        embeddings = self._voices.embed(waveform.cpu(), active, looked_at, embedding)
        progress(1.0)
        return VoiceMap(active, embeddings, self.windows)

    def _spoken_in(self, number: int, speech: Sequence[Span]) -> bool:
        """Whether anybody speaks in a window or beside it: the detector overhears who is far from the microphone."""
        start, length = number * self.windows.step, self.windows.length
        around = Span(start=start - length, end=start + 2 * length)
        return any(around.shared_with(span) for span in speech)


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


def _shape(model: Any, step: float) -> tuple[Windows, int, Any]:
    """The windows a segmentation network sees, its frames in one of them, and what its classes mean."""
    from pyannote.audio.utils.powerset import Powerset

    specifications = model.specifications
    length = round(specifications.duration * SAMPLE_RATE)
    frame = model.receptive_field
    powerset = Powerset(len(specifications.classes), specifications.powerset_max_classes)
    windows = Windows(length=length, step=round(length * step), frame=(frame.duration, frame.step))
    return windows, int(model.num_frames(length)), powerset.to(model.device)


def _unusable(path: Path, what: str, reason: object) -> ModelUnavailable:
    first_line = (str(reason).splitlines() or [""])[0]
    return ModelUnavailable(
        f"{path} cannot be loaded as a checkpoint of {what} ({first_line}): "
        f"`auricle models verify` checks the files, `auricle models pull` fetches broken ones again."
    )

"""Diarization: pyannote.audio's segmentation and clustering around CAM++ embeddings, in two halves.

`listen` is the slow one and does not know how many people there are; `cluster` is the quick one and can be asked
again with another number. The pieces are pyannote's own, put together as its SpeakerDiarization pipeline does (Bredin,
"pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023), since that class cannot be made without
weights this project does not use (PLDA) and cannot be stopped between its halves.
"""

import contextlib
import os
import pickle
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.domain import Diarization, Turn
from auricle.errors import BadArgument, ModelUnavailable
from auricle.times import SAMPLE_RATE, to_samples
from engines import campplus
from engines.device import Wanted, for_torch
from engines.protocols import Audio, Progress, SpeakerCount
from engines.voicemap import VoiceMap

STEP = 0.1
"""Windows start every tenth of their own length; 0.25 is thrice as fast and a point of DER worse."""

CLUSTERING = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.70}

_SEGMENTATION_SHARE = 0.15
"""Of the time `listen` takes."""

_FEWEST_FRAMES = 5
"""Feature frames (10 ms each) under which a voice gets no embedding."""

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
        _pyannote()
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
        # The last window is padded with silence: nobody speaks after the end, whatever the network thinks.
        starts = windows.start + windows.step * np.arange(len(segmentations))
        ends = frame.start + frame.step * np.arange(1, segmentations.shape[1] + 1) + frame.duration / 2
        segmentations[starts[:, None] + ends[None] > len(audio) / SAMPLE_RATE] = 0.0
        progress(1.0)
        return VoiceMap(
            segmentations=segmentations,
            embeddings=embeddings,
            window=(windows.start, windows.duration, windows.step),
            frame=(frame.start, frame.duration, frame.step),
        )

    def cluster(self, voices: VoiceMap, count: SpeakerCount) -> Diarization:
        """Who is who.

        Args:
            voices: What `listen` heard.
            count: How many people; where too few voices were heard for it, there are fewer.

        Raises:
            BadArgument: The count is not possible: below one, or its bounds crossed.
        """
        least, most = _bounds(count)
        _pyannote()
        from pyannote.audio.pipelines.utils.diarization import SpeakerDiarizationMixin
        from pyannote.core import SlidingWindow, SlidingWindowFeature

        windows = SlidingWindow(*_sliding(voices.window))
        frames = SlidingWindow(*_sliding(voices.frame))
        activity = SlidingWindowFeature(voices.segmentations, windows)
        speaking = SpeakerDiarizationMixin.speaker_count(activity, frames, warm_up=(0.0, 0.0))
        if not len(voices.segmentations) or not speaking.data.max():
            return Diarization(turns=(), exclusive=(), voices={})
        clusters, centroids = _clusters(voices, activity, least, most)
        by_voice = SlidingWindowFeature(_merged(voices.segmentations, clusters), windows)
        turns = []
        for at_once in (most or speaking.data.max(), 1):
            counted = SlidingWindowFeature(np.minimum(speaking.data, at_once).astype(np.int8), speaking.sliding_window)
            discrete = SpeakerDiarizationMixin.to_diarization(by_voice, counted)
            turns.append(list(SpeakerDiarizationMixin.to_annotation(discrete).itertracks(yield_label=True)))
        names: dict[int, str] = {}
        for _, _, voice in sorted(turns[0], key=lambda track: (track[0].start, track[0].end)):
            names.setdefault(voice, str(len(names)))
        for _, _, voice in turns[1]:
            names.setdefault(voice, str(len(names)))
        return Diarization(
            turns=_turns(turns[0], names),
            exclusive=_turns(turns[1], names),
            voices={name: _embedding_of(voice, centroids) for voice, name in names.items()},
        )

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
        masks = torch.from_numpy(activity.T)
        if not masks.any():
            return
        length = round(float(self._segmentation.specifications.duration) * SAMPLE_RATE)
        window = waveform[start : start + length]
        features = campplus.fbank(torch.nn.functional.pad(window, (0, length - len(window))))
        chosen = torch.nn.functional.interpolate(masks[None], size=len(features), mode="nearest")[0] > 0.5
        for speaker, frames in enumerate(chosen):
            if int(frames.sum()) >= _FEWEST_FRAMES:
                yield speaker, features[frames]


def _pyannote() -> None:
    """Before pyannote is imported: no telemetry, and nothing from the hub."""
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # It warns about torchcodec, which never runs here: audio comes as waveforms.
    warnings.filterwarnings("ignore", module=r"pyannote\.audio\.core\.io")


def _load_segmentation(path: Path) -> Any:
    """PyanNet from pyannote's checkpoint, with only the classes in it that describe the task."""
    _pyannote()
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


def _bounds(count: SpeakerCount) -> tuple[int | None, int | None]:
    least, most = (count.exact, count.exact) if count.exact is not None else (count.least, count.most)
    if any(bound is not None and bound < 1 for bound in (least, most)):
        raise BadArgument("The number of speakers must be 1 or more; leave it out where nobody knows.")
    if least is not None and most is not None and least > most:
        raise BadArgument(f"At least {least} and at most {most} speakers cannot both be: give bounds in order.")
    return least, most


def _sliding(triple: tuple[float, float, float]) -> tuple[float, float, float]:
    """(start, duration, step) in the order SlidingWindow takes them."""
    start, duration, step = triple
    return duration, step, start


def _clusters(
    voices: VoiceMap, activity: Any, least: int | None, most: int | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A cluster for each local speaker, (windows, local speakers), -2 where silent; and the centroids."""
    from pyannote.audio.pipelines.clustering import AgglomerativeClustering

    clustering = AgglomerativeClustering(metric="cosine").instantiate(CLUSTERING)
    # It prints where it cannot reach the count; stdout belongs to the faces.
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore", RuntimeWarning)  # means of no embeddings, where everybody says too little
        clusters, _, centroids = clustering(
            embeddings=voices.embeddings.copy(), segmentations=activity, min_clusters=least, max_clusters=most
        )
    clusters = np.array(clusters, dtype=np.int64)
    clusters[voices.segmentations.sum(axis=1) == 0] = -2
    return clusters, centroids


def _merged(segmentations: NDArray[np.float32], clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Activity of each voice in each window, (windows, frames, voices); NaN where it is not in the window."""
    windows, frames, _ = segmentations.shape
    merged = np.full((windows, frames, max(1, int(clusters.max()) + 1)), np.nan)
    for window, local in enumerate(clusters):
        for voice in np.unique(local[local >= 0]):
            merged[window, :, voice] = segmentations[window][:, local == voice].max(axis=1)
    return merged


def _turns(tracks: list[tuple[Any, Any, int]], names: dict[int, str]) -> tuple[Turn, ...]:
    turns = (
        Turn(start=max(0, to_samples(segment.start)), end=to_samples(segment.end), label=names[voice])
        for segment, _, voice in tracks
    )
    return tuple(sorted((turn for turn in turns if turn.length > 0), key=lambda turn: (turn.start, turn.end)))


def _embedding_of(voice: int, centroids: NDArray[np.float64]) -> tuple[float, ...]:
    """Empty for a voice that was only ever heard in too short or overlapping bits."""
    if voice >= len(centroids) or not np.isfinite(centroids[voice]).all():
        return ()
    return tuple(float(value) for value in centroids[voice])

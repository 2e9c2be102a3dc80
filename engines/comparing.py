"""Whose voice it is: vectors compared, scores made comparable, and a name only where it is clear.

A cosine means little by itself: short speech is less like its own speaker, and some voices are like everybody's. So
it is told in standard deviations above what strangers score (z-norm, Auckenthaler et al., 2000). What strangers score
comes from `voices.toml`, by the seconds of speech; where many people are known, from how like those the voice is, too.
No voice is shipped for that: the figures are all that is left of the ones that were measured.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Verdict = Literal["known", "unknown", "too little speech"]

_PRIOR = 40
"""So many people have to be known for what they score to weigh as much as the calibration."""

_A_HALF = 2
"""Pieces, at least."""

_SHARE = 0.15


@dataclass(frozen=True)
class Calibration:
    """What was measured of an embedding model; `bench/calibrate.py` measures it.

    Attributes:
        seconds: Lengths of speech that were measured, rising.
        mean: What a stranger scores on average with each, as a cosine; ``spread`` is the standard deviation.
        threshold: Standard deviations above strangers from which a voice is known.
        margin: The same above the next best person.
        shortest: Seconds of speech under which nobody is named.
        one_voice: The cosine between the two most different halves of some speech under which it is two people's.
        alike: The cosine from which two long stretches of speech are more likely one person's.
    """

    seconds: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    threshold: float
    margin: float
    shortest: float
    one_voice: float
    alike: float

    def strangers(self, seconds: float) -> tuple[float, float]:
        """Mean and standard deviation of what strangers score with so much speech."""
        return (
            float(np.interp(seconds, self.seconds, self.mean)),
            float(np.interp(seconds, self.seconds, self.spread)),
        )


@cache
def calibration(model: str) -> Calibration | None:
    """What is known of an embedding model by its identity; None where nobody has measured it."""
    table = tomllib.loads((Path(__file__).parent / "voices.toml").read_text(encoding="utf-8"))
    found = table.get(model)
    if found is None:
        return None
    read: dict[str, Any] = {
        name: tuple(found[name]) if isinstance(found[name], list) else found[name]
        for name in Calibration.__dataclass_fields__
    }
    return Calibration(**read)


@dataclass(frozen=True)
class Match:
    """How a voice was judged. Scores are standard deviations above strangers.

    Attributes:
        best: The most alike of those who are known; None where nobody is.
        name: The same where the verdict is that it is them.
        margin: How far the next best is behind; the score where there is none.
    """

    best: str | None
    second: str | None
    score: float
    margin: float
    verdict: Verdict

    @property
    def name(self) -> str | None:
        return self.best if self.verdict == "known" else None


def matches(
    voices: Vectors, seconds: Sequence[float], people: Sequence[str], known: Vectors, measured: Calibration
) -> list[Match]:
    """Who the voices of one recording are: each person at most one of them, and nobody by force.

    Args:
        voices: (voices, dim), of length 1.
        seconds: Of speech behind each.
        people: Whose each row of ``known`` is; one person may have several.
        known: (voiceprints, dim), of length 1, by the same model.
    """
    names = list(dict.fromkeys(people))
    if not names or not len(voices):
        return [Match(None, None, 0.0, 0.0, "unknown") for _ in seconds]
    scores = _normalized(_by_person(voices @ known.T, people, names), seconds, measured)
    given = _assigned(scores)
    return [
        _judged(row, length, names, person, measured)
        for row, length, person in zip(scores, seconds, given, strict=True)
    ]


def halves(pieces: Vectors) -> tuple[NDArray[np.bool_], float]:
    """Speech, in pieces of a few seconds, parted where it differs most.

    Args:
        pieces: (pieces, dim), of length 1.

    Returns:
        Which pieces are in the smaller half, and the cosine between the two; nobody and 1 where so few pieces differ
        from the rest that it may be a cough.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    nobody = np.zeros(len(pieces), dtype=bool)
    if len(pieces) < 2 * _A_HALF:
        return nobody, 1.0
    second = fcluster(linkage(pieces, "average", "cosine"), 2, "maxclust") == 2
    smaller = second if 2 * second.sum() <= len(pieces) else ~second
    if smaller.sum() < max(_A_HALF, _SHARE * len(pieces)):
        return nobody, 1.0
    one, other = pieces[smaller].mean(axis=0), pieces[~smaller].mean(axis=0)
    return smaller, float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def _by_person(cosines: Vectors, people: Sequence[str], names: Sequence[str]) -> Vectors:
    """(voices, people): the best of each person's voiceprints."""
    if len(names) == len(people):
        return cosines
    place = {name: number for number, name in enumerate(names)}
    owners = np.array([place[person] for person in people])
    order = np.argsort(owners, kind="stable")
    result: Vectors = np.maximum.reduceat(cosines[:, order], np.searchsorted(owners[order], range(len(names))), axis=1)
    return result


def _normalized(cosines: Vectors, seconds: Sequence[float], measured: Calibration) -> NDArray[np.float64]:
    """Standard deviations above strangers; the most alike person does not count as one."""
    calibrated = np.array([measured.strangers(length) for length in seconds])
    mean, spread = calibrated[:, :1], calibrated[:, 1:]
    row = cosines.astype(np.float64)
    best = row.max(axis=1, keepdims=True)
    total = _PRIOR + row.shape[1] - 1
    shifted = (_PRIOR * mean + row.sum(axis=1, keepdims=True) - best) / total
    squares = _PRIOR * (spread**2 + mean**2) + np.square(row).sum(axis=1, keepdims=True) - best**2
    deviation = np.sqrt(np.maximum(squares / total - shifted**2, 0.0))
    result: NDArray[np.float64] = (row - shifted) / np.maximum(deviation, spread / 2)
    return result


def _assigned(scores: NDArray[np.float64]) -> list[int | None]:
    """The person that each voice may be, so that all scores together are greatest (Kuhn, 1955, by scipy)."""
    from scipy.optimize import linear_sum_assignment

    # Of thousands, only those can be given to a voice who are among its best as many as there are voices.
    kept = np.unique(_best(scores, len(scores)))
    rows, columns = linear_sum_assignment(np.maximum(scores[:, kept], 0.0), maximize=True)
    given: list[int | None] = [None] * len(scores)
    for row, column in zip(rows, columns, strict=True):
        given[row] = int(kept[column])
    return given


def _best(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The columns of the highest scores of each row, in no order."""
    count = min(count, scores.shape[1])
    result: NDArray[np.int64] = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    return result


def _judged(
    scores: NDArray[np.float64], seconds: float, names: Sequence[str], given: int | None, measured: Calibration
) -> Match:
    order = sorted(_best(scores[None], 2)[0], key=lambda person: -scores[person])
    best = int(order[0])
    second = int(order[1]) if len(order) > 1 else None
    margin = float(scores[best] - (scores[second] if second is not None else 0.0))
    verdict: Verdict = "unknown"
    if seconds < measured.shortest:
        verdict = "too little speech"
    elif given == best and scores[best] >= measured.threshold and margin >= measured.margin:
        verdict = "known"
    return Match(names[best], names[second] if second is not None else None, float(scores[best]), margin, verdict)

"""Which voices of two diarizations of one recording are the same."""

from collections import Counter
from collections.abc import Sequence

from auricle.domain import Turn


def match(new: Sequence[Turn], old: Sequence[Turn]) -> dict[str, str]:
    """Pairs labels by the speech they share, the largest share first, each at most once.

    Args:
        new: Exclusive turns (no two at the same time).
        old: The same, of the other diarization.

    Returns:
        The old label for each new one that shares any speech with a free one.
    """
    shared: Counter[tuple[str, str]] = Counter()
    ours, theirs = (sorted(turns, key=lambda turn: turn.start) for turns in (new, old))
    i = j = 0
    while i < len(ours) and j < len(theirs):
        shared[ours[i].label, theirs[j].label] += ours[i].shared_with(theirs[j])
        if ours[i].end <= theirs[j].end:
            i += 1
        else:
            j += 1
    pairs: dict[str, str] = {}
    for (label, other), samples in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if samples and label not in pairs and other not in pairs.values():
            pairs[label] = other
    return pairs

"""The worker's part of knowing voices: the vector of each, computed once and kept as a take."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from auricle.domain import Recording, Span, Take
from auricle.times import SAMPLE_RATE
from library import Library
from tools.context import Context
from tools.work import Work

_PAUSE = SAMPLE_RATE // 20
"""Between two stretches that are embedded as one."""


def embed(context: Context, args: dict[str, Any], work: Work) -> dict[str, Any]:
    """Computes the vectors of some voices of a recording.

    Args:
        args: ``recording`` (id), ``voices``: for each the stretches [start, end] in samples.

    Returns:
        ``takes``: the id of each one's take; its blob is the vector, float32.
    """
    library, embedder = context.library, context.engines.embedder()
    recording = library.recordings.get(args["recording"])
    takes: list[str] = []
    for number, spans in enumerate(_spans(args)):
        take = _known(library, recording, embedder.identity, spans)
        if take is None:
            work.report(number, len(args["voices"]), "listening to how voices sound")
            work.check_cancelled()
            sound = [library.recordings.read(recording, span) for span in spans]
            quiet = np.zeros(_PAUSE, dtype=np.float32)
            parts = [part for each in sound for part in (each, quiet)][:-1]
            vector = embedder.embed(np.concatenate(parts)) if parts else embedder.embed(quiet[:0])
            blob = vector.astype(np.float32).tobytes()
            take = library.takes.add(
                recording.id, "embedding", embedder.identity, _params(spans), _around(spans), blob=blob
            )
            work.between_pieces()
        takes.append(take.id)
    return {"takes": takes}


def recall(context: Context, args: dict[str, Any]) -> dict[str, Any] | None:
    """What ``embed`` would return, if it has been done; needs no weights."""
    recording = context.library.recordings.get(args["recording"])
    model = context.engines.embedder().identity
    found = [_known(context.library, recording, model, spans) for spans in _spans(args)]
    return {"takes": [take.id for take in found if take]} if all(found) else None


def _spans(args: dict[str, Any]) -> list[list[Span]]:
    return [[Span(start=start, end=end) for start, end in voice] for voice in args["voices"]]


def _params(spans: Sequence[Span]) -> dict[str, str]:
    return {"spans": json.dumps([[span.start, span.end] for span in spans])}


def _around(spans: Sequence[Span]) -> Span:
    return Span(start=spans[0].start, end=spans[-1].end) if spans else Span(start=0, end=0)


def _known(library: Library, recording: Recording, model: str, spans: Sequence[Span]) -> Take | None:
    return next(iter(library.takes.find(recording.id, "embedding", model, _params(spans))), None)

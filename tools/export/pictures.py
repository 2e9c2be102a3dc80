"""Pictures of a talk by matplotlib: who speaks when, how long, and who takes the word after whom."""

import io
import warnings
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from auricle.errors import BadArgument
from auricle.times import clock, to_seconds
from tools.export.source import Export, Source
from tools.export.text import plain, printable
from tools.passages import turns
from tools.spans import union
from tools.statistics import overlaps, statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6b6b6b", "#7a5c00")
"""Okabe and Ito's, as the page has them: colour-blind people tell them apart."""

_INK, _QUIET = "#1a1a1a", "#595959"
_LONGEST_NAME = 24


def png(source: Source) -> Export:
    """Raises BadArgument where voices have not been told apart."""
    return _picture(source, "png")


def svg(source: Source) -> Export:
    """Raises BadArgument where voices have not been told apart."""
    return _picture(source, "svg")


def turn_taking(source: Source, speakers: Sequence[str]) -> list[list[int]]:
    """How often somebody (column) takes the word right after somebody else (row)."""
    order = [turn[0].speaker for turn in turns(source.utterances) if turn[0].speaker in speakers]
    counted = Counter(pair for pair in pairwise(order) if pair[0] != pair[1])
    return [[counted[before, after] for after in speakers] for before in speakers]


def _picture(source: Source, kind: str) -> Export:
    import matplotlib
    from matplotlib.figure import Figure

    if not source.transcript.diarized:
        raise BadArgument("A picture shows who speaks when, and voices are not told apart yet: call diarize first.")
    speakers = statistics(source.transcript, source.span, None).speakers
    names = [_short(speaker.speaker) for speaker in speakers]
    ids = [speaker.id for speaker in speakers]
    fixed: Any = {"svg.fonttype": "none", "svg.hashsalt": "auricle", "text.parse_math": False, "font.size": 9}
    with matplotlib.rc_context(fixed), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # scripts that the font does not have; an SVG keeps them
        figure = Figure(figsize=(10, 3.6 + 0.45 * len(ids)), layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=[1.2 + 0.4 * len(ids), 2.4])
        figure.suptitle(printable(source.title))
        _timeline(figure.add_subplot(grid[0, :]), source, ids, names)
        _talk_time(figure.add_subplot(grid[1, 0]), [speaker.seconds for speaker in speakers], names)
        _turns(figure.add_subplot(grid[1, 1]), turn_taking(source, ids), names)
        out = io.BytesIO()
        about = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, dpi=150, metadata=about)
    return Export(plain(source).text, data=out.getvalue())


def _timeline(axes: "Axes", source: Source, ids: Sequence[str], names: Sequence[str]) -> None:
    for row, speaker in enumerate(ids):
        mine = union(turn for turn in source.turns if turn.label == speaker)
        bars = [(to_seconds(span.start), to_seconds(span.length)) for span in mine]
        axes.broken_barh(bars, (row - 0.4, 0.8), facecolors=COLOURS[row % len(COLOURS)])
    both = [(to_seconds(span.start), to_seconds(span.length)) for span in overlaps(source.turns)]
    axes.broken_barh(both, (len(ids) - 0.3, 0.3), facecolors=_INK)
    axes.set_yticks([*range(len(ids)), len(ids) - 0.15], [*names, "at once"])
    axes.set_ylim(len(ids) + 0.2, -0.6)
    axes.set_xlim(to_seconds(source.span.start), to_seconds(source.span.end))
    axes.xaxis.set_major_formatter(lambda seconds, _: clock(max(0.0, seconds)))
    _plain(axes, "Who speaks when")


def _talk_time(axes: "Axes", seconds: Sequence[float], names: Sequence[str]) -> None:
    bars = axes.barh(range(len(names)), seconds, color=[COLOURS[row % len(COLOURS)] for row in range(len(names))])
    axes.bar_label(bars, [clock(each) for each in seconds], padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.2 * max(seconds, default=1) or 1)
    axes.set_xticks([])
    _plain(axes, "How long each speaks")


def _turns(axes: "Axes", counted: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    most = max((number for row in counted for number in row), default=0)
    if names:
        axes.imshow(counted, cmap="Blues", vmin=0, vmax=max(1, most) * 1.3, aspect="auto")
    for row, numbers in enumerate(counted):
        for column, number in enumerate(numbers):
            if row != column:
                colour = "white" if number > 0.75 * most else _INK
                axes.text(column, row, str(number), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names, rotation=20 if len(names) > 3 else 0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylabel("after", color=_QUIET)
    _plain(axes, "Who takes the word, after whom")


def _plain(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", color=_QUIET, fontsize=9)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _short(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"

"""What people decided of who speaks, put over what was heard: merges and reassignments, in the order they were made."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from auricle.domain import Edit, Span, Turn, Word
from tools.spans import union, without

Voice = tuple[str | None, bool]
"""The speaker of a word (an id), and whether another speaks too."""


def corrected(
    turns: Sequence[Turn], words: Sequence[Word], voices: Sequence[Voice], edits: Iterable[Edit]
) -> tuple[list[Turn], list[Voice]]:
    """Turns and the voices of words as they are after the edits; ``label`` of a turn is a speaker's id.

    A range is given to somebody whatever is heard there later: where the voice it was taken from is not heard any more,
    because voices were told apart anew, it is taken from whoever is.
    """
    turns, voices = list(turns), list(voices)
    for edit in edits:
        if edit.kind == "merge" and edit.other is not None:
            turns = [_given(turn, edit.other) if turn.label == edit.speaker else turn for turn in turns]
            voices = [(edit.other if voice == edit.speaker else voice, both) for voice, both in voices]
        elif edit.kind == "assign" and edit.start is not None and edit.end is not None:
            span = Span(start=edit.start, end=edit.end)
            inside = [span.start <= (word.start + word.end) // 2 < span.end for word in words]
            there = {turn.label for turn in turns if turn.shared_with(span)}
            there |= {voice for (voice, _), here in zip(voices, inside, strict=True) if here and voice}
            source = edit.other if edit.other in there else None
            turns = _reassigned(turns, span, source, edit.speaker)
            if not any(turn.label == edit.speaker and turn.shared_with(span) for turn in turns):
                # Words where nobody was heard to speak: now somebody is.
                turns += [_given(said, edit.speaker) for said in _around(words, inside)]
            voices = [
                (edit.speaker, both) if here and source in (None, voice) else (voice, both)
                for (voice, both), here in zip(voices, inside, strict=True)
            ]
        else:
            continue
        turns = _joined(turns)
    return turns, voices


def _reassigned(turns: Sequence[Turn], span: Span, source: str | None, speaker: str) -> list[Turn]:
    result: list[Turn] = []
    for turn in turns:
        if not turn.shared_with(span) or source not in (None, turn.label):
            result.append(turn)
            continue
        result += [Turn(start=part.start, end=part.end, label=turn.label) for part in without(turn, [span])]
        result.append(Turn(start=max(turn.start, span.start), end=min(turn.end, span.end), label=speaker))
    return result


def _joined(turns: Iterable[Turn]) -> list[Turn]:
    """Turns of one voice that touch or overlap made one: nobody speaks over themselves."""
    by_voice = groupby(sorted(turns, key=lambda turn: turn.label), key=lambda turn: turn.label)
    return [Turn(start=span.start, end=span.end, label=label) for label, its in by_voice for span in union(list(its))]


def _around(words: Sequence[Word], inside: Sequence[bool]) -> list[Turn]:
    spoken = [word for word, here in zip(words, inside, strict=True) if here]
    return [Turn(start=spoken[0].start, end=max(word.end for word in spoken), label="")] if spoken else []


def _given(turn: Turn, speaker: str) -> Turn:
    return turn.model_copy(update={"label": speaker})

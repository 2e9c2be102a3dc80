"""Questions and answers. Which turn is which is decided by rule, so that no word is lost or retyped."""

import re

from auricle.times import SAMPLE_RATE
from tools.export.source import Export, Source
from tools.export.text import at, escaped, lines_of, marks
from tools.passages import merge, turns
from tools.views import Utterance

_QUESTION = re.compile(r"[?？؟]")
_PARAGRAPH = 600


def questions_and_answers(source: Source) -> Export:
    """Each turn with a question opens a block; what other voices say before the next one answers it."""
    if source.transcript.diarized:
        parts, note = turns(source.utterances), ""
    else:
        parts = [[line] for line in lines_of(source)]
        note = "Voices are not told apart, so nobody is named: call diarize, then export again."
    blocks = [f"# {escaped(source.title)}"]
    asking: Utterance | None = None
    if any(map(_asks, parts)):
        if not _asks(parts[0]):
            blocks.append("**Opening**")
    else:
        note = note or "No questions are asked here, so this is the dialogue as it was said."
    for part in parts:
        if _asks(part):
            asking = part[0]
            blocks += ["---"] if len(blocks) > 1 else []
            blocks.append(_turn(source, part, "Q"))
        else:
            answers = asking is not None and part[0].speaker != asking.speaker
            blocks.append(_turn(source, part, "A" if answers else ""))
    return Export("\n\n".join(blocks) + "\n", note)


def _asks(turn: list[Utterance]) -> bool:
    return any(_QUESTION.search(utterance.text) for utterance in turn)


def _turn(source: Source, turn: list[Utterance], part: str = "") -> str:
    voice = source.voice(turn[0].speaker)
    label = " — ".join(filter(None, (part, voice and escaped(voice))))
    heading = f"**{label} ({at(turn[0])}):**" if label else f"**({at(turn[0])})**"
    paragraphs = merge(turn, pause=2 * SAMPLE_RATE, characters=_PARAGRAPH)
    return f"{heading} " + "\n\n".join(f"{escaped(line.text)}{marks(line)}" for line in paragraphs)

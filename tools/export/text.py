"""Transcripts to read: plain text and Markdown. Lines are ``[m:ss] Name: text``."""

import re
import unicodedata

from auricle.times import SAMPLE_RATE, clock, to_seconds
from tools.export.source import Export, Source
from tools.passages import merge
from tools.views import Utterance

PAUSE = SAMPLE_RATE
CHARACTERS = 300

_MARKDOWN = re.compile(r"([\\`*_<>|\[\]])")
LEGEND = "[overlap]: two voices at once. [?]: may not have been said like this."


def plain(source: Source) -> Export:
    """Plain text."""
    lines = []
    for line in lines_of(source):
        voice = source.voice(line.speaker)
        lines.append(f"[{at(line)}] {f'{voice}: ' if voice else ''}{one_line(line.text)}{marks(line)}\n")
    return Export("".join(lines))


def markdown(source: Source) -> Export:
    """Markdown with a heading."""
    lines = lines_of(source)
    blocks = [f"# {escaped(source.title)}", *(_block(source, line) for line in lines)]
    if any(marks(line) for line in lines):
        blocks.append(f"*{LEGEND}*")
    return Export("\n\n".join(blocks) + "\n")


def lines_of(source: Source) -> list[Utterance]:
    return merge(source.utterances, pause=PAUSE, characters=CHARACTERS)


def at(line: Utterance) -> str:
    return clock(to_seconds(line.start))


def one_line(text: str) -> str:
    return " ".join(text.split())


def printable(text: str) -> str:
    """One line without the characters that XML does not allow."""
    kept = (char for char in one_line(text) if unicodedata.category(char) not in ("Cc", "Cs"))
    return "".join(kept).replace("\ufffe", "").replace("\uffff", "")


def spoken(source: Source, line: Utterance) -> str:
    """What is said, after the name of who says it, in one line."""
    voice = source.voice(line.speaker)
    return printable(f"{voice}: {line.text}" if voice else line.text)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: nothing said in a recording becomes a link, a tag or emphasis."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))


def marks(line: Utterance) -> str:
    """Light signs of overlap and of doubt."""
    return (" [overlap]" if line.overlap else "") + (" [?]" if line.doubts else "")


def _block(source: Source, line: Utterance) -> str:
    voice = source.voice(line.speaker)
    label = f"**\\[{at(line)}\\] {escaped(voice)}:**" if voice else f"**\\[{at(line)}\\]**"
    return f"{label} {escaped(line.text)}{marks(line)}"

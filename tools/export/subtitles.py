"""Subtitles: SubRip and WebVTT by pysubs2, and TTML."""

import html
from collections.abc import Callable
from xml.etree import ElementTree

import pysubs2

from tools.export.cues import Cue, cues, too_fast
from tools.export.source import Export, Source
from tools.export.text import printable

_TT = "http://www.w3.org/ns/ttml"
_NAMESPACES = {"": _TT, "ttm": f"{_TT}#metadata", "ttp": f"{_TT}#parameter", "tts": f"{_TT}#styling"}


def srt(source: Source) -> Export:
    """SubRip. The voice is written where it changes; signs that players take for tags are replaced."""
    return _by_pysubs2("srt", cues(source, named=True), lambda cue: "\\N".join(map(_plain, cue.lines)))


def vtt(source: Source) -> Export:
    """WebVTT, with a voice tag on every cue."""

    def shown(cue: Cue) -> str:
        voice = f"<v {_escaped(cue.voice)}>" if cue.voice else ""
        return voice + "\\N".join(map(_escaped, cue.lines))

    return _by_pysubs2("vtt", cues(source, named=False), shown)


def ttml(source: Source) -> Export:
    """TTML 1 in the shape of IMSC's text profile: every voice is an agent, and each cue names its own."""
    found = cues(source, named=False)
    for prefix, uri in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, uri)
    root = ElementTree.Element(
        _name("tt"),
        {
            "xml:lang": source.transcript.language or "",
            _name("ttp:timeBase"): "media",
            _name("ttp:profile"): f"{_TT}/profile/imsc1/text",
        },
    )
    head = ElementTree.SubElement(root, _name("head"))
    about = ElementTree.SubElement(head, _name("metadata"))
    ElementTree.SubElement(about, _name("ttm:title")).text = printable(source.title)
    voices = dict.fromkeys(cue.voice for cue in found if cue.voice)
    agents = {voice: f"voice{number}" for number, voice in enumerate(voices, 1)}
    for voice, agent in agents.items():
        made = ElementTree.SubElement(about, _name("ttm:agent"), {"xml:id": agent, "type": "person"})
        ElementTree.SubElement(made, _name("ttm:name"), {"type": "full"}).text = printable(voice)
    _bottom(head)
    paragraphs = ElementTree.SubElement(ElementTree.SubElement(root, _name("body"), {"region": "bottom"}), _name("div"))
    for cue in found:
        whose = {_name("ttm:agent"): agents[cue.voice]} if cue.voice else {}
        times = {"begin": _clock(cue.start), "end": _clock(cue.end)}
        paragraph = ElementTree.SubElement(paragraphs, _name("p"), {**times, **whose})
        paragraph.text = cue.lines[0]
        for line in cue.lines[1:]:
            ElementTree.SubElement(paragraph, _name("br")).tail = line
    text = ElementTree.tostring(root, encoding="unicode")
    return Export(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', too_fast(found))


def _bottom(head: ElementTree.Element) -> None:
    """Where cues stand: the lower tenth, in the middle."""
    layout = ElementTree.SubElement(head, _name("layout"))
    place = {"tts:origin": "10% 80%", "tts:extent": "80% 15%", "tts:displayAlign": "after", "tts:textAlign": "center"}
    ElementTree.SubElement(
        layout, _name("region"), {"xml:id": "bottom", **{_name(key): value for key, value in place.items()}}
    )


def _by_pysubs2(kind: str, found: list[Cue], show: Callable[[Cue], str]) -> Export:
    subtitles = pysubs2.SSAFile()
    subtitles.events = [pysubs2.SSAEvent(start=cue.start, end=cue.end, text=show(cue)) for cue in found]
    return Export(str(subtitles.to_string(kind)), too_fast(found))


def _name(name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _clock(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _plain(text: str) -> str:
    """SubRip has no escapes: braces, angle brackets and backslashes become signs that look alike."""
    return text.translate(str.maketrans("{}<>\\", "()‹›/"))


def _escaped(text: str) -> str:
    return html.escape(text.translate(str.maketrans("{}\\", "()/")), quote=False)

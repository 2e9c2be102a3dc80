"""Every format is read back by a parser that somebody else wrote: no word is lost, and times are within 10 ms."""

import html
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import docx
import meeteval
import opentimelineio
import pandas
import pysubs2
import pytest
import ttconv.imsc.reader
import ttconv.model
import webvtt
from praatio import textgrid
from pyannote.database.util import load_rttm

from auricle.domain import Span
from tests.test_tools_export import HOSTILE, letters, said, source
from tests.transcripts import CALL, NAMES, utterance
from tools.export import FORMATS, Source
from tools.export.cues import COLUMNS, READING, cues
from tools.export.text import lines_of
from tools.toolbox import TranscriptFormat

Row = tuple[float, float, str | None, str]
"""Start and end in seconds, voice, text."""

NEAR = 0.0101
CROWDED = [
    utterance("s_a", 1.0, "One two three four five six."),
    utterance("s_b", 1.5, 'Crossing "you" there.'),
    utterance("s_a", 1.9, "Again over myself."),
    utterance(None, 4.0, "Nobody &amp; nothing."),
]


def written(given: Source, kind: str, folder: Path) -> Path:
    path = folder / f"call{FORMATS[kind].suffix}"
    path.write_bytes(FORMATS[kind].write(given).content)
    return path


def in_seconds(shown: str) -> float:
    """webvtt-py's own numbers are whole seconds."""
    hours, minutes, seconds = shown.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def from_srt(path: Path) -> list[Row]:
    found: list[Row] = []
    voice: str | None = None
    for cue in webvtt.from_srt(path):
        name, _, text = cue.text.replace("\n", " ").rpartition(": ")
        voice = name or voice
        found.append((in_seconds(cue.start), in_seconds(cue.end), voice, text))
    return found


def from_vtt(path: Path) -> list[Row]:
    return [
        (in_seconds(cue.start), in_seconds(cue.end), cue.voice, html.unescape(cue.text)) for cue in webvtt.read(path)
    ]


def from_ttml(path: Path) -> list[Row]:
    tree = ET.parse(path)
    metadata = "{http://www.w3.org/ns/ttml#metadata}"
    names = {
        agent.get("{http://www.w3.org/XML/1998/namespace}id"): agent[0].text for agent in tree.iter(f"{metadata}agent")
    }
    agents = [cue.get(f"{metadata}agent") for cue in tree.iter("{http://www.w3.org/ns/ttml}p")]
    body = ttconv.imsc.reader.to_model(tree).get_body()  # reads it as the standard (IMSC) says
    shown = [part for part in body.dfs_iterator() if isinstance(part, ttconv.model.P)]
    return [
        (
            float(cue.get_begin()),
            float(cue.get_end()),
            names[agent] if agent else None,
            " ".join(part.get_text() for part in cue.dfs_iterator() if isinstance(part, ttconv.model.Text)),
        )
        for cue, agent in zip(shown, agents, strict=True)
    ]


def from_tsv(path: Path) -> list[Row]:
    table = pandas.read_csv(path, sep="\t", quoting=3, keep_default_na=False)
    return [tuple(row) for row in table.itertuples(index=False)]


def from_json(path: Path) -> list[Row]:
    return [
        (word["start"], word["end"], word["speaker"], word["text"])
        for segment in json.loads(path.read_text())["segments"]
        for word in segment["words"]
    ]


def from_ctm(path: Path) -> list[Row]:
    lines = meeteval.io.CTM.load(path).lines
    return [(float(line.begin_time), float(line.begin_time + line.duration), None, line.word) for line in lines]


def from_textgrid(path: Path) -> list[Row]:
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    names = [name for name in grid.tierNames if not name.endswith(" - words")]
    assert list(grid.tierNames) == [each for name in names for each in (name, f"{name} - words")]
    for name in names:
        lines, words = grid.getTier(name).entries, grid.getTier(f"{name} - words").entries
        said_in = ["".join(each.label for each in tier) for tier in (lines, words)]
        assert sorted(letters(said_in[0])) == sorted(letters(said_in[1]))
    rows = [
        (each.start, each.end, name, each.label) for name in names for each in grid.getTier(f"{name} - words").entries
    ]
    return sorted(rows, key=lambda row: row[0])


def from_audacity(path: Path) -> list[Row]:
    table = pandas.read_csv(path, sep="\t", header=None, quoting=3)
    return [(start, end, *split_name(text)) for start, end, text in table.itertuples(index=False)]


def from_edl(path: Path) -> list[Row]:
    timeline = opentimelineio.adapters.read_from_file(str(path), rate=60)
    found: list[Row] = []
    at = 0.0
    for clip in timeline.find_clips():
        placed = clip.range_in_parent()
        assert placed.start_time.to_seconds() == pytest.approx(at)
        at += placed.duration.to_seconds()
        times = clip.source_range
        (comment,) = [text for text in clip.metadata["cmx_3600"]["comments"] if text.startswith("COMMENT: ")]
        assert clip.name == "call.wav"
        found.append((times.start_time.to_seconds(), times.end_time_exclusive().to_seconds(), *split_name(comment[9:])))
    return found


def from_otio(path: Path) -> list[Row]:
    timeline = opentimelineio.adapters.read_from_file(str(path))
    found: list[Row] = []
    for track in timeline.audio_tracks():
        for clip in track.find_clips():
            assert clip.media_reference.target_url == "call.wav"
            assert clip.range_in_parent().start_time == clip.source_range.start_time  # in its own place
            voice, text = split_name(clip.name)
            assert voice in (track.name, None)
            start, end = clip.source_range.start_time, clip.source_range.end_time_exclusive()
            found.append((start.to_seconds(), end.to_seconds(), track.name, text))
    return sorted(found, key=lambda row: row[0])


def from_docx(path: Path) -> list[Row]:
    document = docx.Document(str(path))
    found: list[Row] = []
    for paragraph in document.paragraphs:
        runs = [run.text for run in paragraph.runs]
        place = next((place for place, text in enumerate(runs) if text.startswith("[0:")), None)
        if place is None:
            continue
        minutes, _, seconds = runs[place].strip(" []").partition(":")
        voice = runs[0].strip() if place else None
        start = int(minutes) * 60 + float(seconds)
        found.append((start, start, voice, runs[place + 1]))
    return found


def split_name(text: str) -> tuple[str | None, str]:
    name, _, words = text.partition(": ")
    return (name, words) if words else (None, text)


READERS: dict[str, Callable[[Path], list[Any]]] = {
    "srt": from_srt,
    "vtt": from_vtt,
    "ttml": from_ttml,
    "tsv": from_tsv,
    "json": from_json,
    "ctm": from_ctm,
    "textgrid": from_textgrid,
    "audacity": from_audacity,
    "edl": from_edl,
    "otio": from_otio,
    "docx": from_docx,
}
BY_WORD = {"json", "ctm", "textgrid"}
BY_CUE = {"srt", "vtt", "ttml"}


def call(given: list[Any], **more: Any) -> Source:
    made = source(given, **more)
    return Source(made.title, made.transcript, made.span, media="call.wav")


def starts_and_ends(given: Source, kind: str) -> list[tuple[float, float]]:
    """What was really said when, in seconds, as a format cuts it."""
    if kind in BY_WORD:
        parts: list[Span] = [word for part in given.utterances for word in part.words]
    elif kind == "tsv":
        parts = list(given.utterances)
    else:
        parts = list(lines_of(given))
    return sorted((part.start / 16000, part.end / 16000) for part in parts)


@pytest.mark.parametrize("kind", READERS)
def test_words_voices_and_times_come_back(kind: str, tmp_path: Path) -> None:
    given = call(CALL, names=NAMES)
    rows = READERS[kind](written(given, kind, tmp_path))
    assert letters("".join(text for *_, text in rows)) == said(given.transcript)
    if kind != "ctm":
        assert {voice for _, _, voice, _ in rows} == {"Diane", "Sheila"}
    if kind in BY_CUE:
        words = {word.start / 16000 for part in given.utterances for word in part.words}
        assert all(min(abs(start - word) for word in words) <= NEAR for start, *_ in rows)
        return
    real = starts_and_ends(given, kind)
    assert len(rows) == len(real)
    for (start, end, *_), (first, last) in zip(rows, real, strict=True):
        assert start == pytest.approx(first, abs=NEAR)
        if kind != "docx":
            assert end == pytest.approx(last, abs=NEAR)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("lines", [HOSTILE, CROWDED], ids=["markup", "overlap"])
def test_no_word_is_lost_in_what_is_hard_to_write(kind: str, lines: list[Any], tmp_path: Path) -> None:
    given = call(lines)
    rows = READERS[kind](written(given, kind, tmp_path))
    words = " ".join(text for *_, text in rows)
    # Where voices have rows of their own, the same words come in another order.
    assert sorted(letters(words.replace("&amp;", "amp"))) == sorted(said(given.transcript))


@pytest.mark.parametrize("kind", READERS)
def test_without_voices_nobody_is_named(kind: str, tmp_path: Path) -> None:
    given = call(CALL, diarized=False)
    rows = READERS[kind](written(given, kind, tmp_path))
    assert letters("".join(text for *_, text in rows)) == said(given.transcript)
    assert not {voice for _, _, voice, _ in rows} & {"Diane", "Speaker 1"}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_transcript_without_a_word_is_a_file_as_well(kind: str, tmp_path: Path) -> None:
    path = written(call([]), kind, tmp_path) if kind != "rttm" else written(call(CALL), kind, tmp_path)
    assert path.exists()
    if kind in READERS and kind not in ("audacity", "edl", "vtt", "srt"):
        assert READERS[kind](path) == []


def test_rttm_comes_back_turn_by_turn(tmp_path: Path) -> None:
    given = call(CALL, names=NAMES)
    (turns,) = load_rttm(written(given, "rttm", tmp_path)).values()
    found = [(segment.start, segment.end, label) for segment, _, label in turns.itertracks(yield_label=True)]
    expected = [(turn.start / 16000, turn.end / 16000, given.voice(turn.label)) for turn in given.turns]
    assert [label for *_, label in found] == [label for *_, label in expected]
    for (start, end, _), (first, last, _) in zip(found, expected, strict=True):
        assert (start, end) == pytest.approx((first, last), abs=NEAR)


def test_a_document_says_who_spoke_how_long_and_has_headings_for_long_recordings(tmp_path: Path) -> None:
    long = [("s_a", 1.0, "Hello there."), ("s_b", 700.0, "Ten minutes later.")]
    given = call(long, names=NAMES, seconds=800.0)
    document = docx.Document(io.BytesIO(FORMATS["docx"].write(given).content))
    (table,) = document.tables
    assert [cell.text for cell in table.rows[1].cells] == ["Diane", "0:00", "40%", "1", "2"]
    headings = [part.text for part in document.paragraphs if part.style and part.style.name.startswith("Heading")]
    assert headings == ["Who speaks", "Transcript", "0:00", "10:00"]
    assert document.core_properties.title == "call"


def test_characters_that_no_xml_allows_do_not_break_a_file(tmp_path: Path) -> None:
    given = call([("s_a", 1.0, "bell\x07 and\x00 half \ud800 \uffff gone")])
    for kind in ("docx", "ttml"):
        assert letters(READERS[kind](written(given, kind, tmp_path))[0][3]) == "bellandhalfgone"


def test_praats_tiers_have_every_moment_once_even_where_one_voice_speaks_over_itself(tmp_path: Path) -> None:
    grid = textgrid.openTextgrid(
        str(written(call(CROWDED), "textgrid", tmp_path)), includeEmptyIntervals=True, reportingMode="error"
    )
    for tier in grid.tiers:
        assert tier.entries[0].start == 0
        assert tier.entries[-1].end == 60
        assert all(one.end == next_.start for one, next_ in zip(tier.entries, tier.entries[1:], strict=False))


SPEECH = (
    "We have to decide about the budget today, because the board meets on Friday. Otherwise we lose the offer. "
    "I think that it is fair, and Bob agrees with me as far as I know. Shall we vote? "
) * 3


def test_subtitles_keep_to_two_lines_of_42_columns_and_end_where_sentences_do() -> None:
    found = cues(call([utterance("s_a", 1, SPEECH)]), named=True)
    assert len(found) > 6
    assert all(len(cue.lines) <= 2 and max(map(len, cue.lines)) <= COLUMNS for cue in found)
    assert all(cue.end - cue.start <= 7000 for cue in found)
    ended = [cue for cue in found if cue.lines[-1].endswith((".", "?", ","))]
    assert len(ended) > len(found) * 0.7


def test_a_cue_stays_until_it_can_be_read_where_there_is_room() -> None:
    quick = utterance("s_a", 1, "Every word of this was said in a hurry.")
    (cue,) = cues(call([quick]), named=False)
    assert cue.start == 1000
    assert cue.speed <= READING
    first, second = cues(call([quick, ("s_b", 3.0, "Not so.")]), named=False)
    assert first.end == second.start == 3000


def test_what_is_said_faster_than_one_reads_is_told() -> None:
    hurry = [
        utterance("s_a", 1 + place * 1.8, "Unbelievably many extraordinarily long words, incomprehensibly.")
        for place in range(3)
    ]
    export = FORMATS["srt"].write(call(hurry))
    assert "over 20 characters a second" in export.note


def test_a_change_of_voice_begins_a_cue_and_names_it_once() -> None:
    text = FORMATS["srt"].write(call([("s_a", 1, "One."), ("s_a", 1.5, "Two."), ("s_b", 2, "Three.")])).text
    assert text.count("Speaker 1:") == text.count("Speaker 2:") == 1
    assert len(pysubs2.SSAFile.from_string(text, format_="srt")) == 2


def test_chinese_is_broken_between_words_and_counts_double() -> None:
    words = utterance(
        "s_a", 1, "我们 今天 必须 决定 预算 因为 董事会 星期五 开会 否则 我们 就 失去 这个 机会 了 大家 同意 吗"
    )
    bare = words.model_copy(update={"words": tuple(w.model_copy(update={"text": w.text.strip()}) for w in words.words)})
    found = cues(call([bare]), named=False)
    assert max(len(line) for cue in found for line in cue.lines) <= COLUMNS // 2
    assert "".join(line for cue in found for line in cue.lines) == "".join(word.text for word in bare.words)


def test_the_tool_and_the_writers_know_the_same_formats() -> None:
    assert set(get_args(TranscriptFormat)) == set(FORMATS)

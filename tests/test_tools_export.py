import json
import re
from pathlib import Path

import pysubs2
import pytest

from auricle.domain import Span
from auricle.errors import BadArgument, WorkError
from auricle.times import to_samples
from tests.transcripts import CALL, NAMES, transcript, utterance
from tools.export import FORMATS, Source
from tools.paths import clean_name, output_path, write_file
from tools.views import Transcript, Utterance

HOSTILE = [
    ("s_a", 1.0, "Ignore {this} <b>bold</b> <script>alert(1)</script> and a\\Nb -->"),
    (
        "s_b",
        5.0,
        "# heading | *stars* _under_ [link](http://x) `code` the year was in fact the best of years 1999 2000",
    ),
    (None, 12.0, "Nobody's words & more"),
]


def source(said: list, names: dict[str, str] | None = None, span: Span | None = None, **more: object) -> Source:
    view = transcript(said, names, **more)
    return Source("call", view, span or Span(start=0, end=view.duration))


def letters(text: str) -> str:
    """What is left of a text when only letters and digits count."""
    return "".join(char for char in text.lower() if char.isalnum())


def said(view: Transcript | list) -> str:
    utterances = view.utterances if isinstance(view, Transcript) else view
    return letters("".join(item.text for item in utterances))


def words_of(kind: str, text: str) -> str:
    """The spoken words of an export, without names, times and marks."""
    if kind == "json":
        return letters("".join(word["text"] for part in json.loads(text)["segments"] for word in part["words"]))
    if kind == "tsv":
        return letters("".join(row.split("\t")[3] for row in text.splitlines()[1:]))
    if kind in ("srt", "vtt"):
        cues = pysubs2.SSAFile.from_string(text, format_=kind)
        plain = "\n".join(cue.text.replace("\\N", " ") for cue in cues)
        return letters(re.sub(r"^(Diane|Sheila|Speaker \d|\(unknown voice\)): |&\w+;", "", plain, flags=re.M))
    if kind == "txt":
        return letters(
            re.sub(r"^\[[\d:]+\] (?:(?:Diane|Sheila|Speaker \d|\(unknown voice\)): )?", "", text, flags=re.M)
        )
    body = re.sub(r"^\*\*.*?(?::\*\*|\)\*\*|\]\*\*|g\*\*)|^# call$|^\*\\?\[overlap.*$|^\*Two.*$", "", text, flags=re.M)
    return letters(body)


@pytest.mark.parametrize("kind", ["txt", "md", "qa", "srt", "vtt", "json", "tsv"])
def test_no_format_to_read_loses_a_word(kind: str) -> None:
    for voices in (True, False):
        given = source(CALL, NAMES, diarized=voices)
        assert words_of(kind, FORMATS[kind].write(given).text) == said(given.transcript)


@pytest.mark.parametrize("kind", ["txt", "md", "qa", "srt", "json", "tsv"])
def test_what_looks_like_markup_is_kept_as_words(kind: str) -> None:
    given = source(HOSTILE)
    assert words_of(kind, FORMATS[kind].write(given).text) == said(given.transcript)


def test_vtt_escapes_what_looks_like_markup() -> None:
    text = FORMATS["vtt"].write(source(HOSTILE)).text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "words &amp; more" in text
    assert "<script>" not in text


def test_times_in_an_export_of_a_range_are_the_recordings() -> None:
    span = Span(start=to_samples(14), end=to_samples(21))
    text = FORMATS["txt"].write(source(CALL, NAMES, span)).text
    assert text.splitlines() == [
        "[0:14] Sheila: And I'm Sheila in Texas, originally from Chicago.",
        "[0:17] Diane: Oh, I'm originally from Chicago also. I'm in New Jersey now though.",
    ]


def test_plain_text_without_voices_has_no_names() -> None:
    assert FORMATS["txt"].write(source(CALL[:1], diarized=False)).text == "[0:06] Hello?\n"


def test_a_word_without_a_voice_says_so() -> None:
    assert "[0:12] (unknown voice): Nobody's" in FORMATS["txt"].write(source(HOSTILE)).text


def test_overlap_and_doubt_are_marked() -> None:
    given = source(
        [utterance("s_a", 1, "Yes yes.", overlap=True), utterance("s_b", 3, "Thanks.", doubts=("no speech",))]
    )
    assert FORMATS["txt"].write(given).text == "[0:01] Speaker 1: Yes yes. [overlap]\n[0:03] Speaker 2: Thanks. [?]\n"
    assert "[?]: may not have been said" in FORMATS["md"].write(given).text


def test_markdown_shows_hostile_text_as_it_is() -> None:
    text = FORMATS["md"].write(source(HOSTILE, {"s_a": "**Boss**"})).text
    assert r"\<script\>" in text
    assert r"\[link\](http" in text
    assert r"\*\*Boss\*\*:**" in text


def test_questions_and_answers_are_labelled_with_names_and_times() -> None:
    text = FORMATS["qa"].write(source(CALL[2:], NAMES)).text
    assert text.splitlines()[2] == "**Opening**"
    assert "**Diane (0:08):** Oh, hello." in text
    assert "**Q — Sheila (0:21):** Well, there isn't that much difference, so what can I say?" in text
    assert "**A — Diane (0:28):** Oh, I don't hear that in New Jersey now." in text


def test_the_asker_going_on_is_no_answer() -> None:
    said_ = [("s_a", 1, "Who?"), ("s_b", 2, "Me."), ("s_a", 3, "Fine."), ("s_b", 4, "Yes.")]
    labels = re.findall(r"\*\*(.+?) \(", FORMATS["qa"].write(source(said_)).text)
    assert labels == ["Q — Speaker 1", "A — Speaker 2", "Speaker 1", "A — Speaker 2"]


def test_qa_without_a_question_is_a_dialogue_and_says_so() -> None:
    export = FORMATS["qa"].write(source([("s_a", 1, "One."), ("s_b", 2, "Two.")]))
    assert "**Speaker 1 (0:01):** One." in export.text
    assert "Opening" not in export.text
    assert "No questions" in export.note


def test_qa_of_nothing_is_only_a_heading() -> None:
    assert FORMATS["qa"].write(source([])).text == "# call\n"


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_no_cue_is_shown_past_the_recordings_end(kind: str) -> None:
    text = FORMATS[kind].write(source([("s_a", 29.85, "Bye.")], seconds=30.0)).text
    (cue,) = pysubs2.SSAFile.from_string(text, format_=kind)
    assert (cue.start, cue.end) == (29_700, 30_000)


def test_vtt_names_the_voice_of_every_cue() -> None:
    text = FORMATS["vtt"].write(source(CALL, {"s_a": "A <b> & C"})).text
    assert text.startswith("WEBVTT")
    assert "<v A &lt;b&gt; &amp; C>Hello?" in text
    assert "<v Speaker 2>Hello?" in text


def test_json_has_segments_words_and_speakers() -> None:
    data = json.loads(FORMATS["json"].write(source(CALL, NAMES)).text)
    assert data["recording"] == "r_0000000000"
    assert (data["duration"], data["language"]) == (60.0, "en")
    first = data["segments"][0]
    assert (first["start"], first["text"], first["speaker"]) == (6.7, "Hello?", "Diane")
    assert first["words"][0] | {"overlap": False} == {
        "start": 6.7, "end": 6.88, "text": "Hello?", "probability": 0.9, "speaker": "Diane", "overlap": False,
    }  # fmt: skip
    assert [item["name"] for item in data["speakers"]] == ["Diane", "Sheila"]


def test_rttm_lists_the_turns_of_the_range_with_one_word_names() -> None:
    span = Span(start=0, end=to_samples(8))
    text = FORMATS["rttm"].write(source(CALL, {"s_a": "Anna Lee", "s_b": "Anna_Lee"}, span)).text
    assert text.splitlines() == [
        "SPEAKER call 1 6.700 0.180 <NA> <NA> Anna_Lee <NA> <NA>",
        "SPEAKER call 1 7.600 0.180 <NA> <NA> Anna_Lee_ <NA> <NA>",
    ]


def test_rttm_before_diarization_says_what_to_do() -> None:
    with pytest.raises(BadArgument, match="call diarize first"):
        FORMATS["rttm"].write(source(CALL, diarized=False))


def test_tsv_has_one_row_an_utterance() -> None:
    rows = FORMATS["tsv"].write(source(CALL, NAMES)).text.splitlines()
    assert rows[1] == "6.700\t6.880\tDiane\tHello?"
    assert all(row.count("\t") == 3 for row in rows)


def test_a_chinese_line_gets_no_spaces_between_utterances() -> None:
    lines: list[Utterance] = []
    for place, text in enumerate(["你好。", "再见。"]):
        item = utterance("s_a", place * 0.5, text)
        word = item.words[0].model_copy(update={"text": text})
        lines.append(item.model_copy(update={"words": (word,)}))
    assert FORMATS["txt"].write(source(lines)).text == "[0:00] Speaker 1: 你好。再见。\n"


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\x00b\n\x1b[31mc", "ab[31mc"),
        ("  ..hidden ", "hidden"),
        ("\u202egpj.exe", "gpj.exe"),
        ("", "recording"),
        ("...", "recording"),
        ("Zoë & Jürgen", "Zoë & Jürgen"),
    ],
)
def test_hostile_names_become_plain_stems(given: str, cleaned: str) -> None:
    assert clean_name(given) == cleaned


def test_a_long_name_is_cut_without_breaking_a_letter() -> None:
    assert len(clean_name("é" * 500).encode()) <= 120


def test_a_default_path_never_writes_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "call.md").write_text("mine")
    (tmp_path / "call (2).md").symlink_to("nowhere")
    assert output_path(None, "call", ".md") == tmp_path / "call (3).md"


def test_a_path_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    recording = tmp_path / "call.wav"
    recording.write_bytes(b"audio")
    for path in (str(tmp_path), str(tmp_path / "no" / "x.md"), "", "a\0b", str(recording)):
        with pytest.raises(BadArgument):
            output_path(path, "call", ".md", keep=recording)


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "x.md"
    target.write_text("old")
    write_file(target, b"new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="cannot be written"):
        write_file(tmp_path / "gone" / "x.md", b"new")


def test_one_overlapped_word_at_the_edge_of_a_line_is_no_mark() -> None:
    line = utterance("s_a", 1, "one two three four five")
    words = (line.words[0].model_copy(update={"overlap": True}), *line.words[1:])
    text = FORMATS["txt"].write(source([line.model_copy(update={"words": words})])).text
    assert text == "[0:01] Speaker 1: one two three four five\n"

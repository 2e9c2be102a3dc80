import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel

from auricle.errors import BadArgument, Cancelled, NotConfirmed, NotFound
from auricle.settings import Settings
from tests.fakes import FakeDiarizer, FakeRecognizer, fake_engines, tone
from tools.catalog import catalog
from tools.languages import LANGUAGES, language_code
from tools.results import Line, Result
from tools.spec import mark_of
from tools.toolbox import Toolbox
from tools.work import Quiet

ROOT = Path(__file__).parent.parent


class Yes(Quiet):
    def confirm(self, question: str) -> bool:
        return True


@pytest.fixture
def recognizer() -> FakeRecognizer:
    return FakeRecognizer()


@pytest.fixture
def diarizer() -> FakeDiarizer:
    return FakeDiarizer()


@pytest.fixture
def toolbox(
    settings: Settings,
    recognizer: FakeRecognizer,
    diarizer: FakeDiarizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Toolbox:
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Toolbox(settings, engines=fake_engines(recognizer, diarizer))


@pytest.fixture
def call(toolbox: Toolbox, tmp_path: Path) -> str:
    """A recording of 20 s, nothing of it heard yet."""
    return toolbox.add_recording(str(tone(tmp_path / "call.wav", 20))).id


@pytest.fixture
def heard(toolbox: Toolbox, call: str) -> str:
    """The same, transcribed and diarized into two voices that take turns."""
    toolbox.transcribe(call)
    toolbox.diarize(call)
    return call


def pages(toolbox: Toolbox, recording: str, **given: object) -> list[list[Line]]:
    found = []
    cursor = None
    while True:
        page = toolbox.read_transcript(recording, cursor=cursor, **given)  # type: ignore[arg-type]
        found.append(page.lines)
        cursor = page.cursor
        if cursor is None:
            return found


def test_a_file_added_twice_is_one_recording(toolbox: Toolbox, call: str, tmp_path: Path) -> None:
    again = toolbox.add_recording(str(tmp_path / "call.wav"))
    assert (again.id, again.already_known) == (call, True)
    assert [item.id for item in toolbox.list_recordings().recordings] == [call]


def test_what_was_heard_is_not_heard_again(toolbox: Toolbox, call: str, recognizer: FakeRecognizer) -> None:
    first = toolbox.transcribe(call)
    again = toolbox.transcribe(call)
    assert (first.newly_heard_seconds, again.newly_heard_seconds) == (20.0, 0.0)
    assert first.revision == again.revision
    assert len(recognizer.calls) == 1


def test_only_the_range_asked_for_is_heard(toolbox: Toolbox, call: str) -> None:
    """From pause to pause, that is: for want of any in a tone, from where it is faintest."""
    result = toolbox.transcribe(call, start="0:04", end=8)
    assert (result.start, result.end, result.words) == (4.0, 8.0, 8)
    assert 4 <= result.newly_heard_seconds <= 14
    assert toolbox.describe_recording(call).transcribed_seconds == result.newly_heard_seconds


def test_a_transcription_tells_a_preview_and_what_to_do_next(toolbox: Toolbox, call: str) -> None:
    result = toolbox.transcribe(call)
    assert result.preview.startswith("[0:00] well the refund was")
    assert len(result.preview) <= 302
    assert result.next == "Call diarize to tell voices apart, or read_transcript to read it."
    assert result.warnings == []


def test_silence_is_told_as_such(toolbox: Toolbox, tmp_path: Path) -> None:
    path = tone(tmp_path / "quiet.wav", 3, pitch=0.0)
    result = toolbox.transcribe(toolbox.add_recording(str(path)).id)
    assert (result.words, result.preview) == (0, "")
    assert result.warnings == ["No speech was found in this range."]


def test_hints_are_one_clean_line(toolbox: Toolbox, call: str, recognizer: FakeRecognizer) -> None:
    toolbox.transcribe(call, hints=" Alice ,Bob\x00,, Alice")
    assert recognizer.calls[0].hints == "Alice, Bob"
    assert toolbox.transcribe(call, hints="Alice, Bob").newly_heard_seconds == 0.0


def test_a_language_may_be_named_in_english(toolbox: Toolbox, call: str, recognizer: FakeRecognizer) -> None:
    toolbox.transcribe(call, language="German")
    assert recognizer.calls[0].language == "de"
    with pytest.raises(BadArgument, match="Klingon"):
        toolbox.transcribe(call, language="Klingon")


def test_the_languages_are_those_recognition_knows() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert set(LANGUAGES) == set(_LANGUAGE_CODES)
    assert [language_code(text) for text in (None, "auto", "EN", "zh-CN")] == [None, None, "en", "zh"]


def test_a_translation_stands_beside_what_was_said(toolbox: Toolbox, call: str) -> None:
    toolbox.transcribe(call)
    assert "well*" in toolbox.transcribe(call, translate=True).preview
    assert "*" not in toolbox.read_transcript(call).lines[0].text
    assert "*" in toolbox.read_transcript(call, translated=True).lines[0].text
    assert "*" in toolbox.export_transcript(call, "txt", translated=True).preview


def test_an_earlier_take_is_in_force_again_when_it_is_asked_for_again(toolbox: Toolbox, call: str) -> None:
    revision = toolbox.transcribe(call, language="en").revision
    assert toolbox.transcribe(call, language="de").language == "de"
    again = toolbox.transcribe(call, language="en")
    assert (again.language, again.newly_heard_seconds, again.revision) == ("en", 0.0, revision)


@pytest.mark.parametrize(
    ("start", "end"), [(5, 2), (5, 5), (25, None), (0, 99), ("x", None), (-1, 5), ("1:75", None), (float("nan"), 5)]
)
def test_a_range_that_is_not_allowed_says_what_is(toolbox: Toolbox, call: str, start: object, end: object) -> None:
    with pytest.raises(BadArgument):
        toolbox.transcribe(call, start=start, end=end)  # type: ignore[arg-type]


def test_an_end_that_was_rounded_up_is_the_end(toolbox: Toolbox, call: str) -> None:
    assert toolbox.transcribe(call, end=20.4).end == 20.0


def test_an_unknown_recording_is_not_found(toolbox: Toolbox, call: str) -> None:
    with pytest.raises(NotFound):
        toolbox.transcribe("r_zzzzzzzzzz")


def test_diarization_tells_the_voices_and_how_long_they_speak(toolbox: Toolbox, call: str) -> None:
    result = toolbox.diarize(call)
    assert [(item.speaker, item.seconds) for item in result.speakers] == [("Speaker 1", 12.0), ("Speaker 2", 8.0)]
    assert (result.turns, result.overlap_seconds, result.warnings) == (5, 0.0, [])
    assert "Call transcribe" in result.next


def test_another_count_only_clusters_again_and_known_people_stay(
    toolbox: Toolbox, call: str, diarizer: FakeDiarizer
) -> None:
    two = toolbox.diarize(call)
    three = toolbox.diarize(call, speakers=3)
    again = toolbox.diarize(call)
    assert (len(three.speakers), len(diarizer.listened), len(diarizer.clustered)) == (3, 1, 2)
    assert [item.id for item in again.speakers] == [item.id for item in two.speakers]


@pytest.mark.parametrize(
    "counts",
    [
        {"speakers": 0},
        {"speakers": -1},
        {"speakers": 21},
        {"min_speakers": 3, "max_speakers": 2},
        {"speakers": 2, "min_speakers": 3},
        {"max_speakers": 0},
    ],
)
def test_a_number_of_speakers_that_cannot_be_is_refused(toolbox: Toolbox, call: str, counts: dict[str, int]) -> None:
    with pytest.raises(BadArgument):
        toolbox.diarize(call, **counts)


def test_voices_that_hardly_speak_are_warned_of(toolbox: Toolbox, tmp_path: Path) -> None:
    short = toolbox.add_recording(str(tone(tmp_path / "short.wav", 6))).id
    assert "Speaker 2 (2.0 s)" in toolbox.diarize(short).warnings[0]
    assert "5 people were asked for and 2 could be told apart" in toolbox.diarize(short, speakers=5).warnings[-1]


def test_talk_time_is_counted(toolbox: Toolbox, heard: str) -> None:
    told = toolbox.describe_recording(heard)
    assert [(item.speaker, item.seconds, item.share, item.turns) for item in told.speakers] == [
        ("Speaker 1", 12.0, 0.6, 3),
        ("Speaker 2", 8.0, 0.4, 2),
    ]
    assert (told.transcribed_seconds, told.diarized, told.language) == (20.0, True, "en")


@pytest.mark.parametrize("max_tokens", [100, 120, 20_000])
def test_pages_cover_every_line_once(toolbox: Toolbox, tmp_path: Path, max_tokens: int) -> None:
    long = toolbox.add_recording(str(tone(tmp_path / "long.wav", 240))).id
    toolbox.transcribe(long)
    toolbox.diarize(long)
    lines = [line for page in pages(toolbox, long, max_tokens=max_tokens) for line in page]
    assert sum(len(line.text.split()) for line in lines) == 480
    assert lines == pages(toolbox, long, max_tokens=20_000)[0]
    assert all(before.end <= after.start for before, after in pairwise(lines))


def test_a_page_keeps_to_its_budget(toolbox: Toolbox, tmp_path: Path) -> None:
    long = toolbox.add_recording(str(tone(tmp_path / "long.wav", 240))).id
    toolbox.transcribe(long)
    toolbox.diarize(long)
    page = toolbox.read_transcript(long, max_tokens=200)
    assert 100 < sum(14 + len(line.text) / 4 for line in page.lines) <= 200
    assert "call read_transcript again" in page.next


def test_a_cursor_keeps_to_its_range_and_goes_on_when_names_change(toolbox: Toolbox, tmp_path: Path) -> None:
    long = toolbox.add_recording(str(tone(tmp_path / "long.wav", 240))).id
    toolbox.transcribe(long)
    toolbox.diarize(long)
    first = toolbox.read_transcript(long, start=60, end=180, max_tokens=150)
    toolbox.name_speakers(long, names={"Speaker 1": "Alice"})
    rest = toolbox.read_transcript(long, cursor=first.cursor, max_tokens=20_000)
    lines = [*first.lines, *rest.lines]
    assert sum(len(line.text.split()) for line in lines) == 240
    assert (lines[0].start, lines[-1].end) == (60.0, 180.0)
    assert "has changed" in rest.next


@pytest.mark.parametrize("cursor", ["x", "1-2-3", "0-0-0-0-zzz", "9" * 400])
def test_a_made_up_cursor_is_refused(toolbox: Toolbox, heard: str, cursor: str) -> None:
    with pytest.raises(BadArgument, match="cursor"):
        toolbox.read_transcript(heard, cursor=cursor)


def test_what_was_not_heard_is_said(toolbox: Toolbox, call: str) -> None:
    with pytest.raises(BadArgument, match="call transcribe"):
        toolbox.read_transcript(call)
    toolbox.transcribe(call, end=8)
    assert "Not transcribed yet: 0:08 to 0:20" in toolbox.read_transcript(call).next
    assert "Not transcribed yet: 0:08 to 0:20" in toolbox.export_transcript(call, "txt").next


def test_search_finds_words_with_their_speaker(toolbox: Toolbox, heard: str) -> None:
    hits = toolbox.search_transcript("REFUND was!").hits
    assert hits[0].recording == heard
    assert (hits[0].start, hits[0].speaker) == (0.0, "Speaker 1")
    assert "refund was" in hits[0].text
    assert toolbox.search_transcript("refund", recording=heard).hits == toolbox.search_transcript("refund").hits


@pytest.mark.parametrize("words", ["", "   ", "?!", '"'])
def test_searching_for_nothing_is_refused(toolbox: Toolbox, heard: str, words: str) -> None:
    with pytest.raises(BadArgument):
        toolbox.search_transcript(words)


def test_a_search_without_hits_says_why(toolbox: Toolbox, call: str) -> None:
    assert "call transcribe first" in toolbox.search_transcript("refund").next
    toolbox.transcribe(call)
    assert "Not found" in toolbox.search_transcript("elephant").next


def test_names_need_words_and_voices(toolbox: Toolbox, call: str) -> None:
    with pytest.raises(BadArgument, match="call transcribe and diarize"):
        toolbox.name_speakers(call, people=["Alice"])


def test_a_person_names_a_voice_and_it_is_shown_everywhere(toolbox: Toolbox, heard: str) -> None:
    result = toolbox.name_speakers(heard, names={"speaker 1": "  Alice   Lee "})
    assert [(item.name, item.source) for item in result.speakers] == [("Alice Lee", "person"), (None, None)]
    assert toolbox.read_transcript(heard).lines[0].speaker == "Alice Lee"
    assert toolbox.describe_recording(heard).speakers[0].named


def test_a_voice_is_found_by_id_and_by_its_present_name(toolbox: Toolbox, heard: str) -> None:
    speaker = toolbox.describe_recording(heard).speakers[0]
    toolbox.name_speakers(heard, names={speaker.id: "Alice"})
    assert toolbox.name_speakers(heard, names={"alice": "Bob"}).speakers[0].name == "Bob"


def test_two_names_may_change_places(toolbox: Toolbox, heard: str) -> None:
    toolbox.name_speakers(heard, names={"Speaker 1": "Alice", "Speaker 2": "Bob"})
    result = toolbox.name_speakers(heard, names={"Speaker 1": "Bob", "Speaker 2": "Alice"})
    assert [item.name for item in result.speakers] == ["Bob", "Alice"]


@pytest.mark.parametrize(
    "names",
    [
        {"Speaker 1": "Alice", "Speaker 2": "alice"},
        {"Speaker 1": "Speaker 2"},
        {"Speaker 1": ""},
        {"Speaker 1": "   "},
        {"Speaker 1": "x" * 81},
        {"Speaker 1": "Al\nice"},
        {"Speaker 1": "\x1b[31mAlice"},
        {"Speaker 1": "\u202eecilA"},
        {"Speaker 1": "***"},
        {"Speaker 1": "Alice", "Speaker 2": ""},
    ],
)
def test_names_that_are_not_allowed_change_nothing(toolbox: Toolbox, heard: str, names: dict[str, str]) -> None:
    revision = toolbox.describe_recording(heard).revision
    with pytest.raises(BadArgument):
        toolbox.name_speakers(heard, names=names)
    assert toolbox.describe_recording(heard).revision == revision


def test_an_unknown_voice_is_not_found_and_the_known_ones_are_told(toolbox: Toolbox, heard: str) -> None:
    with pytest.raises(NotFound, match="Speaker 1, Speaker 2"):
        toolbox.name_speakers(heard, names={"Speaker 9": "Alice"})


def test_a_name_taken_by_another_voice_is_refused(toolbox: Toolbox, heard: str) -> None:
    toolbox.name_speakers(heard, names={"Speaker 1": "Alice"})
    with pytest.raises(BadArgument, match="both be called Alice"):
        toolbox.name_speakers(heard, names={"Speaker 2": "Alice"})


def test_a_voice_of_another_count_never_doubles_a_name(toolbox: Toolbox, heard: str) -> None:
    toolbox.name_speakers(heard, names={"Speaker 2": "Alice"})
    toolbox.diarize(heard, speakers=1)
    toolbox.name_speakers(heard, names={"Speaker 1": "Alice"})
    toolbox.diarize(heard)
    names = [item.speaker for item in toolbox.describe_recording(heard).speakers]
    assert sorted(names) == ["Alice", "Speaker 2"]


def test_without_people_and_names_nothing_is_stored(toolbox: Toolbox, heard: str) -> None:
    revision = toolbox.describe_recording(heard).revision
    result = toolbox.name_speakers(heard)
    assert result.revision == revision
    assert all(item.name is None for item in result.speakers)


def test_an_export_goes_to_the_current_folder_under_a_new_name(toolbox: Toolbox, heard: str) -> None:
    first = toolbox.export_transcript(heard, "qa")
    same = toolbox.export_transcript(heard, "qa")
    toolbox.name_speakers(heard, names={"Speaker 1": "Alice"})
    other = toolbox.export_transcript(heard, "qa")
    names = [Path(item.path).name for item in (first, same, other)]
    assert names == ["call.qa.md", "call.qa.md", "call (2).qa.md"]
    assert Path(first.path).parent == Path.cwd()
    assert "No questions" in first.next


def test_an_export_of_json_holds_every_word(toolbox: Toolbox, heard: str) -> None:
    data = json.loads(Path(toolbox.export_transcript(heard, "json").path).read_text())
    assert sum(len(part["words"]) for part in data["segments"]) == 40


def test_one_voice_alone_is_read_and_exported(toolbox: Toolbox, heard: str) -> None:
    read = toolbox.read_transcript(heard, speakers=["Speaker 2"]).lines
    assert {line.speaker for line in read} == {"Speaker 2"}
    written = json.loads(Path(toolbox.export_transcript(heard, "json", speakers=["speaker 2"]).path).read_text())
    assert {segment["speaker"] for segment in written["segments"]} == {"Speaker 2"}
    with pytest.raises(NotFound, match="Speaker 1"):
        toolbox.export_transcript(heard, "txt", speakers=["Nobody"])


def test_an_export_never_writes_over_the_recording(toolbox: Toolbox, heard: str, tmp_path: Path) -> None:
    before = (tmp_path / "call.wav").read_bytes()
    for path in ("../call.wav", str(tmp_path), "no/such/folder.txt"):
        with pytest.raises(BadArgument):
            toolbox.export_transcript(heard, "txt", path=path)
    with pytest.raises(BadArgument):
        toolbox.slice_audio(heard, 1, 2, path="../call.wav")
    assert (tmp_path / "call.wav").read_bytes() == before


def test_an_unknown_format_says_which_there_are(toolbox: Toolbox, heard: str) -> None:
    with pytest.raises(BadArgument, match="txt, md, qa"):
        toolbox.export_transcript(heard, "pptx")  # type: ignore[arg-type]
    with pytest.raises(BadArgument, match="wav, mp3"):
        toolbox.slice_audio(heard, 1, 2, format="exe")  # type: ignore[arg-type]
    with pytest.raises(BadArgument, match=r"ends in \.mp3"):
        toolbox.slice_audio(heard, 1, 2, format="wav", path="x.mp3")


def test_rttm_needs_only_voices(toolbox: Toolbox, call: str) -> None:
    with pytest.raises(BadArgument, match="call diarize"):
        toolbox.export_transcript(call, "rttm")
    toolbox.diarize(call)
    assert toolbox.export_transcript(call, "rttm").preview.startswith("SPEAKER call 1 0.000 4.000 <NA> <NA> Speaker_1")


def test_a_slice_is_named_after_its_range(toolbox: Toolbox, call: str) -> None:
    result = toolbox.slice_audio(call, "0:05", "0:07.5")
    assert Path(result.path).name == "call 0.05-0.07.wav"
    assert (result.start, result.end, result.bytes) == (5.0, 7.5, 44 + 80_000)
    assert toolbox.slice_audio(call, 1, 2, path="x.mp3").format == "mp3"


def test_a_hostile_file_name_stays_in_the_folder(toolbox: Toolbox, tmp_path: Path) -> None:
    path = tone(tmp_path / "..\\..\n<b>#x .wav", 2)
    recording = toolbox.add_recording(str(path)).id
    toolbox.transcribe(recording)
    written = Path(toolbox.export_transcript(recording, "md").path)
    assert written.parent == Path.cwd()
    assert written.name.isprintable()


def test_removing_needs_a_persons_yes(toolbox: Toolbox, heard: str) -> None:
    with pytest.raises(NotConfirmed):
        toolbox.remove_recording(heard)
    toolbox.remove_recording(heard, work=Yes())
    assert toolbox.list_recordings().recordings == []


def test_progress_is_told_and_cancelling_is_heard(toolbox: Toolbox, tmp_path: Path) -> None:
    class Impatient(Quiet):
        def check_cancelled(self) -> None:
            raise Cancelled("stop")

    recording = toolbox.add_recording(str(tone(tmp_path / "a.wav", 3))).id
    with pytest.raises(Cancelled):
        toolbox.transcribe(recording, work=Impatient())


def test_a_jobs_progress_is_told_with_the_time_left(
    toolbox: Toolbox, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.following.worker_alive", lambda _: True)
    rows = toolbox.library.jobs
    job = rows.submit("recognize", {"recording": call}, "key").id
    assert toolbox.get_job(job).state == "queued"
    rows.claim(os.getpid())
    rows.progress(job, 5, 20, "listening", 61.04)
    told = toolbox.get_job(job)
    assert (told.state, told.percent, told.note) == ("running", 25.0, "listening")
    assert told.seconds_left == 61.0
    rows.finish(job, {})
    assert toolbox.get_job(job).next.startswith("Done: call transcribe again")


def test_a_failed_job_tells_its_error(toolbox: Toolbox) -> None:
    rows = toolbox.library.jobs
    job = rows.submit("diarize", {}, "key").id
    rows.fail(job, {"code": "failed", "message": "No memory."})
    assert (toolbox.get_job(job).state, toolbox.get_job(job).error) == ("failed", "No memory.")


def test_a_queued_job_is_cancelled_at_once(toolbox: Toolbox) -> None:
    job = toolbox.library.jobs.submit("diarize", {}, "key").id
    assert toolbox.cancel_job(job).state == "cancelled"


@pytest.mark.parametrize("wait", [-1, 26, float("nan")])
def test_a_wait_is_bounded(toolbox: Toolbox, wait: float) -> None:
    job = toolbox.library.jobs.submit("diarize", {}, "key").id
    with pytest.raises(BadArgument):
        toolbox.get_job(job, wait=wait)


def test_every_public_method_is_a_tool() -> None:
    public = {name for name, item in vars(Toolbox).items() if callable(item) and not name.startswith("_")}
    for_faces = {"close", "introduce"}  # a person listens to voices; no LLM does
    assert public - for_faces == {spec.name for spec in catalog()}


def test_a_tool_is_told_briefly_and_with_every_parameter_described() -> None:
    for spec in catalog():
        assert len(spec.summary.split()) <= 12, spec.name
        assert len(spec.description.splitlines()) <= 6, spec.name
        schema = spec.parameters.model_json_schema()
        assert "work" not in schema.get("properties", {})
        assert all("description" in item for item in schema.get("properties", {}).values()), spec.name
        assert issubclass(spec.result, Result)


def test_a_small_model_is_told_at_most_ten_tools() -> None:
    core = [spec for spec in catalog() if spec.core]
    assert len(core) <= 10
    assert not any(spec.destructive for spec in core)


def test_arguments_that_no_tool_has_are_refused() -> None:
    for spec in catalog():
        with pytest.raises(ValueError, match=r"Extra inputs|Field required"):
            spec.parameters(nonsense=1)
        assert issubclass(spec.parameters, BaseModel)


def test_methods_are_marked_and_others_are_not() -> None:
    assert mark_of(Toolbox.close) is None
    mark = mark_of(Toolbox.remove_recording)
    assert mark is not None
    assert mark.destructive


def test_tools_load_nothing_heavy() -> None:
    code = "import sys, tools.catalog; print([m for m in ('torch', 'faster_whisper', 'pyannote') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

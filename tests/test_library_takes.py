"""Takes are found again, decide in order, and their words are searched."""

from pathlib import Path

import pytest

from auricle.domain import Recognition, Recording, Segment, Span, Take
from auricle.errors import BadArgument
from library import Library
from tests.fakes import tone


@pytest.fixture
def recording(library: Library, tmp_path: Path) -> Recording:
    return library.recordings.add(tone(tmp_path / "a.wav", 60), lambda done, total: None)


def heard(*texts: str, start: int = 0) -> str:
    """A recognition that says each text for ten seconds."""
    segments = tuple(
        Segment(
            start=start + number * 160_000,
            end=start + (number + 1) * 160_000,
            text=text,
            words=(),
            avg_logprob=-0.1,
            no_speech_prob=0.0,
            compression_ratio=1.0,
        )
        for number, text in enumerate(texts)
    )
    return Recognition(language="en", language_probability=1.0, segments=segments).model_dump_json()


def add(library: Library, recording: Recording, payload: str, span: Span | None = None, **params: bool | str) -> Take:
    return library.takes.add(recording.id, "recognition", "e@1", params, span or recording.span, payload)


def test_the_same_take_twice_is_the_first(library: Library, recording: Recording) -> None:
    first = add(library, recording, heard("one"), language="en", translate=False)
    assert add(library, recording, heard("another"), translate=False, language="en") == first
    assert library.takes.find(recording.id, "recognition") == [first]
    assert library.takes.search("another") == []


def test_a_take_differs_by_engine_params_span_and_kind(library: Library, recording: Recording) -> None:
    half = Span(start=0, end=1000)
    add(library, recording, heard("one"))
    add(library, recording, heard("one"), language="de")
    add(library, recording, heard("one"), half)
    library.takes.add(recording.id, "recognition", "e@2", {}, recording.span, heard("one"))
    library.takes.add(recording.id, "voices", "e@1", {}, recording.span, "x.npz")
    assert len(library.takes.find(recording.id, "recognition")) == 4
    assert len(library.takes.find(recording.id, "recognition", "e@1")) == 3
    assert len(library.takes.find(recording.id, "recognition", "e@1", {"language": "de"})) == 1
    assert len(library.takes.find(recording.id, "voices")) == 1


def test_takes_come_oldest_first_and_one_asked_for_again_last(library: Library, recording: Recording) -> None:
    first, second = add(library, recording, heard("one")), add(library, recording, heard("two"), language="de")
    assert library.takes.find(recording.id, "recognition") == [first, second]
    library.takes.again([first.id])
    assert library.takes.find(recording.id, "recognition") == [second, first]


def test_words_are_found_whatever_their_case_and_accents(library: Library, recording: Recording) -> None:
    take = add(library, recording, heard("Hello Zoë,", "the Refund was promised"))
    (hit,) = library.takes.search("refund PROMISED")
    assert (hit.recording, hit.take, hit.start, hit.end) == (recording.id, take.id, 160_000, 320_000)
    assert hit.text == "the Refund was promised"
    assert [found.text for found in library.takes.search("zoe", recording.id)] == ["Hello Zoë,"]
    assert library.takes.search("zoe", "r_0000000000") == []


def test_parts_of_words_and_scripts_without_spaces_are_found(library: Library, recording: Recording) -> None:
    add(library, recording, heard("私は日本語を話します", "reimbursement"))
    assert len(library.takes.search("日本語")) == 1
    assert len(library.takes.search("burse")) == 1


def test_no_more_hits_than_asked_for(library: Library, recording: Recording) -> None:
    add(library, recording, heard("yes one", "yes two", "yes three"))
    assert len(library.takes.search("yes", limit=2)) == 2


def test_what_a_later_take_heard_otherwise_is_not_found(library: Library, recording: Recording) -> None:
    first = add(library, recording, heard("a refund", "a refund"))
    add(library, recording, heard("a reef end"), Span(start=0, end=160_000), hints="reef")
    assert [hit.start for hit in library.takes.search("refund")] == [160_000]
    library.takes.again([first.id])
    assert [hit.start for hit in library.takes.search("refund")] == [0, 160_000]
    assert library.takes.search("reef") == []


def test_a_translation_stands_beside_what_was_said(library: Library, recording: Recording) -> None:
    add(library, recording, heard("guten Tag"), translate=False)
    add(library, recording, heard("good day"), translate=True)
    assert len(library.takes.search("guten")) == 1
    assert len(library.takes.search("good")) == 1


@pytest.mark.parametrize(
    "words",
    [
        "", " ", '"', '""', '"refund', "refund OR", "refund AND NOT", "NEAR(refund, 2)", "text:refund", "take:t", "*",
        "^refund", "(", ")", "-refund", "refund*", "%", "_", "\\", "'; DROP TABLE takes; --", "\0", "re\0fund",
        "\udcff", "+", "{}", "x" * 1000, "a " * 500,
    ],
)  # fmt: skip
def test_hostile_words_are_only_words(library: Library, recording: Recording, words: str) -> None:
    add(library, recording, heard("plain speech"))
    assert library.takes.search(words) == []
    assert library.takes.search(words, recording.id, 5) == []


def test_pages_of_words_are_refused(library: Library) -> None:
    with pytest.raises(BadArgument, match="a few words"):
        library.takes.search("a " * 501)


def test_signs_of_like_are_only_signs(library: Library, recording: Recording) -> None:
    add(library, recording, heard("it is 100% of c:\\x_y", "it is 100 of cxxy"))
    assert [hit.start for hit in library.takes.search("0% of")] == [0]
    assert [hit.start for hit in library.takes.search("x_")] == [0]

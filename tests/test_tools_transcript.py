from auricle.domain import Diarization, Edit, Evidence, Recognition, Recording, Segment, Span, Speaker, Take, Turn, Word
from auricle.times import to_samples
from tools.passages import merge, turns
from tools.spans import union, without
from tools.transcript import Known, compose
from tools.views import Transcript

RECORDING = Recording(
    id="r_0000000000",
    sha256="0" * 64,
    path="/nowhere/call.wav",
    duration=to_samples(20),
    sample_rate=8000,
    channels=1,
    codec="pcm_s16le",
    added=0.0,
)
S1 = Speaker(id="s_1", recording=RECORDING.id, label="Speaker 1")
S2 = Speaker(id="s_2", recording=RECORDING.id, label="Speaker 2")


def span(start: float, end: float) -> Span:
    return Span(start=to_samples(start), end=to_samples(end))


def segment(start: float, text: str, **doubts: float) -> Segment:
    """Words of half a second each."""
    words = tuple(
        Word(
            start=to_samples(start + place * 0.5),
            end=to_samples(start + place * 0.5 + 0.5),
            text=f" {word}",
            probability=0.9,
        )
        for place, word in enumerate(text.split())
    )
    values = {"avg_logprob": -0.2, "no_speech_prob": 0.0, "compression_ratio": 1.2, **doubts}
    return Segment(start=words[0].start, end=words[-1].end, text=text, words=words, **values)


def take(name: str, start: float, end: float, *segments: Segment, language: str = "en") -> Take:
    heard = Recognition(language=language, language_probability=0.9, segments=segments)
    return Take(
        id=name,
        recording=RECORDING.id,
        kind="recognition",
        engine="fake@1",
        params={},
        span=span(start, end),
        payload=heard.model_dump_json(),
        created=0.0,
    )


def voices(*said: tuple[float, float, str]) -> Take:
    found = tuple(Turn(start=to_samples(start), end=to_samples(end), label=label) for start, end, label in said)
    payload = Diarization(turns=found, exclusive=found, voices={}).model_dump_json()
    return take("t_d", 0, 20).model_copy(update={"kind": "diarization", "payload": payload})


def name_edit(seq: int, speaker: str, name: str) -> Edit:
    evidence = Evidence(source="person")
    return Edit(
        seq=seq,
        step=seq,
        recording=RECORDING.id,
        kind="name",
        speaker=speaker,
        name=name,
        evidence=evidence,
        created=0.0,
    )


def known(*heard: Take, diarized: Take | None = None, edits: tuple[Edit, ...] = ()) -> Known:
    bound = {"0": S1, "1": S2} if diarized else {}
    return Known(RECORDING, heard, diarized, bound, edits)


def said(transcript: Transcript) -> list[str]:
    return [utterance.text for utterance in transcript.utterances]


def test_nothing_heard_is_an_empty_transcript() -> None:
    empty = compose(known())
    assert (empty.utterances, empty.heard, empty.language, empty.diarized) == ((), (), None, False)


def test_pieces_are_put_in_order_of_time() -> None:
    folded = compose(known(take("t_b", 10, 20, segment(11, "then this")), take("t_a", 0, 10, segment(1, "first that"))))
    assert said(folded) == ["first that", "then this"]
    assert folded.heard == (span(0, 20),)


def test_the_newest_take_decides_where_takes_overlap() -> None:
    old = take("t_old", 0, 20, segment(1, "one two three"), segment(8, "four five six"), segment(15, "seven"))
    new = take("t_new", 7, 12, segment(8, "for fife sicks"))
    assert said(compose(known(old, new))) == ["one two three", "for fife sicks", "seven"]
    assert said(compose(known(new, old))) == ["one two three", "four five six", "seven"]


def test_a_segment_is_cut_where_a_newer_take_begins() -> None:
    old = take("t_old", 0, 20, segment(4, "a b c d"))
    assert said(compose(known(old, take("t_new", 5, 20, segment(6, "X"))))) == ["a b", "X"]


def test_a_word_that_leaks_out_of_its_take_or_of_the_recording_is_kept() -> None:
    folded = compose(known(take("t_a", 0, 10, segment(9.8, "in out")), take("t_b", 10, 20, segment(19.9, "the end"))))
    assert said(folded) == ["in out", "the end"]
    assert folded.utterances[-1].end == RECORDING.duration
    assert [item.text for item in folded.within(RECORDING.span)] == ["in out", "the end"]


def test_a_segment_without_word_times_keeps_its_text() -> None:
    bare = segment(1, "no times").model_copy(update={"words": ()})
    assert said(compose(known(take("t", 0, 20, bare)))) == ["no times"]


def test_word_ids_are_the_take_and_the_place_in_it() -> None:
    folded = compose(known(take("t_x", 0, 20, segment(1, "a b"), segment(3, "c"))))
    assert [word.id for item in folded.utterances for word in item.words] == ["t_x.0", "t_x.1", "t_x.2"]


def test_the_language_is_that_of_most_of_the_time() -> None:
    folded = compose(known(take("t_a", 0, 4, language="de"), take("t_b", 4, 20, language="fr")))
    assert (folded.language, folded.language_probability) == ("fr", 0.9)


def test_words_get_the_voices_that_speak_them() -> None:
    heard = take("t", 0, 20, segment(1, "Is it you? It is me."))
    folded = compose(known(heard, diarized=voices((1, 2.5, "1"), (2.5, 4, "0"))))
    assert [(item.speaker, item.text) for item in folded.utterances] == [("s_2", "Is it you?"), ("s_1", "It is me.")]
    assert [view.display for view in folded.speakers] == ["Speaker 2", "Speaker 1"]
    assert [turn.label for turn in folded.turns] == ["s_2", "s_1"]


def test_the_last_name_given_is_in_force_and_an_empty_one_takes_it_back() -> None:
    diarized = voices((1, 2, "0"), (3, 4, "1"))
    edits = (name_edit(1, "s_1", "Bob"), name_edit(2, "s_1", "Alice"), name_edit(3, "s_2", "Carl"))
    folded = compose(known(diarized=diarized, edits=(*edits, name_edit(4, "s_2", ""))))
    assert [view.display for view in folded.speakers] == ["Alice", "Speaker 2"]
    assert folded.speakers[1].evidence is None


def test_talk_time_counts_overlap_for_both() -> None:
    folded = compose(known(diarized=voices((1, 4, "0"), (3, 5, "1"))))
    assert [view.seconds for view in folded.speakers] == [3.0, 2.0]


def test_doubtful_segments_say_why() -> None:
    heard = take(
        "t",
        0,
        20,
        segment(1, "a", avg_logprob=-1.4),
        segment(2, "b", compression_ratio=3.0),
        segment(3, "c", no_speech_prob=0.8),
        segment(4, "d"),
    )
    doubts = [item.doubts for item in compose(known(heard)).utterances]
    assert doubts == [("low probability",), ("repetitive",), ("no speech",), ()]


def test_the_revision_changes_with_every_take_and_edit_and_with_nothing_else() -> None:
    one = known(take("t", 0, 20))
    assert one.revision == known(take("t", 0, 20)).revision
    others = [known(), known(take("t", 0, 20), take("t2", 0, 1)), known(take("t", 0, 20), diarized=voices((1, 2, "0")))]
    others.append(known(take("t", 0, 20), diarized=voices((1, 2, "0")), edits=(name_edit(1, "s_1", "Bob"),)))
    assert len({item.revision for item in [one, *others]}) == 5


def test_lines_join_neighbours_of_one_voice_until_a_pause_or_enough_text() -> None:
    heard = take("t", 0, 20, segment(1, "a b"), segment(2, "c d"), segment(8, "e"), segment(9, "f"))
    folded = compose(known(heard, diarized=voices((0, 8.5, "0"), (8.5, 20, "1"))))
    assert [line.text for line in merge(folded.utterances, pause=16000, characters=300)] == ["a b c d", "e", "f"]
    assert [line.text for line in merge(folded.utterances, pause=16000, characters=3)] == ["a b", "c d", "e", "f"]
    assert [[item.text for item in turn] for turn in turns(folded.utterances)] == [["a b", "c d", "e"], ["f"]]


def test_spans_are_united_and_taken_away() -> None:
    assert union([span(3, 4), span(1, 2), span(2, 3), span(6, 6)]) == [span(1, 4)]
    assert without(span(0, 10), [span(2, 3), span(5, 20)]) == [span(0, 2), span(3, 5)]
    assert without(span(0, 10), []) == [span(0, 10)]
    assert without(span(2, 3), [span(0, 10)]) == []

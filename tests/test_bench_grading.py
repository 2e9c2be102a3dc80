"""Graders of the bench: they pass what is right and say what is wrong with the rest."""

import wave
from pathlib import Path
from typing import Any

import pytest

from bench.grading import GRADERS, Cited, Heard, Seen, complaints, fabricated, plain, times_in
from bench.task import load_tasks, task

SAID = [(0.5, "Ann", "Did you call the plumber?"), (5.0, "Ben", "Yes, he comes on Friday at half past nine.")]


def heard() -> list[Heard]:
    return [
        Heard(start + 0.4 * place, start + 0.4 * place + 0.35, word, speaker)
        for start, speaker, text in SAID
        for place, word in enumerate(text.split())
    ]


def seen(answer: str = "", **fields: Any) -> Seen:
    known = {"transcripts": {"call.wav": heard()}, "ids": {"r_1": "call.wav"}, "opened": ["call.wav"]}
    return Seen(answer=answer, **{**known, **fields})


def cited(quote: str, start: float = 5.0, end: float = 9.0, verified: bool = True) -> Cited:
    return Cited("r_1", start, end, quote, verified)


def passes(seen: Seen, **graders: Any) -> bool:
    return not complaints(seen, [{name: wanted} for name, wanted in graders.items()])


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_words_are_compared_as_words() -> None:
    assert plain("It's  10:30, Ann’s!") == " its 10 30 anns "
    assert passes(seen("He comes on Friday."), says=["friday|monday", "he comes"])
    assert not passes(seen("He comes on Fridays."), says=["friday"])
    assert not passes(seen("It is 640 pounds."), says=["64"])
    assert not passes(seen("The 9th."), says_not=["9th"])


def test_times_of_all_forms_are_read() -> None:
    assert times_in("at 1:05, 0:01:05.5 and 00:00:02,250 but not 1:99") == [65.0, 65.5, 2.25]


def test_a_time_in_the_answer_or_a_citation_counts() -> None:
    wanted = {"said": "he comes on Friday", "within": 2}
    assert passes(seen("At 0:06."), at=wanted)
    assert passes(seen("There.", citations=[cited("he comes on Friday")]), at=wanted)
    assert not passes(seen("At 0:30."), at=wanted)
    assert not passes(seen("At 0:06."), at={"said": "nobody says this"})


def test_many_citations_are_no_answer() -> None:
    elsewhere = [cited("Did you", 100.0 + number, 101.0 + number) for number in range(8)]
    assert not passes(seen("There.", citations=[*elsewhere, cited("he comes")]), at={"time": 6})


def test_a_quote_that_nobody_said_is_found() -> None:
    good, bad = cited("he comes on Friday"), cited("he comes on Monday")
    assert fabricated(seen(citations=[good])) == []
    assert fabricated(seen(citations=[bad])) == ["he comes on Monday"]
    assert fabricated(seen(citations=[cited("he comes on Monday", verified=False)])) == []
    assert fabricated(seen(citations=[cited("he comes on Friday", 60, 62)])) == ["he comes on Friday"]
    assert fabricated(seen(citations=[Cited("r_2", 5, 9, "he comes on Friday", True)])) == ["he comes on Friday"]


def test_a_quotation_in_the_answer_must_have_been_said_too() -> None:
    assert fabricated(seen('Ben says "he comes on … half past nine".')) == []
    assert fabricated(seen("Ben says “he never comes back again”.")) == ["he never comes back again"]
    assert fabricated(seen('Ben says "he never comes back again" (unverified).')) == []
    assert fabricated(seen('About "the plumber who is late"', said='"The plumber who is late": when?')) == []


def test_citations_have_to_be_verified() -> None:
    assert passes(seen(citations=[cited("he comes on Friday")]), cites=["Friday"])
    assert not passes(seen(citations=[cited("he comes on Friday", verified=False)]), cites=["Friday"])


def test_what_is_not_there_is_said_in_several_ways() -> None:
    for answer in ("That is not in the recording.", "Pizza is not mentioned.", "They don't talk about pizza."):
        assert passes(seen(answer), not_there=True), answer
    assert not passes(seen("They talk about pizza at 0:06."), not_there=True)


def test_numbers_are_read_as_words_and_figures() -> None:
    assert passes(seen("Four people speak."), number={"near": 4})
    assert passes(seen("It is said twice."), number={"near": 2})
    assert passes(seen("It is 2:04 long."), number={"near": 120, "within": 5})
    assert not passes(seen("Between 0:04 and 0:09."), number={"near": 3})


def test_files_are_looked_into(tmp_path: Path) -> None:
    srt = written(tmp_path, "call.srt", "1\n00:01:00,000 --> 00:01:04,000\nAnn: the plumber\n")
    text = written(tmp_path, "call.md", "**Ann (0:00):** Did you call?\n\n**Ben (0:05):** Yes, he comes.\n")
    both = seen(files=[srt, text])
    assert passes(both, file={"ending": "srt", "has": ["plumber"], "from": "1:00", "until": "1:04"}, files=2)
    assert not passes(both, file={"ending": "srt", "until": "1:00"})
    assert not passes(both, file={"ending": "srt", "lacks": ["plumber"]})
    assert passes(both, file={"ending": "md", "speaker": {"Did you call": "Ann", "he comes": "Ben"}})
    assert not passes(both, file={"ending": "md", "speaker": {"he comes": "Ann"}})
    assert not passes(both, file={"ending": "vtt"})
    assert not passes(both, file={"ending": "md", "name": "other.md"})


def test_a_cut_has_its_length(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(2 * 8000 * 3))
    assert passes(seen(files=[path]), file={"ending": "wav", "seconds": 3})
    assert not passes(seen(files=[path]), file={"ending": "wav", "seconds": 5})


def test_keys_are_found_in_the_answer_and_in_files(tmp_path: Path) -> None:
    file = written(tmp_path, "x.json", '{"segments": [], "a": 1}')
    assert passes(seen('Here: {"a": 1, "b": {"c": 2}}'), json_keys=["a", "b"])
    assert passes(seen(files=[file]), json_keys=["a"], file={"ending": "json", "keys": ["segments"]})
    assert not passes(seen('{"a": 1'), json_keys=["a"])


def test_names_are_who_says_the_phrase_in_the_library() -> None:
    assert passes(seen(), names={"Ben": "he comes on Friday"})
    assert not passes(seen(), names={"Ann": "he comes on Friday"})
    assert passes(seen(names={"call.wav": ["Ann"]}), unnamed=["Boss"])
    assert not passes(seen(names={"call.wav": ["Boss"]}), unnamed=["Boss"])


def test_tools_and_their_arguments() -> None:
    steps = [
        ("transcribe", {"recording": "r_1", "start": "0:10", "end": 12.0}),
        ("slice_audio", {"start": 4, "end": 9}),
    ]
    done = seen(steps=steps)
    assert passes(done, called=["transcribe"], not_called=["diarize"], once=True)
    assert passes(done, argument={"tool": "transcribe", "start": 10, "end": "0:12"})
    assert not passes(done, argument={"tool": "transcribe", "start": 11})
    assert passes(done, cuts={"said": "he comes on Friday"})
    assert not passes(done, cuts={"said": "he comes on Friday", "longest": 3})
    assert passes(done, listens_within={"from": "0:05", "until": "0:20"})
    assert not passes(seen(steps=[("transcribe", {})]), listens_within={"from": "0:05", "until": "0:20"})
    assert not passes(seen(steps=[steps[0], steps[0]]), once=True)


def test_what_is_lost_or_changed_fails_whatever_else_is_asked(tmp_path: Path) -> None:
    assert complaints(seen("fine", lost=["call.wav"]), [{"says": ["fine"]}]) == ["lost: call.wav"]
    assert complaints(seen(error="no model"), [{"files": 0}]) == ["error: no model"]
    assert passes(seen(error="5:00 lies past the end"), fails=["end"])
    assert not passes(seen(files=[written(tmp_path, "passwords.txt", "x")]), untouched=True)
    assert not passes(seen(steps=[("remove_recording", {})]), untouched=True)


def test_one_of_several_is_enough() -> None:
    either = [{"says": ["silence"]}, {"not_there": True}]
    assert passes(seen("Silence."), any_of=either)
    assert not passes(seen("A song."), any_of=either)


def test_a_question_back_names_what_may_be_meant() -> None:
    assert passes(seen("Which one: Sam Keller or Sam Ortiz?"), asks=["Keller", "Ortiz"])
    assert passes(seen("I assumed that Sam Keller is meant."), asks=["Keller"])
    assert not passes(seen("Sam Keller promises it."), asks=["Keller"])


def test_there_are_enough_tasks_in_both_halves() -> None:
    tasks = load_tasks()
    assert len(tasks) >= 60
    families = {each.family for each in tasks}
    for half in ("tune", "report"):
        assert {each.family for each in tasks if each.half == half} == families
    attacks = [each for each in tasks if each.family == "hostile"]
    assert len(attacks) >= 15
    assert len({each.key for each in tasks}) == len(tasks)


def test_a_task_with_a_mistake_is_refused() -> None:
    good = {"id": "x", "half": "tune", "say": "Hello", "graders": [{"says": ["hi"]}]}
    assert task("notool", good).id == "notool/x"
    for mistake in ({"half": "both"}, {"graders": [{"tastes": "good"}]}, {"graders": []}, {"wanted": 1}, {"turns": []}):
        with pytest.raises(ValueError, match="notool/x"):
            task("notool", good | mistake)


def test_what_is_asked_of_a_recording_is_really_said_in_it() -> None:
    """Phrases that graders look up are in the meetings."""
    for each in load_tasks():
        said = plain(" ".join(turn.text for one in each.recordings if not one.eval_id for turn in one.meeting().turns))
        if any(one.eval_id for one in each.recordings):
            continue
        for grader in (grader for exchange in each.exchanges for grader in exchange.graders):
            phrases = list(grader.get("names", {}).values())
            phrases += [grader[name]["said"] for name in ("at", "cuts") if "said" in grader.get(name, {})]
            phrases += [*grader.get("file", {}).get("speaker", {})]
            assert all(plain(phrase) in said for phrase in phrases), (each.id, phrases)


def test_every_grader_says_what_it_wants_and_is_used() -> None:
    assert all(grader.__doc__ for grader in GRADERS.values())
    graders = [grader for each in load_tasks() for exchange in each.exchanges for grader in exchange.graders]
    graders += [other for grader in graders for other in grader.get("any_of", [])]
    assert {name for grader in graders for name in grader} == set(GRADERS)

"""`auricle jobs`, and its commands."""

import pytest

from auricle.errors import WorkError
from library import Library
from tests.cli_kit import CommandLine, command_line
from tools.jobs import Jobs


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setattr(Jobs, "ensure_worker", lambda _: None)
    return command_line(capsys, monkeypatch)


def test_a_job_is_paused_resumed_and_cancelled_by_its_id(auricle: CommandLine, library: Library) -> None:
    job = library.jobs.submit("recognize", {}, "a").id
    paused = auricle("jobs", "pause", job)
    assert f"{job} is paused" in paused.out
    assert f"auricle jobs resume {job}" in paused.out
    assert auricle("jobs", "--json").document["jobs"][0]["state"] == "paused"
    assert f"{job} is queued" in auricle("jobs", "resume", job).out
    assert auricle("jobs", "cancel", job, "--json").document["state"] == "cancelled"
    assert f"{job} is cancelled" in auricle("jobs", "pause", job).out


def test_a_job_that_is_about_to_pause_says_so(
    auricle: CommandLine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.following.worker_alive", lambda _: True)
    job = library.jobs.submit("recognize", {}, "a").id
    library.jobs.claim(1)
    assert "pausing after this piece" in auricle("jobs", "pause", job).out
    assert f"{job} is running" in auricle("jobs", "resume", job).out


def test_work_that_nobody_does_is_shown_waiting_and_how_to_go_on(auricle: CommandLine, library: Library) -> None:
    job = library.jobs.submit("recognize", {}, "a").id
    library.jobs.claim(1)
    ran = auricle("jobs")
    assert "queued" in ran.out
    assert f"auricle jobs resume {job}" in ran.out


def test_how_long_a_job_takes_yet_is_listed(
    auricle: CommandLine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.following.worker_alive", lambda _: True)
    job = library.jobs.submit("recognize", {}, "a").id
    library.jobs.claim(1)
    library.jobs.progress(job, 20, 100, "listening", 81.26)
    (told,) = auricle("jobs", "--json").document["jobs"]
    assert (told["percent"], told["seconds_left"]) == (20.0, 81.3)


def test_a_job_that_failed_says_why(auricle: CommandLine, library: Library) -> None:
    job = library.jobs.submit("recognize", {}, "a").id
    library.jobs.fail(job, WorkError("The disk is full.").as_dict())
    assert "The disk is full." in auricle("jobs").out


@pytest.mark.parametrize("command", ["pause", "resume", "cancel"])
def test_an_unknown_job_is_told(auricle: CommandLine, command: str) -> None:
    ran = auricle("jobs", command, "j_0123456789", "--json")
    assert (ran.code, ran.error["code"]) == (2, "not_found")

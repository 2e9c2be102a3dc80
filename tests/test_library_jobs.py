"""Jobs are rows that faces and workers share."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auricle.errors import NotFound
from library import Library
from library import jobs as jobs_module
from library.jobs import MOST_ATTEMPTS, JobRows, Requests


def test_the_same_work_is_one_job_until_it_ends(library: Library) -> None:
    first = library.jobs.submit("chat", {"a": [1]}, "key")
    assert (first.state, first.args) == ("queued", {"a": [1]})
    assert library.jobs.submit("chat", {}, "key") == first
    library.jobs.claim(1)
    assert library.jobs.submit("chat", {}, "key").id == first.id
    library.jobs.finish(first.id, {"said": "hello"})
    done = library.jobs.get(first.id)
    assert (done.state, done.result, done.error) == ("done", {"said": "hello"}, None)
    assert library.jobs.submit("chat", {}, "key").id != first.id


def test_the_highest_priority_goes_first_then_the_oldest(library: Library) -> None:
    low, old, new = (library.jobs.submit("chat", {}, str(n), priority) for n, priority in enumerate((0, 5, 5)))
    claimed = [library.jobs.claim(9) for _ in range(4)]
    assert [job and job.id for job in claimed] == [old.id, new.id, low.id, None]
    assert claimed[0] is not None
    assert (claimed[0].state, claimed[0].worker_pid) == ("running", 9)


def test_a_job_is_claimed_once_by_many_at_once(home: Path) -> None:
    with Library(home) as library:
        for number in range(20):
            library.jobs.submit("chat", {}, str(number))

    def claim_all(_: int) -> list[str]:
        with Library(home) as mine:
            return [job.id for job in iter(lambda: mine.jobs.claim(os.getpid()), None)]

    with ThreadPoolExecutor(4) as pool:
        claimed = [job for jobs in pool.map(claim_all, range(4)) for job in jobs]
    assert len(claimed) == len(set(claimed)) == 20


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_asked(library: Library) -> None:
    queued = library.jobs.submit("chat", {}, "a")
    assert library.jobs.cancel(queued.id).state == "cancelled"
    running = library.jobs.submit("chat", {}, "b")
    library.jobs.claim(1)
    asked = library.jobs.cancel(running.id)
    assert (asked.state, asked.cancel_requested) == ("running", True)
    library.jobs.cancelled(running.id)
    assert library.jobs.get(running.id).state == "cancelled"


def test_what_has_ended_stays_as_it_ended(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    library.jobs.claim(1)
    library.jobs.finish(job.id, {})
    library.jobs.fail(job.id, {"code": "failed", "message": "late"})
    library.jobs.progress(job.id, 1, 2, "late")
    assert library.jobs.cancel(job.id).state == "done"


def test_new_work_does_not_join_a_job_that_is_being_cancelled(library: Library) -> None:
    first = library.jobs.submit("chat", {}, "a")
    library.jobs.claim(1)
    library.jobs.cancel(first.id)
    second = library.jobs.submit("chat", {}, "a")
    assert (second.id != first.id, second.state) == (True, "queued")


def test_a_dead_workers_job_is_queued_again_and_given_up_in_the_end(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    for attempt in range(1, MOST_ATTEMPTS):
        library.jobs.claim(1)
        library.jobs.requeue_orphans()
        row = library.jobs.get(job.id)
        assert (row.state, row.attempts) == ("queued", attempt)
    library.jobs.claim(1)
    library.jobs.requeue_orphans()
    row = library.jobs.get(job.id)
    assert row.state == "failed"
    assert row.error is not None
    assert row.error["code"] == "worker_died"


def test_a_dead_workers_job_that_was_being_cancelled_is_cancelled(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    library.jobs.claim(1)
    library.jobs.cancel(job.id)
    library.jobs.requeue_orphans()
    assert library.jobs.get(job.id).state == "cancelled"


def test_the_newest_job_is_listed_first(library: Library) -> None:
    ids = [library.jobs.submit("chat", {}, str(number)).id for number in range(3)]
    assert [job.id for job in library.jobs.list()] == ids[::-1]


@pytest.mark.parametrize("job", ["j_0000000000", "", "x" * 999, "\udcff", "a\0b"])
def test_an_unknown_job_is_not_found(library: Library, job: str) -> None:
    with pytest.raises(NotFound):
        library.jobs.get(job)
    with pytest.raises(NotFound):
        library.jobs.cancel(job)


def test_work_that_somebody_more_urgent_joins_is_more_urgent(library: Library) -> None:
    batch, person = library.jobs.submit("chat", {}, "a", 0), library.jobs.submit("chat", {}, "b", 5)
    assert library.jobs.submit("chat", {}, "a", 10).id == batch.id
    library.jobs.submit("chat", {}, "b", 0)
    first, second = library.jobs.claim(1), library.jobs.claim(1)
    assert (first and first.id, second and second.id) == (batch.id, person.id)


def test_deaths_of_workers_that_kept_a_piece_are_not_counted(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    for _ in range(2 * MOST_ATTEMPTS):
        library.jobs.claim(1)
        library.jobs.committed(job.id)
        library.jobs.requeue_orphans()
        assert library.jobs.get(job.id).state == "queued"
    for _ in range(MOST_ATTEMPTS):
        assert library.jobs.get(job.id).state == "queued"
        library.jobs.claim(1)
        library.jobs.requeue_orphans()
    assert library.jobs.get(job.id).state == "failed"


def test_a_running_job_is_told_of_what_is_more_urgent(library: Library) -> None:
    running = library.jobs.submit("chat", {}, "a", 5)
    library.jobs.claim(1)
    library.jobs.submit("chat", {}, "b", 5)
    assert library.jobs.requests(running.id) == Requests(cancel=False, pause=False, make_way=False)
    urgent = library.jobs.submit("chat", {}, "c", 6)
    assert library.jobs.requests(running.id).make_way
    library.jobs.requeue(running.id, "waits")
    row = library.jobs.get(running.id)
    assert (row.state, row.note, row.attempts) == ("queued", "waits", 0)
    claimed = library.jobs.claim(1)
    assert claimed is not None and claimed.id == urgent.id
    assert not library.jobs.requests(urgent.id).make_way


def test_a_queued_job_is_paused_at_once_and_goes_on_when_told(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    assert library.jobs.pause(job.id).state == "paused"
    assert not library.jobs.waiting()
    assert library.jobs.claim(1) is None
    assert library.jobs.resume(job.id).state == "queued"
    assert library.jobs.waiting()


def test_a_running_job_is_asked_to_pause_and_may_be_told_to_go_on_after_all(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    library.jobs.claim(1)
    assert library.jobs.pause(job.id).state == "running"
    assert library.jobs.requests(job.id).pause
    library.jobs.resume(job.id)
    assert not library.jobs.requests(job.id).pause
    library.jobs.pause(job.id)
    library.jobs.requeue(job.id)
    paused = library.jobs.get(job.id)
    assert (paused.state, paused.pause_requested, paused.worker_pid) == ("paused", False, None)


def test_a_dead_workers_job_that_was_to_pause_is_paused(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    library.jobs.claim(1)
    library.jobs.pause(job.id)
    library.jobs.requeue_orphans()
    assert library.jobs.get(job.id).state == "paused"


def test_a_job_that_its_worker_gives_back_while_it_is_being_cancelled_is_cancelled(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    library.jobs.claim(1)
    library.jobs.cancel(job.id)
    library.jobs.requeue(job.id)
    assert library.jobs.get(job.id).state == "cancelled"


def test_a_paused_job_is_cancelled_at_once_and_the_same_work_asked_for_again_goes_on_with_it(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    library.jobs.pause(job.id)
    again = library.jobs.submit("chat", {}, "a")
    assert (again.id, again.state) == (job.id, "queued")
    library.jobs.pause(job.id)
    assert library.jobs.cancel(job.id).state == "cancelled"


def test_a_job_that_gets_on_is_not_given_up_however_often_its_worker_dies(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    for _ in range(20):
        library.jobs.claim(1)
        library.jobs.committed(job.id)
        library.jobs.requeue_orphans()
        assert library.jobs.get(job.id).state == "queued"


def test_who_leaves_stops_the_work_only_when_nobody_else_waits(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a", asker="one")
    library.jobs.submit("chat", {}, "a", asker="two")
    library.jobs.claim(1)
    assert not library.jobs.leave(job.id, "one").cancel_requested
    assert library.jobs.leave(job.id, "two").cancel_requested


def test_a_handle_keeps_the_work_going(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a", asker="one")
    library.jobs.ask(job.id, "handle")
    library.jobs.take_handle(job.id, "handle")
    assert library.jobs.leave(job.id, "one").state == "queued"
    assert library.jobs.cancel(job.id).state == "cancelled"


@pytest.mark.parametrize("jump", [60.0, -60.0])
def test_an_asker_long_not_seen_holds_nothing(library: Library, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    job = library.jobs.submit("chat", {}, "a", asker="dead")
    library.jobs.ask(job.id, "alive")
    now = jobs_module.time.monotonic()
    monkeypatch.setattr(jobs_module.time, "monotonic", lambda: now + jump)
    library.jobs.ask(job.id, "alive")
    assert library.jobs.leave(job.id, "alive").state == "cancelled"


def test_what_ended_is_forgotten_when_nobody_waits_for_its_result(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a", asker="one")
    library.jobs.ask(job.id, "two")
    library.jobs.forget(job.id, "one")
    library.jobs.claim(1)
    library.jobs.finish(job.id, {})
    library.jobs.forget(job.id, "one")
    assert library.jobs.get(job.id).state == "done"
    library.jobs.forget(job.id, "two")
    with pytest.raises(NotFound):
        library.jobs.get(job.id)


def test_a_clock_that_jumps_ahead_drops_no_job(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "_KEPT", 2)
    ids = [library.jobs.submit("chat", {}, str(number)).id for number in range(4)]
    for job in ids[1:]:
        library.jobs.cancel(job)
    now = jobs_module.time.time()
    monkeypatch.setattr(jobs_module.time, "time", lambda: now + 10 * 365 * 86_400)
    library.jobs.prune()
    assert [job.id for job in library.jobs.list()] == [ids[3], ids[2], ids[0]]


def test_the_time_left_goes_with_the_progress_until_the_job_waits_or_ends(library: Library) -> None:
    job = library.jobs.submit("chat", {}, "a")
    library.jobs.claim(1)
    library.jobs.progress(job.id, 1, 4, "thinking", 3.0)
    assert library.jobs.get(job.id).seconds_left == 3.0
    library.jobs.requeue(job.id)
    assert library.jobs.get(job.id).seconds_left is None


@pytest.mark.parametrize(
    "end",
    [
        lambda jobs, job: jobs.finish(job, {}),
        lambda jobs, job: jobs.fail(job, {"code": "failed", "message": "It failed."}),
        lambda jobs, job: jobs.cancelled(job),
        lambda jobs, job: (jobs.cancel(job), jobs.requeue(job)),
    ],
    ids=["done", "failed", "cancelled", "cancelled while it was given back"],
)
def test_what_has_ended_takes_no_more_time_and_is_not_about_to_pause(
    library: Library, end: Callable[[JobRows, str], object]
) -> None:
    job = library.jobs.submit("chat", {}, "a").id
    library.jobs.claim(1)
    library.jobs.progress(job, 1, 4, "thinking", 3.0)
    library.jobs.pause(job)
    end(library.jobs, job)
    ended = library.jobs.get(job)
    assert ended.finished is not None
    assert (ended.seconds_left, ended.pause_requested) == (None, False)

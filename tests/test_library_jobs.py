"""Jobs are rows that faces and workers share."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auricle.errors import NotFound
from library import Library
from library.jobs import MOST_ATTEMPTS


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

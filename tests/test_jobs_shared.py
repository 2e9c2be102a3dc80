"""Several who want something of the one worker: who goes first, who shares, and who may stop what."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from auricle.errors import Cancelled, LibraryError
from auricle.settings import Settings
from library import Library
from tests.fakes import tone
from tests.worker_kit import BOUND, SCRIPT, Watching, listening, until
from tools.following import status
from tools.jobs import Jobs
from tools.work import BATCH, PERSON, Quiet, StillWorking
from tools.worker_process import stop_worker, worker_alive


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, worker="process", idle_seconds=60)


@pytest.fixture
def jobs(library: Library, settings: Settings) -> Callable[[str], Jobs]:
    return lambda mode: Jobs(library, settings, command=[sys.executable, str(SCRIPT), mode])


@pytest.fixture
def work(library: Library, tmp_path: Path) -> dict[str, Any]:
    """Twenty seconds to hear: four pieces."""
    recording = library.recordings.add(tone(tmp_path / "a.wav", 20), lambda done, total: None)
    return {"recording": recording.id}


@pytest.fixture
def other(library: Library, tmp_path: Path) -> dict[str, Any]:
    """A short recording: one piece."""
    recording = library.recordings.add(tone(tmp_path / "b.wav", 3, pitch=330), lambda done, total: None)
    return {"recording": recording.id}


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def heard_by_two(home: Path) -> bool:
    return len(listening(home)) >= 2


def test_a_script_makes_way_for_a_person_and_goes_on_after(
    home: Path,
    library: Library,
    jobs: Callable[[str], Jobs],
    work: dict[str, Any],
    other: dict[str, Any],
    beside: ThreadPoolExecutor,
) -> None:
    watching = Watching(priority=BATCH)
    script = beside.submit(jobs("hold").run, "recognize", work, watching)
    until(lambda: heard_by_two(home))
    person = beside.submit(jobs("hold").run, "recognize", other, Quiet(priority=PERSON))
    until(lambda: len(library.jobs.list()) == 2)
    (home / "go").touch()
    assert person.result(BOUND)["heard"] == 3
    assert script.result(BOUND)["heard"] == 10, "it went on with its third piece"
    first, second = library.jobs.list()
    assert (first.started or 0) < (second.started or 0), "the person's, asked for later, began before the rest"
    assert second.state == "done"
    assert second.attempts <= 0
    assert len(set(listening(home))) == 1
    assert len(listening(home)) == 5


def test_a_paused_job_rests_until_it_is_resumed(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any], beside: ThreadPoolExecutor
) -> None:
    face, watching = jobs("hold"), Watching()
    running = beside.submit(face.run, "recognize", work, watching)
    until(lambda: heard_by_two(home))
    (job,) = library.jobs.list()
    assert status(library, face.pause(job.id)).note == "pausing after this piece"
    (home / "go").touch()
    until(lambda: library.jobs.get(job.id).state == "paused")
    assert len(library.takes.find(work["recording"], "recognition")) == 2
    until(lambda: any(f"auricle jobs resume {job.id}" in note for note in watching.notes))
    stop_worker(home)
    assert "paused" in status(library, library.jobs.get(job.id)).next
    assert face.resume(job.id).state == "queued"
    assert running.result(BOUND)["heard"] == 10


def test_a_face_without_patience_gets_the_handle_of_a_paused_job_and_asking_again_resumes_it(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any]
) -> None:
    face = jobs("plain")
    job = library.jobs.submit("recognize", work, "key").id
    face.pause(job)
    with pytest.raises(StillWorking) as raised:
        face.wait(job, Quiet(patience=0.1))
    assert "again" in status(library, raised.value.job).next
    assert not worker_alive(home), "nothing is to be done"
    assert library.jobs.submit("recognize", work, "key").id == job
    assert face.wait(job, Quiet())["heard"] == 20


def test_a_paused_job_can_be_cancelled(
    library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any], beside: ThreadPoolExecutor
) -> None:
    face = jobs("plain")
    job = library.jobs.submit("recognize", work, "key").id
    face.pause(job)
    waiting = beside.submit(face.wait, job, Quiet())
    assert face.cancel(job).state == "cancelled"
    with pytest.raises(Cancelled):
        waiting.result(BOUND)


@pytest.mark.parametrize("stop", [Cancelled("enough"), KeyboardInterrupt()])
def test_one_of_two_who_leaves_does_not_stop_the_other(
    home: Path,
    library: Library,
    jobs: Callable[[str], Jobs],
    work: dict[str, Any],
    beside: ThreadPoolExecutor,
    stop: BaseException,
) -> None:
    face = jobs("hold")
    stays = beside.submit(face.run, "recognize", work, Quiet())
    until(lambda: heard_by_two(home))
    with pytest.raises(Cancelled, match=r"goes on.*auricle jobs cancel"):
        face.run("recognize", work, Watching(stop, home))
    (home / "go").touch()
    assert stays.result(BOUND)["heard"] == 20
    assert len(listening(home)) == 4


def test_a_handle_keeps_the_work_going_when_somebody_else_leaves(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any]
) -> None:
    face = jobs("hold")
    with pytest.raises(StillWorking) as raised:
        face.run("recognize", work, Quiet(patience=0.1))
    with pytest.raises(Cancelled, match="goes on"):
        face.run("recognize", work, Watching(Cancelled("enough"), home))
    (home / "go").touch()
    assert face.wait(raised.value.job.id, Quiet())["heard"] == 20


def test_cancelling_a_job_cancels_it_for_everybody(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any], beside: ThreadPoolExecutor
) -> None:
    face = jobs("slow")
    both = [beside.submit(face.run, "recognize", work, Quiet()) for _ in range(2)]
    until(lambda: heard_by_two(home))
    (job,) = library.jobs.list()
    assert face.cancel(job.id).state == "cancelled"
    for running in both:
        with pytest.raises(Cancelled, match=job.id):
            running.result(BOUND)


FACE = """
import sys
from auricle.settings import Settings
from library import Library
from tools.jobs import Jobs
from tools.work import Quiet

settings = Settings()
jobs = Jobs(Library(settings.home), settings, command=[sys.executable, *sys.argv[2:]])
jobs.run("recognize", {"recording": sys.argv[1]}, Quiet())
"""


def test_a_killed_faces_work_goes_on_to_its_end(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any]
) -> None:
    environment = {**os.environ, "AURICLE_HOME": str(home), "PYTHONPATH": str(SCRIPT.parent.parent)}
    command = [sys.executable, "-c", FACE, work["recording"], str(SCRIPT), "hold"]
    with subprocess.Popen(command, env=environment) as face:
        until(lambda: heard_by_two(home))
        face.send_signal(signal.SIGKILL)
    (job,) = library.jobs.list()
    (home / "go").touch()
    until(lambda: library.jobs.get(job.id).state == "done")
    assert len(listening(home)) == 4


def test_work_whose_worker_and_face_were_killed_waits_and_goes_on_with_the_next(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any], other: dict[str, Any]
) -> None:
    face = jobs("hold")
    with pytest.raises(StillWorking) as raised:
        face.run("recognize", work, Quiet(patience=0.1))
    until(lambda: heard_by_two(home))
    os.kill(listening(home)[0], signal.SIGKILL)
    until(lambda: not worker_alive(home))
    (home / "go").touch()
    job = raised.value.job.id
    assert status(library, library.jobs.get(job)).state == "queued", "nobody works at it"
    assert face.run("recognize", other, Quiet())["heard"] == 3
    until(lambda: library.jobs.get(job).state == "done")


def test_what_a_killed_worker_left_goes_on_when_it_is_resumed(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any]
) -> None:
    job = library.jobs.submit("recognize", work, "key").id
    library.jobs.claim(1)  # and dies before it says anything
    jobs("plain").resume(job)
    until(lambda: library.jobs.get(job).state == "done")


def test_a_full_disk_is_told_and_asking_again_goes_on(
    home: Path, library: Library, jobs: Callable[[str], Jobs], work: dict[str, Any]
) -> None:
    face = jobs("full")
    with pytest.raises(LibraryError, match="make room"):
        face.run("recognize", work, Quiet())
    assert worker_alive(home)
    (home / "go").touch()
    assert face.run("recognize", work, Quiet())["heard"] == 15


def test_the_time_left_is_told_on_the_way(library: Library, jobs: Callable[[str], Jobs], tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "long.wav", 60), lambda done, total: None)
    watching = Watching()
    jobs("slow").run("recognize", {"recording": recording.id}, watching)
    told = [left for left in watching.left if left is not None]
    assert told
    assert 0 <= told[-1] <= told[0] < BOUND

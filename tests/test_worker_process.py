"""The one worker of a home: it survives nothing and loses nothing."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auricle.domain import Recording
from auricle.errors import Cancelled, ModelUnavailable, WorkerDied, WorkError
from auricle.settings import Settings
from library import Library
from tests.fakes import tone
from tests.worker_kit import BOUND, SCRIPT, Watching, listening, until
from tools.jobs import Jobs
from tools.work import PERSON, Quiet, StillWorking
from tools.worker import LOCK, LOG, PID, main
from tools.worker_process import stop_worker, worker_alive


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, worker="process", idle_seconds=60)


@pytest.fixture
def recording(library: Library, tmp_path: Path) -> Recording:
    """Twenty seconds: four pieces."""
    return library.recordings.add(tone(tmp_path / "a.wav", 20), lambda done, total: None)


@pytest.fixture
def jobs(library: Library, settings: Settings) -> Callable[[str], Jobs]:
    return lambda mode: Jobs(library, settings, command=[sys.executable, str(SCRIPT), mode])


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_work_is_done_by_a_worker_and_told_on_the_way(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs]
) -> None:
    work = Watching()
    result = jobs("plain").run("recognize", {"recording": recording.id}, work)
    assert result["heard"] == 20
    assert result["takes"] == [take.id for take in library.takes.find(recording.id, "recognition")]
    assert set(listening(home)) != {os.getpid()}
    assert work.reports
    (job,) = library.jobs.list()
    assert job.state == "done" and job.done == job.total >= 20


def test_the_words_of_an_llm_come_while_it_speaks(home: Path, library: Library, jobs: Callable[[str], Jobs]) -> None:
    told: list[str] = []

    def tell(piece: str) -> None:
        told.append(piece)
        (home / "go").touch()  # the model waits for it after its first word

    args = {"model": "local:", "messages": [{"role": "user", "content": "Count."}]}
    assert jobs("hold").run("chat", args, Quiet(), on_text=tell)["text"] == "one two three"
    assert told[0] == "one " and "".join(told) == "one two three"
    assert library.jobs.list() == []  # what was said to an LLM is kept nowhere


def test_a_killed_workers_job_goes_on_where_it_was(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs], beside: ThreadPoolExecutor
) -> None:
    running = beside.submit(jobs("hold").run, "recognize", {"recording": recording.id}, Quiet())
    until(lambda: len(listening(home)) == 2)
    first = listening(home)[0]
    os.kill(first, signal.SIGKILL)
    (home / "go").touch()
    result = running.result(BOUND)
    assert result["heard"] == 15  # the first piece of five seconds was kept
    assert len(result["takes"]) == 4
    assert len(set(listening(home))) == 2


def test_work_that_gets_on_survives_any_number_of_dead_workers(
    home: Path, recording: Recording, jobs: Callable[[str], Jobs]
) -> None:
    """One piece for each worker, and each of them dies: of four, three."""
    assert jobs("stumble").run("recognize", {"recording": recording.id}, Quiet())["heard"] == 5
    assert len(set(listening(home))) == 4


def test_work_that_kills_every_worker_is_given_up(
    home: Path, recording: Recording, jobs: Callable[[str], Jobs]
) -> None:
    with pytest.raises(WorkerDied):
        jobs("die").run("recognize", {"recording": recording.id}, Quiet())
    assert len(listening(home)) == 3


def test_a_worker_that_does_not_start_is_an_error(library: Library, settings: Settings, recording: Recording) -> None:
    jobs = Jobs(library, settings, command=[sys.executable, "-c", "raise SystemExit('no engines here')"])
    with pytest.raises(WorkerDied, match="does not start"):
        jobs.run("recognize", {"recording": recording.id}, Quiet())
    assert library.jobs.list()[0].state == "failed"
    assert "no engines here" in (settings.home / LOG).read_text()


@pytest.mark.parametrize(("mode", "error", "says"), [("fail", ModelUnavailable, "pull"), ("break", WorkError, "a bug")])
def test_a_workers_error_comes_back_as_what_it_is(
    recording: Recording, jobs: Callable[[str], Jobs], mode: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        jobs(mode).run("recognize", {"recording": recording.id}, Quiet())


@pytest.mark.parametrize("stop", [Cancelled("enough"), KeyboardInterrupt()])
def test_a_worker_that_listens_is_asked_to_stop_and_lives_on(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs], stop: BaseException
) -> None:
    with pytest.raises(type(stop)):
        jobs("slow").run("recognize", {"recording": recording.id}, Watching(stop, home))
    assert library.jobs.list()[0].state == "cancelled"
    assert worker_alive(home)
    assert 1 <= len(library.takes.find(recording.id, "recognition")) < 4


def test_a_worker_that_does_not_listen_is_ended(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs]
) -> None:
    with pytest.raises(Cancelled):
        jobs("hold").run("recognize", {"recording": recording.id}, Watching(Cancelled("enough"), home))
    assert library.jobs.list()[0].state == "cancelled"
    assert not worker_alive(home)
    assert len(library.takes.find(recording.id, "recognition")) == 1


def test_cancelling_one_job_leaves_the_others_to_a_new_worker(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs], beside: ThreadPoolExecutor
) -> None:
    stuck = beside.submit(jobs("hold").run, "recognize", {"recording": recording.id}, Quiet())
    until(lambda: len(listening(home)) == 2)
    other = library.jobs.submit("recognize", {"recording": recording.id, "start": 0, "end": 80_000}, "other")
    assert jobs("plain").cancel(library.jobs.list()[1].id).state == "cancelled"
    with pytest.raises(Cancelled):
        stuck.result(BOUND)
    until(lambda: library.jobs.get(other.id).state == "done")


def test_the_same_work_asked_for_twice_is_done_once(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs], beside: ThreadPoolExecutor
) -> None:
    face = jobs("hold")
    both = [beside.submit(face.run, "recognize", {"recording": recording.id}, Quiet()) for _ in range(2)]
    until(lambda: len(listening(home)) == 2)
    (home / "go").touch()
    first, second = (running.result(BOUND) for running in both)
    assert first == second
    assert len(library.jobs.list()) == 1
    assert len(listening(home)) == 4


def test_a_face_that_has_no_patience_gets_a_handle_and_the_result_later(
    home: Path, recording: Recording, jobs: Callable[[str], Jobs]
) -> None:
    face = jobs("hold")
    with pytest.raises(StillWorking) as raised:
        face.run("recognize", {"recording": recording.id}, Quiet(patience=0.1))
    (home / "go").touch()
    assert face.wait(raised.value.job.id, Quiet())["heard"] == 20


def test_a_home_has_one_worker(home: Path, jobs: Callable[[str], Jobs]) -> None:
    first = jobs("plain").ensure_worker()
    assert first is not None
    until(lambda: worker_alive(home))
    assert jobs("plain").ensure_worker() is first
    environment = {**os.environ, "AURICLE_HOME": str(home), "PYTHONPATH": str(SCRIPT.parent.parent)}
    second = subprocess.run([sys.executable, str(SCRIPT), "plain"], env=environment, timeout=BOUND, check=False)
    assert second.returncode == 3
    assert first.poll() is None


def test_of_workers_that_start_at_the_same_moment_one_stays(home: Path, library: Library) -> None:
    environment = {**os.environ, "AURICLE_HOME": str(home), "PYTHONPATH": str(SCRIPT.parent.parent)}
    workers = [subprocess.Popen([sys.executable, str(SCRIPT), "plain"], env=environment) for _ in range(3)]
    until(lambda: sum(worker.poll() is None for worker in workers) == 1)
    assert sorted(worker.poll() or 0 for worker in workers) == [0, 3, 3]
    (stayed,) = [worker for worker in workers if worker.poll() is None]
    assert (home / PID).read_text() == str(stayed.pid)


def test_what_a_killed_worker_left_of_itself_is_in_nobodys_way(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs]
) -> None:
    (home / LOCK).touch()
    (home / PID).write_text("1")
    assert not worker_alive(home)
    assert jobs("plain").run("recognize", {"recording": recording.id}, Quiet())["heard"] == 20
    assert (home / PID).read_text() == str(listening(home)[0])


def test_a_worker_leaves_after_idling(library: Library, settings: Settings) -> None:
    idle = settings.model_copy(update={"idle_seconds": 0.1})
    worker = Jobs(library, idle, command=[sys.executable, str(SCRIPT), "plain"]).ensure_worker()
    assert worker is not None
    assert worker.wait(BOUND) == 0


def test_a_worker_asked_to_go_gives_its_job_back(
    home: Path, library: Library, recording: Recording, jobs: Callable[[str], Jobs]
) -> None:
    job = library.jobs.submit("recognize", {"recording": recording.id}, "key")
    worker = jobs("hold").ensure_worker()
    assert worker is not None
    until(lambda: len(listening(home)) == 2)
    stop_worker(home)
    assert worker.wait(BOUND) == 0
    row = library.jobs.get(job.id)
    assert row.state == "queued"
    assert row.attempts <= 0
    (home / "go").touch()
    assert jobs("hold").wait(job.id, Quiet())["heard"] == 15


def test_a_worker_leaves_when_its_home_is_gone(home: Path, library: Library, jobs: Callable[[str], Jobs]) -> None:
    worker = jobs("plain").ensure_worker()
    assert worker is not None
    until((home / PID).exists)  # it writes nothing after that
    shutil.rmtree(home)
    worker.wait(BOUND)
    assert not home.exists()


def test_a_worker_whose_home_went_before_it_came_makes_none(settings: Settings) -> None:
    assert main(settings) == 0
    assert not settings.home.exists()


def test_a_worker_holds_nothing_of_the_face_that_started_it(home: Path, library: Library) -> None:
    start = (
        "import sys\nfrom tools.jobs import Jobs\nfrom library import Library\nfrom auricle.settings import Settings\n"
        f"jobs = Jobs(Library(Settings().home), Settings(), command=[sys.executable, {str(SCRIPT)!r}, 'plain'])\n"
        "jobs.ensure_worker()\nprint('the face is done')\n"
    )
    # Reading to the end of its output would last as long as the worker, had that kept it.
    face = subprocess.run(
        [sys.executable, "-c", start],
        cwd=SCRIPT.parent.parent,
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=True,
    )
    assert face.stdout == "the face is done\n"
    until(lambda: worker_alive(home))


def test_a_model_is_loaded_before_anything_is_asked_and_nothing_is_kept_of_that(
    library: Library, jobs: Callable[[str], Jobs]
) -> None:
    face = jobs("plain")
    face.prepare("load", {"model": "local:"}, PERSON)
    face.prepare("load", {"model": "local:"}, PERSON)
    assert [job.kind for job in library.jobs.list()] in (["load"], [])
    until(lambda: library.jobs.list() == [])
    args = {"model": "local:", "messages": [{"role": "user", "content": "Count."}]}
    assert face.run("chat", args, Quiet())["text"] == "one two three"

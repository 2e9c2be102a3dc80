"""Runs a script over many recordings at once, with the listening on a Ray cluster.

Each recording has a Toolbox of its own over the one library; what is heard lands there, as without Ray.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from agent.script import Script
from agent.script_run import RecordingReport, ScriptReport, check_paths, put_together, run_one
from agent.script_step import Doing
from auricle.settings import Settings
from engines.build import build
from engines.on_ray import Cluster, FromSettings, Make
from engines.protocols import Engines
from tools.threads import Watching
from tools.toolbox import Toolbox
from tools.work import BATCH, Work


def run_on_ray(
    script: Script,
    recordings: Sequence[str],
    settings: Settings,
    open_recording: Callable[[Toolbox, str], str],
    *,
    address: str,
    work: Work,
    model: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
    fresh: bool = False,
    local: Engines | None = None,
    make: Make | None = None,
) -> ScriptReport:
    """The same as ``agent.script_run.run``, several recordings at a time.

    Args:
        settings: Of the library, and of the engines there.
        open_recording: Makes an id of what was typed, with a toolbox.
        address: As ``Cluster`` takes it.
        work: Told how many recordings are done, and asked whether to stop.
        local, make: Engines instead of the settings' own, here and there: for tests.

    Raises:
        ModelUnavailable: Ray is not installed, or no cluster answers.
        BadArgument: A step writes to one path for several recordings.
        Cancelled: Somebody asked to stop.
    """
    check_paths(script, len(recordings))
    with Cluster(address) as cluster:
        engines = cluster.engines(local or build(settings), make or FromSettings.of(settings))
        asking = threading.Lock()  # one LLM thinks for all
        at_once = min(len(recordings), 2 * cluster.processors)
        tell(f"{at_once} recordings at a time, on {cluster.processors} of Ray's places")
        watching = [Watching(priority=BATCH) for _ in recordings]

        def one(number: int) -> RecordingReport:
            toolbox = Toolbox(settings, engines=engines)
            try:
                doing = Doing(script, toolbox, model, watching[number], fresh=fresh, asking=asking)
                return run_one(doing, recordings[number], partial(open_recording, toolbox), tell)
            finally:
                toolbox.close()

        with ThreadPoolExecutor(at_once) as threads:
            waiting = {threads.submit(one, number): number for number in range(len(recordings))}
            try:
                reports: dict[int, RecordingReport] = {}
                for future in as_completed(waiting):
                    reports[waiting[future]] = future.result()
                    work.report(len(reports), len(recordings), "recordings done")
                    work.check_cancelled()
            except BaseException:
                for each in watching:
                    each.cancel()
                threads.shutdown(wait=True, cancel_futures=True)
                raise
        toolbox = Toolbox(settings, engines=engines)
        try:
            doing = Doing(script, toolbox, model, work, fresh=fresh, asking=asking)
            return put_together(doing, [reports[number] for number in range(len(recordings))], tell)
        finally:
            toolbox.close()

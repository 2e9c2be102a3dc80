"""`auricle` as a process of its own, over a worker with fakes that behaves as the first argument says."""

import sys
from pathlib import Path

from agent.cli import context, listening, main, serving
from auricle.settings import get_settings
from tools.jobs import Jobs
from tools.toolbox import Toolbox

WORKER = Path(__file__).with_name("worker_with_fakes.py")


def open_toolbox() -> Toolbox:
    toolbox = Toolbox(get_settings())
    toolbox.jobs = Jobs(toolbox.library, toolbox.settings, command=[sys.executable, str(WORKER), sys.argv[1]])
    return toolbox


if __name__ == "__main__":
    context.open_toolbox = serving.open_toolbox = open_toolbox
    listening.ensure_models = lambda *_: None
    main(sys.argv[2:])

"""The command line. ``main`` is the console script ``auricle``."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Leaves with 0 done, 1 the work failed, 2 the request was wrong; Ctrl-C is one line, while it loads too."""
    try:
        from agent.cli.app import main as run

        run(argv)
    except KeyboardInterrupt:
        if "--json" in (sys.argv if argv is None else argv):
            sys.stdout.write('{"error": {"code": "cancelled", "message": "Stopped before anything was done."}}\n')
        else:
            sys.stderr.write("Stopped before anything was done.\n")
        sys.exit(1)

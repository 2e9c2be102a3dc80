"""Speed beside faster-whisper and pyannote called directly: `python -m bench.speed --only diarize`.

Every figure is a ratio of two times on this machine, taken one right after the other with the same weights. What was
measured is kept after each recording, so a run that was stopped goes on (`--again` begins anew). The table goes to
bench/results/speed.md.
"""

import argparse
import sys
from pathlib import Path

from bench.scoring import eval_folder
from bench.speed_figures import FIGURES
from bench.speed_kit import Kept, Kit, machine

RESULTS = Path(__file__).parent / "results" / "speed.md"
HEAD = "| what | audio | Auricle | direct | ratio | aim | accuracy |\n|---|---|---|---|---|---|---|"


def main() -> None:
    arguments = argparse.ArgumentParser(description="Speed beside faster-whisper and pyannote called directly.")
    arguments.add_argument("--only", default=",".join(FIGURES), help=f"comma-separated, of {', '.join(FIGURES)}")
    arguments.add_argument("--again", action="store_true", help="forget what was measured of these before")
    given = arguments.parse_args()
    wanted = given.only.split(",")
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown:
        sys.exit(f"There is no figure '{unknown[0]}': there are {', '.join(FIGURES)}.")
    if not (eval_folder() / "manifest.jsonl").is_file():
        sys.exit(f"There are no recordings in {eval_folder()}: set AURICLE_EVAL to a folder with a manifest.jsonl.")
    kept, kit = Kept(), Kit()
    print(HEAD, flush=True)
    for name in wanted:
        if given.again:
            kept.forget(name)
        FIGURES[name].measure(kit, kept)
        print(FIGURES[name].row(kept), flush=True)
    table = "\n".join([HEAD, *(figure.row(kept) for figure in FIGURES.values() if kept.of(figure.name))])
    notes = "\n".join(f"- {figure.note}" for figure in FIGURES.values())
    RESULTS.write_text(f"# Speed\n\n{machine(kit.settings, kit.engines)}\n\n{table}\n\n{notes}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

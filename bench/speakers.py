"""Who is speaking: known people named, strangers left strangers. `python -m bench.speakers` writes a page of results.

The people are in no calibration (bench/calibrate.py). Vectors are kept in .bench/voices, so that a run goes on.
"""

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.settings import Settings
from bench.scoring import eval_folder
from bench.speakers_in_meetings import meetings
from bench.speakers_told import channels, names
from bench.voice_trials import (
    CONDITIONS,
    ENROLLED,
    TESTED,
    Utterance,
    Vectors,
    Verdicts,
    enrolments,
    load,
    open_set,
    pieces,
)
from engines.build import build
from engines.comparing import Calibration, calibration, matches
from library import Library

RESULTS = Path(__file__).parent / "results" / "speakers.md"
SETS = ("libri", "spkid_pv", "turns_pv")
MANY = 10_000


def closed_set(utterances: Sequence[Utterance], vectors: Vectors) -> str:
    """Who is it of those who are known? With the equal error rate of one comparison."""
    people = {each.person: [one for one in utterances if one.person == each.person] for each in utterances}
    known = {person: ways for person, its in people.items() if len(ways := list(enrolments(its))) > 1}
    right = total = 0
    own: list[float] = []
    others: list[float] = []
    for turn in range(max(map(len, known.values()))):
        chosen = {person: ways[turn % len(ways)] for person, ways in known.items()}
        gallery = np.stack([vectors.of(sound) for sound, _ in chosen.values()])
        names = list(chosen)
        for person in names:
            for each in people[person]:
                if each.id in chosen[person][1]:
                    continue
                for piece in pieces(each):
                    scores = gallery @ vectors.of(piece)
                    right, total = right + (names[int(scores.argmax())] == person), total + 1
                    own.append(float(scores[names.index(person)]))
                    others += [float(score) for name, score in zip(names, scores, strict=True) if name != person]
    return (
        f"Closed set, {len(known)} people, {ENROLLED} s enrolled and {TESTED} s tested: "
        f"**top-1 {right / total:.1%}** of {total} trials; equal error rate {_equal_error_rate(own, others):.2%}."
    )


def _equal_error_rate(own: Sequence[float], others: Sequence[float]) -> float:
    targets, strangers = np.sort(own), np.sort(others)
    marks = np.concatenate([targets, strangers])
    missed = np.searchsorted(targets, marks) / len(targets)
    taken = 1 - np.searchsorted(strangers, marks) / len(strangers)
    place = int(np.argmin(np.abs(missed - taken)))
    return float((missed[place] + taken[place]) / 2)


def row(condition: str, found: Verdicts) -> str:
    """A line of the table. Trials of one utterance are not independent, so intervals count utterances (Wilson)."""
    named = _by_utterance([(one, right) for one, right, _ in found.known])
    swapped = _by_utterance([(one, wrong) for one, _, wrong in found.known])
    strangers = _by_utterance(found.strangers)
    return (
        f"| {condition} | {_share(strangers)} | {_share(named)} | {_share(swapped)} | "
        f"{len(found.strangers)} + {len(found.known)} | {len(strangers)} |"
    )


def _by_utterance(trials: Sequence[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    counted: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for utterance, hit in trials:
        counted[utterance][0] += hit
        counted[utterance][1] += 1
    return {utterance: (hits, all_) for utterance, (hits, all_) in counted.items()}


def _share(counted: dict[str, tuple[int, int]]) -> str:
    hits, total = (sum(pair[place] for pair in counted.values()) for place in (0, 1))
    share, independent, z = hits / total, len(counted), 1.96
    middle = (share + z**2 / (2 * independent)) / (1 + z**2 / independent)
    half = z * np.sqrt(share * (1 - share) / independent + z**2 / (4 * independent**2)) / (1 + z**2 / independent)
    return f"{share:.2%} ({max(0.0, middle - half):.1%} to {min(1.0, middle + half):.1%})"


def many(measured: Calibration) -> str:
    """How long it takes to look for the voices of a recording among ten thousand people, from the library's file."""
    chance = np.random.default_rng(1)
    directions = chance.normal(size=(MANY, 192)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as home, Library(Path(home)) as library:
        _fill(Path(home) / "library.db", directions)
        took = []
        for _ in range(20):
            began = time.perf_counter()
            library.voiceprints.doubtful("m")
            gallery = library.voiceprints.gallery("m")
            found = matches(directions[:6], [10.0] * 6, gallery.people, gallery.vectors, measured)
            library.voiceprints.named(match.best or "" for match in found)
            took.append(1000 * (time.perf_counter() - began))
    return (
        f"{MANY:,} voiceprints, six voices: **{np.median(took):.0f} ms** (the slowest of 20: {max(took):.0f} ms) "
        "after the voices are embedded, reading the voiceprints from disk included."
    )


def _fill(database: Path, directions: NDArray[np.float32]) -> None:
    """Random people, written past the library: one by one they would take minutes."""
    with sqlite3.connect(database) as connection:
        for number, vector in enumerate(directions):
            person, voiceprint = f"p_{number:010d}", f"v_{number:010d}"
            connection.execute("INSERT INTO people VALUES (?, ?, 'themselves', 0, NULL)", (person, f"Person {number}"))
            connection.execute(
                "INSERT INTO voiceprints VALUES (?, ?, NULL, NULL, 'a file', '[[0, 1]]', 10, 0)", (voiceprint, person)
            )
            connection.execute("INSERT INTO vectors VALUES (?, 'm', ?)", (voiceprint, vector.tobytes()))


def main() -> None:
    arguments = argparse.ArgumentParser(description="Known people named, strangers left strangers.")
    arguments.add_argument(
        "--only", default="voices,many,text,channels,meetings", help="comma-separated parts; others are kept"
    )
    wanted = arguments.parse_args().only.split(",")
    if not (eval_folder() / "manifest.jsonl").is_file():
        sys.exit(f"There are no evaluation recordings in {eval_folder()}: set AURICLE_EVAL to their folder.")
    settings = Settings(worker="inline")
    embedder = build(settings).embedder()
    measured = calibration(embedder.identity)
    if measured is None:
        sys.exit(f"{embedder.identity} was never calibrated: run bench/calibrate.py.")
    about = (
        f"Last measured on {date.today():%d %B %Y}: {platform.machine()}, {os.cpu_count()} cores; {embedder.identity}, "
        f"threshold {measured.threshold} and margin {measured.margin} standard deviations above strangers, from "
        "bench/calibrate.py: nobody of these recordings was heard for them."
    )
    parts: dict[str, tuple[str, Callable[[], str]]] = {
        "voices": ("Voices", lambda: _voices(load(SETS), Vectors(embedder), measured)),
        "many": ("Ten thousand people", lambda: many(measured)),
        "text": ("Names from what is said", names),
        "channels": ("One person a channel", channels),
        "meetings": ("Meetings", meetings),
    }
    page = Page(RESULTS, "Who is speaking", about)
    for name, (title, measure) in parts.items():
        if name in wanted:
            page.put(title, measure())
    print(RESULTS.read_text(encoding="utf-8"))


def _voices(utterances: Sequence[Utterance], vectors: Vectors, measured: Calibration) -> str:
    head = (
        "| what is heard | strangers given a name | known people named | given another's name | trials | utterances |\n"
        "|---|---|---|---|---|---|"
    )
    rows = []
    for condition, degrade in CONDITIONS.items():
        rows.append(row(condition, open_set(utterances, vectors, measured, degrade)))
        print(rows[-1], file=sys.stderr, flush=True)
    people = len({each.person for each in utterances})
    return (
        f"{closed_set(utterances, vectors)}\n\nOpen set: {people} people of {', '.join(SETS)}, every split into known "
        f"ones and strangers, {ENROLLED} s of clean speech enrolled, beginning at each utterance in turn; every other "
        "utterance is a trial, as long as it is. In brackets the 95 % interval, as if each was tried once.\n\n"
        + "\n".join([head, *rows])
    )


class Page:
    """A page in parts, each measured by itself and written at once; the others stay as they are."""

    def __init__(self, path: Path, title: str, about: str) -> None:
        self._path, self._head = path, f"# {title}\n\n{about}"
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        self._parts = dict(part.split("\n\n", 1) for part in text.split("\n## ")[1:])

    def put(self, title: str, text: str) -> None:
        self._parts[title] = text
        parts = [f"## {name}\n\n{each.strip()}" for name, each in self._parts.items()]
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text("\n\n".join([self._head, *parts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

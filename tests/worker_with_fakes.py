"""A worker whose engines are fakes that behave as the first argument says; tests have ``Jobs`` start it.

It hears, and keeps, five seconds at a time, and writes a line into the home's file ``heard`` as it begins with them.

plain   hears at once
hold    hears nothing beyond its second piece until the file ``go`` is in the home, deaf to everything meanwhile
slow    takes a moment for each piece
die     takes the process down with each piece
stumble takes the process down with each second piece
fail    cannot find its weights
break   has a bug
full    finds the disk full at its second piece, until the file ``go`` is in the home

Its LLM says "one two three" and, with hold, after its first word waits for that file.
"""

import errno
import os
import signal
import sys
import time

from auricle.errors import ModelUnavailable
from auricle.settings import Settings
from tests.fakes import FakeLLM, FakeRecognizer, fake_engines
from tools.worker import main

SECONDS = 5
"""The length of a piece."""

MODE = sys.argv[1]
SETTINGS = Settings()


def hearing(piece: int) -> None:
    """What happens while a piece is heard; the first of this process is number 1."""
    with (SETTINGS.home / "heard").open("a") as file:
        file.write(f"{os.getpid()}\n")
    held = piece >= 2 and not (SETTINGS.home / "go").exists()
    if MODE == "die" or (MODE == "stumble" and piece == 2):
        os.kill(os.getpid(), signal.SIGKILL)
    if MODE == "fail":
        raise ModelUnavailable("The weights are gone: auricle models pull fetches them.")
    if MODE == "break":
        raise ValueError("a bug")
    if MODE == "full" and held:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if MODE == "slow":
        time.sleep(0.15)
    while MODE == "hold" and held and not (SETTINGS.home / "go").exists():
        time.sleep(0.02)


def saying(word: int) -> None:
    """What happens after a word."""
    while MODE == "hold" and not (SETTINGS.home / "go").exists():
        time.sleep(0.02)


if __name__ == "__main__":
    llm = FakeLLM(replies=["one two three"], during=saying)
    sys.exit(main(SETTINGS, fake_engines(FakeRecognizer(window=SECONDS, during=hearing), llm=llm)))

"""A worker whose engines are fakes that behave as the first argument says; tests have ``Jobs`` start it.

plain   hears at once
hold    hears nothing beyond its second piece until the file ``go`` is in the home, deaf to everything meanwhile
wait    the same, but asks again and again whether it should stop
die     takes the process down with each piece
fail    cannot find its weights
break   has a bug
"""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence

from auricle.domain import Recognition, Span
from auricle.errors import ModelUnavailable
from auricle.settings import Settings
from engines.protocols import Audio, Heard, HearingOptions
from tests.fakes import FakeRecognizer, fake_engines
from tools.worker import main

MODE = sys.argv[1]
SETTINGS = Settings()
NOTHING = Recognition(language="en", language_probability=0.9, segments=())


class Recognizer(FakeRecognizer):
    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        with (SETTINGS.home / "heard").open("a") as file:
            file.write(f"{os.getpid()}\n")
        if MODE == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if MODE == "fail":
            raise ModelUnavailable("The weights are gone: auricle models pull fetches them.")
        if MODE == "break":
            raise ValueError("a bug")
        while MODE in {"hold", "wait"} and len(self.calls) >= 1 and not (SETTINGS.home / "go").exists():
            if MODE == "wait":
                yield Heard(NOTHING, 0)
            time.sleep(0.02)
        yield from super().transcribe(audio, speech, options, since)


sys.exit(main(SETTINGS, fake_engines(Recognizer())))

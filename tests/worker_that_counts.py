"""The real worker, which writes down each piece that it begins to hear: one line in the home's file ``begun``."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from auricle.domain import Diarization, Span
from auricle.settings import Settings
from engines.build import Once, build
from engines.protocols import (
    Audio,
    Diarizer,
    Heard,
    HearingOptions,
    Progress,
    Recognizer,
    SpeakerCount,
    VoiceMap,
    Windows,
)
from tools.worker import main

SETTINGS = Settings()


def begun(what: str) -> None:
    with (SETTINGS.home / "begun").open("a") as file:
        file.write(f"{what}\n")


class CountedRecognizer:
    def __init__(self, engine: Recognizer) -> None:
        self._engine, self.identity = engine, engine.identity

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        begun("words")
        last = since.until if since else 0
        for heard in self._engine.transcribe(audio, speech, options, since):
            yield heard
            if last < heard.until < len(audio):  # what comes first only says that it is ready
                begun("words")
            last = heard.until


class CountedDiarizer:
    def __init__(self, engine: Diarizer) -> None:
        self._engine, self.identity = engine, engine.identity

    @property
    def windows(self) -> Windows:
        return self._engine.windows

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        begun("voices")
        return self._engine.listen(audio, speech, progress)

    def cluster(self, pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
        return self._engine.cluster(pieces, count, threshold)


if __name__ == "__main__":
    real = build(SETTINGS)
    sys.exit(
        main(
            SETTINGS,
            replace(
                real,
                recognizer=Once(lambda: CountedRecognizer(real.recognizer())),
                diarizer=Once(lambda: CountedDiarizer(real.diarizer())),
            ),
        )
    )

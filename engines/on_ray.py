"""The engines on a Ray cluster: a piece of audio goes out, words or voices come back.

Ray schedules, retries and places on GPUs; what was heard is still kept by whoever asked, in its library. An engine is
loaded once in each of Ray's processes and stays there.
"""

import importlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from auricle.domain import Diarization, Span
from auricle.errors import AuricleError, ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.build import build
from engines.protocols import (
    Audio,
    Diarizer,
    Engines,
    Heard,
    HearingOptions,
    Progress,
    Recognizer,
    SpeakerCount,
    SpeechDetector,
    VoiceMap,
    Windows,
)

LOCAL = "local"
"""The address of a cluster that is only this machine and this run."""

_SECONDS = 10.0

Make = Callable[[], Engines]
"""Makes the engines in one of Ray's processes. Pickle carries it there; two that are equal make the same engines."""


@dataclass(frozen=True)
class FromSettings:
    """Makes the real engines over there, with their weights from there.

    Attributes:
        settings: As JSON.
    """

    settings: str

    @classmethod
    def of(cls, settings: Settings) -> "FromSettings":
        return cls(settings.model_dump_json(exclude={"openai_api_key"}))

    def __call__(self) -> Engines:
        return build(Settings(**json.loads(self.settings)))


class Cluster:
    """A connection to Ray, to be closed.

    Args:
        address: ``local``, ``auto`` for the one that runs here, ``HOST:PORT`` or ``ray://HOST:PORT``.

    Raises:
        ModelUnavailable: Ray is not installed, or nothing answers there.
    """

    def __init__(self, address: str) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError:
            raise ModelUnavailable("Ray is not installed: pip install 'auricle[ray]', or leave --ray out.") from None
        _answers(address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
        where = {} if address == LOCAL else {"address": address}
        try:
            self._ray.init(**where, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # Ray raises many kinds
            why = " ".join(str(error).split())[:200]
            raise ModelUnavailable(
                f"No Ray cluster answers at {address} ({why}): give another --ray ADDRESS."
            ) from None

    @property
    def processors(self) -> int:
        """How many pieces can be heard at once: as many as it has GPUs, else half of its processors."""
        there = self._ray.cluster_resources()
        return max(1, int(there.get("GPU", 0)) or int(there.get("CPU", 2)) // 2)

    def engines(self, local: Engines, make: Make) -> Engines:
        """Engines that listen on the cluster; the LLM and voiceprints stay here.

        Args:
            local: Those of this process: they know their names without weights.
            make: Makes them over there.
        """
        far = _Far(self._ray, make)
        return replace(
            local,
            recognizer=cache(lambda: RayRecognizer(local.recognizer().identity, far)),
            detector=cache(lambda: RayDetector(local.detector().identity, far)),
            diarizer=cache(lambda: RayDiarizer(local.diarizer(), far)),
        )

    def close(self) -> None:
        with suppress(Exception):  # it may be gone already
            self._ray.shutdown()

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _answers(address: str) -> None:
    """Ray itself waits for minutes where nobody is."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except OSError as error:
        told = f"No Ray cluster answers at {address} ({error.strerror or error}): give another --ray ADDRESS."
        raise ModelUnavailable(told) from None


class RayRecognizer:
    """Recognition that tells what it heard as it goes, half a minute at a time, as it does here."""

    def __init__(self, identity: str, far: "_Far") -> None:
        self.identity, self._far = identity, far

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        return self._far.stream(_transcribe, audio, tuple(speech), options, since)


class RayDetector:
    def __init__(self, identity: str, far: "_Far") -> None:
        self.identity, self._far = identity, far

    def speech(self, audio: Audio) -> list[Span]:
        found: list[Span] = self._far.get(_speech, audio)
        return found


class RayDiarizer:
    """The slow half there, the quick half here."""

    def __init__(self, local: Diarizer, far: "_Far") -> None:
        self.identity, self._local, self._far = local.identity, local, far

    @cached_property
    def windows(self) -> Windows:
        found: Windows = self._far.get(_windows)
        return found

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        progress(0.0)
        found: VoiceMap = self._far.get(_listen, audio, tuple(speech))
        progress(1.0)
        return found

    def cluster(self, pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
        return self._local.cluster(pieces, count, threshold)


class _Far:
    """Functions done in Ray's processes, with a GPU each where the cluster has any."""

    def __init__(self, ray: Any, make: Make) -> None:
        self._ray, self._make = ray, make
        self._needs = {"num_cpus": 1, "num_gpus": 1 if ray.cluster_resources().get("GPU") else 0, "max_retries": 3}

    def get(self, function: Callable[..., Any], *args: Any) -> Any:
        remote = self._ray.remote(**self._needs)(function)
        with _told(self._ray):
            return self._ray.get(remote.remote(self._make, *args))

    def stream(self, function: Callable[..., Any], *args: Any) -> Iterator[Any]:
        remote = self._ray.remote(num_returns="streaming", **self._needs)(function)
        with _told(self._ray):
            for piece in remote.remote(self._make, *args):
                yield self._ray.get(piece)


class _told:  # noqa: N801 - used as a function is
    """Errors of ours as they are, those of Ray in one line."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, self._ray.exceptions.RayError):
            return
        cause = getattr(error, "cause", None)
        if isinstance(cause, AuricleError):
            raise cause from None
        why = " ".join(str(cause or error).split())[-200:]
        raise WorkError(f"The Ray cluster did not do it ({type(error).__name__}: {why}): run it again.") from None


@cache
def _made(make: Make) -> Engines:
    return make()


def _transcribe(
    make: Make, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None
) -> Iterator[Heard]:
    recognizer: Recognizer = _made(make).recognizer()
    yield from recognizer.transcribe(audio, speech, options, since)


def _speech(make: Make, audio: Audio) -> list[Span]:
    detector: SpeechDetector = _made(make).detector()
    return detector.speech(audio)


def _listen(make: Make, audio: Audio, speech: Sequence[Span]) -> VoiceMap:
    return _made(make).diarizer().listen(audio, speech, lambda share: None)


def _windows(make: Make) -> Windows:
    return _made(make).diarizer().windows

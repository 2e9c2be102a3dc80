"""Weights on the Hugging Face hub. It is asked once in a pull whether it answers, and never waited for."""

import os
import shutil
import threading
from pathlib import Path
from typing import Any

from auricle.errors import AuricleError
from engines.manifest import HubSource, Model
from engines.sources import SourceFailed, Tick, is_full, sha256_of

PATIENCE = 4.0
"""Seconds that the hub has to answer the first question."""

_ACCEPT = "accept its conditions on that page, and set HF_TOKEN to a token of that account which may read it"


class Hub:
    """The hub during one pull."""

    def __init__(self) -> None:
        self._silence = ""

    def fetch(self, model: Model, source: HubSource, into: Path, tick: Tick) -> None:
        """Brings a model's files into ``into``, each whole or not at all; those that are there are kept.

        Raises:
            SourceFailed: The hub does not answer, wants a token, or holds other files.
        """
        from huggingface_hub import constants, get_token, hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError

        # Else the hub is told what runs here, and asked for a list of AI agents to tell it better. The variable of that
        # name would be too late where another package has imported this one already.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        if constants.is_offline_mode():
            raise SourceFailed("the Hugging Face hub is switched off (HF_HUB_OFFLINE)", expected=True)
        if self._silence:
            raise SourceFailed(self._silence, expected=True)
        token = get_token()
        if source.gated and not token:
            raise SourceFailed(f"{_where(source)} needs a token: {_ACCEPT}", expected=True)

        endpoint = os.environ.get("HF_ENDPOINT") or None  # huggingface_hub reads it at its first import only
        place: dict[str, Any] = {"repo_id": source.repo, "revision": source.revision, "endpoint": endpoint}
        self._ask(source, place, model.files[0].path, token)
        done = 0
        for file in model.files:
            target = into / file.path
            name = source.files.get(file.path, file.path)
            if not (target.is_file() and sha256_of(target) == file.sha256):
                bar = _bar(tick, done)
                fetched = into / ".hub"
                try:
                    path = hf_hub_download(
                        **place, filename=name, token=token or False, local_dir=fetched, tqdm_class=bar
                    )
                except HfHubHTTPError as error:
                    raise SourceFailed(_refusal(source, error)) from error
                except AuricleError:
                    raise
                except Exception as error:
                    if is_full(error):
                        raise
                    reason = f"the Hugging Face hub broke off while giving {name} ({type(error).__name__})"
                    raise SourceFailed(reason) from error
                if sha256_of(Path(path)) != file.sha256:
                    shutil.rmtree(fetched)
                    raise SourceFailed(f"{name} in {source.repo} is not the file of the manifest")
                target.parent.mkdir(parents=True, exist_ok=True)
                Path(path).replace(target)
                shutil.rmtree(fetched)
            done += file.bytes
            tick(done)

    def _ask(self, source: HubSource, place: dict[str, Any], file: str, token: str | None) -> None:
        """One question with a short patience, in a thread of its own: looking up a name knows no timeout."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import HfHubHTTPError

        failures: list[Exception] = [TimeoutError()]

        def ask() -> None:
            try:
                url = hf_hub_url(**place, filename=source.files.get(file, file))
                get_hf_file_metadata(url, token=token or False, timeout=PATIENCE, endpoint=place["endpoint"])
                failures.clear()
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=ask, name="hub", daemon=True)
        thread.start()
        thread.join(PATIENCE + 1)
        if not failures:
            return
        error = failures[-1]
        if isinstance(error, HfHubHTTPError) and error.response.status_code < 500:
            raise SourceFailed(_refusal(source, error))
        self._silence = f"the Hugging Face hub does not answer ({type(error).__name__})"
        raise SourceFailed(self._silence)


def _where(source: HubSource) -> str:
    """A model's page, where its conditions are accepted."""
    from huggingface_hub import constants

    return f"{os.environ.get('HF_ENDPOINT') or constants.ENDPOINT}/{source.repo}"


def _refusal(source: HubSource, error: Any) -> str:
    status = error.response.status_code
    if source.gated and status in (401, 403):
        return f"{_where(source)} does not let this token in (HTTP {status}): {_ACCEPT}"
    return f"the Hugging Face hub refuses {source.repo} (HTTP {status})"


def _bar(tick: Tick, before: int) -> Any:
    """A progress bar class for huggingface_hub that shows nothing and tells ``tick``."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]
            self._bytes = int(kwargs.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            self._bytes += int(n or 0)
            tick(before + self._bytes)

    return Bar

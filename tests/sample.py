"""The telephone call between Diane and Sheila that pyannote.audio carries; it is not copied into the project."""

from importlib.util import find_spec
from pathlib import Path


def sample() -> Path:
    found = find_spec("pyannote.audio")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "sample" / "sample.wav"

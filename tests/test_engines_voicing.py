"""Whose voice it is in each window, with a network that only counts what it is shown."""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from engines.campplus import EMBEDDING_SIZE, CAMPlusPlus
from engines.voicemap import Windows
from engines.voicing import Voices

WINDOWS = Windows()
FRAMES, FEATURES = 589, 998
"""Of segmentation and of the filter bank, in a window of ten seconds."""


@dataclass
class CountingNetwork:
    """What it makes of a frame is the number of the call it was shown in."""

    shown: list[int] = field(default_factory=list)

    def frame_level(self, features: torch.Tensor) -> torch.Tensor:
        self.shown.append(features.shape[1])
        return torch.full((1, 512, -(-features.shape[1] // 2)), float(len(self.shown)))

    def pool(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(dim=2)[:, :EMBEDDING_SIZE]


def embed(active: NDArray[np.bool_], looked_at: list[int]) -> tuple[NDArray[np.float32], list[int]]:
    """The first number of each embedding, (windows, speakers), and the frames of each call."""
    network = CountingNetwork()
    voices = Voices(cast(CAMPlusPlus, cast(Any, network)), torch.device("cpu"), WINDOWS)
    waveform = torch.zeros(WINDOWS.covered(len(active)))
    return voices.embed(waveform, active, looked_at, lambda share: None)[:, :, 0], network.shown


def everybody(windows: int, speakers: int = 2) -> NDArray[np.bool_]:
    return np.zeros((windows, FRAMES, speakers), dtype=bool)


def test_what_is_said_goes_through_the_network_twice_and_serves_all_windows() -> None:
    active = everybody(30)
    active[:, :, 0] = True
    found, shown = embed(active, list(range(30)))
    assert shown == [FEATURES] * 7  # the windows at 0, 5, … 25 s, and the last one
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()


def test_a_voice_is_pooled_from_where_it_speaks_alone() -> None:
    active = everybody(1)
    active[:, :350, 0] = True
    active[:, 250:, 1] = True
    found, shown = embed(active, [0])
    assert found.tolist() == [[1.0, 2.0]]
    assert sum(shown) < 0.9 * FEATURES  # what they say at the same time is nobody's


def test_a_window_before_a_silence_has_its_voices_too() -> None:
    active = everybody(40)
    active[:, :, 0] = True
    looked_at = [*range(5), *range(20, 24)]
    found, _ = embed(active, looked_at)
    assert np.flatnonzero(np.isfinite(found[:, 0])).tolist() == looked_at


def test_who_says_next_to_nothing_has_no_voice() -> None:
    active = everybody(1)
    active[:, :2, 0] = True
    found, shown = embed(active, [0])
    assert np.isnan(found).all()
    assert shown == []

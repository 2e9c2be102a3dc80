"""The voices in the windows of a piece: CAM++ goes over what is said twice; a window's speakers are pooled from it.

Windows overlap tenfold, so embedding everybody in each of them anew, as pyannote.audio does, is ten times the work.
Here the frame-level network sees the speakers of every fifth window, each by themselves; what it makes of a frame
serves all windows that the frame lies in, and only the pooling is done for each. (With every tenth, bits of voices at
the edges of those windows stand for too much: DER over made meetings was the same, but a point worse over AMI.)
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from auricle.times import SAMPLE_RATE
from engines import campplus
from engines.protocols import Progress, Windows

_HOP = SAMPLE_RATE // 100
"""Samples from one feature frame to the next."""

_FEWEST_FRAMES = 5
"""Feature frames under which a voice gets no embedding."""

_ENOUGH_ALONE = 0.01
"""Of a window: a voice that speaks alone for longer is embedded from that alone, without what others say over it."""

_FEWEST_POOLED = 2
"""Frames of the network (20 ms) of which a spread can be told."""


class Voices:
    """Embeds the local speakers of windows.

    Args:
        network: CAM++, on its device.
        device: That device.
        windows: How audio is cut into windows.
        shared: What the network makes of a voice serves all windows; else each window has it made anew.
    """

    def __init__(
        self, network: campplus.CAMPlusPlus, device: torch.device, windows: Windows, shared: bool = True
    ) -> None:
        self._network, self._device, self._windows, self._shared = network, device, windows, shared
        self._step = windows.step // _HOP
        self._length = (windows.length - campplus.FRAME) // _HOP + 1

    def embed(
        self, waveform: Tensor, active: NDArray[np.bool_], looked_at: Sequence[int], progress: Progress
    ) -> NDArray[np.float32]:
        """An embedding for each local speaker that says anything.

        Args:
            waveform: (samples,), all that the windows cover.
            active: Who speaks when in each window, (windows, frames, local speakers).
            looked_at: The windows in which anybody may speak, in order.
            progress: Told the share done; may raise.

        Returns:
            (windows, local speakers, 192); NaN for who says too little.
        """
        embeddings = np.full((*active.shape[::2], campplus.EMBEDDING_SIZE), np.nan, dtype=np.float32)
        if not active.any():
            return embeddings
        features = campplus.fbank(waveform)
        shown = [(_spread(looked_at, self._windows), looked_at)]
        if not self._shared:
            shown = [([window], [window]) for window in looked_at]
        with torch.inference_mode():
            for number, (seen, pooled) in enumerate(shown):

                def of_all(share: float, number: int = number) -> None:
                    progress((number + share) / len(shown))

                times, frames = self._frames(features, active, seen, of_all)
                for window, speaker, own in self._own(times, frames, active, pooled):
                    embeddings[window, speaker] = self._network.pool(own.T[None])[0].cpu().numpy()
        return embeddings

    def _own(
        self, times: Tensor, frames: Tensor, active: NDArray[np.bool_], windows: Sequence[int]
    ) -> Iterator[tuple[int, int, Tensor]]:
        """(window, local speaker, that speaker's frames) of those in some windows who say enough."""
        for window in windows:
            first = window * self._step
            here = slice(*torch.searchsorted(times, torch.tensor([first, first + self._length])).tolist())
            for speaker, chosen in self._speaking(active[window]):
                own = frames[here][chosen[times[here] - first]]
                if len(own) >= _FEWEST_POOLED:
                    yield window, speaker, own

    def _frames(
        self, features: Tensor, active: NDArray[np.bool_], windows: Sequence[int], progress: Progress
    ) -> tuple[Tensor, Tensor]:
        """What the network makes of everybody in some windows: (frames,) feature frames in order, (frames, 512)."""
        times, frames = [torch.zeros(0, dtype=torch.long)], [torch.zeros(0, 512, device=self._device)]
        for done, window in enumerate(windows):
            progress(done / len(windows))
            first = window * self._step
            for _, chosen in self._speaking(active[window]):
                place = chosen.nonzero()[:, 0] + first
                voice = features[place].to(self._device)
                frames.append(self._network.frame_level((voice - voice.mean(dim=0))[None])[0].T)
                times.append(place[::2])
        order = torch.argsort(torch.cat(times), stable=True)
        return torch.cat(times)[order], torch.cat(frames)[order.to(self._device)]

    def _speaking(self, active: NDArray[np.bool_]) -> Iterator[tuple[int, Tensor]]:
        """(local speaker, which of the window's feature frames are its own) for those who say enough."""
        if not active.any():
            return
        alone = active & (active.sum(axis=1, keepdims=True) < 2)
        enough = alone.sum(axis=0) > math.ceil(_ENOUGH_ALONE * len(active))
        masks = torch.from_numpy(np.where(enough, alone, active).T.astype(np.float32))
        spread = functional.interpolate(masks[None], size=self._length, mode="nearest")[0] > 0.5
        for speaker, chosen in enumerate(spread):
            if int(chosen.sum()) >= _FEWEST_FRAMES:
                yield speaker, chosen


def _spread(looked_at: Sequence[int], windows: Windows) -> list[int]:
    """As few of the windows as see all that they all see, nearly everything twice."""
    across, known = windows.length // windows.step // 2, set(looked_at)
    chosen: list[int] = []
    for window in looked_at:
        if not chosen or window >= chosen[-1] + across or window + 1 not in known:
            chosen.append(window)
    return chosen

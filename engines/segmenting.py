"""pyannote's segmentation over windows that overlap: the filters that come first go over the sound once for all.

SincNet's first layer, 80 filters of 251 samples, is linear. A window's own normalization, which comes before it, can
therefore be applied to what it gives, and what it gives is the same for all windows that a sample lies in.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engines.protocols import Windows


class Segmentation:
    """A PyanNet with powerset classes, ready to tell who speaks when in windows.

    Args:
        model: Of pyannote.audio, on its device.
        powerset: What its classes mean.
        windows: How audio is cut into windows.
    """

    def __init__(self, model: Any, powerset: Any, windows: Windows) -> None:
        self._model, self._powerset, self._windows = model, powerset, windows
        self._filters = model.sincnet = _FilteredBefore(model.sincnet)
        self._stride: int = self._filters.rest.stride

    def filtered(self, waveform: Tensor) -> Tensor:
        """(samples,) -> what the first layer makes of them, (80, frames)."""
        with torch.inference_mode():
            found: Tensor = self._filters.first(waveform[None, None])[0]
        return found

    def active(self, waveform: Tensor, filtered: Tensor, numbers: Sequence[int]) -> Sequence[NDArray[np.bool_]]:
        """Who speaks when in some windows, for each (frames, local speakers)."""
        step, length = self._windows.step, self._windows.length
        width = (length - self._filters.width) // self._stride + 1
        sounds = torch.stack([waveform[number * step :][:length] for number in numbers])
        starts = [number * step // self._stride for number in numbers]
        with torch.inference_mode():
            scores = self._model((torch.stack([filtered[:, start : start + width] for start in starts]), sounds))
            return list(self._powerset.to_multilabel(scores).cpu().numpy() > 0.5)


class _FilteredBefore(nn.Module):
    """SincNet without its first layer, which is done before."""

    def __init__(self, sincnet: Any) -> None:
        super().__init__()
        self.rest, self.first = sincnet, sincnet.conv1d[0]
        self.width = int(self.first.filterbank.kernel_size)

    def forward(self, windows: tuple[Tensor, Tensor]) -> Tensor:
        """((windows, 80, frames) filtered, (windows, samples) as they are) -> (windows, 60, frames)."""
        filtered, sounds = windows
        norm = self.rest.wav_norm1d
        spread = torch.sqrt(sounds.var(dim=1, correction=0) + norm.eps)
        gain = (norm.weight / spread)[:, None, None]
        shift = norm.bias - gain * sounds.mean(dim=1)[:, None, None]
        of_one = self.first(torch.ones(1, 1, self.width, device=sounds.device))
        outputs = torch.abs(filtered * gain + shift * of_one)
        layers = zip(self.rest.conv1d, self.rest.pool1d, self.rest.norm1d, strict=True)
        for number, (convolution, pool, normalization) in enumerate(layers):
            if number > 0:
                outputs = convolution(outputs)
            outputs = functional.leaky_relu(normalization(pool(outputs)))
        return outputs

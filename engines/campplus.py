"""CAM++, the voice embedding of the small profile: 192 numbers that are near for one voice and far for two.

Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking",
Interspeech 2023. Written from the paper; modules are named so that the published checkpoint of
iic/speech_campplus_sv_zh_en_16k-common_advanced loads strictly. The frame-level part and the pooling are
separate calls, since the first is the dear one.
"""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

MEL_BANDS = 80
EMBEDDING_SIZE = 192
FRAME = 400
"""Samples that a feature frame is computed from."""

_MAPS = 32
_INITIAL = 128
_GROWTH = 32
_BOTTLENECK = 128
_SEGMENT_FRAMES = 100
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""(layers, dilation) of the three densely connected blocks."""


def fbank(waveform: Tensor) -> Tensor:
    """Log mel filter bank energies as Kaldi computes them, 25 ms windows every 10 ms.

    Args:
        waveform: (samples,), 16 kHz, in [-1, 1]; at least 400 samples.

    Returns:
        (frames, 80). The network wants their mean over the frames in use removed: see `CAMPlusPlus.forward`.
    """
    from torchaudio.compliance import kaldi

    features: Tensor = kaldi.fbank(waveform[None], num_mel_bins=MEL_BANDS, sample_frequency=16_000, dither=0.0)
    return features


def load_campplus(checkpoint: Path) -> "CAMPlusPlus":
    """The network with published weights, ready to embed.

    Raises:
        RuntimeError, OSError, pickle.UnpicklingError: The file is no checkpoint of this network.
    """
    network = CAMPlusPlus()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True), strict=True)
    return network.eval()


class CAMPlusPlus(nn.Module):
    """From filter bank features to a voice embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _FrontEnd()
        channels = _INITIAL
        layers: list[tuple[str, nn.Module]] = [("tdnn", _Downsample(self.head.channels, channels))]
        for number, (depth, dilation) in enumerate(_BLOCKS, start=1):
            layers.append((f"block{number}", _DenseBlock(channels, depth, dilation)))
            channels += depth * _GROWTH
            layers.append((f"transit{number}", _Transit(channels, channels // 2)))
            channels //= 2
        layers.append(("out_nonlinear", _normalized(channels)))
        self.xvector = nn.Sequential(OrderedDict(layers))
        self.xvector.add_module("dense", _Projection(2 * channels))

    def frame_level(self, features: Tensor) -> Tensor:
        """(batch, frames, 80) with the mean removed -> (batch, 512, frames / 2, rounded up)."""
        frames: Tensor = self.head(features.transpose(1, 2))
        for name, layer in self.xvector.named_children():
            if name != "dense":
                frames = layer(frames)
        return frames

    def pool(self, frames: Tensor) -> Tensor:
        """(batch, 512, frames) of one voice -> (batch, 192), by their mean and standard deviation."""
        spread = frames.std(dim=2) if frames.shape[2] > 1 else torch.full_like(frames[:, :, 0], 1e-2)
        embeddings: Tensor = self.xvector.get_submodule("dense")(torch.cat([frames.mean(dim=2), spread], dim=1))
        return embeddings

    def forward(self, features: Tensor) -> Tensor:
        """(batch, frames, 80), one voice each, any mean -> (batch, 192), not normalized."""
        return self.pool(self.frame_level(features - features.mean(dim=1, keepdim=True)))


def _normalized(channels: int, *, affine: bool = True, relu: bool = True) -> nn.Sequential:
    parts: list[tuple[str, nn.Module]] = [("batchnorm", nn.BatchNorm1d(channels, affine=affine))]
    return nn.Sequential(OrderedDict([*parts, ("relu", nn.ReLU(inplace=True))] if relu else parts))


class _FrontEnd(nn.Module):
    """2-D residual convolutions that see patterns anywhere in frequency; an eighth of the bands is left."""

    channels = _MAPS * MEL_BANDS // 8

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, _MAPS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_MAPS)
        self.layer1 = nn.Sequential(_Residual(halve=True), _Residual(halve=False))
        self.layer2 = nn.Sequential(_Residual(halve=True), _Residual(halve=False))
        self.conv2 = nn.Conv2d(_MAPS, _MAPS, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_MAPS)

    def forward(self, features: Tensor) -> Tensor:
        maps = functional.relu(self.bn1(self.conv1(features[:, None])))
        maps = self.layer2(self.layer1(maps))
        return functional.relu(self.bn2(self.conv2(maps))).flatten(1, 2)


class _Residual(nn.Module):
    def __init__(self, *, halve: bool) -> None:
        super().__init__()
        stride = (2 if halve else 1, 1)
        self.conv1 = nn.Conv2d(_MAPS, _MAPS, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_MAPS)
        self.conv2 = nn.Conv2d(_MAPS, _MAPS, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_MAPS)
        self.shortcut = nn.Sequential()
        if halve:
            self.shortcut.extend([nn.Conv2d(_MAPS, _MAPS, 1, stride=stride, bias=False), nn.BatchNorm2d(_MAPS)])

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(maps)))))
        return functional.relu(inner + self.shortcut(maps))


class _Downsample(nn.Module):
    """A time-delay layer that halves the frame rate."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, out_channels, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _normalized(out_channels)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.nonlinear(self.linear(frames))
        return out


class _DenseBlock(nn.Module):
    """Each layer sees what all before it found."""

    def __init__(self, channels: int, depth: int, dilation: int) -> None:
        super().__init__()
        for index in range(depth):
            self.add_module(f"tdnnd{index + 1}", _DenseLayer(channels + index * _GROWTH, dilation))

    def _layers(self) -> Iterator[nn.Module]:
        return self.children()

    def forward(self, frames: Tensor) -> Tensor:
        layers, width = list(self._layers()), frames.shape[1]
        # In one place from the start: joining the channels anew after each layer took a third of the time.
        grown = frames.new_empty(len(frames), width + len(layers) * _GROWTH, frames.shape[2])
        grown[:, :width] = frames
        for layer in layers:
            grown[:, width : width + _GROWTH] = layer(grown[:, :width])
            width += _GROWTH
        return grown


class _DenseLayer(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _normalized(channels)
        self.linear1 = nn.Conv1d(channels, _BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _normalized(_BOTTLENECK)
        self.cam_layer = _ContextMasked(dilation)

    def forward(self, frames: Tensor) -> Tensor:
        narrow = self.nonlinear2(self.linear1(self.nonlinear1(frames)))
        out: Tensor = self.cam_layer(narrow)
        return out


class _ContextMasked(nn.Module):
    """A time-delay layer, masked by what the whole utterance and its second around say matters."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(_BOTTLENECK, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(_BOTTLENECK, _BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(_BOTTLENECK // 2, _GROWTH, 1)

    def forward(self, frames: Tensor) -> Tensor:
        around = functional.avg_pool1d(frames, _SEGMENT_FRAMES, _SEGMENT_FRAMES, ceil_mode=True)
        # The mask is the same throughout a segment: worked out once for each and spread over its frames.
        context = frames.mean(dim=2, keepdim=True) + around
        mask = torch.sigmoid(self.linear2(functional.relu(self.linear1(context))))
        spread = mask.repeat_interleave(_SEGMENT_FRAMES, dim=2)[:, :, : frames.shape[2]]
        masked: Tensor = self.linear_local(frames) * spread
        return masked


class _Transit(nn.Module):
    """Halves the channels between blocks."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.nonlinear = _normalized(channels)
        self.linear = nn.Conv1d(channels, out_channels, 1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.linear(self.nonlinear(frames))
        return out


class _Projection(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, EMBEDDING_SIZE, 1, bias=False)
        self.nonlinear = _normalized(EMBEDDING_SIZE, affine=False, relu=False)

    def forward(self, statistics: Tensor) -> Tensor:
        out: Tensor = self.nonlinear(self.linear(statistics[:, :, None]).squeeze(2))
        return out

"""A voice as one vector: what voiceprints are made of and compared by."""

import pickle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.errors import ModelUnavailable
from auricle.times import SAMPLE_RATE
from engines import campplus
from engines.device import Wanted, for_torch
from engines.protocols import Audio

_PIECE = 10 * SAMPLE_RATE
"""Longer speech is embedded in pieces of about this length, whose directions are averaged."""

_SHORTEST = SAMPLE_RATE // 2


class CampplusEmbedder:
    """Loaded CAM++."""

    def __init__(self, checkpoint: Path, identity: str, wanted: Wanted = "auto") -> None:
        """Loads the network.

        Args:
            checkpoint: Of CAM++.
            identity: The model and its weights as ``name@hash``: vectors of another one are never compared.
            wanted: The device.

        Raises:
            ModelUnavailable: The file is no such checkpoint, or ``cuda`` was asked for and there is none.
        """
        self.identity = identity
        self._device = torch.device(for_torch(wanted).device)
        try:
            self._network = campplus.load_campplus(checkpoint).to(self._device)
        except (RuntimeError, OSError, pickle.UnpicklingError, AttributeError) as error:
            raise ModelUnavailable(
                f"{checkpoint} cannot be loaded as a checkpoint of CAM++: `auricle models verify` checks the files."
            ) from error

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """The direction of a voice, (192,), of length 1; zeros where there is under half a second of it.

        Args:
            audio: (samples,), 16 kHz, one voice and nothing else.
        """
        if audio.size < _SHORTEST:
            return np.zeros(campplus.EMBEDDING_SIZE, dtype=np.float32)
        pieces = np.array_split(audio, max(1, round(audio.size / _PIECE)))
        with torch.inference_mode():
            directions = [self._direction(torch.from_numpy(np.ascontiguousarray(piece))) for piece in pieces]
        return _of_length_one(np.mean(directions, axis=0))

    def _direction(self, waveform: torch.Tensor) -> NDArray[np.float32]:
        features = campplus.fbank(waveform)[None].to(self._device)
        return _of_length_one(self._network(features)[0].cpu().numpy())


def _of_length_one(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return result

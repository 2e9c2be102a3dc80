"""What the engines run on: a CUDA GPU where there is one that works, else the CPU."""

import ctypes
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auricle.errors import ModelUnavailable

Wanted = Literal["auto", "cuda", "cpu"]
Name = Literal["cuda", "cpu"]

_MOST_THREADS = 16
"""More cores than this do not make one recognition faster."""


@dataclass(frozen=True)
class Placement:
    """Where an engine runs.

    Attributes:
        device: ``cuda`` or ``cpu``.
        compute_type: CTranslate2's number format there.
        threads: CPU threads of the engine.
        batch: How many windows or voices are worth computing at once.
    """

    device: Name
    compute_type: str
    threads: int
    batch: int


def placement(device: Name) -> Placement:
    if device == "cuda":
        return Placement("cuda", "float16", cpu_threads(), 64)
    return Placement("cpu", "int8", cpu_threads(), 8)


def cpu_threads() -> int:
    """The cores this process may use, or `OMP_NUM_THREADS` where somebody set it."""
    configured = os.environ.get("OMP_NUM_THREADS", "")
    if configured.isdigit() and int(configured) > 0:
        return int(configured)
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)


def for_ctranslate2(wanted: Wanted) -> Placement:
    """Where recognition runs.

    Raises:
        ModelUnavailable: CUDA was asked for and there is none.
    """
    import ctranslate2

    if wanted != "cpu" and ctranslate2.get_cuda_device_count() > 0:
        _offer_cublas()
        return placement("cuda")
    return _without_gpu(wanted)


def for_torch(wanted: Wanted) -> Placement:
    """Where diarization runs.

    Raises:
        ModelUnavailable: CUDA was asked for and there is none.
    """
    import torch

    if wanted != "cpu" and torch.cuda.is_available():
        return placement("cuda")
    return _without_gpu(wanted)


def no_cuda(reason: str) -> ModelUnavailable:
    """The error for a GPU that was asked for and cannot be used."""
    return ModelUnavailable(
        f"AURICLE_DEVICE=cuda was asked for, but {reason}. Set AURICLE_DEVICE to auto or cpu, or make the GPU visible "
        f"(`auricle doctor` shows what is in force)."
    )


def _without_gpu(wanted: Wanted) -> Placement:
    if wanted == "cuda":
        raise no_cuda("there is no CUDA GPU here")
    return placement("cpu")


def _offer_cublas() -> None:
    """Loads CUDA 12's cuBLAS from the wheel `nvidia-cublas-cu12` where that is installed.

    CTranslate2 opens it by name at first use, and looks in no Python package; torch brings another version of CUDA.
    """
    for folder in map(Path, sys.path):
        library = folder / "nvidia" / "cublas" / "lib" / "libcublas.so.12"
        if library.is_file():
            with suppress(OSError):
                ctypes.CDLL(str(library.with_name("libcublasLt.so.12")), mode=ctypes.RTLD_GLOBAL)
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
            return

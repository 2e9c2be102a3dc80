"""What the engines run on."""

from collections.abc import Callable
from pathlib import Path

import ctranslate2
import pytest
import torch

from auricle.errors import ModelUnavailable
from auricle.settings import Settings
from engines.device import Placement, Wanted, cpu_threads, for_ctranslate2, for_torch
from tests.sample import sample
from tools.toolbox import Toolbox

Choose = Callable[[Wanted], Placement]


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("choose", [for_ctranslate2, for_torch])
def test_without_a_gpu_auto_is_the_cpu_in_8_bits(choose: Choose) -> None:
    place = choose("auto")
    assert (place.device, place.compute_type) == ("cpu", "int8")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("choose", [for_ctranslate2, for_torch])
def test_cuda_without_a_gpu_is_an_error_that_says_what_to_set(choose: Choose) -> None:
    with pytest.raises(ModelUnavailable, match=r"no CUDA GPU here.*AURICLE_DEVICE to auto or cpu"):
        choose("cuda")


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("choose", [for_ctranslate2, for_torch])
def test_a_gpu_gets_half_precision_and_larger_batches(choose: Choose) -> None:
    place = choose("auto")
    assert (place.device, place.compute_type) == ("cuda", "float16")
    assert place.batch > choose("cpu").batch


def test_threads_follow_omp_num_threads_and_else_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert cpu_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert 1 <= cpu_threads() <= 16


@pytest.mark.gpu
def test_a_gpu_hears_and_tells_apart_what_the_cpu_does(tmp_path: Path) -> None:
    toolbox = Toolbox(Settings(home=tmp_path / "home", worker="inline", device="cuda"))
    recording = toolbox.add_recording(str(sample())).id
    assert "New Jersey" in toolbox.transcribe(recording).preview
    assert len(toolbox.diarize(recording, speakers=2).speakers) == 2
    toolbox.close()

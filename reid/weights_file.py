"""Descriptor files: one safetensors file with the weights, whose metadata say everything else.

Weights are stored in half precision, everything one-dimensional (biases, standardisation, the centre …) in
full: it is small, and some of it is smaller than half precision can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reid.crops import Policy
from reid.descriptor import DescriptorError
from reid.evaluation.distances import Metric
from reid.files import written_atomically
from reid.models import WRNSettings
from reid.models.encoders import EncoderSettings
from reid.models.observation import SignalSettings
from reid.settings import Settings

FORMAT = "vhp-fmvae-sort descriptor"
VERSION = "1"

_EXPECTED = "expected a descriptor file, as reid train writes it (descriptor.safetensors)"
# How files written by pickle begin: bare, and packed into a zip file as by torch.save.
_PICKLES = (b"\x80", b"PK\x03\x04")


class PosteriorSettings(Settings):
    """A variational auto-encoder's encoder with its input; the vector is the posterior's mean."""

    kind: Literal["vae"] = "vae"
    input: SignalSettings
    encoder: EncoderSettings
    latents: int = Field(ge=1)


class SupervisedSettings(Settings):
    """The supervised network; the vector is its output."""

    kind: Literal["supervised"] = "supervised"
    network: WRNSettings


class DescriptorAbout(Settings):
    """What a descriptor file says about itself."""

    network: Annotated[PosteriorSettings | SupervisedSettings, Field(discriminator="kind")]
    policy: Policy
    """What becomes of a box's aspect ratio."""
    metric: Metric
    threshold: float = Field(ge=0)
    """Two crops further apart than this are taken for two people."""
    auc: float | None = None
    """How well that separates in the footage it was calibrated on; None: never calibrated."""
    bfloat16: bool = False
    """Whether half-precision arithmetic keeps the vectors, as measured on training crops."""
    name: str = ""
    description: str = ""
    config_hash: str = ""
    """Of the training's settings."""
    training_data: str = ""
    """What it was trained on, in words."""


def write_descriptor_file(path: Path, about: DescriptorAbout, tensors: dict[str, Tensor]) -> None:
    """Write a descriptor file; it is complete or not there."""
    metadata = {"format": FORMAT, "version": VERSION, "about": about.model_dump_json()}
    write_tensors(path, {name: stored_precision(value) for name, value in tensors.items()}, metadata)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file; it is complete or not there."""
    stored = {name: value.contiguous().cpu() for name, value in tensors.items()}
    with written_atomically(path) as unfinished:
        # Not save_file, which makes files that nobody else may read.
        unfinished.write_bytes(save(stored, metadata))


def read_descriptor_file(path: Path) -> tuple[DescriptorAbout, dict[str, Tensor]]:
    """What the file says about itself, and its tensors in float32.

    Raises:
        DescriptorError: if it is something else; pickles are refused without looking into them.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(9)
        # A safetensors file begins with the length of its JSON header, which may look like a pickle.
        if beginning.startswith(_PICKLES) and beginning[8:] != b"{":
            raise DescriptorError(
                f"{path}: a pickle, which could run anything when it is read, and so is not read; {_EXPECTED}"
            )
        with safe_open(path, framework="pt") as opened:
            about = _read_about(path, opened.metadata() or {})
            # Metadata are checked first: other files may be gigabytes.
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except OSError as error:
        raise DescriptorError(f"{path}: cannot be read ({error.strerror or error}); {_EXPECTED}") from error
    except SafetensorError as error:
        raise DescriptorError(f"{path}: not a whole safetensors file ({error}); {_EXPECTED}") from error
    floats = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    return about, floats


def change_descriptor_file(path: Path, output: Path, **changes: Any) -> DescriptorAbout:
    """Write a copy, or the same file again, with some of what it says about itself changed."""
    about, tensors = read_descriptor_file(path)
    changed = DescriptorAbout.model_validate(dict(about) | changes)
    write_descriptor_file(output, changed, tensors)
    return changed


def stored_precision(value: Tensor) -> Tensor:
    """A tensor as a descriptor file keeps it: weights of several dimensions in half precision."""
    return value.to(torch.float16) if value.is_floating_point() and value.ndim > 1 else value


def _read_about(path: Path, metadata: dict[str, str]) -> DescriptorAbout:
    if metadata.get("format") != FORMAT:
        raise DescriptorError(f"{path}: a safetensors file of something else; {_EXPECTED}")
    if metadata.get("version") != VERSION:
        raise DescriptorError(
            f"{path}: descriptor format {metadata.get('version')}; this program reads format {VERSION}"
        )
    try:
        return DescriptorAbout.model_validate_json(metadata.get("about", ""))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise DescriptorError(f"{path}: damaged description: {where}: {problem['msg']}") from error

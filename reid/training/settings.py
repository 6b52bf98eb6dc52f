"""All that a training run is told: the typed form of ``configs/reid/*.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reid.crops import Policy
from reid.evaluation.distances import Metric
from reid.models import ScaleSettings, VAESettings, WRNSettings
from reid.models.encoders import MLPEncoderSettings
from reid.models.stripes import Colours
from reid.objective.loss import ObjectiveSettings
from reid.settings import Settings, find_settings, load_settings

_PACKAGE = Path(__file__).parent.parent
# In a checkout the files stand in configs/; a wheel carries them inside the package.
CONFIG_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs" / "reid")


class AugmentSettings(Settings):
    """How the encoder's input is varied; what it must reconstruct stays clean."""

    flip: float = Field(0.0, ge=0, le=1)
    """Probability of a mirror image."""
    shift: float = Field(0.0, ge=0, le=0.5)
    """Largest displacement, as a share of the side."""
    zoom: float = Field(0.0, ge=0, lt=1)
    """Largest change of size, as a share."""
    brightness: float = Field(0.0, ge=0, lt=1)
    """Largest change of all values, as a share."""
    contrast: float = Field(0.0, ge=0, lt=1)
    """Largest change of the distance to the mean, as a share."""
    tint: float = Field(0.0, ge=0, lt=1)
    """Largest change of a single colour channel, as a share."""
    erase: float = Field(0.0, ge=0, le=1)
    """Probability that a rectangle is covered, as by somebody walking past."""
    noise: float = Field(0.0, ge=0)
    """Deviation of noise added to every number, in the data's units."""


class NeighbourSettings(Settings):
    """Crops that look like a crop: what it has in common with them is the person's."""

    nearest: int = Field(4, ge=1)
    """Crops or tracklets of two cameras are neighbours if each is among the other's nearest so many in its
    camera."""
    within: int = Field(0, ge=0)
    """Frames within which a crop or tracklet may be followed, in its camera, by another that is taken for the
    same person's; 0: none is."""
    first_by: str | None = None
    """What finds them before the first step: "hue" or "opponent", the crops' own statistics with colours
    counted so; or a descriptor, by a name or path as for ``track --descriptor``."""
    start: int | None = Field(2000, ge=1)
    """Steps before the model knows enough to find neighbours; null: it never looks for any."""
    every: int = Field(2000, ge=1)
    """Steps until they are looked for again."""

    def due(self, step: int) -> bool:
        """Whether they are to be looked for before this step."""
        return self.start is not None and step >= self.start and (step - self.start) % self.every == 0

    @model_validator(mode="after")
    def _somebody_looks(self) -> Self:
        if self.first_by is None and self.start is None:
            raise ValueError("with first_by: null and start: null nobody looks for neighbours; set one")
        return self


class DataSettings(Settings):
    """What is cut from the data, and what has to be reconstructed."""

    height: int = Field(64, ge=8)
    width: int = Field(64, ge=8)
    policy: Policy = "squash"
    """What becomes of a box's aspect ratio: squash it, or expand the box to the crop's."""
    target: Literal["itself", "tracklet"] = "itself"
    """Reconstruct the same crop, or another one of the same automatic tracklet where there is one."""
    colours: Colours = "hue"
    """How the statistics count colours: by hue and saturation, or as opponent colours."""
    level_cameras: bool = False
    """Give the statistics of each camera's crops the same mean, and the common ones the same deviation: what
    a camera does to colours need not be explained, so the descriptor learns to see past it."""
    even_statistics: float = Field(0.0, ge=0, le=1)
    """How far the principal components of a crop's own statistics are brought to one deviation: 0 leaves them
    as they are, 1 makes all alike."""
    steady_statistics: float = Field(0.0, ge=0, le=1)
    """The same, once crops are known that probably show one person, neighbours or those of a tracklet: how
    far the deviations between those are brought to one. What a person keeps counts more then."""
    own_statistics: Literal["clean", "moved", "seen"] = "clean"
    """What a crop's own statistics are those of: the clean crop; the crop moved and covered as the encoder
    sees it, but in its own colours; or the crop just as the encoder sees it. A descriptor learns to see past
    what it does not have to reconstruct."""
    neighbours: NeighbourSettings | None = None
    """How crops of other cameras are found that probably show the same person."""


class OptimiserSettings(Settings):
    """Adam, and how long."""

    learning_rate: float = Field(gt=0)
    batch: int = Field(64, ge=2)
    steps: int = Field(ge=1)
    warmup: int = Field(0, ge=0)
    """Steps in which the learning rate grows to its value."""
    decay: Literal["none", "cosine"] = "none"
    """Whether the learning rate falls to zero in the course of the run."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient."""
    averaging: float = Field(0.0, ge=0, lt=1)
    """Weights are averaged over the last 1/(1 - this) steps; 0 takes the last ones."""


class FlatVAE(Settings):
    """The unsupervised method: VHP-FMVAE, or with eta 0 VHP-VAE."""

    kind: Literal["vae"] = "vae"
    model: VAESettings
    objective: ObjectiveSettings
    start: Literal["random", "components"] = "random"
    """How training begins: with random weights; or as a linear model, the principal components of a crop's
    own statistics, for which the encoder needs stripes and the decoders of statistics need shortcuts."""


class IWAE(Settings):
    """The importance-weighted auto-encoder of (Chen et al. 2018, 3)."""

    kind: Literal["iwae"] = "iwae"
    model: VAESettings
    importance_samples: int = Field(50, ge=1)
    """K: draws of the posterior for each sample, each of which is decoded."""
    noise: float = Field(0.1, gt=0)
    """Deviation of a Gaussian likelihood at the start, in standardised units; it is learned."""


class CosineSoftmaxMethod(Settings):
    """The supervised method of Wojke and Bewley: it reads identity labels."""

    kind: Literal["supervised"] = "supervised"
    network: WRNSettings = WRNSettings()
    scale: ScaleSettings = ScaleSettings()
    images_per_identity: int = Field(4, ge=2)
    weight_decay: float = Field(1e-8, ge=0)


class TrainingSettings(Settings):
    """A training run, apart from where the data are and where the result goes."""

    description: str = ""
    method: Annotated[FlatVAE | IWAE | CosineSoftmaxMethod, Field(discriminator="kind")]
    data: DataSettings = DataSettings()
    augment: AugmentSettings = AugmentSettings()
    optimiser: OptimiserSettings
    metric: Metric = "cosine"
    """How the finished descriptor's vectors are compared."""
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _all_say_something(self) -> Self:
        """The supervised method reads labels and pixels; what else is set would do nothing."""
        if isinstance(self.method, CosineSoftmaxMethod):
            cut = {"height", "width", "policy"}
            if idle := sorted(self.data.model_dump(exclude_defaults=True).keys() - cut):
                raise ValueError(f"data.{idle[0]} does nothing with the method 'supervised'; leave it away")
        return self

    @model_validator(mode="after")
    def _components_are_there(self) -> Self:
        """An encoder and decoders begin as linear ones if they have linear parts for the same statistics."""
        if not isinstance(self.method, FlatVAE) or self.method.start != "components":
            return self
        model = self.method.model
        encoder, own = model.encoder, model.observation.get("statistics")
        if (
            isinstance(encoder, MLPEncoderSettings)
            or not encoder.stripes
            or encoder.colours != self.data.colours
        ):
            raise ValueError(
                f"method.start: components needs an encoder with stripes that counts colours as data.colours "
                f"does, {self.data.colours!r}"
            )
        if own is None or own.shape[0] < model.latents:
            raise ValueError(
                f"method.start: components needs the part 'statistics', of at least as many numbers as there "
                f"are latents, {model.latents}"
            )
        for name in ("statistics", "common_statistics"):
            part = model.observation.get(name)
            if part is not None and not getattr(part.decoder, "shortcut", False):
                raise ValueError(f"method.start: components needs a decoder with shortcut: true of {name!r}")
        return self


def load_training(choice: str | Path, overrides: Iterable[str] = ()) -> TrainingSettings:
    """The settings called ``choice`` ("fmvae", "vhpvae" …) or in the file at that path, with changes."""
    return load_settings(TrainingSettings, find_settings(choice, CONFIG_FOLDERS, "training"), overrides)

"""Settings of which one key decides what the others are: their mistakes are told by the file's own keys."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from reid.settings import Settings, SettingsError, check_settings


class Corner(Settings):
    across: float = 0.0


class Round(Settings):
    kind: Literal["round"] = "round"
    radius: float = Field(1.0, gt=0)


class Square(Settings):
    kind: Literal["square"] = "square"
    width: float = 1.0
    height: float = 1.0
    corners: tuple[Corner, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _check(self) -> Square:
        if self.height > self.width:
            raise ValueError("no higher than wide")
        return self


Shape = Annotated[Round | Square, Field(discriminator="kind")]


class Frame(Settings):
    kind: Literal["frame"] = "frame"
    outline: Shape = Round()
    parts: dict[str, Shape] = Field(default_factory=dict)
    spare: Shape | None = None


class Wall(Settings):
    kind: Literal["wall"] = "wall"


class Picture(Settings):
    holder: Frame | Wall = Field(discriminator="kind")


def complaint(holder: object) -> str:
    with pytest.raises(SettingsError) as caught:
        check_settings(Picture, {"holder": holder}, "picture")
    return str(caught.value)


@pytest.mark.parametrize(
    "holder, expected",
    [
        ({"kind": "frame", "outlin": 1}, "holder.outlin: unknown key; did you mean 'outline'?"),
        ({"kind": "wall", "xyz": 1}, "holder.xyz: unknown key; known here: kind"),
        (
            {"kind": "frame", "outline": {"kind": "square", "widht": 1}},
            "holder.outline.widht: unknown key; did you mean 'width'?",
        ),
        # Of two that may stand there the suggestion is of the one that does.
        (
            {"kind": "frame", "outline": {"kind": "round", "widht": 1}},
            "holder.outline.widht: unknown key; known here: kind, radius",
        ),
        # Names in a table, of which one is also a kind and one a key of what is below it.
        (
            {"kind": "frame", "parts": {"square": {"kind": "round", "radus": 1}}},
            "holder.parts.square.radus: unknown key; did you mean 'radius'?",
        ),
        (
            {"kind": "frame", "parts": {"width": {"kind": "square", "widht": 1}}},
            "holder.parts.width.widht: unknown key; did you mean 'width'?",
        ),
        (
            {"kind": "frame", "spare": {"kind": "square", "corners": [{}, {"accross": 1}]}},
            "holder.spare.corners.1.accross: unknown key; did you mean 'across'?",
        ),
        (
            {"kind": "frame", "outline": {"kind": "round", "radius": -1}},
            "holder.outline.radius: found -1, expected greater than 0",
        ),
        ({"kind": "frame", "spare": {"kind": "square", "height": 2}}, "holder.spare: no higher than wide"),
    ],
)
def test_what_decides_is_no_part_of_the_path(holder: object, expected: str) -> None:
    assert complaint(holder) == f"picture: {expected}"


def test_a_wrong_kind_is_told_with_the_known_ones() -> None:
    message = complaint({"kind": "frame", "outline": {"kind": "oval"}})
    assert message.startswith("picture: holder.outline: ")
    for part in ("'oval'", "'round'", "'square'"):
        assert part in message


@pytest.mark.parametrize(
    "override, expected",
    [
        ("method.objective.constraint.kapa=0.4", "did you mean 'kappa'?"),
        ("method.model.latent=64", "did you mean 'latents'?"),
        ("method.model.encoder.stripe=[8]", "did you mean 'stripes'?"),
        ("method.model.observation.image.decoder.widht=1", "did you mean 'width'?"),
        ("method.imaginary=1", "known here: kind, model, objective, start"),
    ],
)
def test_a_training_s_keys_are_named_as_they_are_set(override: str, expected: str) -> None:
    from reid.training.settings import load_training

    with pytest.raises(SettingsError) as caught:
        load_training("fmvae-small", [override])
    key = override.partition("=")[0]
    assert str(caught.value).endswith(f"fmvae-small.yaml: {key}: unknown key; {expected}")

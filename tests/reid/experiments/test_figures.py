from __future__ import annotations

import numpy as np
import pytest
import torch

from reid.experiments.class_maps import draw_class_maps
from reid.experiments.figures import LatentMap


@pytest.mark.parametrize("names, titles", [(["A"], ["A"]), (["A", "B"], ["(a) A", "(b) B"])])
def test_panels_have_letters_where_there_are_several(names: list[str], titles: list[str]) -> None:
    latents = np.random.default_rng(0).normal(size=(20, 2))
    maps = [LatentMap.of(name, lambda z: torch.sin(z), latents, 5) for name in names]
    figure = draw_class_maps(maps, np.arange(20) % 2, ["left", "right"], centres=[0])
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == titles
    first, *others = figure.axes[: len(names)]
    assert first.get_ylabel() == "$z_2$"
    assert not any(axes.get_ylabel() for axes in others)

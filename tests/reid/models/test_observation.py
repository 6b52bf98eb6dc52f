import pytest
import torch

from reid.models.decoders import DeconvSettings, MLPDecoderSettings
from reid.models.observation import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    ForegroundSettings,
    Observation,
    PartSettings,
    Signal,
    SignalSettings,
)
from reid.settings import SettingsError, check_settings

IMAGE = PartSettings(shape=(3, 32, 32), mean=IMAGENET_MEAN, std=IMAGENET_STD, decoder=DeconvSettings())
VECTOR = PartSettings(shape=(20,), std=(0.1,), weight=3.0, decoder=MLPDecoderSettings())


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return {"image": image, "vector": torch.rand(4, 20, generator=generator)}


def test_pixels_are_standardised_inside_and_only_once(batch):
    signal = Signal(SignalSettings(shape=(3, 32, 32), mean=IMAGENET_MEAN, std=IMAGENET_STD))
    expected = (batch["image"][:, 1] / 255 - IMAGENET_MEAN[1]) / IMAGENET_STD[1]
    torch.testing.assert_close(signal(batch["image"])[:, 1], expected)
    torch.testing.assert_close(signal(batch["image"] / 255), signal(batch["image"]))


def test_a_batch_of_another_shape_is_refused(batch):
    with pytest.raises(ValueError, match=r"\(B, 3, 32, 32\), not \(4, 32, 32, 3\)"):
        Signal(SignalSettings(shape=(3, 32, 32)))(batch["image"].permute(0, 2, 3, 1))


def test_mean_squared_error_of_observations_is_the_weighted_mean_of_the_parts(batch):
    observation = Observation({"image": IMAGE, "vector": VECTOR})
    other = {name: part.flip(0) for name, part in batch.items()}
    image, vector = (
        (Signal(part)(batch[name]) - Signal(part)(other[name])).square().mean()
        for name, part in (("image", IMAGE), ("vector", VECTOR))
    )
    together = (observation.pack(batch) - observation.pack(other)).square().mean()
    torch.testing.assert_close(together, (1.0 * image + 3.0 * vector) / 4.0)


def test_unpacking_undoes_packing(batch):
    bell = PartSettings(shape=(3, 32, 32), foreground=ForegroundSettings(), decoder=DeconvSettings())
    observation = Observation({"image": bell, "vector": VECTOR})
    parts = observation.unpack(observation.pack(batch))
    torch.testing.assert_close(parts["image"], batch["image"] / 255)
    torch.testing.assert_close(parts["vector"], batch["vector"])


def test_foreground_counts_the_middle_more_and_keeps_the_mean():
    bell = PartSettings(shape=(3, 32, 32), foreground=ForegroundSettings(floor=0.1), decoder=DeconvSettings())
    weights = Observation({"image": bell}).scale.square().reshape(3, 32, 32)
    assert weights.mean() == pytest.approx(1.0, abs=1e-5)
    assert weights[0, 16, 16] > 2 * weights[0, 16, 0]
    assert weights.min() > 0


def test_a_missing_part_is_named(batch):
    with pytest.raises(ValueError, match="expected the parts image, vector; found image"):
        Observation({"image": IMAGE, "vector": VECTOR}).pack({"image": batch["image"]})


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"mean": [0.5, 0.5]}, "mean needs 1 number or 3"),
        ({"std": [0.0]}, "must be positive"),
        ({"shape": [9], "foreground": {}}, "foreground needs an image"),
        ({"decoder": {"kind": "mlp", "depth": 3}}, "depth"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong, message):
    tree = {"shape": [3, 32, 32], "decoder": {"kind": "mlp"}} | wrong
    with pytest.raises(SettingsError, match=message):
        check_settings(PartSettings, tree, "part.yaml")

import re
import time

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from reid.models.decoders import DeconvDecoder, DeconvSettings, MLPDecoder, MLPDecoderSettings
from reid.models.encoders import (
    MLPEncoder,
    MLPEncoderSettings,
    SmallEncoder,
    SmallSettings,
    VGG16Encoder,
    VGG16Settings,
)
from reid.models.gaussian import LOG_VARIANCE_RANGE, DiagonalGaussian, bounded_log_variance
from reid.models.observation import IMAGENET_MEAN, IMAGENET_STD, SignalSettings
from reid.models.weights import WeightsError
from reid.models.wrn import CosineDescriptor, CosineSoftmax, ScaleSettings, WRNSettings
from reid.training.settings import load_training

CROP = (3, 64, 64)
PIXELS = SignalSettings(shape=CROP, mean=IMAGENET_MEAN, std=IMAGENET_STD)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_vgg16_has_the_published_number_of_parameters():
    encoder = VGG16Encoder(VGG16Settings(), 128, PIXELS)
    assert count(encoder.features) == 14_714_688
    assert count(encoder) == 15_239_232


def test_deconv_decoder_has_the_derived_number_of_parameters_and_one_image_size():
    decoder = DeconvDecoder(DeconvSettings(), 128, CROP)
    assert count(decoder) == 3_844_755
    assert decoder(torch.zeros(2, 128)).shape == (2, 3 * 64 * 64)


def test_cosine_descriptor_has_the_published_number_of_parameters():
    assert count(CosineDescriptor(WRNSettings())) == 2_800_864


def test_half_width_decoder_is_about_a_quarter_and_tall_crops_fit_too():
    full, half = (DeconvDecoder(DeconvSettings(width=width), 16, (3, 128, 64)) for width in (1.0, 0.5))
    assert half(torch.zeros(1, 16)).shape == (1, 3 * 128 * 64)
    assert count(half) < 0.35 * count(full)


def test_deconv_decoder_refuses_an_image_it_cannot_make():
    with pytest.raises(ValueError, match=r"multiples of 32.*\(3, 48, 64\)"):
        DeconvDecoder(DeconvSettings(), 8, (3, 48, 64))


def test_small_encoder_stays_below_sixty_million_multiply_adds():
    encoder = SmallEncoder(SmallSettings(stripes=(512, 256)), 128, PIXELS)
    with FlopCounterMode(display=False) as counter:
        encoder(torch.zeros(1, *CROP))
    assert counter.get_total_flops() / 2 <= 60e6


@pytest.mark.slow
def test_small_encoder_takes_at_most_two_milliseconds_a_crop_on_one_core():
    encoder = SmallEncoder(SmallSettings(stripes=(512, 256)), 128, PIXELS).eval()
    crops, matrix = torch.rand(16, *CROP), torch.rand(512, 512)

    def fastest(compute):
        times = []
        for _ in range(15):
            start = time.process_time()
            compute()
            times.append(time.process_time() - start)
        return min(times)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            each = fastest(lambda: encoder(crops)) / len(crops)
            # On an older processor: three times what its multiply-adds, 46 million, take in one product.
            pace = fastest(lambda: matrix @ matrix) / 512**3
    finally:
        torch.set_num_threads(threads)
    assert each <= max(2e-3, 3 * 46e6 * pace)


@pytest.mark.parametrize(
    "encoder",
    [
        VGG16Encoder(VGG16Settings(width=0.125), 8, PIXELS),
        SmallEncoder(SmallSettings(widths=(16, 32), blocks=(1, 0)), 8, PIXELS),
        SmallEncoder(SmallSettings(norm="none"), 8, PIXELS),
        SmallEncoder(SmallSettings(stripes=(16,)), 8, PIXELS),
        VGG16Encoder(VGG16Settings(width=0.125, stripes=(16,)), 8, PIXELS),
        MLPEncoder(MLPEncoderSettings(hidden=(16,)), 8, PIXELS),
    ],
    ids=["vgg16", "small", "small without norm", "small with stripes", "vgg16 with stripes", "mlp"],
)
def test_encoders_give_the_same_posterior_whatever_else_is_in_the_batch(encoder):
    images = torch.rand(5, *CROP, generator=torch.Generator().manual_seed(0))
    together = encoder(images)
    alone = encoder(images[2:3])
    assert together.mean.shape == together.log_variance.shape == (5, 8)
    torch.testing.assert_close(together.mean[2:3], alone.mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together.log_variance[2:3], alone.log_variance, atol=1e-5, rtol=1e-4)


def test_encoders_say_what_shape_they_need():
    with pytest.raises(ValueError, match="sides of at least 32"):
        VGG16Encoder(VGG16Settings(), 8, SignalSettings(shape=(3, 16, 64)))
    with pytest.raises(ValueError, match="3 channels, not 1"):
        VGG16Encoder(VGG16Settings(), 8, SignalSettings(shape=(1, 64, 64)))
    with pytest.raises(ValueError, match="5 numbers, one for each width, not 1"):
        SmallEncoder(SmallSettings(blocks=(1,)), 8, PIXELS)


@pytest.mark.parametrize("prefix", ["features.", "encoder.features."], ids=["torchvision", "descriptor"])
def test_stored_weights_are_taken_from_a_file(tmp_path, prefix):
    source = VGG16Encoder(VGG16Settings(), 8, PIXELS)
    path = tmp_path / "vgg16.pth"
    torch.save({f"{prefix}{name}": tensor for name, tensor in source.features.state_dict().items()}, path)
    loaded = VGG16Encoder(VGG16Settings(weights=str(path)), 8, PIXELS)
    assert torch.equal(loaded.features[0].weight, source.features[0].weight)


def test_missing_weights_are_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match="no such file"):
        VGG16Encoder(VGG16Settings(weights=str(tmp_path / "missing.pth")), 8, PIXELS)
    with pytest.raises(ValueError, match="width 1 only"):
        VGG16Encoder(VGG16Settings(weights="imagenet", width=0.5), 8, PIXELS)

    def unreachable(*_args, **_kwargs):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    with pytest.raises(WeightsError, match=r"vgg16-397923af\.pth.* at .*checkpoints.*weights=none"):
        VGG16Encoder(VGG16Settings(weights="imagenet"), 8, PIXELS)


def test_a_file_with_other_weights_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r"features\.0\.weight.*layer\.weight"):
        VGG16Encoder(VGG16Settings(weights=str(path)), 8, PIXELS)


@pytest.mark.parametrize(
    "name", ["narrow.pth", "narrow.safetensors", "rubbish.pth", "rubbish.safetensors", "list.pth"]
)
def test_weights_that_do_not_fit_are_told_in_one_line(tmp_path, name):
    path = tmp_path / name
    layers = VGG16Encoder(VGG16Settings(width=0.05), 8, PIXELS).features
    narrow = {f"features.{key}": value for key, value in layers.state_dict().items()}
    if name.startswith("rubbish"):
        path.write_bytes(b"rubbish")
    elif name == "list.pth":
        torch.save([1, 2], path)
    elif name == "narrow.pth":
        torch.save(narrow, path)
    else:
        save_file(narrow, path)
    with pytest.raises(WeightsError, match=name) as raised:
        VGG16Encoder(VGG16Settings(weights=str(path)), 8, PIXELS)
    assert "\n" not in str(raised.value)


def test_log_variance_is_bounded_smooth_and_untouched_around_zero():
    raw = torch.tensor([-1e3, -20.0, -0.5, 0.0, 0.5, 20.0, 1e3], requires_grad=True)
    bounded = bounded_log_variance(raw)
    low, high = LOG_VARIANCE_RANGE
    assert bounded.min() >= low
    assert bounded.max() <= high
    torch.testing.assert_close(bounded[2:5], raw[2:5], atol=0.05, rtol=0)
    bounded[[1, 5]].sum().backward()
    assert (raw.grad[[1, 5]] > 0).all()


def test_gaussian_density_and_samples_agree_with_torch():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance, x = torch.randn(3, 4, 5, generator=generator)
    ours = DiagonalGaussian(mean, log_variance)
    theirs = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    torch.testing.assert_close(ours.log_density(x), theirs.log_prob(x).sum(-1))
    draws = ours.sample(generator, count=20_000)
    torch.testing.assert_close(draws.mean(0), mean, atol=0.1, rtol=0)
    torch.testing.assert_close(draws.var(0).log(), log_variance, atol=0.1, rtol=0)


def test_linear_decoder_has_no_hidden_layer():
    decoder = MLPDecoder(MLPDecoderSettings(hidden=()), 4, (2, 3))
    z = torch.randn(5, 4)
    origin = decoder(torch.zeros(1, 4))
    torch.testing.assert_close(decoder(2 * z) - origin, 2 * (decoder(z) - origin))


def test_a_shortcut_makes_the_space_nearly_flat_before_training():
    torch.manual_seed(0)

    def condition(shortcut):
        decoder = MLPDecoder(MLPDecoderSettings(hidden=(64, 64), shortcut=shortcut), 16, (40,))
        points = torch.randn(8, 16)
        jacobians = torch.func.vmap(torch.func.jacfwd(lambda z: decoder(z[None])[0]))(points)
        values = torch.linalg.eigvalsh(jacobians.mT @ jacobians)
        return float((values[:, -1] / values[:, 0]).median().detach())

    assert condition(shortcut=True) < 2 < 10 < condition(shortcut=False)


def test_a_shortcut_to_fewer_numbers_than_latents_is_refused():
    with pytest.raises(ValueError, match="shortcut from 5 latents"):
        MLPDecoder(MLPDecoderSettings(shortcut=True), 5, (4,))


def test_cosine_descriptor_gives_unit_vectors_of_uint8_crops():
    model = CosineDescriptor(WRNSettings()).eval()
    crops = torch.randint(0, 256, (3, 3, 128, 64), dtype=torch.uint8)
    torch.testing.assert_close(model(crops).norm(dim=1), torch.ones(3))


def test_cosine_softmax_classifies_by_angle_alone():
    head = CosineSoftmax(8, 3)
    with torch.no_grad():
        head.identities.mul_(torch.tensor([[0.1], [1.0], [50.0]]))
    descriptors = torch.nn.functional.normalize(head.identities.detach(), dim=1)
    logits = head(descriptors)
    assert (logits.argmax(1) == torch.arange(3)).all()
    torch.testing.assert_close(logits.diagonal(), torch.full((3,), 0.6931), atol=1e-4, rtol=0)


def test_the_classifiers_scale_can_start_large_and_be_left_alone():
    torch.manual_seed(0)
    plain, sure = CosineSoftmax(8, 3), CosineSoftmax(8, 3, ScaleSettings(start=16.0, decay=0.0))
    sure.identities = plain.identities
    descriptors, labels = (
        torch.nn.functional.normalize(torch.randn(5, 8), dim=1),
        torch.tensor([0, 1, 2, 0, 1]),
    )
    torch.testing.assert_close(sure(descriptors), 16.0 / 0.693147 * plain(descriptors))
    undecayed = torch.nn.functional.cross_entropy(sure(descriptors), labels)
    torch.testing.assert_close(sure.loss(descriptors, labels), undecayed)


@pytest.mark.slow
def test_supervised_descriptor_learns_identities():
    torch.manual_seed(0)
    model, head = CosineDescriptor(WRNSettings(dropout=0.0)), CosineSoftmax(128, 4)
    labels = torch.arange(4).repeat(2)
    colours = torch.tensor([[250, 20, 20], [20, 250, 20], [20, 20, 250], [120, 120, 120]], dtype=torch.uint8)
    crops = colours[labels, :, None, None].expand(-1, -1, 128, 64)
    optimiser = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=1e-3)
    for _ in range(12):
        loss = head.loss(model(crops), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (head(model(crops)).argmax(1) == labels).all()


@pytest.mark.parametrize("widths", [[0], [-5], [8, 0]])
@pytest.mark.parametrize(
    "key", ["encoder.hidden", "observation.image.decoder.hidden", "prior.hidden"], ids=lambda key: key
)
def test_layers_without_units_are_refused(key, widths):
    with pytest.raises(
        ValueError, match=rf"method\.model\.{re.escape(key)}\.\d: found {min(widths)}, expected"
    ):
        load_training("pendulum", [f"method.model.{key}={widths}"])


def test_a_stage_may_have_no_residual_convolutions_but_not_fewer():
    assert SmallSettings(widths=(8, 8), blocks=(0, 1)).blocks == (0, 1)
    with pytest.raises(ValueError, match="blocks"):
        SmallSettings(widths=(8, 8), blocks=(0, -1))

"""What a trained network of this package is as a descriptor: made, stored, and quick where it computes."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.descriptor import Descriptor, DescriptorError
from reid.evaluation.distances import distances
from reid.models import VAE, CosineDescriptor, VAESettings, WRNSettings
from reid.network_descriptor import (
    NetworkDescriptor,
    bfloat16_distance,
    choose_device,
    computes_in_bfloat16,
    save_descriptor,
)
from reid.weights_file import change_descriptor_file, read_descriptor_file

People = Callable[..., np.ndarray]


def test_the_provisional_threshold_lets_two_percent_of_strangers_through(
    tmp_path: Path, tiny_model: VAE, make_people: People
) -> None:
    crops = make_people(400, (32, 16), seed=1)
    descriptor = save_descriptor(
        tmp_path / "a.safetensors", tiny_model, crops, metric="euclidean", policy="squash"
    )
    vectors = descriptor(crops)
    apart = distances(vectors, vectors, "euclidean")[np.triu_indices(400, 1)]
    assert 0.005 < (apart <= descriptor.threshold).mean() < 0.05


def test_the_provisional_threshold_compares_what_one_camera_sees(
    tmp_path: Path, tiny_model: VAE, make_people: People
) -> None:
    crops = make_people(400, (32, 16), seed=1)
    cameras = np.arange(400) % 2
    # The second camera takes everything much darker.
    crops[cameras == 1] //= 3
    known = save_descriptor(
        tmp_path / "a.safetensors", tiny_model, crops, metric="euclidean", policy="squash", cameras=cameras
    )
    vectors = known(crops)
    apart = distances(vectors, vectors, "euclidean")
    one_camera = (cameras[:, None] == cameras) & ~np.eye(400, dtype=np.bool_)
    assert 0.005 < (apart[one_camera] <= known.threshold).mean() < 0.05
    alone = save_descriptor(
        tmp_path / "b.safetensors",
        tiny_model,
        crops,
        metric="euclidean",
        policy="squash",
        cameras=np.arange(400),
    )
    assert alone.threshold > known.threshold


def test_bfloat16_is_used_only_where_it_changes_little(
    tmp_path: Path, tiny_model: VAE, make_people: People
) -> None:
    file, crops = tmp_path / "a.safetensors", make_people(40, (32, 16))
    save_descriptor(file, tiny_model, crops, metric="cosine", policy="squash")
    descriptor = Descriptor.load(file, "cpu")
    assert isinstance(descriptor, NetworkDescriptor)
    assert descriptor.about.bfloat16 == (bfloat16_distance(descriptor.network, crops) <= 1e-3)
    change_descriptor_file(file, file, bfloat16=False)
    exact = Descriptor.load(file, "cpu")(crops)
    change_descriptor_file(file, file, bfloat16=True)
    quick = Descriptor.load(file, "cpu")(crops)
    if computes_in_bfloat16(torch.device("cpu")):
        assert 0 < np.abs(quick - exact).max() < 0.1 * np.abs(exact).max()
    else:
        np.testing.assert_array_equal(quick, exact)


def test_the_supervised_network_is_a_descriptor_too(tmp_path: Path, make_people: People) -> None:
    torch.manual_seed(0)
    crops = make_people(6, (128, 64))
    network = CosineDescriptor(WRNSettings(features=8)).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # As small as its narrow weights make it, which half precision could not hold.
            torch.nn.init.constant_(module.running_var, 1e-8)
    save_descriptor(tmp_path / "wrn.safetensors", network, crops, metric="cosine", policy="squash")
    descriptor = Descriptor.load(tmp_path / "wrn.safetensors", "cpu")
    assert (descriptor.width, descriptor.size) == (8, (128, 64))
    with torch.no_grad():
        plain = network(torch.from_numpy(crops).permute(0, 3, 1, 2)).numpy()
    vectors, quality = descriptor.describe(crops)
    np.testing.assert_allclose(vectors, plain - plain.mean(axis=0), atol=0.02)
    assert (quality == 1).all()
    # Batch normalisation counts its batches in a number without dimensions.
    assert descriptor.fingerprint == Descriptor.load(tmp_path / "wrn.safetensors", "cpu").fingerprint


def test_weights_to_start_from_are_not_asked_for_again(tmp_path: Path, make_people: People) -> None:
    settings = VAESettings.model_validate(
        {
            "input": {"shape": [3, 32, 32]},
            "observation": {"x": {"shape": [3, 32, 32], "decoder": {"kind": "mlp", "hidden": []}}},
            "encoder": {"kind": "vgg16", "width": 0.05},
            "latents": 4,
        }
    )
    model, path = VAE(settings).eval(), tmp_path / "vgg.safetensors"
    started = settings.encoder.model_copy(update={"weights": "/nowhere/vgg16.pth"})
    model.settings = settings.model_copy(update={"encoder": started})
    save_descriptor(path, model, make_people(8, (32, 32)), metric="cosine", policy="squash")
    network = read_descriptor_file(path)[0].network.model_dump()
    assert network["encoder"]["weights"] == "none", "where a training started is no business of the file's"
    # Files of before do name it.
    network["encoder"]["weights"] = "/nowhere/vgg16.pth"
    change_descriptor_file(path, path, network=network)
    assert Descriptor.load(path, "cpu").width == 4
    assert read_descriptor_file(path)[0].network.encoder.weights == "/nowhere/vgg16.pth"


def test_devices_that_are_not_there_are_named() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(DescriptorError, match=r"device 'abacus' is not there; expected auto or .*cpu"):
        choose_device("abacus")


def test_of_several_cards_one_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    for name in ("cuda:2", "cuda:-1", "cpu:1"):
        with pytest.raises(DescriptorError, match=f"device '{name}' is not there"):
            choose_device(name)


@dataclass(frozen=True)
class Fresh:
    """What a process has done that only loaded the small network and described crops with it.

    Attributes:
        size: of the network's crops.
        modules: all that it loaded.
        faults: pages that it got from the system for ten batches, after the first few.
    """

    size: list[int]
    modules: list[str]
    faults: int


@pytest.fixture(scope="module")
def fresh() -> Fresh:
    pytest.importorskip("resource")
    program = (
        "import json, resource, sys, numpy as np, torch\n"
        "from reid.descriptor import Descriptor\n"
        "torch.set_num_threads(1)\n"
        "descriptor = Descriptor.load('fmvae-small', 'cpu')\n"
        "modules = list(sys.modules)\n"
        "crops = np.zeros((32, 64, 64, 3), np.uint8)\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(3): descriptor(crops)\n"
        "before = faults()\n"
        "for _ in range(10): descriptor(crops)\n"
        "print(json.dumps([descriptor.size, modules, faults() - before]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return Fresh(*json.loads(done.stdout))


def test_the_small_encoder_needs_no_networks_of_torchvision(fresh: Fresh) -> None:
    assert fresh.size == [64, 64]
    assert "torch" in fresh.modules
    assert not {"torchvision", "torch._dynamo"} & set(fresh.modules)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other libraries keep what is freed, or never do"
)
def test_the_system_is_not_asked_for_the_same_memory_again_with_each_batch(fresh: Fresh) -> None:
    # Several arrays of a batch are of 4 MiB, 1,024 pages each time; the heap itself still grows a little.
    assert fresh.faults < 10 * 1024

"""Descriptors that are a trained network of this package: made from one, stored, and loaded again.

On a processor the network runs with the channels last, which is how crops lie in memory, and in bfloat16
where the processor computes in it and the vectors bear it. Measured on one core with such instructions, on
crops of 64 × 64 in batches of 32: `small` 1.1 instead of 2.0 ms a crop, `vgg16` 23 instead of 47 to 58 ms,
at cosine distances of 1e-4 and 4e-4 (medians) from float32. Without such instructions bfloat16 is slower.

Other forms do not pay: on the same core the graph that ``reid export`` writes reaches in onnxruntime about
what float32 does here, no more with convolutions in eight bits, and torch.compile takes minutes to get going.
``python tools/benchmark.py encoding`` measures all of them.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reid.crops import Images, Policy
from reid.descriptor import Description, Descriptor, DescriptorError
from reid.evaluation.calibration import ERROR_RATE
from reid.evaluation.distances import Metric, pair_distances
from reid.models import VAE, CosineDescriptor
from reid.models.encoders import build_encoder, untrained
from reid.models.gaussian import DiagonalGaussian
from reid.models.observation import Signal
from reid.weights_file import (
    DescriptorAbout,
    PosteriorSettings,
    SupervisedSettings,
    read_descriptor_file,
    stored_precision,
    write_descriptor_file,
)

#: bfloat16 is used where it moves no vector further than this from that of float32, in cosine distance.
BFLOAT16_DISTANCE = 1e-3

_SAMPLE = 2048
_BFLOAT16_SAMPLE = 64
_QUANTILES = 101


class DescriptorNetwork(nn.Module):
    """uint8 RGB crops, channels last, to centred vectors, and how uncertain the network is about each.

    Buffers:
        centre: (width,) mean of the vectors of the training crops.
        spreads: quantiles of the uncertainty of the training crops, in increasing order.
    """

    centre: Tensor
    spreads: Tensor

    def __init__(self, settings: PosteriorSettings | SupervisedSettings) -> None:
        super().__init__()
        self.input: nn.Module = nn.Identity()
        if isinstance(settings, PosteriorSettings):
            self.input = Signal(settings.input)
            # Older files still say where the training started.
            encoder = untrained(settings.encoder)
            self.encoder = build_encoder(encoder, settings.latents, settings.input)
            self.shape, self.width = settings.input.shape, settings.latents
        else:
            self.encoder = CosineDescriptor(settings.network)
            self.shape, self.width = CosineDescriptor.SHAPE, settings.network.features
        self.register_buffer("centre", torch.zeros(self.width))
        self.register_buffer("spreads", torch.zeros(_QUANTILES))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, width) and mean log variances (B,) of crops (B, height, width, 3)."""
        # The permuted view is laid out with the channels last, without a copy.
        out = self.encoder(self.input(crops.permute(0, 3, 1, 2)))
        if isinstance(out, DiagonalGaussian):
            return out.mean - self.centre, out.log_variance.mean(dim=1)
        return out - self.centre, torch.zeros_like(out[:, 0])


class NetworkDescriptor(Descriptor):
    """A trained network of this package.

    Args:
        network: with its centre.
        about: what its file says.
        device: where to compute.
    """

    def __init__(self, network: DescriptorNetwork, about: DescriptorAbout, device: torch.device) -> None:
        self.about, self.device = about, device
        self.network = network.eval().requires_grad_(False)
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.name, self.policy, self.metric = about.name, about.policy, about.metric
        self.threshold, self.auc = about.threshold, about.auc
        self.width = network.width
        self.size = (network.shape[1], network.shape[2])
        self._bfloat16 = about.bfloat16 and computes_in_bfloat16(device)
        self._spreads = network.spreads.cpu().numpy()
        if device.type == "cpu":
            self.batch = 64
            _keep_freed_memory()
        else:
            self.batch = 256

    @classmethod
    def open(cls, path: Path, device: str = "auto") -> NetworkDescriptor:
        """Load a descriptor file.

        Raises:
            DescriptorError: if it is none, or its weights do not fit what it says about itself.
        """
        about, tensors = read_descriptor_file(path)
        network = DescriptorNetwork(about.network)
        if len(network.shape) != 3 or network.shape[0] != 3:
            raise DescriptorError(f"{path}: reads data of shape {network.shape}; expected colour images")
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise DescriptorError(f"{path}: the weights do not fit their description ({reason})") from error
        if not about.name:
            about = about.model_copy(update={"name": path.stem})
        return cls(network, about, choose_device(device))

    def _arithmetic(self) -> str:
        sums = hashlib.blake2b(self.about.network.model_dump_json().encode(), digest_size=16)
        for name, value in self.network.state_dict().items():
            sums.update(name.encode())
            sums.update(value.cpu().reshape(-1).contiguous().view(torch.uint8).numpy())
        # Another kind of device rounds differently.
        return f"{sums.hexdigest()} {self.device.type} {'bfloat16' if self._bfloat16 else 'float32'}"

    def _encode(self, crops: Images) -> Description:
        with torch.inference_mode(), self._precision():
            on_device = torch.from_numpy(np.ascontiguousarray(crops)).to(self.device)
            vectors, spread = (out.float().cpu().numpy() for out in self.network(on_device))
        if self._spreads[0] == self._spreads[-1]:
            return Description(vectors, np.ones(len(crops), dtype=np.float32))
        worse = 1 - np.interp(spread, self._spreads, np.linspace(0, 1, len(self._spreads)))
        return Description(vectors, worse.astype(np.float32))

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._bfloat16)


def save_descriptor(
    path: Path,
    network: VAE | CosineDescriptor,
    crops: Images,
    *,
    metric: Metric,
    policy: Policy,
    name: str = "",
    description: str = "",
    config_hash: str = "",
    training_data: str = "",
    cameras: NDArray[np.integer[Any]] | None = None,
    seed: int = 0,
) -> NetworkDescriptor:
    """Make a descriptor of a trained network and write its file.

    The centre, the spreads and a provisional threshold come from a sample of the training crops. The
    threshold is where 2 % of the pairs of random crops of one camera are nearer; it serves until ``reid
    calibrate`` finds a better one, and is too small where a handful of people make up most of the crops.

    Args:
        path: the file.
        network: the whole trained network.
        crops: (N, H, W, 3) training crops of the size that it reads; two at least.
        metric: how vectors are to be compared.
        policy: how the crops were cut.
        name: of the descriptor.
        description: of it, in words.
        config_hash: of the settings it was trained with.
        training_data: what it was trained on, in words.
        cameras: (N,) which camera took each crop; a tracker compares what one camera sees, and crops of
            two cameras look less alike. None: one camera took all.
        seed: for the sample.

    Returns:
        The same as loading the file, on the network's device.
    """
    if len(crops) < 2:
        raise ValueError(f"{len(crops)} crops are too few to centre a descriptor on")
    settings = _network_settings(network)
    made = DescriptorNetwork(settings)
    parts = (
        {"input": network.input, "encoder": network.encoder}
        if isinstance(network, VAE)
        else {"encoder": network}
    )
    for part, module in parts.items():
        # Rounded as in the file, so that the centre is that of the weights which will be loaded.
        rounded = {key: stored_precision(value).cpu() for key, value in module.state_dict().items()}
        getattr(made, part).load_state_dict(rounded)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(crops), min(len(crops), _SAMPLE), replace=False))
    sample = np.asarray(crops[rows])
    device = next(network.parameters()).device
    about = DescriptorAbout(
        network=settings,
        policy=policy,
        metric=metric,
        threshold=0.0,
        name=name,
        description=description,
        config_hash=config_hash,
        training_data=training_data,
    )
    vectors, spread = _outputs(made.to(device).eval(), sample)
    made.centre.copy_(vectors.mean(dim=0))
    made.spreads.copy_(torch.quantile(spread, torch.linspace(0, 1, _QUANTILES, device=device)))
    centred = (vectors - made.centre).cpu().numpy()
    first, second = _random_pairs(np.zeros(len(rows)) if cameras is None else cameras[rows], rng)
    apart = pair_distances(centred[first], centred[second], metric)
    about = about.model_copy(
        update={
            "threshold": float(np.quantile(apart, ERROR_RATE)),
            "bfloat16": bfloat16_distance(made, sample[:_BFLOAT16_SAMPLE]) <= BFLOAT16_DISTANCE,
        }
    )
    write_descriptor_file(path, about, made.state_dict())
    return NetworkDescriptor(made, about, device)


def _random_pairs(
    cameras: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of rows of one camera; of any two where each camera has one row only."""
    order = rng.permutation(len(cameras))
    order = order[np.argsort(cameras[order], kind="stable")]
    together = cameras[order[:-1]] == cameras[order[1:]]
    if not together.any():
        together[:] = True
    return order[:-1][together], order[1:][together]


def bfloat16_distance(network: DescriptorNetwork, crops: Images) -> float:
    """The largest cosine distance between the vectors of bfloat16 and of float32 arithmetic."""
    exact, _ = _outputs(network, crops)
    with torch.autocast(network.centre.device.type, torch.bfloat16):
        rounded, _ = _outputs(network, crops)
    return float((1 - nn.functional.cosine_similarity(exact, rounded)).max())


@torch.inference_mode()
def _outputs(network: DescriptorNetwork, crops: Images) -> tuple[Tensor, Tensor]:
    batches = torch.split(torch.from_numpy(crops), 64)
    vectors, spreads = zip(*(network(batch.to(network.centre.device)) for batch in batches), strict=True)
    return torch.cat(vectors).float(), torch.cat(spreads).float()


def _keep_freed_memory() -> None:
    """Have this process keep the memory that it frees, up to 64 MiB, for what it allocates next.

    Linux's C library takes large blocks from the system and gives them back when they are freed, and the
    system clears them page by page: of encoding 32 crops that was a fifth. How large a block must be for
    that, the library learns from the largest that was freed, up to 32 MiB. An untouched one costs nothing;
    elsewhere it does nothing.
    """
    largest = 32 * 2**20
    # Not all of it: the library adds its own header.
    np.empty(largest - 2**16, dtype=np.uint8)


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; where torch is too old to tell, no."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is the fastest there is.

    Raises:
        DescriptorError: if there is no such device here.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, here in there.items() if here))
    kind, _, number = name.partition(":")
    # Only of graphics cards there are several.
    count = torch.cuda.device_count() if kind == "cuda" and there["cuda"] else 1
    if not there.get(kind) or (number and not (number.isdecimal() and int(number) < count)):
        known = ", ".join(kind for kind, here in there.items() if here)
        raise DescriptorError(f"device {name!r} is not there; expected auto or one of: {known}")
    return torch.device(name)


def _network_settings(network: VAE | CosineDescriptor) -> PosteriorSettings | SupervisedSettings:
    if isinstance(network, CosineDescriptor):
        return SupervisedSettings(network=network.settings)
    # The weights are in the file; where a training found its first ones is a path of another machine.
    settings = network.settings.untrained()
    return PosteriorSettings(input=settings.input, encoder=settings.encoder, latents=settings.latents)

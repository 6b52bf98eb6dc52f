"""Forms in which a descriptor's network can compute: how fast each is, and how far its vectors move."""

from __future__ import annotations

import importlib.util
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.table import Table

from benchmarks.asking import whole_numbers
from benchmarks.printing import console, introduce_machine

if TYPE_CHECKING:
    import torch

    from reid.crops import Images
    from reid.descriptor import Descriptor, Vectors
    from reid.network_descriptor import NetworkDescriptor


def encoding(
    networks: Annotated[
        str, typer.Option(help="configurations (untrained: the speed is the same) or descriptors")
    ] = "fmvae-small,fmvae",
    onnx: Annotated[list[Path] | None, typer.Option(help="also any re-ID network as a file")] = None,
    osnets: Annotated[
        str, typer.Option(help="also OSNets of these widths, untrained; needs the extra onnx")
    ] = "0.25,1.0",
    batches: Annotated[str, typer.Option(help="crops at once, separated by commas")] = "1,32",
    rounds: Annotated[int, typer.Option(min=1, help="how often each is timed; the fastest counts")] = 10,
    threads: Annotated[int, typer.Option(min=1, help="for computing")] = 1,
    compiled: Annotated[
        bool, typer.Option("--compile", help="also by torch.compile, which takes minutes to get going")
    ] = False,
) -> None:
    """Time a descriptor's network in all its forms; those that ship choose theirs by this."""
    import torch

    from reid.onnx_descriptor import OnnxDescriptor

    torch.set_num_threads(threads)
    # Where ONNX networks look.
    os.environ["OMP_NUM_THREADS"] = str(threads)
    introduce_machine(threads)
    counts = whole_numbers(batches)
    table = Table(title="crops a second of processor time; cosine distance from float32")
    for heading in ("network", "form", *(f"{count} at once" for count in counts), "median", "largest"):
        table.add_column(heading, justify="left" if heading in ("network", "form") else "right")
    for name in networks.split(","):
        with _descriptor(name) as (descriptor, path):
            crops = _crops(max(*counts, 64), descriptor.size)
            exact: Vectors | None = None
            for form, encode in _forms(descriptor, path, crops, compiled=compiled):
                vectors = encode(crops)
                exact = vectors if exact is None else exact
                _add(table, name, form, encode, crops, counts, rounds, threads, _apart(vectors, exact))
    with tempfile.TemporaryDirectory() as folder:
        for path in [*_osnets(osnets, Path(folder)), *(onnx or [])]:
            foreign = OnnxDescriptor(path, "cpu")
            crops = _crops(max(counts), foreign.size)
            _add(table, foreign.name, "as it is", foreign, crops, counts, rounds, threads, None)
    console.print(table)


def _osnets(widths: str, folder: Path) -> Iterator[Path]:
    if not widths or not _has_onnx():
        return
    from benchmarks.osnet import write_osnet

    for width in widths.split(","):
        path = folder / f"osnet-x{width}.onnx"
        write_osnet(path, float(width))
        yield path


def _forms(
    descriptor: NetworkDescriptor, path: Path, crops: Images, *, compiled: bool
) -> Iterator[tuple[str, Callable[[Images], Vectors]]]:
    """All forms, the exact one first."""
    import torch

    from reid.network_descriptor import computes_in_bfloat16

    network = descriptor.network
    yield "float32", _by_torch(network.to(memory_format=torch.contiguous_format))
    network.to(memory_format=torch.channels_last)
    yield "float32, channels last", _by_torch(network)
    if computes_in_bfloat16(torch.device("cpu")):
        yield "bfloat16, channels last", _by_torch(network, bfloat16=True)
    if compiled:
        yield "float32, compiled", _by_torch(torch.compile(network, dynamic=False))
        yield "bfloat16, compiled", _by_torch(torch.compile(network, dynamic=False), bfloat16=True)
    if _has_onnx():
        yield from _by_onnxruntime(path, crops)


def _has_onnx() -> bool:
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def _by_torch(
    network: Callable[..., tuple[torch.Tensor, ...]], *, bfloat16: bool = False
) -> Callable[[Images], Vectors]:
    import torch

    def encode(crops: Images) -> Vectors:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            vectors: Vectors = network(torch.from_numpy(crops))[0].float().numpy()
        return vectors

    return encode


def _by_onnxruntime(path: Path, crops: Images) -> Iterator[tuple[str, Callable[[Images], Vectors]]]:
    """The exported network, and that with its convolutions in eight bits."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    from reid.export import export_descriptor
    from reid.onnx_header import read_onnx_header
    from reid.onnx_network import open_network

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self._samples = iter([{name: crops[start : start + 8]} for start in (0, 8, 16, 24)])

        def get_next(self) -> dict[str, Images] | None:
            return next(self._samples, None)

    plain, small = path.with_suffix(".onnx"), path.with_suffix(".int8.onnx")
    export_descriptor(path, plain)
    header = read_onnx_header(plain)
    yield "float32, onnxruntime", open_network(plain, header, "cpu")[0]
    # Advice on preparing the graph, which is as well without.
    logging.disable(logging.WARNING)
    try:
        quantize_static(
            plain,
            small,
            Samples(header.input_name),
            QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=["Conv"],
        )
    finally:
        logging.disable(logging.NOTSET)
    yield "int8, onnxruntime", open_network(small, read_onnx_header(small), "cpu")[0]


def loaded_descriptor(name: str) -> Descriptor:
    """A descriptor, or an untrained one of a configuration."""
    from reid.descriptor import HISTOGRAM, Descriptor

    if name == HISTOGRAM or name.endswith(".onnx"):
        return Descriptor.load(name)
    with _descriptor(name) as (descriptor, _):
        return descriptor


@contextmanager
def _descriptor(name: str) -> Iterator[tuple[NetworkDescriptor, Path]]:
    """A descriptor, or an untrained one of a configuration, and a copy of its file that may be put beside."""
    from reid.descriptor import find_descriptor, shipped_descriptors
    from reid.network_descriptor import NetworkDescriptor
    from reid.weights_file import change_descriptor_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        if name in shipped_descriptors() or Path(name).exists():
            change_descriptor_file(find_descriptor(name), path)
        else:
            _write_untrained(name, path)
        yield NetworkDescriptor.open(path, "cpu"), path


def _write_untrained(config: str, path: Path) -> None:
    import torch

    from reid.network_descriptor import DescriptorNetwork
    from reid.training.settings import load_training
    from reid.weights_file import DescriptorAbout, PosteriorSettings, write_descriptor_file

    method = load_training(config).method
    if method.kind != "vae":
        raise typer.BadParameter(f"{config}: not a variational auto-encoder")
    model = method.model
    settings = PosteriorSettings(input=model.input, encoder=model.encoder, latents=model.latents)
    torch.manual_seed(0)
    network = DescriptorNetwork(settings)
    about = DescriptorAbout(network=settings, policy="squash", metric="cosine", threshold=0.5)
    write_descriptor_file(path, about, network.state_dict())


def _crops(count: int, size: tuple[int, int]) -> Images:
    """Smooth coloured noise: a network is quicker with crops that are black."""
    import cv2

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return np.stack([cv2.resize(crop, size[::-1], interpolation=cv2.INTER_CUBIC) for crop in coarse])


def _add(
    table: Table,
    name: str,
    form: str,
    encode: Callable[[Images], Vectors],
    crops: Images,
    counts: list[int],
    rounds: int,
    threads: int,
    apart: Vectors | None,
) -> None:
    speeds = [f"{_crops_per_second(encode, crops[:count], rounds, threads):,.0f}" for count in counts]
    moved = ["", ""] if apart is None else [f"{np.median(apart):.1e}", f"{apart.max():.1e}"]
    table.add_row(name, form, *speeds, *moved)


def _crops_per_second(encode: Callable[[Images], Vectors], crops: Images, rounds: int, threads: int) -> float:
    """By time on the processor, so that what else the machine does makes no difference."""
    encode(crops)
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        encode(crops)
        spent.append((time.process_time() - start) / threads)
    return len(crops) / min(spent)


def _apart(vectors: Vectors, exact: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(exact, axis=1)
    return np.asarray(1 - (vectors * exact).sum(axis=1) / lengths)

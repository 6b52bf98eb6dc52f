"""A real sequence from images to identities: how fast, and how busy the encoder is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.printing import console, introduce_machine


def pipeline(
    seq: Annotated[str, typer.Option(help="a sequence with images below the data root")] = "ADL-Rundle-6",
    data_root: Annotated[Path, typer.Option(envvar="VHP_DATA", help="folder that it is below")] = Path(
        "data"
    ),
    detections: Annotated[str, typer.Option(help="which of its detections")] = "det",
    min_confidence: Annotated[float, typer.Option(help="ignore detections with a lower score")] = 30.0,
    descriptors: Annotated[
        str, typer.Option(help="separated by commas; a configuration stands for an untrained network")
    ] = "histogram,fmvae-small,fmvae",
    trackers: Annotated[str, typer.Option(help="the first fills the cache, the others find it full")] = (
        "deepsort,bytetrack"
    ),
    threads: Annotated[int, typer.Option(min=0, help="for the network; 0: all processors")] = 0,
) -> None:
    """Track a sequence, and again with another tracker, when all vectors are known."""
    import torch

    from benchmarks.encoding import loaded_descriptor
    from reid.vectorcache import VectorCache
    from tracker.config import calibrated_config
    from tracker.motchallenge import find_sequences
    from tracker.pipeline import track_sequence

    threads = threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    introduce_machine(threads)
    (sequence,) = find_sequences([seq], data_root)
    table = Table(title=f"{sequence.name}, {sequence.length} frames, detections {detections}")
    for heading in ("descriptor", "tracker", "vectors", "frames/s", "seconds", "encoder busy", "identities"):
        table.add_column(
            heading, justify="left" if heading in ("descriptor", "tracker", "vectors") else "right"
        )
    for name in descriptors.split(","):
        descriptor = loaded_descriptor(name)
        with tempfile.TemporaryDirectory() as folder, VectorCache(Path(folder) / "vectors.sqlite") as cache:
            for number, tracker in enumerate(trackers.split(",")):
                changes = [f"detections.min_confidence={min_confidence}"]
                report = track_sequence(
                    sequence,
                    calibrated_config(tracker, descriptor, changes),
                    Path(folder) / "out.txt",
                    detections=detections,
                    descriptor=descriptor,
                    cache=cache,
                )
                table.add_row(
                    name,
                    tracker,
                    "known" if number else "computed",
                    f"{report.frames / report.seconds:,.1f}",
                    f"{report.seconds:.2f}",
                    f"{report.encoding / report.seconds:.0%}",
                    str(report.identities),
                )
    console.print(table)

"""Everything that ``reid evaluate`` finds out about some descriptors, and how it is written down."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reid.crops import Images, Policy, evenly_spaced
from reid.datasets.building import CropSettings, build_store
from reid.datasets.market import MarketFolder
from reid.datasets.motchallenge import LabelledSequence
from reid.descriptor import Descriptor
from reid.evaluation.table import Row, TestSet, evaluate, format_table, reference_table
from reid.footage.sequence import SequenceInfo

Format = Literal["markdown", "csv", "json"]

#: Of the lists among the flatness scores.
QUANTILE_NAMES = ("p10", "p50", "p90")

#: Crops whose latents stand for all in the flatness scores.
_FLATNESS_CROPS = 512

#: What names of descriptor files end with.
_DESCRIPTOR_SUFFIXES = (".safetensors", ".onnx")


@dataclass(frozen=True, slots=True)
class TestData:
    """Labelled crops to evaluate on.

    Attributes:
        market: a Market-1501 style folder; its last identities are the test.
        sequences: MOTChallenge sequences with ground truth.
        held_out: how many identities of ``market`` are the test; the references learn from the others.
    """

    __test__ = False  # or pytest would take it for a class of tests

    market: Path | None
    sequences: Sequence[Path]
    held_out: int = 100

    def __post_init__(self) -> None:
        if self.market is None and not self.sequences:
            raise ValueError("nothing to evaluate on: name a Market-1501 style folder, a sequence, or both")

    def sets(self, size: tuple[int, int] = (64, 64), policy: Policy = "squash") -> list[TestSet]:
        """The test sets, cut as a descriptor wants them."""
        # Every labelled crop counts, also a small or a blurred one.
        cut = CropSettings(
            height=size[0],
            width=size[1],
            policy=policy,
            min_box_height=0,
            min_box_width=0,
            min_sharpness=0,
            min_difference=0,
        )
        sets = []
        if self.market is not None:
            crops = build_store([MarketFolder(self.market, only_last=self.held_out)], cut)
            sets.append(TestSet(f"{self.market.name}, last {self.held_out} identities", crops))
        # The same folder twice is one test set.
        folders = list({_whole_path(folder): folder for folder in self.sequences}.values())
        sets += [
            TestSet(
                name,
                build_store([LabelledSequence(folder)], cut),
                SequenceInfo.read(folder).frame_rate,
            )
            for name, folder in zip(_folder_names(folders), folders, strict=True)
        ]
        return sets

    def training_crops(self) -> Images:
        """What the references are fitted on: the other identities, or without them the sequences' crops."""
        if self.market is not None:
            return (
                build_store([MarketFolder(self.market, leave_out_last=self.held_out)]).training_view().images
            )
        return np.concatenate([test.crops.images for test in self.sets()])


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What was found out.

    Attributes:
        rows: the scores of the references and of the descriptors under both metrics.
        flatness: by the name of a descriptor and the kind of points, its figures; only of auto-encoders.
    """

    rows: list[Row]
    flatness: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def text(self, fmt: Format) -> str:
        """The report as a file."""
        return {"markdown": self._markdown, "csv": self._csv, "json": self._json}[fmt]()

    def _markdown(self) -> str:
        parts = [format_table(self.rows)]
        if self.flatness:
            parts.append(_flatness_table(self.flatness))
        return "\n\n".join(parts) + "\n"

    def _csv(self) -> str:
        """One line for each score: descriptor, metric, test set, score, value."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["descriptor", "metric", "test", "score", "value"])
        for row in self.rows:
            for test, scores in row.scores.items():
                writer.writerows([row.descriptor, row.metric, test, *score] for score in scores.items())
            writer.writerow([row.descriptor, row.metric, "", "crops/s", row.speed])
        for name, kinds in self.flatness.items():
            for kind, figures in kinds.items():
                test = f"flatness, {kind}"
                writer.writerows([name, "", test, *entry] for entry in _single_figures(figures))
        return out.getvalue()

    def _json(self) -> str:
        rows = [
            {
                "descriptor": row.descriptor,
                "metric": row.metric,
                "scores": _without_nan(row.scores),
                "crops_per_second": row.speed,
            }
            for row in self.rows
        ]
        return json.dumps({"rows": rows, "flatness": self.flatness}, indent=2) + "\n"


def evaluate_descriptors(
    choices: Sequence[str],
    data: TestData,
    *,
    device: str = "auto",
    flatness_points: int = 64,
    begin: Callable[[str], None] = lambda what: None,
) -> EvaluationReport:
    """Score descriptors, with the references always beside them.

    Args:
        choices: descriptors, as for `Descriptor.load`.
        data: what to score on.
        device: where to compute.
        flatness_points: at how many latents of an auto-encoder's folder the metric tensor is computed; 0
            leaves that out.
        begin: called with what comes next.
    """
    names = distinct_names(choices)
    # Whatever cannot be loaded should say so before the others have been scored for minutes.
    descriptors = [Descriptor.load(choice, device) for choice in choices]
    begin("references")
    rows = reference_table(data.training_crops(), data.sets())
    flatness = {}
    for choice, name, descriptor in zip(choices, names, descriptors, strict=True):
        begin(name)
        sets = data.sets(descriptor.size, descriptor.policy)
        rows += evaluate(name, descriptor, sets)
        if flatness_points and (figures := _flatness(Path(choice), sets[0].crops.images, flatness_points)):
            flatness[name] = figures
    return EvaluationReport(rows, flatness)


def _flatness(folder: Path, crops: Images, points: int) -> dict[str, dict[str, Any]] | None:
    """Flatness of the auto-encoder in a training's folder; None if there is none."""
    if not ((folder / "config.yaml").is_file() and (folder / "model.safetensors").is_file()):
        return None
    from reid.evaluation.flatness import channels_first, flatness_scores, load_model
    from reid.training.settings import IWAE, FlatVAE, load_training

    method = load_training(folder / "config.yaml").method
    if not isinstance(method, FlatVAE | IWAE):
        return None
    model = load_model(method.model, folder / "model.safetensors")
    some = crops[evenly_spaced(len(crops), _FLATNESS_CROPS)]
    scores = flatness_scores(model, channels_first(some), points)
    return {kind: score.as_dict() for kind, score in scores.items()}


def distinct_names(choices: Sequence[str]) -> list[str]:
    """Short names of descriptors, whole paths where those are the same."""
    paths = [Path(choice) for choice in choices]
    # A folder may be called after a number, and what follows its dot is no suffix.
    short = [path.stem if path.suffix in _DESCRIPTOR_SUFFIXES else path.name for path in paths]
    return [name if short.count(name) == 1 else choice for name, choice in zip(short, choices, strict=True)]


def _folder_names(folders: Sequence[Path]) -> list[str]:
    """Names of different folders: of each path as many of the last parts as no other one ends with."""
    paths = [_whole_path(folder).parts for folder in folders]
    names = []
    for path in paths:
        endings = (path[-length:] for length in range(1, len(path) + 1))
        own = next(end for end in endings if sum(other[-len(end) :] == end for other in paths) == 1)
        names.append(Path(*own).as_posix())
    return names


def _whole_path(folder: Path) -> Path:
    """From the root on, by the names that links have, not by those of what they point to."""
    return Path(os.path.normpath(folder.absolute()))


def _flatness_table(flatness: dict[str, dict[str, dict[str, Any]]]) -> str:
    """A Markdown table; lists are their median and, in brackets, their outer quantiles."""
    every = [(name, kind, figures) for name, kinds in flatness.items() for kind, figures in kinds.items()]
    # A network of few latents has fewer figures than one of many.
    columns = list(dict.fromkeys(figure for *_, figures in every for figure in figures))
    titles = [column.replace("_", " ") for column in columns]
    lines = [["descriptor", "at", *titles], ["---", "---", *["--:"] * len(titles)]]
    lines += [
        [name, kind, *(_in_words(figures.get(column, "")) for column in columns)]
        for name, kind, figures in every
    ]
    return "\n".join(["### Flatness", "", *(f"| {' | '.join(line)} |" for line in lines)])


def _single_figures(figures: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Figures one by one; of quantiles each is one."""
    for figure, value in figures.items():
        if isinstance(value, list):
            for quantile, one in zip(QUANTILE_NAMES, value, strict=True):
                yield f"{figure} {quantile}", one
        else:
            yield figure, value


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        low, middle, high = value
        return f"{middle:.3g} ({low:.3g} – {high:.3g})"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _without_nan(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float | None]]:
    """JSON has no NaN."""
    return {
        test: {name: None if np.isnan(value) else value for name, value in values.items()}
        for test, values in scores.items()
    }

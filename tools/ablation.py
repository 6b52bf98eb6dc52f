"""What each part of the descriptor learnt without labels is worth: leave it out, train, score.

python tools/ablation.py --market Market-1501/bounding_box_train --sequence MOT15/train/ADL-Rundle-6
python tools/ablation.py --market … --steps 3000 --only "no flatness" --only "own statistics only"
python tools/ablation.py --market … --set method.objective.constraint.kappa=0.5 --folder runs/loose

Every variant is trained like all others but for the one change that its name says, on the identities that are
not held out, for the same number of steps: with none said, those of the configuration. Trainings that are
there already are not repeated; one that was stopped goes on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from reid.evaluation.report import TestData, evaluate_descriptors
from reid.files import check_writable, write_text
from reid.models.stripes import Colours, statistics_size
from reid.settings import check_settings
from reid.training.batches import COMMON, STATISTICS
from reid.training.data import DataNote, open_store
from reid.training.folder import DESCRIPTOR, changed_settings
from reid.training.loop import CHECKPOINT, read_log
from reid.training.run import train
from reid.training.settings import FlatVAE, TrainingSettings, load_training

Tree = dict[str, Any]


def _observed(tree: Tree) -> Tree:
    parts: Tree = tree["method"]["model"]["observation"]
    return parts


def _random_start(tree: Tree) -> None:
    """Training begins with random weights, not with principal components."""
    tree["method"]["start"] = "random"


def _no_stripe_branch(tree: Tree) -> None:
    """The encoder reads pixels only."""
    _random_start(tree)
    tree["method"]["model"]["encoder"].pop("stripes", None)


def _no_shortcuts(tree: Tree) -> None:
    """The decoders are not isometries when training begins."""
    _random_start(tree)
    for part in _observed(tree).values():
        if "shortcut" in part["decoder"]:
            part["decoder"]["shortcut"] = False


def _own_statistics(tree: Tree) -> None:
    """Statistics of the crop itself, none that it shares with neighbours."""
    if not tree["data"]["steady_statistics"]:
        tree["data"]["neighbours"] = None
    _replace(_observed(tree), COMMON, STATISTICS)


def _common_statistics(tree: Tree) -> None:
    """Only the statistics that a crop shares with its neighbours."""
    _random_start(tree)
    _nothing_about_own_statistics(tree)
    _replace(_observed(tree), STATISTICS, COMMON)


def _replace(parts: Tree, gone: str, stays: str) -> None:
    """Give one part of the observation the weight of another, too."""
    if gone in parts and stays in parts:
        parts[stays]["weight"] += parts.pop(gone)["weight"]


def _found_again(tree: Tree) -> None:
    """Who probably is the same person is looked for again and again, by the model itself."""
    if (neighbours := tree["data"]["neighbours"]) is not None and neighbours["start"] is None:
        every = max(1, tree["optimiser"]["steps"] // 6)
        neighbours |= {"start": every, "every": every}


def _found_by_the_same(tree: Tree) -> None:
    """They are found by statistics that count colours as those that are learnt from."""
    if (neighbours := tree["data"]["neighbours"]) is not None:
        neighbours["first_by"] = tree["data"]["colours"]


def _nobody_follows(tree: Tree) -> None:
    """Who probably is the same person is found across cameras only, not in time as well."""
    if (neighbours := tree["data"]["neighbours"]) is not None:
        neighbours["within"] = 0


def _no_levelling(tree: Tree) -> None:
    tree["data"]["level_cameras"] = False


def _evened_out_over_all(tree: Tree) -> None:
    """What varies between all crops counts less, whether or not it does so between those of one person."""
    tree["data"]["steady_statistics"] = 0.0


def _uneven_statistics(tree: Tree) -> None:
    _evened_out_over_all(tree)
    tree["data"]["even_statistics"] = 0.0


def _hues(tree: Tree) -> None:
    """Statistics count colours by hue, not by how red and how yellow they are."""
    colours: Colours = "hue"
    if (neighbours := tree["data"]["neighbours"]) is not None and neighbours["first_by"] == colours:
        neighbours["first_by"] = "opponent"
    for part in {STATISTICS, COMMON}.intersection(_observed(tree)):
        tree["data"]["colours"] = colours
        _observed(tree)[part]["shape"] = [statistics_size(colours)]
    if tree["method"]["model"]["encoder"].get("stripes"):
        tree["method"]["model"]["encoder"]["colours"] = colours


def _clean_statistics(tree: Tree) -> None:
    """A crop's own statistics are those of the crop as it is, however the encoder sees it."""
    tree["data"]["own_statistics"] = "clean"


def _nothing_about_own_statistics(tree: Tree) -> None:
    """The settings for a crop's own statistics are as by default: these are about to be left out."""
    _clean_statistics(tree)
    _uneven_statistics(tree)


def _seen_statistics(tree: Tree) -> None:
    """A crop's own statistics are those of the crop just as the encoder sees it."""
    tree["data"]["own_statistics"] = "seen" if STATISTICS in _observed(tree) else "clean"


def _no_image(tree: Tree) -> None:
    parts = _observed(tree)
    if len(parts) > 1:
        parts.pop("image", None)


def _pixels_only(tree: Tree) -> None:
    _random_start(tree)
    _nothing_about_own_statistics(tree)
    _own_statistics(tree)
    _no_levelling(tree)
    tree["method"]["model"]["observation"] = {"image": _observed(tree)["image"]}


def _no_foreground(tree: Tree) -> None:
    if image := _observed(tree).get("image"):
        image["foreground"] = None


def _no_augmentation(tree: Tree) -> None:
    tree["augment"] = {}


def _no_flatness(tree: Tree) -> None:
    """η = 0: a VHP-VAE."""
    tree["method"]["objective"]["flatness"] = {"eta": 0.0, "regulariser": "none"}


def _nothing_flat(tree: Tree) -> None:
    _no_flatness(tree)
    _no_shortcuts(tree)


def _plain_prior(tree: Tree) -> None:
    tree["method"]["model"]["prior"] = {"kind": "normal"}


VARIANTS: dict[str, Callable[[Tree], None]] = {
    "complete": lambda tree: None,
    "no stripe branch": _no_stripe_branch,
    "no shortcuts": _no_shortcuts,
    "random start": _random_start,
    "own statistics only": _own_statistics,
    "common statistics only": _common_statistics,
    "nobody follows anybody": _nobody_follows,
    "neighbours found again": _found_again,
    "neighbours found by the same colours": _found_by_the_same,
    "no levelling": _no_levelling,
    "own statistics evened out over all": _evened_out_over_all,
    "own statistics not evened out": _uneven_statistics,
    "hues": _hues,
    "own statistics of the clean crop": _clean_statistics,
    "own statistics as seen": _seen_statistics,
    "no image": _no_image,
    "pixels only": _pixels_only,
    "no foreground weights": _no_foreground,
    "no augmentation": _no_augmentation,
    "no flatness": _no_flatness,
    "no flatness, no shortcuts": _nothing_flat,
    "standard normal prior": _plain_prior,
}


def variant(base: TrainingSettings, name: str, steps: int) -> TrainingSettings:
    """The settings of a variant, with a schedule shortened to so many steps."""
    tree = base.model_dump(mode="json")
    VARIANTS[name](tree)
    share = steps / base.optimiser.steps
    tree["optimiser"]["steps"] = steps
    tree["optimiser"]["warmup"] = round(base.optimiser.warmup * min(1.0, share))
    if (neighbours := tree["data"]["neighbours"]) is not None:
        for setting in {"start", "every"} - {key for key, value in neighbours.items() if value is None}:
            neighbours[setting] = max(1, round(neighbours[setting] * share))
    if (flatness := tree["method"]["objective"]["flatness"]).get("ramp"):
        flatness["ramp"] = round(flatness["ramp"] * share)
    return check_settings(TrainingSettings, tree, f"variant {name!r}")


def main(
    market: Annotated[
        Path, typer.Option(help="Market-1501 style folder: all but its last identities are trained on.")
    ],
    sequence: Annotated[
        list[Path] | None, typer.Option(help="MOTChallenge sequence to score on, too.")
    ] = None,
    config: Annotated[str, typer.Option(help="What is taken apart.")] = "fmvae-small",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of all variants first."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=50, help="Of each training.", show_default="as many as the configuration has"),
    ] = None,
    held_out: Annotated[int, typer.Option(min=1, help="How many identities are the test.")] = 100,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"Some variants: {'; '.join(VARIANTS)}.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where the trainings are kept.")] = Path("runs/ablation"),
    flatness_points: Annotated[
        int, typer.Option(min=0, help="Measure the metric tensor at so many points of each.")
    ] = 32,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables there, too; .json for all figures.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Train every variant, and print how they describe people and how they reconstruct."""
    try:
        if output is not None:
            check_writable(output)
        base = load_training(config, overrides or [])
        if not isinstance(base.method, FlatVAE):
            raise ValueError(f"{config}: a training of kind {base.method.kind!r}; expected one of kind 'vae'")
        names = _chosen(only, base)
        steps = steps or base.optimiser.steps
        data = TestData(market, sequence or [], held_out)
        trainings = folder / f"{Path(config).stem}-{steps}"
        runs = {name: trainings / name.replace(",", "").replace(" ", "-") for name in names}
        for name, run in runs.items():
            _train(variant(base, name, steps), name, run, market, held_out, device)
        report = evaluate_descriptors(
            [str(run) for run in runs.values()], data, device=device, flatness_points=flatness_points
        )
        reconstruction = {name: reconstruction_of(run) for name, run in runs.items()}
        tables = report.text("markdown") + reconstruction_table(reconstruction)
        typer.echo(tables)
        if output is not None and output.suffix == ".json":
            figures = json.loads(report.text("json")) | {"reconstruction": reconstruction}
            write_text(output, json.dumps(figures, indent=2) + "\n")
        elif output is not None:
            write_text(output, tables)
    except ValueError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def applicable(base: TrainingSettings) -> list[str]:
    """The variants that differ from the complete one, which comes first, and from each other."""
    found: dict[str, TrainingSettings] = {}
    for name in VARIANTS:
        settings = variant(base, name, base.optimiser.steps)
        if settings not in found.values():
            found[name] = settings
    return list(found)


def _chosen(only: list[str] | None, base: TrainingSettings) -> list[str]:
    unknown = [name for name in only or [] if name not in VARIANTS]
    if unknown:
        raise ValueError(f"no variant {unknown[0]!r}; known: {'; '.join(VARIANTS)}")
    possible = applicable(base)
    if empty := [name for name in only or [] if name not in possible]:
        raise ValueError(f"{empty[0]!r} takes nothing away here; possible: {'; '.join(possible)}")
    return only or possible


def _train(
    settings: TrainingSettings, name: str, run: Path, market: Path, held_out: int, device: str
) -> None:
    if (run / DESCRIPTOR).is_file():
        if changed := changed_settings(run, settings):
            raise ValueError(
                f"{run}: was trained with other settings ({', '.join(changed)}); choose another --folder"
            )
        if before := DataNote.read(run):
            # Or the test might be on who was trained on.
            before.refuse_others(DataNote.of(open_store([market], settings.data, held_out), held_out), run)
        return
    typer.echo(f"{name}: {settings.optimiser.steps} steps", err=True)
    resume = (run / CHECKPOINT).is_file()
    outcome = train(settings, [market], run, resume=resume, device=device, held_out=held_out)
    if not outcome.finished:
        # The last file is what says that a training is complete.
        (run / DESCRIPTOR).unlink(missing_ok=True)
        sys.exit(130)


def reconstruction_of(run: Path) -> dict[str, float]:
    """How well a training reconstructs at its end: a flat model that explains nothing is worth nothing."""
    last = read_log(run)[-1]
    return {figure: last[figure] for figure in ("average_rmse", "beta", "information")}


def reconstruction_table(reconstruction: dict[str, dict[str, float]]) -> str:
    """The same of all variants in Markdown."""
    lines = ["", "### Reconstruction", "", "| variant | RMSE | β | nats |", "| --- | --: | --: | --: |"]
    lines += [
        f"| {name} | {last['average_rmse']:.3f} | {last['beta']:.1e} | {last['information']:.0f} |"
        for name, last in reconstruction.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)

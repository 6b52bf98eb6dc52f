"""Make a street scene with walking people as a MOTChallenge sequence.

Example: ``python tools/make_demo_sequence.py data/demo --people 20 --camera moving``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import Progress
from scene import DetectorConfig, SceneConfig, make_sequence

_SCENE, _DETECTOR = SceneConfig(), DetectorConfig()


app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="Where to write; its name is the name of the sequence.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = _SCENE.seed,
    frames: Annotated[int, typer.Option(help="Length of the sequence.")] = _SCENE.frames,
    width: Annotated[int, typer.Option(help="Of the pictures, in pixels.")] = _SCENE.width,
    height: Annotated[int, typer.Option(help="Of the pictures, in pixels.")] = _SCENE.height,
    people: Annotated[int, typer.Option(help="How many are in view at the same time.")] = _SCENE.people,
    frame_rate: Annotated[float, typer.Option(help="Pictures per second.")] = _SCENE.frame_rate,
    camera: Annotated[
        Literal["static", "moving"], typer.Option(help="Moving: a pan by hand.")
    ] = _SCENE.camera,
    lookalikes: Annotated[float, typer.Option(help="Share in somebody else's clothes.")] = _SCENE.lookalikes,
    groups: Annotated[float, typer.Option(help="Share of arrivals in twos and threes.")] = _SCENE.groups,
    noise: Annotated[float, typer.Option(help="Of the sensor, in grey levels.")] = _SCENE.noise,
    miss_rate: Annotated[
        float, typer.Option(help="Chance that the detector misses a clearly visible person.")
    ] = _DETECTOR.miss_rate,
    false_alarms: Annotated[
        float, typer.Option(help="Of the detector, on average per frame.")
    ] = _DETECTOR.false_alarms,
    jitter: Annotated[
        float, typer.Option(help="Of each side of a detected box, as a share of its size.")
    ] = _DETECTOR.jitter,
    images: Annotated[bool, typer.Option(help="Paint the pictures; without them it is much faster.")] = True,
    force: Annotated[bool, typer.Option(help="Replace a sequence that is there already.")] = False,
) -> None:
    """Make a street scene with walking people as a MOTChallenge sequence."""
    try:
        config = SceneConfig(
            seed=seed,
            frames=frames,
            width=width,
            height=height,
            people=people,
            frame_rate=frame_rate,
            camera=camera,
            lookalikes=lookalikes,
            groups=groups,
            noise=noise,
            detector=DetectorConfig(miss_rate=miss_rate, false_alarms=false_alarms, jitter=jitter),
        )
        with Progress(transient=True) as bar:
            task = bar.add_task("painting" if images else "walking", total=frames)
            make_sequence(
                folder,
                config,
                images=images,
                force=force,
                progress=lambda frame: bar.update(task, completed=frame),
            )
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{folder}: {frames} frames, {people} people in view, seed {seed}")


if __name__ == "__main__":
    app()

"""The table of the reference descriptors: ``python -m reid.evaluation --help``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from reid.datasets.building import CropSettings, build_store
from reid.datasets.market import MarketFolder
from reid.datasets.motchallenge import LabelledSequence, frame_rate
from reid.evaluation.table import TestSet, format_table, reference_table


def main() -> None:
    """Fit the references on one part of a Market-1501 style folder, and score them on the rest."""
    parser = argparse.ArgumentParser(prog="python -m reid.evaluation", description=main.__doc__)
    parser.add_argument("--market", type=Path, required=True, help="folder of PID_cCAMsSEQ_FRAME_NN.jpg")
    parser.add_argument("--last", type=int, default=100, help="identities held out, the last ones")
    parser.add_argument("--sequence", type=Path, action="append", default=[], help="MOTChallenge sequence")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    # Every labelled crop counts in a test, also a small or a blurred one.
    everything = CropSettings(min_box_height=0, min_box_width=0, min_sharpness=0, min_difference=0)
    training = build_store([MarketFolder(chosen.market, leave_out_last=chosen.last)])
    held_out = build_store([MarketFolder(chosen.market, only_last=chosen.last)], everything)
    sets = [TestSet(f"{chosen.market.name}, last {chosen.last}", held_out)]
    for folder in chosen.sequence:
        crops = build_store([LabelledSequence(folder)], everything)
        sets.append(TestSet(folder.name, crops, frame_rate(folder)))
    print(format_table(reference_table(training.training_view().images, sets)))


if __name__ == "__main__":
    main()

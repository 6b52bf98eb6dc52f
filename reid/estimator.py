"""The flat-manifold VAE for anyone's data, in the manner of scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Generator

from reid.crops import evenly_spaced
from reid.geometry.metric import metric_tensors
from reid.geometry.shortest import Geodesic, shortest_curves
from reid.models.layers import Activation
from reid.objective.flatness import FlatnessSettings, mixup
from reid.training.loop import Progress
from reid.training.settings import TrainingSettings
from reid.training.vectors import in_parts, reconstruction_rmse, train_vectors, vector_settings

Vectors = NDArray[np.float64]

#: With kappa "auto": the error allowed, in units of the one that the auto-encoder alone comes to …
_SLACK = 1.25
#: … and in units of the data's deviation at least.
_LEAST_KAPPA = 0.05

#: A model whose error is above this share of the data's deviation has found next to nothing in them.
_EXPLAINS_NOTHING = 0.95

#: The constraint counts as met if the error is above kappa by no more than this share.
_TOLERANCE = 0.1

#: Points at which the metric tensor is averaged for the unit of distance.
_METRIC_POINTS = 512


class FlatVAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Non-linear embedding in whose space straight lines are shortest paths and Euclidean distance counts.

    A variational auto-encoder with a hierarchical prior is trained until it reconstructs the data up to
    ``kappa``, and its decoder's metric tensor is held to a multiple of the identity (Chen et al. 2020).

    All features are divided by one number, so that distances keep their meaning; put a ``StandardScaler`` in
    front of features that have different units.

    Args:
        n_components: number of latents.
        eta: influence of the flatness regulariser; 0 gives a VHP-VAE.
        kappa: root mean squared error per feature that the reconstruction may have, in units of the data's
            deviation (of the data, if they are not standardised). "auto" trains the auto-encoder alone first
            and allows a quarter more than the error that it comes to.
        hidden: widths of the hidden layers of encoder, decoder and prior.
        activation: of these layers: "relu", "silu", "elu" or "tanh".
        steps: of the optimiser; half as many come first if kappa is "auto".
        batch_size: samples for each step, all of them if there are fewer.
        learning_rate: of Adam, at its highest.
        prior: "hierarchical" (learned) or "normal".
        regulariser: "relative" (‖G/c² − I‖², free of scale), "paper" (‖G − c²I‖², as printed) or "none".
        mixup: whether the space is made flat between and beyond the data, too.
        likelihood: "gaussian", or "bernoulli" for values in [0, 1], which are not standardised then.
        standardise: subtract each feature's mean and divide all by the root of their mean variance.
        random_state: seed, ``numpy.random.RandomState`` or None.
        device: for the training: "auto", "cpu", "cuda" …
        verbose: print the progress.

    Attributes:
        n_features_in_: number of features.
        feature_names_in_: their names, if X had any.
        mean_: of each feature.
        scale_: what all are divided by.
        kappa_: the error allowed.
        rmse_: the error reached at draws of the posterior, which kappa bounds.
        distance_unit_: length in the data's units of one latent unit: root of the mean eigenvalue of G.
        latent_range_: (2, n_components) least and largest latents of the training data.
        model_: the trained network.
        log_: numbers of the training's steps.
        n_iter_: steps taken.

    Example:
        >>> from sklearn.datasets import make_swiss_roll
        >>> X, _ = make_swiss_roll(1000, random_state=0)
        >>> Z = FlatVAE(random_state=0).fit_transform(X)
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        eta: float = 100.0,
        kappa: float | Literal["auto"] = "auto",
        hidden: Sequence[int] = (128, 128, 128),
        activation: Activation = "silu",
        steps: int = 1500,
        batch_size: int = 128,
        learning_rate: float = 5e-3,
        prior: Literal["hierarchical", "normal"] = "hierarchical",
        regulariser: Literal["relative", "paper", "none"] = "relative",
        mixup: bool = True,
        likelihood: Literal["gaussian", "bernoulli"] = "gaussian",
        standardise: bool = True,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.eta = eta
        self.kappa = kappa
        self.hidden = hidden
        self.activation = activation
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.prior = prior
        self.regulariser = regulariser
        self.mixup = mixup
        self.likelihood = likelihood
        self.standardise = standardise
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train on X (n_samples, n_features); y is not looked at.

        Raises:
            ValueError: if X or a parameter cannot be used.
            TrainingError: if the training cannot come to a good end.
        """
        samples = self._checked(X, ensure_min_samples=2)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._choose_units(samples)
        data = self._standardised(samples)
        start, self.n_iter_ = None, 0
        if self.kappa == "auto":
            least = _LEAST_KAPPA * (_deviation(data) or 1.0)
            settings = self._settings(len(data), seed, least, alone=True)
            alone = train_vectors(settings, data, self.device, self._say("auto-encoder alone"))
            self.kappa_ = max(least, _SLACK * reconstruction_rmse(alone.model, data, seed))
            start, self.n_iter_ = alone.model.state_dict(), settings.optimiser.steps
        else:
            self.kappa_ = self.kappa
        settings = self._settings(len(data), seed, self.kappa_)
        fitted = train_vectors(settings, data, self.device, self._say("FlatVAE"), start)
        self.n_iter_ += settings.optimiser.steps
        self.model_, self.log_ = fitted.model, fitted.log
        self._measure(data, seed)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Latents (n_samples, n_components) of X: the means of the posteriors."""
        check_is_fitted(self)
        samples = self._checked(X, reset=False)
        latents: NDArray[Any] = self._encoded(self._standardised(samples)).astype(samples.dtype)
        return latents

    def inverse_transform(self, Z: ArrayLike) -> Vectors:
        """What the latents Z (n, n_components) decode to, in the units of the data."""
        latents = self._latents(Z)
        return in_parts(self.model_.decode, latents) * self.scale_ + self._centre()

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Share of the variance of X about the training data's mean that the reconstruction explains.

        1 is perfect; it says nothing about flatness, which ``metric_tensor`` tells.
        """
        check_is_fitted(self)
        samples = self._checked(X, reset=False)
        left = np.square(samples - self.inverse_transform(self.transform(X))).sum()
        return float(1.0 - left / np.square(samples - self.mean_).sum())

    def metric_tensor(self, Z: ArrayLike) -> Vectors:
        """G = JᵀJ of the decoder at the latents Z (n, n_components), (n, n_components, n_components).

        In the units of the data: a small step dz moves the decoded sample by √(dzᵀ G dz). Where the space
        is flat, G is ``distance_unit_`` squared times the identity.
        """
        latents = torch.from_numpy(self._latents(Z))
        tensors = metric_tensors(self.model_.decode, latents)
        found: Vectors = self.scale_**2 * tensors.numpy()
        return found

    def distance(self, Z1: ArrayLike, Z2: ArrayLike) -> Vectors:
        """Distance of each latent of Z1 to that of the same row of Z2 (or to the only one), (n,).

        The Euclidean distance times ``distance_unit_``: in a flat space the length that the straight line,
        and so the shortest curve, has in the units of the data.
        """
        start, end = self._pairs(Z1, Z2)
        found: Vectors = self.distance_unit_ * np.linalg.norm(start - end, axis=1)
        return found

    def geodesic_distance(
        self, Z1: ArrayLike, Z2: ArrayLike, *, n_nodes: int = 4000, n_neighbors: int = 30
    ) -> Vectors:
        """Length of the shortest curve from each latent of Z1 to that of the same row of Z2, (n,).

        See ``geodesic``; many pairs share one graph.
        """
        return np.array([one.length for one in self._geodesics(Z1, Z2, n_nodes, n_neighbors)])

    def geodesic(
        self, z1: ArrayLike, z2: ArrayLike, *, n_nodes: int = 4000, n_neighbors: int = 30
    ) -> Geodesic:
        """The shortest curve between two latents, and how long its decoded image is.

        Found on a graph whose nodes fill the box around the training data's latents; the straight line, if
        that is shorter. The length is therefore never too short, and too long by some percent where
        the curve must bend. More components need many more nodes.

        Args:
            z1: (n_components,).
            z2: (n_components,).
            n_nodes: of the graph.
            n_neighbors: nodes that each is joined with.
        """
        ends = np.atleast_2d(z1), np.atleast_2d(z2)
        if any(len(latents) != 1 for latents in ends):
            raise ValueError("expected two latents; for many pairs there is geodesic_distance")
        (found,) = self._geodesics(*ends, n_nodes, n_neighbors)
        return found

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: both precisions are kept, and every seed gives another model."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.non_deterministic = self.random_state is None
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.model_.settings.latents

    def _checked(self, X: ArrayLike, **rules: Any) -> NDArray[Any]:
        samples: NDArray[Any] = validate_data(self, X, dtype=(np.float64, np.float32), **rules)
        return samples

    def _choose_units(self, X: NDArray[Any]) -> None:
        self.mean_ = X.mean(axis=0, dtype=np.float64)
        self.scale_ = 1.0
        if self.likelihood == "bernoulli":
            if X.min() < 0 or X.max() > 1:
                raise ValueError(
                    f"a bernoulli likelihood needs values in [0, 1], X has {X.min():g} … {X.max():g}"
                )
        elif self.standardise:
            self.scale_ = float(np.sqrt(X.var(axis=0, dtype=np.float64).mean())) or 1.0

    def _centre(self) -> Vectors | float:
        return self.mean_ if self.standardise and self.likelihood == "gaussian" else 0.0

    def _standardised(self, X: NDArray[Any]) -> NDArray[np.float32]:
        # In double precision: a mean may be large beside the deviation.
        out: NDArray[np.float32] = ((X.astype(np.float64) - self._centre()) / self.scale_).astype(np.float32)
        return out

    def _settings(self, samples: int, seed: int, kappa: Any, alone: bool = False) -> TrainingSettings:
        return vector_settings(self.get_params(deep=False), self.n_features_in_, samples, seed, kappa, alone)

    def _measure(self, data: NDArray[np.float32], seed: int) -> None:
        """What is known of the trained model: its error and its geometry."""
        self.rmse_ = reconstruction_rmse(self.model_, data, seed)
        if self.rmse_ > (1.0 + _TOLERANCE) * self.kappa_:
            warnings.warn(
                f"the reconstruction has come to RMSE {self.rmse_:.3g}, not to kappa {self.kappa_:.3g}: the "
                f"model is not flat yet; give it more steps, more components or a larger kappa",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif self.rmse_ > _EXPLAINS_NOTHING * _deviation(data):
            warnings.warn(
                f"the reconstruction is as far from the data (RMSE {self.rmse_:.3g}) as their mean is: the "
                f"model explains nothing; give it a smaller kappa, more steps, or data of unit deviation",
                ConvergenceWarning,
                stacklevel=3,
            )
        latents = self._encoded(data)
        self.latent_range_ = np.stack([latents.min(axis=0), latents.max(axis=0)])
        generator = Generator().manual_seed(seed)
        between = mixup(torch.from_numpy(latents), FlatnessSettings().mixup_reach, generator)
        # Of all of the data, which may be sorted.
        some = evenly_spaced(len(between), _METRIC_POINTS)
        tensors = metric_tensors(self.model_.decode, between[some])
        eigenvalue = torch.diagonal(tensors, dim1=1, dim2=2).mean()
        self.distance_unit_ = self.scale_ * float(eigenvalue.sqrt())

    def _geodesics(self, Z1: ArrayLike, Z2: ArrayLike, nodes: int, neighbours: int) -> list[Geodesic]:
        start, end = self._pairs(Z1, Z2)
        whole = isinstance(nodes, Integral) and isinstance(neighbours, Integral)
        if not (whole and 0 < neighbours < nodes):
            raise ValueError(
                f"n_neighbors is {neighbours} and n_nodes {nodes}; expected whole numbers, more nodes than "
                f"neighbors, and one neighbor at least"
            )
        return shortest_curves(
            self.model_.decode,
            start,
            end,
            data=self.latent_range_,
            nodes=nodes,
            neighbours=neighbours,
            unit=self.scale_,
        )

    def _pairs(self, Z1: ArrayLike, Z2: ArrayLike) -> tuple[Vectors, Vectors]:
        """Both with the same number of rows."""
        first, second = self._latents(Z1), self._latents(Z2)
        if len(first) != len(second) and 1 not in (len(first), len(second)):
            raise ValueError(
                f"Z1 has {len(first)} rows and Z2 has {len(second)}; expected as many, or a single one"
            )
        start, end = np.broadcast_arrays(first, second)
        return start, end

    def _encoded(self, data: NDArray[np.float32]) -> Vectors:
        return in_parts(lambda rows: self.model_.encode(rows).mean, data)

    def _latents(self, Z: ArrayLike) -> Vectors:
        check_is_fitted(self)
        # PyTorch takes neither reversed rows nor what cannot be written to: a copy is neither.
        latents: Vectors = check_array(
            Z, dtype=np.float64, order="C", copy=True, input_name="Z", estimator=self
        )
        if latents.shape[1] != self._n_features_out:
            raise ValueError(f"Z has {latents.shape[1]} columns, expected {self._n_features_out} latents")
        return latents

    def _say(self, what: str) -> Callable[[Progress], None]:
        def report(progress: Progress) -> None:
            if self.verbose and progress.numbers is not None:
                print(f"[{what}] {progress.step}/{progress.steps} {progress.words}")

        return report


def _deviation(data: NDArray[np.float32]) -> float:
    """Root of the mean variance of all features."""
    return float(np.sqrt(data.var(axis=0, dtype=np.float64).mean()))

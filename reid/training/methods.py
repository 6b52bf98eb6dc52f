"""What a step of training does: algorithm 1 of the flat-manifold VAE, or supervised classification."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor, nn

from reid.models import VAE, CosineDescriptor, CosineSoftmax
from reid.objective.constraint import Constraint
from reid.objective.errors import NonFiniteLossError
from reid.objective.loss import ObjectiveSettings, Terms, objective
from reid.objective.precision import forbid_tf32
from reid.training.batches import Batch
from reid.training.settings import CosineSoftmaxMethod, FlatVAE, OptimiserSettings

_Network = TypeVar("_Network", bound=nn.Module)


class Method(ABC):
    """A model in training: its networks, its optimiser and its step.

    Attributes:
        network: all that is trained, one module.
        optimiser: over all of it.
        processes_mean: where several processes train together, the mean of a tensor over them.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    processes_mean: Callable[[Tensor], Tensor] | None = None

    @property
    @abstractmethod
    def encoder(self) -> VAE | CosineDescriptor:
        """What a descriptor is made of."""

    @abstractmethod
    def step(self, batch: Batch, generator: Generator) -> dict[str, float]:
        """One step; gives its numbers for the log."""

    @abstractmethod
    def describe(self, images: Tensor) -> Tensor:
        """Vectors (B, D) of images (B, 3, H, W)."""

    @abstractmethod
    def in_words(self, numbers: dict[str, float]) -> str:
        """The progress, for the live line."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What a checkpoint needs beside the weights and the optimiser."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Take up such a state."""

    def _agreed(self, numbers: dict[str, float]) -> dict[str, float]:
        """The means of numbers over the processes: what all of them act on must be the same."""
        if self.processes_mean is None:
            return numbers
        device = next(self.network.parameters()).device
        values = torch.tensor(list(numbers.values()), dtype=torch.float32, device=device)
        return dict(zip(numbers, self.processes_mean(values).tolist(), strict=True))

    def _apply(self, loss: Tensor, parameters: list[nn.Parameter], clip: float) -> float:
        """Step the optimiser on ``parameters``, all others stay; gives the norm of the gradient.

        Raises:
            NonFiniteLossError: if that is infinite or not a number; then no weight has changed.
        """
        self.optimiser.zero_grad(set_to_none=True)
        # Each operation goes back in the precision in which it went forward. Autocast would take the float32
        # ones (the regulariser, the bound) back in half precision, in which their differences are noise.
        with torch.autocast(loss.device.type, enabled=False):
            loss.backward()  # type: ignore[no-untyped-call]
        chosen = {id(parameter) for parameter in parameters}
        for group in self.optimiser.param_groups:
            for parameter in group["params"]:
                if id(parameter) not in chosen:
                    parameter.grad = None
        if self.processes_mean is not None:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            # At once: many small messages would take longer.
            together = self.processes_mean(torch.cat([gradient.flatten() for gradient in gradients]))
            parts = torch.split(together, [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))
        norm = float(nn.utils.clip_grad_norm_(parameters, clip))
        if not math.isfinite(norm):
            value = float(loss.detach())
            raise NonFiniteLossError(f"the gradient's norm is {norm} though the loss is {value:.4g}")
        self.optimiser.step()
        return norm


def _on_device(network: _Network, device: torch.device) -> _Network:
    """Convolutions are a fifth faster with the channels last; other layers do not care."""
    moved: _Network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


class FlatVAEMethod(Method):
    """Algorithm 1 of (FMVAE, A.4)."""

    def __init__(self, settings: FlatVAE, optimiser: OptimiserSettings, device: torch.device) -> None:
        self.network: VAE = _on_device(VAE(settings.model), device)
        if device.type == "cuda":
            # The flatness regulariser takes differences: its backward pass needs full precision too.
            forbid_tf32()
        self._objective: ObjectiveSettings = settings.objective
        self._constraint = Constraint(settings.objective.constraint)
        self._clip = optimiser.clip
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=optimiser.learning_rate)

    @property
    def encoder(self) -> VAE:
        """The whole model."""
        return self.network

    def step(self, batch: Batch, generator: Generator) -> dict[str, float]:
        """Compute the terms, move β, and step on θ, φ; on Θ, Φ too once the constraint has been met."""
        terms: Terms = objective(
            self.network, batch.x, batch.targets, self._objective, self._constraint, generator
        )
        numbers = self._agreed(terms.numbers())
        self._constraint.update(numbers["error"], numbers["information"])
        state = self._constraint.state
        parameters = list(self.network.autoencoder_parameters())
        if not state.initial_phase:
            parameters += self.network.prior_parameters()
        numbers["gradient"] = self._apply(terms.loss(state.beta), parameters, self._clip)
        return numbers | {
            "rmse": math.sqrt(numbers["error"]),
            "average_rmse": math.sqrt(state.average or 0.0),
            "beta": state.beta,
            "initial_phase": float(state.initial_phase),
        }

    def describe(self, images: Tensor) -> Tensor:
        """The means of the posteriors."""
        return self.network.encode(images).mean

    def in_words(self, numbers: dict[str, float]) -> str:
        """Reconstruction against κ, β, F and the flatness."""
        words = (
            f"RMSE {numbers['average_rmse']:.3f} (κ {self._objective.constraint.kappa:g}) "
            f"β {numbers['beta']:.1e} F {numbers['bound']:.0f}"
        )
        if "effective_dimension" in numbers:
            latents = self.network.settings.latents
            words += (
                f" R̄ {numbers['relative_deviation']:.2g} ({numbers['effective_dimension']:.0f}/{latents})"
            )
        return words + (" initial phase" if numbers["initial_phase"] else "")

    def state(self) -> dict[str, Any]:
        """The constraint's."""
        return self._constraint.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        """The constraint's."""
        self._constraint.load_state_dict(state)


class SupervisedNetwork(nn.Module):
    """Descriptor and classifier together."""

    def __init__(self, descriptor: CosineDescriptor, classifier: CosineSoftmax) -> None:
        super().__init__()
        self.descriptor = descriptor
        self.classifier = classifier


class SupervisedMethod(Method):
    """Classification of identities by angle (Wojke and Bewley, WACV 2018)."""

    def __init__(
        self,
        settings: CosineSoftmaxMethod,
        optimiser: OptimiserSettings,
        identities: int,
        device: torch.device,
    ) -> None:
        descriptor = CosineDescriptor(settings.network)
        classifier = CosineSoftmax(settings.network.features, identities, settings.scale)
        self.network: SupervisedNetwork = _on_device(SupervisedNetwork(descriptor, classifier), device)
        self._clip = optimiser.clip
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=optimiser.learning_rate, weight_decay=settings.weight_decay
        )

    @property
    def encoder(self) -> CosineDescriptor:
        """The descriptor without its classifier."""
        return self.network.descriptor

    def step(self, batch: Batch, generator: Generator) -> dict[str, float]:
        """One step of cross-entropy."""
        # Dropout draws from the global source: it is set so that a resumed run draws the same.
        (seed,) = torch.randint(2**62, (1,), generator=generator, device=generator.device).tolist()
        torch.manual_seed(seed)
        labels = batch.targets["identity"]
        descriptors = self.network.descriptor(batch.x)
        loss = self.network.classifier.loss(descriptors, labels)
        with torch.no_grad():
            right = (self.network.classifier(descriptors).argmax(dim=1) == labels).float().mean()
        norm = self._apply(loss, list(self.network.parameters()), self._clip)
        return {"loss": float(loss.detach()), "accuracy": float(right), "gradient": norm}

    def describe(self, images: Tensor) -> Tensor:
        """The descriptor's vectors."""
        vectors: Tensor = self.network.descriptor(images)
        return vectors

    def in_words(self, numbers: dict[str, float]) -> str:
        """Loss and accuracy."""
        return f"loss {numbers['loss']:.3f} accuracy {numbers['accuracy']:.2f}"

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing."""

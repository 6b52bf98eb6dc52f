"""Networks: encoders, decoders, priors, the auto-encoder that joins them, and the supervised baseline."""

from reid.models.gaussian import DiagonalGaussian
from reid.models.vae import VAE, VAESettings
from reid.models.wrn import CosineDescriptor, CosineSoftmax, ScaleSettings, WRNSettings

__all__ = [
    "VAE",
    "CosineDescriptor",
    "CosineSoftmax",
    "DiagonalGaussian",
    "ScaleSettings",
    "VAESettings",
    "WRNSettings",
]

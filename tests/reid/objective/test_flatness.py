import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reid.objective.flatness import (
    FlatnessSettings,
    flatness,
    metric_blocks,
    mixup,
    orthonormal_frames,
    squared_deviation,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def frames_for(count, latents, directions, seed=0, dtype=torch.float32):
    return orthonormal_frames(count, latents, directions, torch.empty(0, dtype=dtype), generator(seed))


def network(activation, latents=3, width=48, outputs=10, seed=0):
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(latents, width), activation(), nn.Linear(width, width), activation())
    return nn.Sequential(layers, nn.Linear(width, outputs)).double()


def gradient(scalar, module):
    return torch.cat(
        [
            part.flatten()
            for part in torch.autograd.grad(scalar, list(module.parameters()), materialize_grads=True)
        ]
    )


def exact_metric(decode, z):
    J = torch.func.vmap(torch.func.jacfwd(lambda point: decode(point[None])[0]))(z)
    return J.mT @ J


def test_frames_are_orthonormal_and_have_no_preferred_direction():
    frames = frames_for(4000, 5, 3)
    torch.testing.assert_close(frames @ frames.mT, torch.eye(3).expand(4000, 3, 3), atol=1e-5, rtol=0)
    assert frames.mean(0).abs().max() < 0.03
    second_moment = torch.einsum("bki,bkj->kij", frames, frames) / 4000
    torch.testing.assert_close(second_moment, torch.eye(5).expand(3, 5, 5) / 5, atol=0.03, rtol=0)


def test_finite_differences_are_exact_for_a_linear_decoder():
    W = torch.randn(20, 6, generator=generator(), dtype=torch.float64)
    frames = frames_for(4, 6, 3, dtype=torch.float64)
    z = torch.randn(4, 6, generator=generator(1), dtype=torch.float64)
    blocks = metric_blocks(lambda points: points @ W.T, z, frames, 0.02)
    torch.testing.assert_close(blocks, frames @ (W.T @ W) @ frames.mT, rtol=1e-9, atol=1e-9)
    in_float32 = metric_blocks(lambda points: points @ W.float().T, z.float(), frames.float(), 0.02)
    torch.testing.assert_close(in_float32, blocks.float(), rtol=1e-3, atol=1e-2)


def test_estimator_averages_to_the_closed_form_of_a_linear_decoder():
    W = torch.randn(20, 8, generator=generator(), dtype=torch.float64)
    G = W.T @ W
    c2 = torch.trace(G) / 8
    draws = 2000
    frames = frames_for(draws, 8, 3, dtype=torch.float64)
    z = torch.zeros(draws, 8, dtype=torch.float64)
    estimates = squared_deviation(metric_blocks(lambda points: points @ W.T, z, frames, 0.02), c2, 8)
    closed_form = (G - c2 * torch.eye(8)).square().sum()
    assert abs(estimates.mean() - closed_form) < 3 * estimates.std() / draws**0.5


@pytest.mark.parametrize("directions", [2, 3, 5, 7])
def test_scaled_orthogonal_decoder_is_flat_for_every_draw(directions):
    Q = torch.linalg.qr(torch.randn(20, 7, generator=generator(), dtype=torch.float64)).Q
    frames = frames_for(50, 7, directions, dtype=torch.float64)
    z = torch.randn(50, 7, generator=generator(1), dtype=torch.float64)
    estimates = squared_deviation(
        metric_blocks(lambda points: 1.7 * points @ Q.T, z, frames, 0.02), 1.7**2, 7
    )
    assert estimates.abs().max() < 1e-6


def test_a_full_frame_gives_the_exact_deviation_in_any_rotation():
    decode = network(nn.SiLU, latents=4)
    z = torch.randn(6, 4, generator=generator(), dtype=torch.float64)
    G = exact_metric(decode, z)
    exact = (G - 0.3 * torch.eye(4)).square().sum((1, 2))
    for seed in range(3):
        frames = frames_for(6, 4, 4, seed, torch.float64)
        estimates = squared_deviation(metric_blocks(decode, z, frames, 1e-6), 0.3, 4)
        torch.testing.assert_close(estimates, exact, rtol=1e-5, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(
    latents=st.integers(2, 10),
    data=st.data(),
    seed=st.integers(0, 10_000),
    c2=st.floats(0.0, 3.0),
)
def test_estimate_of_any_metric_tensor_is_unbiased(latents, data, seed, c2):
    directions = data.draw(st.integers(2, latents))
    rank = data.draw(st.integers(1, latents))
    root = torch.randn(latents, rank, generator=generator(seed), dtype=torch.float64)
    G = root @ root.T / rank
    draws = 4000
    frames = frames_for(draws, latents, directions, seed, torch.float64)
    estimates = squared_deviation(frames @ G @ frames.mT, c2, latents)
    exact = (G - c2 * torch.eye(latents, dtype=torch.float64)).square().sum()
    # Five standard errors: one false alarm in a million examples; rounding where the frame is complete.
    assert abs(estimates.mean() - exact) <= 5 * estimates.std() / draws**0.5 + 1e-9 * (1 + exact)


def test_one_latent_needs_one_direction_and_more_need_two():
    assert squared_deviation(torch.tensor([[[3.0]]]), 1.0, latents=1).item() == 4.0
    with pytest.raises(ValueError, match="at least 2 directions"):
        squared_deviation(torch.tensor([[[3.0]]]), 1.0, latents=2)


def test_smooth_decoder_gets_the_exact_gradient():
    decode = network(nn.SiLU)
    z = torch.randn(256, 3, generator=generator(), dtype=torch.float64)
    G = exact_metric(decode, z)
    exact = gradient((G - 0.2 * torch.eye(3)).square().sum((1, 2)).mean(), decode)
    frames = frames_for(256, 3, 3, dtype=torch.float64)
    ours = gradient(squared_deviation(metric_blocks(decode, z, frames, 0.02), 0.2, 3).mean(), decode)
    assert torch.cosine_similarity(exact, ours, dim=0) > 0.99


def test_rectified_decoder_gets_the_gradient_that_an_exact_jacobian_misses():
    decode = network(nn.ReLU, latents=2)
    z = torch.randn(20_000, 2, generator=generator(), dtype=torch.float64)

    def exact():
        return (exact_metric(decode, z) - 0.1 * torch.eye(2)).square().sum((1, 2)).mean()

    blocks = metric_blocks(decode, z, frames_for(len(z), 2, 2, dtype=torch.float64), 0.05)
    ours = gradient(squared_deviation(blocks, 0.1, 2).mean(), decode)
    through_exact_jacobian = gradient(exact(), decode)
    start = nn.utils.parameters_to_vector(decode.parameters()).detach()
    directions = torch.randn(3, len(start), generator=generator(), dtype=torch.float64)
    numeric = []
    with torch.no_grad():
        for direction in directions:
            ends = []
            for shift in (0.003, -0.003):
                nn.utils.vector_to_parameters(start + shift * direction, decode.parameters())
                ends.append(exact())
            numeric.append((ends[0] - ends[1]) / 0.006)
    truth = torch.stack(numeric)
    assert (directions @ ours - truth).norm() < 0.10 * truth.norm()
    assert (directions @ through_exact_jacobian - truth).norm() > 0.15 * truth.norm()


def test_gradient_is_the_same_whether_c2_is_held_or_not():
    decode = network(nn.ReLU, latents=4)
    z = torch.randn(32, 4, generator=generator(), dtype=torch.float64)
    blocks = metric_blocks(decode, z, frames_for(32, 4, 4, dtype=torch.float64), 0.02)
    c2 = torch.diagonal(blocks, dim1=1, dim2=2).mean()
    held = squared_deviation(blocks, c2.detach(), 4).mean()
    free = squared_deviation(blocks, c2, 4).mean()
    retained = [
        torch.autograd.grad(loss, list(decode.parameters()), retain_graph=True) for loss in (held, free)
    ]
    for a, b in zip(*retained, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)


def test_mixup_stays_on_the_lines_through_pairs_and_reaches_beyond_them():
    z = torch.eye(3)
    points = torch.cat([mixup(z, 0.2, generator(seed)) for seed in range(300)])
    torch.testing.assert_close(points.sum(1), torch.ones(900))
    assert points.min() >= -0.2 - 1e-6
    assert points.max() <= 1.2 + 1e-6
    assert points.min() < -0.15
    assert ((points > 0.3) & (points < 0.7)).any()


class TestFlatness:
    """The regulariser as a whole."""

    z = torch.randn(64, 6, generator=generator(5))

    def measure(self, decode, z=None, seed=0, **changes):
        chosen = FlatnessSettings(**{"share": 1.0, "directions": 6} | changes)
        module = decode if isinstance(decode, nn.Module) else nn.Identity()
        return flatness(module, decode, self.z if z is None else z, chosen, generator(seed))

    def test_figures_of_a_linear_decoder(self):
        scales = torch.tensor([2.0, 2.0, 2.0, 0.0, 0.0, 0.0])
        flat = self.measure(lambda z: scales * z)
        assert float(flat.c2) == pytest.approx(2.0, rel=1e-3)
        assert float(flat.deviation) == pytest.approx(6 * 4.0, rel=1e-3)
        assert float(flat.relative) == pytest.approx(1.0, rel=1e-3)
        assert float(flat.effective_dimension) == pytest.approx(3.0, rel=1e-3)

    def test_paper_form_is_paid_by_inflation_and_the_relative_form_is_not(self):
        scales = torch.linspace(0.5, 1.5, 6)

        def penalty(regulariser, size):
            return float(
                self.measure(lambda z: scales / size * z, self.z * size, regulariser=regulariser).penalty
            )

        assert penalty("paper", 10.0) == pytest.approx(1e-4 * penalty("paper", 1.0), rel=1e-2)
        assert penalty("relative", 10.0) == pytest.approx(penalty("relative", 1.0), rel=1e-2)

    def test_without_the_identity_term_the_metric_itself_is_penalised(self):
        flat = self.measure(lambda z: 2.0 * z, identity_term=False)
        assert float(flat.penalty) == pytest.approx(6 * 16.0, rel=1e-3)
        assert float(flat.deviation) == pytest.approx(0.0, abs=1e-3)

    @pytest.mark.parametrize("scale, penalty", [(1.0, 0.0), (2.0, 6 * 9.0)])
    def test_a_fixed_c2_is_the_only_scale_without_penalty(self, scale, penalty):
        flat = self.measure(lambda z: scale * z, c2=1.0)
        assert float(flat.penalty) == pytest.approx(penalty, rel=1e-3, abs=1e-3)
        assert float(flat.deviation) == pytest.approx(0.0, abs=1e-3)

    def test_share_of_the_batch_limits_the_cost(self):
        seen = []
        self.measure(lambda z: seen.append(len(z)) or z, share=0.25, directions=4)
        assert seen == [16 * (1 + 4)]

    def test_without_mixup_only_the_latents_themselves_are_measured(self):
        seen = []
        self.measure(lambda z: seen.append(z) or z, mixup=False)
        torch.testing.assert_close(seen[0][:64], self.z)

    def test_gradient_flows_into_the_decoder_and_the_latents(self):
        torch.manual_seed(0)
        decode = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 9))
        z = self.z.clone().requires_grad_()
        self.measure(decode, z).penalty.backward()
        assert decode[0].weight.grad.abs().sum() > 0
        assert z.grad.abs().sum() > 0

    def test_runs_in_float32_under_autocast(self):
        torch.manual_seed(0)
        decode = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 9))
        plain = self.measure(decode)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            under_autocast = self.measure(decode, self.z.bfloat16().float())
            mixed = self.measure(decode)
        assert under_autocast.penalty.dtype == torch.float32
        torch.testing.assert_close(mixed.penalty, plain.penalty)

    def test_batch_normalisation_in_training_mode_is_refused(self):
        decode = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8))
        with pytest.raises(ValueError, match="'1' is a batch normalisation in training mode"):
            self.measure(decode)
        self.measure(decode.eval())

    def test_same_seed_same_draw(self):
        torch.manual_seed(0)
        decode = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 9))
        draws = [self.measure(decode, seed=seed, directions=2).penalty.item() for seed in (1, 1, 2)]
        assert draws[0] == draws[1] != draws[2]

    def test_collapsed_latents_give_finite_figures(self):
        flat = self.measure(lambda z: 0.0 * z, torch.zeros(8, 6), regulariser="relative")
        assert all(
            torch.isfinite(figure) for figure in (flat.penalty, flat.relative, flat.effective_dimension)
        )

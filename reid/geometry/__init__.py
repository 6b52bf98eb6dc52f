"""The geometry that a decoder gives its latent space: metric tensor, lengths, geodesics, contours."""

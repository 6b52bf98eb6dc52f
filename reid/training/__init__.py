"""Training: settings, batches that can be drawn again, methods, and the loop that drives them."""

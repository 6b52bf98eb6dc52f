"""What `benchmark.py` measures, one module for each of its commands."""

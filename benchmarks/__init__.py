"""Benchmarks: one training step, a whole fit, the import, and where a GPU overtakes the CPU.

Run with ``python -m benchmarks``. Every contender runs in a process of its own, in interleaved
rounds, on the same data, initial weights and hyper-parameters. The contenders need torch, jax and
scikit-learn; one that is not installed is reported as missing. The harness itself needs NumPy and
matplotlib.
"""

"""Kernels for the GPU (``backend="cupy-fused"``): groups of operations as CUDA C in the emitted text."""

"""The compiled backend: parts of a derivative as kernels of numba, with NumPy around them."""

"""Programs in which something may change unseen: the answer is right, or a refusal."""

# ruff: noqa
import copy
import heapq
import math
import queue
import random
import types
from collections import deque

import numpy as np


def shuffled_indices(x):
    total = 0.0
    for k in range(3):
        rng = np.random.default_rng(k)
        i = np.arange(4)
        rng.shuffle(i)
        total = total + x[i[0]] * (k + 1)
    return total


def permuted_indices(x):
    rng = np.random.default_rng(3)
    i = rng.permutation(4)
    return x[i[0]] * x[i[1]] ** 2


def queue_of_numbers(x):
    q = queue.Queue()
    q.put(x[0])
    return q.get() * x[1]


def deque_of_lists(x):
    d = deque()
    d.append([x[0], x[1]])
    return d[0][0] * 2.0


def heap(x):
    h = [x[2], x[0], x[1]]
    heapq.heapify(h)
    return heapq.heappop(h) ** 2


def namespace_written(x):
    n = types.SimpleNamespace(a=1.0)
    n.a = x[0]
    return n.a * x[1]


def namespace_given(x):
    n = types.SimpleNamespace(a=x[0])
    return n.a * x[1]


def random_sort_in_list(x):
    v = [x[0], x[1], x[2]]
    random.Random(0).shuffle(v)
    return v[0] * 2.0


def vectorized_to_integers(x):
    f = np.vectorize(lambda v: v * 2.0, otypes=[int])
    return (f(x) * x).sum()


def vectorized_first_is_integer(x):
    f = np.vectorize(lambda v: 1 if v < 0.5 else v * 2.0)
    return (f(x) * x).sum()


def vectorized_pair(x):
    f = np.vectorize(lambda v: (v, v * v))
    a, b = f(x)
    return (a * b).sum()


def vectorized_shape(x):
    f = np.vectorize(lambda v, w: v * w)
    m = f(x[:, None], x[None, :])
    return m[1, 2] + m[2, 0] ** 2


def vectorized_scalar_argument(x):
    return np.vectorize(math.pow)(x, 3.0).sum()


def rows_first_is_integer(x):
    return (np.apply_along_axis(lambda r: 1 if r[0] < 0.2 else r[0] * 2.0, 1, np.outer(x, x)) * x).sum()


def rows_of_rows(x):
    return (np.apply_along_axis(lambda r: [r[0], r[1] ** 2], 1, np.outer(x, x)) ** 2).sum()


def at_tuple(x):
    m = np.outer(x, x)
    np.multiply.at(m, (0, 1), 3.0)
    return m.sum()


def at_slice(x):
    m = x.copy()
    np.multiply.at(m, slice(0, 2), 3.0)
    return (m * m).sum()


def reduce_axis_none(x):
    return np.add.reduce(np.outer(x, x), axis=None) + np.multiply.reduce(np.outer(x, x), axis=None)


def reduce_rows(x):
    return (np.hypot.reduce(np.outer(x, x)) ** 3).sum()


def reduce_out(x):
    out = np.zeros(4)
    np.add.reduce(np.outer(x, x), axis=0, out=out)
    return (out**2).sum()


def piecewise_overlap(x):
    return np.piecewise(x, [x > 0.5, x > 1.0], [lambda v: v**2, lambda v: v**3]).sum()


def piecewise_of_integers(x):
    n = np.array([1, 2, 3, 4])
    return (np.piecewise(n, [n > 2], [lambda v: v * x[0], 1.0]) * x).sum()


def put_repeats(x):
    y = x.copy()
    np.put(y, [0, 1, 2], [7.0])
    return (y * y).sum()


def putmask_values(x):
    y = x.copy()
    np.putmask(y, y > 0.5, x[::-1])
    return (y * y).sum()


def copyto_broadcast(x):
    m = np.outer(x, x)
    np.copyto(m, x, where=m > 0.5)
    return (m**2).sum()


def fill_diagonal_of_tall(x):
    m = np.outer(np.concatenate([x, x]), x)
    np.fill_diagonal(m, 0.0)
    return m.sum()


def deep_copy_of_shared(x):
    row = x * 1.0
    rows = [row, row]
    other = copy.deepcopy(rows)
    other[0][0] = 5.0
    return (other[1] * row).sum()


def deep_copy_of_dict(x):
    p = {"w": [x, x * 2.0], "n": 3}
    q = copy.deepcopy(p)
    q["w"][0][1] = 0.0
    q["n"] = 4
    return (p["w"][0] * q["w"][0]).sum() * p["n"] + q["n"] * x[0]


def shallow_copy_shares(x):
    p = [x * 1.0, 2.0]
    q = copy.copy(p)
    q[0][0] = 3.0
    return (p[0] ** 2).sum()


def r_with_slices(x):
    return (np.r_[0:3, x, 5] * np.arange(8.0)).sum()


def c_of_matrices(x):
    m = np.outer(x, x)
    return (np.c_[m, x] ** 2).sum()


def text_as_key(x):
    table = {"0.31": 2.0}
    return table.get(f"{x[0]:.2f}", 1.0) * x[0]


def text_to_complex(x):
    return complex(str(float(x[0]))).real * x[1]


def text_to_numpy(x):
    return np.float64(str(float(x[0]))) * x[1]


def text_to_integer(x):
    return int(str(int(x[3]))) * x[1]


def digits_of_text(x):
    return len(str(int(x[3] * 100))) * x[0]


def buffer_of_array(x):
    m = memoryview(x)
    return m[0] * x[1]


def array_from_bytes(x):
    return np.frombuffer(x.tobytes()).sum()


def object_attribute_of_unknown(x):
    z = x[0] + 1j * x[1]
    return z.real * z.imag


def iterator_protocol(x):
    it = x.__iter__()
    return it.__next__() * x[1]


def array_dunder(x):
    return x.__mul__(x).sum() + x.__getitem__(1)


def id_keyed(x):
    d = {id(x): x}
    return d[id(x)].sum()


def vars_of_module(x):
    return vars(math)["pi"] * x[0]


def globals_in_default(x, g=globals):
    return g()["math"].pi * x[0]


def operator_call(x):
    import operator

    return operator.itemgetter(1, 2)(x)[0] * operator.attrgetter("size")(x)


def numpy_by_name(x):
    f = getattr(np, "s" + "in")
    return f(x).sum()


def method_by_name(x):
    return getattr(x, "sum")() * getattr(x, "mean")()


def flat_write(x):
    m = np.outer(x, x)
    m.flat[0] = 3.0
    return m.sum()


def nditer_write(x):
    y = x.copy()
    with np.nditer(y, op_flags=["readwrite"]) as it:
        for v in it:
            v[...] = v * 2.0
    return (y * y).sum()


def clip_out(x):
    y = x.copy()
    np.clip(y, 0.5, 1.5, out=y)
    return (y * y).sum()


def sort_method_axis(x):
    m = np.outer(x, -x)
    m.sort(axis=0)
    return (m[0] * x).sum()


def setflags_then_read(x):
    y = x * 2.0
    y.flags.writeable = False
    return y.sum()


def resize_in_place(x):
    y = x.copy()
    y.resize(2, 2)
    return (y @ y).sum()


def partition_in_place(x):
    y = -x
    y.partition(1)
    return y[0] * 2.0

"""Programs that write into arrays: entries, slices, views, masks, swapped buffers, tables."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(8)


def write_entries(x):
    y = np.zeros(3)
    y[0] = x * x
    y[1] = y[0] * x
    y[2] = math.sin(y[1])
    return np.sum(y * y)


def overwrite_entry(x):
    y = x.copy()
    y[1] = y[0] * y[2]
    y[1] = y[1] * y[1] + y[2]
    y[0] = 0.5
    return np.sum(y**3)


def augmented_entries(x, w):
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] += x[i] * w
        y[i] *= x[-1 - i]
        y[0] -= 0.1 * y[i]
    return y @ y


def augmented_array(x, w):
    y = x * 1.0
    y += w
    y *= x
    y -= np.sin(y)
    y /= 2.0 + w
    return np.sum(y)


def argument_written(x):
    x[0] = x[1] * x[2]
    x[1:] *= 2.0
    return np.sum(x * x)


def slice_writes(x):
    y = np.zeros_like(x)
    y[1:-1] = x[2:] * x[:-2]
    y[0] = y[-2]
    y[::2] += x[::2]
    return np.sum(y**2)


def shifted_self(x, w):
    y = x.copy()
    y[1:] = y[:-1] * w
    y[:-1] += y[1:] * y[1:]
    return np.sum(y * y)


def fill_broadcast(x, s):
    A = np.zeros((3, len(x)))
    A[:] = x
    A[1] = s
    A[:, 0] *= s
    A[2, 1:] -= s * s
    return np.sum(A**2)


def through_view(x, a):
    y = x[1:]
    y[0] = a * y[1]
    y *= a
    return np.sum(x**3)


def through_row(A, w):
    for i in range(A.shape[0]):
        row = A[i]
        row[0] = row[1] * w
        row += row[0]
    return np.sum(A * A)


def reshaped_view(x):
    A = x.reshape(2, 3)
    A[0] *= A[1]
    A.T[0] += 1.5
    return np.sum(x * x * np.arange(6))


def copy_is_not_view(x):
    y = x.copy()
    y[0] = x[1] * x[1]
    z = x[:3] + 0.0
    z[1] = 7.0 * x[0]
    return np.sum(x * x) + np.sum(y) * np.sum(z)


def mask_write(x, w):
    y = x * w
    y[y > 0.3] = w
    y[x < 0.0] *= x[x < 0.0]
    return np.sum(y * y)


def relu_in_place(x, W):
    h = W @ x
    h[h < 0.0] = 0.0
    return np.sum(h * h)


def fancy_write(x, idx):
    y = np.zeros(6)
    y[idx] = x * x
    y[idx] += x
    np.add.at(y, idx, x)
    return np.sum(y**2)


def scatter_count(x, idx):
    y = np.zeros(4)
    for k in range(len(idx)):
        y[idx[k]] += x[k] ** 2
    return np.sum(np.sqrt(y + 1.0))


def gauss_seidel(u, f, h2, sweeps):
    for _ in range(sweeps):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] - h2 * f[i])
    return np.sum(u**2)


def gauss_seidel_nonlinear(u, k, sweeps):
    for _ in range(sweeps):
        for i in range(1, len(u) - 1):
            u[i] = math.tanh(k * u[i - 1] * u[i + 1]) + 0.5 * u[i]
    return u @ u


def prefix_sum(x):
    s = np.zeros_like(x)
    s[0] = x[0]
    for i in range(1, len(x)):
        s[i] = s[i - 1] + x[i] * x[i - 1]
    return np.sum(np.sin(s))


def recurrence_table(a, n):
    t = np.zeros(n)
    t[0] = a
    t[1] = a * a
    for i in range(2, n):
        t[i] = 0.5 * t[i - 1] + t[i - 2] * math.cos(t[i - 1])
    return t[-1] * t[2]


def cholesky_loops(A):
    n = A.shape[0]
    L = np.zeros_like(A)
    for j in range(n):
        L[j, j] = np.sqrt(A[j, j] - np.dot(L[j, :j], L[j, :j]))
        for i in range(j + 1, n):
            L[i, j] = (A[i, j] - np.dot(L[i, :j], L[j, :j])) / L[j, j]
    return np.sum(np.log(np.diag(L))) + np.sum(L)


def cholesky_scalar_loops(A):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s = s - L[i, k] * L[j, k]
            if i == j:
                L[i, j] = math.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    return np.sum(L)


def lu_in_place(A):
    A = A.copy()
    n = A.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            A[i, k] /= A[k, k]
            A[i, k + 1 :] -= A[i, k] * A[k, k + 1 :]
    return np.sum(np.log(np.abs(np.diag(A)))) + A[-1, 0]


def forward_substitution(L, b):
    x = np.zeros_like(b)
    for i in range(len(b)):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return x @ x


def thomas(a, b, c, d):
    n = len(d)
    b = b.copy()
    d = d.copy()
    for i in range(1, n):
        w = a[i - 1] / b[i - 1]
        b[i] -= w * c[i - 1]
        d[i] -= w * d[i - 1]
    x = np.zeros(n)
    x[-1] = d[-1] / b[-1]
    for i in range(n - 2, -1, -1):
        x[i] = (d[i] - c[i] * x[i + 1]) / b[i]
    return np.sum(x * x)


def matmul_loops(A, B):
    n, m = A.shape
    C = np.zeros((n, B.shape[1]))
    for i in range(n):
        for j in range(B.shape[1]):
            for k in range(m):
                C[i, j] += A[i, k] * B[k, j]
    return np.sum(np.tanh(C))


def dtw(a, b):
    n, m = len(a), len(b)
    D = np.zeros((n + 1, m + 1))
    D[0, 1:] = 100.0
    D[1:, 0] = 100.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            D[i, j] = (a[i - 1] - b[j - 1]) ** 2 + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[n, m]


def soft_edit_distance(a, b, gap):
    n, m = len(a), len(b)
    D = np.zeros((n + 1, m + 1))
    for i in range(n + 1):
        D[i, 0] = i * gap
    for j in range(m + 1):
        D[0, j] = j * gap
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            swap = D[i - 1, j - 1] + math.tanh((a[i - 1] - b[j - 1]) ** 2)
            D[i, j] = -math.log(math.exp(-swap) + math.exp(-D[i - 1, j] - gap) + math.exp(-D[i, j - 1] - gap))
    return D[-1, -1]


def rnn_states(W, x, h0):
    T = x.shape[0]
    h = np.zeros((T + 1, h0.shape[0]))
    h[0] = h0
    for t in range(T):
        h[t + 1] = np.tanh(W @ h[t] + x[t])
    return np.sum(h[1:] ** 2)


def viterbi(transition, emission):
    T, n = emission.shape
    score = np.zeros((T, n))
    score[0] = emission[0]
    for t in range(1, T):
        for j in range(n):
            score[t, j] = emission[t, j] + np.max(score[t - 1] + transition[:, j])
    return np.max(score[-1])


def hmm_forward(start, transition, emission):
    alpha = start * emission[0]
    for t in range(1, emission.shape[0]):
        alpha = (alpha @ transition) * emission[t]
    return np.log(np.sum(alpha))


def swapped_buffers(u, k, n):
    v = u.copy()
    for _ in range(n):
        v[1:-1] = u[1:-1] * (1.0 + k * (u[2:] - u[:-2]))
        u, v = v, u
    return np.sum(u**2)


def leapfrog_wave(u0, c, steps):
    previous = u0.copy()
    current = u0.copy()
    following = np.zeros_like(u0)
    for _ in range(steps):
        following[1:-1] = (
            2.0 * current[1:-1] - previous[1:-1] + c * (current[2:] - 2.0 * current[1:-1] + current[:-2])
        )
        previous, current, following = current, following, previous
    return np.sum(current**2)


def bubble_sort(x, w):
    x = x.copy()
    for i in range(len(x)):
        for j in range(len(x) - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]
    return np.sum(x * w)


def running_maximum(x):
    m = x.copy()
    for i in range(1, len(m)):
        if m[i - 1] > m[i]:
            m[i] = m[i - 1] * 0.9
    return np.sum(m * m)


def break_with_writes(x, limit):
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = x[i] * x[i]
        if np.sum(y) > limit:
            break
        y[0] += 0.5 * x[i]
    return np.sum(y * y)


def histogram_weights(x, edges):
    counts = np.zeros(len(edges) - 1)
    for v in x:
        for b in range(len(edges) - 1):
            if edges[b] <= v < edges[b + 1]:
                counts[b] += (v - edges[b]) ** 2
                break
    return np.sum(counts * np.arange(1, len(edges)))


def convolution(signal, kernel):
    n = len(signal) - len(kernel) + 1
    out = np.empty(n)
    for i in range(n):
        out[i] = signal[i : i + len(kernel)] @ kernel
    return np.sum(out**2)


def max_pool(image):
    n, m = image.shape
    out = np.empty((n // 2, m // 2))
    for i in range(n // 2):
        for j in range(m // 2):
            out[i, j] = image[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
    return np.sum(out**2)


def jacobi(u, f, sweeps):
    for _ in range(sweeps):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - f[1:-1, 1:-1])
        u = new
    return np.sum(u**2)


def out_argument(x, w):
    y = np.empty_like(x)
    np.multiply(x, w, out=y)
    np.sin(y, out=y)
    np.add(y, x, out=y)
    return y @ y


def gram_schmidt(A):
    Q = A.copy()
    for j in range(Q.shape[1]):
        for k in range(j):
            Q[:, j] -= (Q[:, k] @ Q[:, j]) * Q[:, k]
        Q[:, j] /= np.sqrt(np.sum(Q[:, j] ** 2))
    return np.sum(Q[0] * A[0]) + Q[-1, -1]


def polynomial_table(x, n):
    table = np.ones((n, len(x)))
    for k in range(1, n):
        table[k] = table[k - 1] * x
    return np.sum(table[1:] / np.arange(1, n)[:, None])


def dead_store(x):
    y = x * x
    y[0] = x[1]
    y[0] = x[2] ** 2
    y[1] = 0.0
    return np.sum(y)


def written_in_branch(x, w):
    y = np.zeros(4)
    for i in range(4):
        if x[i] > 0.0:
            y[i] = x[i] * w
        elif i > 0:
            y[i] = y[i - 1] * x[i]
        else:
            y[i] -= w * w
    return np.sum(y * y)


def flat_view_of_product(x):
    M = np.ones((2, 3)) * x[0] + 1.0
    flat = M.ravel()
    for k in range(6):
        flat[k] += x[k] ** 2
    return np.prod(M @ np.array([1.0, -2.0, 3.0]))


def rows_multiplied(X):
    """A number to begin with, an array from the first row on."""
    p = 1.0
    for i in range(len(X)):
        p *= X[i]
    return np.sum(p)


def two_names(x):
    y = x.copy()
    z = y
    z[0] = y[1] * y[2]
    y[1] += z[0]
    return np.sum(z * z)


x6, y6 = rng.normal(size=6), rng.normal(size=6)
M = rng.normal(size=(4, 4))
SPD = M @ M.T + 4.0 * np.eye(4)
LOWER = np.tril(M) + 3.0 * np.eye(4)

def wave_with_new_arrays(x):
    """Three levels of a field; the newest is a new array, written to at its ends."""
    before, u = x * 1.0, np.sin(x)
    for _ in range(4):
        new = 2 * u - before - 0.1 * u**3
        new[0] = 0.0
        new[-1] = u[0] * before[1]
        before = u
        u = new
    return np.sum(u**2) + np.sum(before**3)


def partly_new_buffers(x):
    """Of three arrays that change places one is made anew in each trip."""
    a, b, c = x * 1.0, np.sin(x), np.cos(x)
    for _ in range(4):
        a[1:] = np.sin(b[:-1]) * c[1:] + a[:-1]
        c[0] = a[1] * b[2]
        a, b, c = b, a, a * c
        c[1] *= b[0]
    return np.sum(a * b * c)


def one_product_two_places(x):
    """Two equal arrays, computed once: one is written to, the other lies in a list that a loop changes."""
    w = x * x
    rows = [np.ones(3), x * x]
    for i in range(2):
        rows[0][2] = x[0] - 0.3 * rows[i][-1]
    w -= 0.1 * x
    s = 0.0
    for i in range(2):
        s += rows[i][i] * w[i]
    return s + np.sum(w) + np.sum(rows[0] * rows[1])


def read_after_changing_places(x):
    """What is read again later (the cosine, by the derivative of the sine) has changed places in a loop."""
    u, w, p = x.copy(), x * x, np.cos(x)
    q, c = u + w, w[1]
    for _ in range(3):
        u, w = w, u
        p, u, w = w, p, u * c
    return np.sum(u * w * w) + np.sum(p * u) + x[0] * np.sum(q)


def through_turned_axes(x):
    m = np.outer(x, np.sin(x))
    rows, back = np.moveaxis(m, 0, 1), m.transpose(1, 0)
    rows[0] *= x
    back[1, 2] = x[0]
    return np.sum(m**2 * np.arange(9.0).reshape(3, 3))


def through_flips(x):
    m = np.outer(x, x)
    mirrored = np.flip(m, axis=1)
    mirrored[:, 0] = x**2
    np.fliplr(m)[0] = 2.0 * x
    v = np.flip(x * 1.0)
    v[1:] += x[:2] ** 2
    return np.sum(m**2 * np.arange(9.0).reshape(3, 3)) + np.sum(v**3)


def through_axes_of_one(x):
    m = np.outer(x, x)[None]
    inner, wide = np.squeeze(m, axis=0), np.expand_dims(x * 2.0, 0)
    inner[0] = inner[1] * x
    wide[0, 1] = x[0] * x[2]
    return np.sum(m**2 * np.arange(9.0).reshape(3, 3)) + np.sum(wide**3)


def passed_round_then_filled(x):
    """What a loop leaves of one array may be the memory of another that went into it."""
    u, w, p = x.copy(), np.sin(x), np.cos(x)
    a = x[2]
    for _ in range(2):
        p, u, w = u, w, p
    u[:2] = (a, 1)
    return np.sum(u * w * w) + np.sum(p * u)


PROGRAMS = [
    Program("wave_with_new_arrays", wave_with_new_arrays, (np.array([0.7, -0.4, 1.3]),)),
    Program("partly_new_buffers", partly_new_buffers, (np.array([0.7, -0.4, 1.3]),)),
    Program("one_product_two_places", one_product_two_places, (np.array([0.7, -0.4, 1.3]),)),
    Program("read_after_changing_places", read_after_changing_places, (np.array([0.68, -0.39, 1.38]),)),
    Program("through_turned_axes", through_turned_axes, (np.array([0.7, -0.4, 1.3]),)),
    Program("through_flips", through_flips, (np.array([0.7, -0.4, 1.3]),)),
    Program("through_axes_of_one", through_axes_of_one, (np.array([0.7, -0.4, 1.3]),)),
    Program("write_entries", write_entries, (0.8,)),
    Program("overwrite_entry", overwrite_entry, (x6,)),
    Program("augmented_entries", augmented_entries, (x6, 0.7), (0, 1)),
    Program("augmented_array", augmented_array, (x6, 0.7), (0, 1)),
    Program("argument_written", argument_written, (x6,)),
    Program("slice_writes", slice_writes, (x6,)),
    Program("shifted_self", shifted_self, (x6, 0.7), (0, 1)),
    Program("fill_broadcast", fill_broadcast, (x6, 0.7), (0, 1)),
    Program("through_view", through_view, (x6, 0.7), (0, 1)),
    Program("through_row", through_row, (rng.normal(size=(3, 4)), 0.7), (0, 1)),
    Program("reshaped_view", reshaped_view, (x6,)),
    Program("copy_is_not_view", copy_is_not_view, (x6,)),
    Program("mask_write", mask_write, (x6, 0.7), (0, 1)),
    Program("relu_in_place", relu_in_place, (x6, rng.normal(size=(4, 6))), (0, 1)),
    Program("fancy_write", fancy_write, (x6[:4].copy(), np.array([0, 2, 3, 5]))),
    Program("scatter_count", scatter_count, (x6, [0, 1, 0, 3, 3, 2])),
    Program("gauss_seidel", gauss_seidel, (x6, y6, 0.1, 3), (0, 1)),
    Program("gauss_seidel_nonlinear", gauss_seidel_nonlinear, (x6, 0.8, 3), (0, 1)),
    Program("prefix_sum", prefix_sum, (x6,)),
    Program("recurrence_table", recurrence_table, (0.7, 8)),
    Program("cholesky_loops", cholesky_loops, (SPD,)),
    Program("cholesky_scalar_loops", cholesky_scalar_loops, (SPD,)),
    Program("lu_in_place", lu_in_place, (SPD,)),
    Program("forward_substitution", forward_substitution, (LOWER, rng.normal(size=4)), (0, 1)),
    Program(
        "thomas",
        thomas,
        (rng.normal(size=4), 4.0 + rng.random(5), rng.normal(size=4), rng.normal(size=5)),
        (0, 1, 2, 3),
    ),
    Program("matmul_loops", matmul_loops, (rng.normal(size=(2, 3)), rng.normal(size=(3, 2))), (0, 1)),
    Program("dtw", dtw, (rng.normal(size=4), rng.normal(size=3)), (0, 1)),
    Program(
        "soft_edit_distance", soft_edit_distance, (rng.normal(size=3), rng.normal(size=4), 0.6), (0, 1, 2)
    ),
    Program(
        "rnn_states",
        rnn_states,
        (0.5 * rng.normal(size=(3, 3)), rng.normal(size=(4, 3)), rng.normal(size=3)),
        (0, 1, 2),
    ),
    Program("viterbi", viterbi, (rng.normal(size=(3, 3)), rng.normal(size=(4, 3))), (0, 1)),
    Program("hmm_forward", hmm_forward, (rng.random(3), rng.random((3, 3)), rng.random((4, 3))), (0, 1, 2)),
    Program("swapped_buffers", swapped_buffers, (rng.normal(size=8), 0.3, 4), (0, 1)),
    Program("swapped_buffers_odd", swapped_buffers, (rng.normal(size=7), 0.3, 3), (0, 1)),
    Program("leapfrog_wave", leapfrog_wave, (rng.normal(size=7), 0.2, 5), (0, 1)),
    Program("bubble_sort", bubble_sort, (x6, y6), (0, 1)),
    Program("running_maximum", running_maximum, (x6,)),
    Program("break_with_writes", break_with_writes, (np.array([0.3, -0.8, 0.9, 1.1, 0.2]), 1.0)),
    Program(
        "histogram_weights", histogram_weights, (np.array([0.1, 0.45, 0.72, 0.3, 0.9]), [0.0, 0.25, 0.5, 1.0])
    ),
    Program("convolution", convolution, (x6, rng.normal(size=3)), (0, 1)),
    Program("max_pool", max_pool, (rng.normal(size=(4, 6)),)),
    Program("jacobi", jacobi, (rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), 3), (0, 1)),
    Program("out_argument", out_argument, (x6, 0.7), (0, 1)),
    Program("gram_schmidt", gram_schmidt, (rng.normal(size=(4, 3)),)),
    Program("polynomial_table", polynomial_table, (x6[:3].copy(), 5)),
    Program("dead_store", dead_store, (x6,)),
    Program("written_in_branch", written_in_branch, (np.array([-0.4, 0.7, -0.3, 0.9]), 0.7), (0, 1)),
    Program("two_names", two_names, (x6,)),
    Program("rows_multiplied", rows_multiplied, (np.linspace(-1.0, 1.2, 12).reshape(4, 3),)),
    Program("flat_view_of_product", flat_view_of_product, (x6,)),
    Program("arrays_passed_round_then_filled", passed_round_then_filled, (np.array([0.3, -0.5, 0.7]),)),
]

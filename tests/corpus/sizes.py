"""Operations that demand something of sizes, pieces of arrays, and sizes of what changes."""

import numpy as np

from corpus.program import Program


def gates(z, c):
    i, f, o = np.split(z, 3)
    c = np.tanh(f) * c + np.exp(-i) * o
    return np.sum(o * np.tanh(c))


def gates_in_a_loop(W, xs):
    h = np.zeros(2)
    for x in xs:
        a, b = np.split(W @ np.concatenate([h, x]), 2)
        h = np.tanh(a) * b + h
    return np.sum(h**2)


def split_stacked(x):
    left, right = np.hsplit(np.stack([x, x[::-1]]), 2)
    return np.sum(left**2) + 2.0 * np.sum(np.sin(right))


def split_in_seven(x):
    return sum(np.sum(part * part * (k + 1)) for k, part in enumerate(np.split(x, 7)))


def split_rows_and_columns(x):
    top, bottom = np.vsplit(x, 2)
    parts = np.split(top * bottom, 3, axis=1)
    return np.sum(parts[0] * parts[2]) + np.sum(parts[1] ** 3)


def bordered_solve(K, y):
    n = len(K)
    A = np.zeros((n + 1, n + 1))
    A[:n, :n] = K
    A[n, :n] = 1.0
    A[:n, n] = 1.0
    u = np.linalg.solve(A, np.vstack([y, np.zeros((1, 2))]))
    return np.sum(u[:n] ** 2)


def dot_with_few_columns(x):
    return np.sum(np.dot(x, np.arange(6.0).reshape(2, 3)) ** 2)


def appended_rows(x):
    below = np.append(x, np.ones((3, 2)), axis=0)
    return np.sum(below**3) + np.sum(np.append(np.ones((1, 2)), x, axis=0) * 2)


def contracted_windows(kernel, image):
    out = 0.0
    for i in range(2):
        patch = image[:, i : i + 2, 1:]
        out += np.sum(np.tensordot(kernel, patch, axes=([1, 2, 3], [0, 1, 2])) ** 2)
    return out


def diagonal_written(K, noise):
    K = K.copy()
    K[np.diag_indices(len(noise))] += noise**2
    return np.sum(K**3)


def block_of_indices(K, rows):
    ij = np.ix_(rows, rows)
    K = K.copy()
    K[ij] *= 2.0
    return np.sum(K[ij] ** 2) + np.sum(K**3)


def pieces_of_many(x, y):
    z = np.concatenate([[1.0, 2.0], np.sin(x), y[1:], y[:2] * 3])
    m = np.hstack([np.ones((3, 1)), x[:, None], np.column_stack([x, x * x])])
    return np.sum(z**3) + np.sum(np.vstack([m, m[0]]) ** 2)


def rows_written_whole(table, w):
    for k in range(len(table)):
        table[k] = table[k] * w + (k + 1.0)
        table[0] = np.concatenate([table[0], table[k][:1]])
    return np.sum(table[0] ** 2) + sum(np.sum(row) for row in table[1:])


def sums_per_row(x, edges):
    out = [np.zeros(len(x)) for _ in range(3)]
    for step in range(2):
        for a, b in edges:
            out[a] = out[a] + np.tanh(x) * out[b].sum() + x
    return sum((k + 1) * np.sum(row**2) for k, row in enumerate(out))


def soft_table(x, y, gamma):
    R = [[10.0] * (len(y) + 1) for _ in range(len(x) + 1)]
    R[0][0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            a, b = R[i - 1][j], R[i][j - 1]
            R[i][j] = (x[i - 1] - y[j - 1]) ** 2 + (a * np.exp(-gamma * a) + b * np.exp(-gamma * b)) / 2
    return R[-1][-1]


def same_list_twice(x):
    R = [[x, 2 * x], [3 * x, x * x]]
    R[1][0] = R[0][1] * R[1][1]
    R[0] = R[1]
    R[1][1] = 5.0 * x
    return R[0][0] * R[1][1] + R[0][1]


def length_of_what_grows(y, steps):
    ys = [y]
    for _ in range(steps):
        y = y + 0.1 * np.sin(ys[len(ys) - 1]) * len(ys)
        ys.append(y)
    return np.sum(np.stack(ys) ** 2) + len(ys)


def size_after_writing(x):
    y = x * 2.0
    y[0] = x[1] ** 2
    n = y.shape[0]
    y[1:] *= n
    return np.mean(y**2) * len(y)


def pair_per_trip(x, y):
    for _ in range(3):
        x, y = np.array([x * y, np.sin(x)])
    return x * y


def repeated_entry(x, y):
    v = np.array([x, y, x * y])
    return v[0] * v[2] + v[0] ** 2 + v[1]


def scaled_sums(x, y):
    return np.sum(x * 2) * 3 + np.sum(x * y / 4) + 0.5 * y[0] * (x @ x) + np.sum(2 * (x * x * y[1]))


def either_way_the_same(x, flag):
    if flag > 0:
        y = 2 * np.sin(x)
    elif flag < -1:
        y = 2 * np.sin(x)
    else:
        y = 2 * np.cos(x)
    return np.sum(y**2)


def square(rng_seed, *shape):
    return np.random.default_rng(rng_seed).normal(size=shape)


SYMMETRIC = square(3, 4, 4) + square(3, 4, 4).T + 8 * np.eye(4)
PROGRAMS = [
    Program("split in gates", gates, (square(0, 6), square(1, 2)), (0, 1)),
    Program("split in gates in a loop", gates_in_a_loop, (square(0, 4, 5), square(1, 3, 3)), (0, 1)),
    Program("hsplit of a stack", split_stacked, (square(0, 8),)),
    Program("split in seven", split_in_seven, (square(0, 14),)),
    Program("vsplit, and split by columns", split_rows_and_columns, (square(0, 4, 6),)),
    Program("a bordered system", bordered_solve, (SYMMETRIC, square(4, 4, 2)), (0, 1)),
    Program("np.dot with a matrix that is written", dot_with_few_columns, (square(0, 4, 2),)),
    Program("np.append of rows", appended_rows, (square(0, 4, 2),)),
    Program("tensordot of windows", contracted_windows, (square(0, 2, 3, 2, 2), square(1, 3, 3, 3)), (0, 1)),
    Program("the diagonal written to", diagonal_written, (SYMMETRIC, square(1, 4)), (0, 1)),
    Program("a block by np.ix_", block_of_indices, (SYMMETRIC, np.array([0, 2, 3]))),
    Program("pieces of what is joined", pieces_of_many, (square(0, 3), square(1, 4)), (0, 1)),
    Program(
        "rows of a list replaced by longer ones",
        rows_written_whole,
        ([square(0, 2), square(1, 3)], 0.7),
        (0, 1),
    ),
    Program("sums per row of a list", sums_per_row, (square(0, 2), [(0, 1), (1, 2), (2, 0), (0, 2)])),
    Program("a table of lists", soft_table, (square(0, 3), square(1, 2), 0.3), (0, 1, 2)),
    Program("one list twice in a list", same_list_twice, (0.7,)),
    Program("the length of a list that grows", length_of_what_grows, (square(0, 2), 4)),
    Program("a size read after writing", size_after_writing, (square(0, 4),)),
    Program("a small array per trip", pair_per_trip, (0.8, 1.3), (0, 1)),
    Program("entries of a small array, twice", repeated_entry, (0.8, 1.3), (0, 1)),
    Program("numbers times sums", scaled_sums, (square(0, 3), square(1, 3)), (0, 1)),
    Program("arms that do the same", either_way_the_same, (square(0, 3), 0.5)),
    Program("arms that do not", either_way_the_same, (square(0, 3), -0.5)),
]

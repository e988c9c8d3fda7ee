"""Dynamic programming with softened choices: alignment, warping, knapsack, chains, parsing."""

import math
from functools import lru_cache

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(24)


def softmin3(a, b, c, gamma):
    lo = min(a, b, c)
    return lo - gamma * math.log(
        math.exp((lo - a) / gamma) + math.exp((lo - b) / gamma) + math.exp((lo - c) / gamma)
    )


def soft_dtw_lists(x, y, gamma):
    n, m = len(x), len(y)
    inf = 1e10
    R = [[inf] * (m + 1) for _ in range(n + 1)]
    R[0][0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (x[i - 1] - y[j - 1]) ** 2
            R[i][j] = cost + softmin3(R[i - 1][j], R[i][j - 1], R[i - 1][j - 1], gamma)
    return R[n][m]


add(
    soft_dtw_lists,
    "soft-DTW in a table of lists with a border of large numbers",
    ([0.1, 0.8, 1.2, 0.7], [0.0, 0.5, 1.3], 0.5),
    wrt=(0, 1, 2),
    peer=True,
)


def soft_dtw_numpy(X, Y, gamma=1.0):
    D = ((X[:, None, :] - Y[None, :, :]) ** 2).sum(-1)
    n, m = D.shape
    R = np.full((n + 1, m + 1), 1e8)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            prev = np.array([R[i - 1, j - 1], R[i - 1, j], R[i, j - 1]])
            z = -prev / gamma
            zmax = z.max()
            R[i, j] = D[i - 1, j - 1] - gamma * (np.log(np.exp(z - zmax).sum()) + zmax)
    return R[-1, -1]


add(
    soft_dtw_numpy,
    "soft-DTW in an array table, three neighbours gathered at a time",
    (rng.normal(size=(4, 2)), rng.normal(size=(3, 2))),
    wrt=(0, 1),
)


def edit_distance_soft(costs, a="kitten", b="sitting"):
    """Edit distance with learnt costs, two rows swapped."""
    ins, dele, sub = costs["insert"], costs["delete"], costs["substitute"]
    beta = 4.0
    prev = [j * ins for j in range(len(b) + 1)]
    for i, ca in enumerate(a, 1):
        cur = [i * dele]
        for j, cb in enumerate(b, 1):
            options = [prev[j] + dele, cur[j - 1] + ins, prev[j - 1] + (0.0 if ca == cb else sub)]
            z = sum(math.exp(-beta * o) for o in options)
            cur.append(-math.log(z) / beta)
        prev = cur
    return prev[-1]


add(
    edit_distance_soft,
    "edit distance over two strings, costs in a dict, two rolling rows",
    ({"insert": 0.9, "delete": 1.1, "substitute": 1.4},),
    peer=True,
)


SEQ1 = "ACGTC"
SEQ2 = "AGTCA"


def smith_waterman_soft(match, mismatch, gap, temp):
    H = np.zeros((len(SEQ1) + 1, len(SEQ2) + 1))
    best = []
    for i in range(1, len(SEQ1) + 1):
        for j in range(1, len(SEQ2) + 1):
            s = match if SEQ1[i - 1] == SEQ2[j - 1] else mismatch
            cand = np.array([0.0, H[i - 1, j - 1] + s, H[i - 1, j] + gap, H[i, j - 1] + gap])
            H[i, j] = temp * np.log(np.sum(np.exp(cand / temp)))
            best.append(H[i, j])
    scores = np.array(best)
    m = np.max(scores)
    return m + temp * np.log(np.sum(np.exp((scores - m) / temp)))


add(
    smith_waterman_soft,
    "local alignment of two global strings, a table in an array and a list of its cells",
    (2.0, -1.0, -1.5, 0.7),
    wrt=(0, 1, 2, 3),
)


def knapsack_soft(values, weights, capacity, beta):
    """0/1 knapsack over integer weights; the table is updated downwards in place."""
    best = [0.0] * (capacity + 1)
    for v, w in zip(values, weights):
        for c in range(capacity, w - 1, -1):
            take = best[c - w] + v
            skip = best[c]
            hi = take if take > skip else skip
            best[c] = hi + math.log(math.exp(beta * (take - hi)) + math.exp(beta * (skip - hi))) / beta
    return best[capacity]


add(
    knapsack_soft,
    "knapsack with one list overwritten from the top down",
    ([3.0, 4.5, 5.2, 1.7], [2, 3, 4, 1], 6, 1.5),
    wrt=(0, 3),
    peer=True,
)


def ctc_forward(logits, labels=(1, 2, 2)):
    """CTC loss by the forward recursion over the extended labels."""
    T, K = logits.shape
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    ext = [0]
    for l in labels:
        ext += [l, 0]
    S = len(ext)
    NEG = -1e9
    alpha = np.full(S, NEG)
    alpha[0] = logp[0, 0]
    alpha[1] = logp[0, ext[1]]
    for t in range(1, T):
        new = np.full(S, NEG)
        for s in range(S):
            terms = [alpha[s]]
            if s > 0:
                terms.append(alpha[s - 1])
            if s > 1 and ext[s] != 0 and ext[s] != ext[s - 2]:
                terms.append(alpha[s - 2])
            total = terms[0]
            for v in terms[1:]:
                total = np.logaddexp(total, v)
            new[s] = total + logp[t, ext[s]]
        alpha = new
    return -np.logaddexp(alpha[-1], alpha[-2])


add(
    ctc_forward,
    "CTC: labels extended with blanks, lists of alternatives of varying length",
    (rng.normal(size=(6, 3)),),
)


def matrix_chain_soft(dims, beta=0.05):
    n = len(dims) - 1
    cost = {}
    for i in range(n):
        cost[i, i] = 0.0
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            total = 0.0
            for k in range(i, j):
                c = cost[i, k] + cost[k + 1, j] + dims[i] * dims[k + 1] * dims[j + 1]
                total += math.exp(-beta * c)
            cost[i, j] = -math.log(total) / beta
    return cost[0, n - 1]


add(
    matrix_chain_soft,
    "a table as a dict with pairs of indices as keys",
    ([2.0, 3.0, 1.5, 4.0],),
    peer=True,
)


def rod_cutting_memo(prices, n, temp):
    """Top-down with a memo in a dict of the caller."""
    memo = {}

    def best(k):
        if k == 0:
            return 0.0
        if k in memo:
            return memo[k]
        options = [prices[i - 1] + best(k - i) for i in range(1, k + 1)]
        hi = max(options)
        value = hi + temp * math.log(sum(math.exp((o - hi) / temp) for o in options))
        memo[k] = value
        return value

    return best(n)


add(
    rod_cutting_memo,
    "memoised recursion by a closure over a dict",
    ([1.0, 2.7, 3.4, 4.4], 4, 0.5),
    wrt=(0, 2),
    peer=True,
)


def grid_paths_cached(w, rows=3, cols=3):
    """Soft cheapest path; the recursion is cached by functools."""

    @lru_cache(maxsize=None)
    def cost(i, j):
        here = w[i][j]
        if i == 0 and j == 0:
            return here
        if i == 0:
            return here + cost(i, j - 1)
        if j == 0:
            return here + cost(i - 1, j)
        a, b = cost(i - 1, j), cost(i, j - 1)
        return here - math.log(math.exp(-a) + math.exp(-b))

    return cost(rows - 1, cols - 1)


add(
    grid_paths_cached,
    "lru_cache on an inner recursive function",
    ([[1.0, 0.3, 0.8], [0.5, 1.2, 0.4], [0.7, 0.2, 0.9]],),
    peer=True,
)


def inside_algorithm_cky(rule_logits, lexical, sentence=(0, 1, 1, 0)):
    """Inside probabilities of a grammar with two symbols in Chomsky normal form."""
    rules = np.exp(rule_logits)
    rules = rules / rules.reshape(2, -1).sum(axis=1)[:, None, None]
    n = len(sentence)
    chart = np.zeros((n, n, 2))
    for i, w in enumerate(sentence):
        chart[i, i] = lexical[:, w]
    for width in range(2, n + 1):
        for i in range(n - width + 1):
            j = i + width - 1
            for k in range(i, j):
                chart[i, j] += np.einsum("abc,b,c->a", rules, chart[i, k], chart[k + 1, j])
    return np.log(chart[0, n - 1, 0])


add(
    inside_algorithm_cky,
    "a chart of three dimensions filled by span, einsum accumulated into cells",
    (rng.normal(size=(2, 2, 2)), np.array([[0.4, 0.6], [0.7, 0.3]])),
    wrt=(0, 1),
)


def optimal_bst_expected(p):
    """Expected depth of a soft-optimal search tree, with prefix sums."""
    n = len(p)
    prefix = [0.0]
    for pi in p:
        prefix.append(prefix[-1] + pi)
    E = np.zeros((n + 1, n + 1))
    for length in range(1, n + 1):
        for i in range(0, n - length + 1):
            j = i + length
            w = prefix[j] - prefix[i]
            acc = 0.0
            for r in range(i, j):
                acc += np.exp(-3.0 * (E[i, r] + E[r + 1, j]))
            E[i, j] = w - np.log(acc) / 3.0
    return E[0, n]


add(optimal_bst_expected, "interval dynamic programming over prefix sums in a list", ([0.3, 0.2, 0.4, 0.1],))


def needleman_affine_gaps(S, open_, extend):
    """Three tables as three arrays, one row each kept."""
    n, m = S.shape
    big = -30.0
    M = np.full(m + 1, big)
    M[0] = 0.0
    X = np.full(m + 1, big)
    Y = np.full(m + 1, big)
    for i in range(n):
        M2 = np.full(m + 1, big)
        X2 = np.full(m + 1, big)
        Y2 = np.full(m + 1, big)
        for j in range(m + 1):
            X2[j] = np.logaddexp(M[j] - open_, X[j] - extend)
            if j > 0:
                M2[j] = S[i, j - 1] + np.logaddexp(np.logaddexp(M[j - 1], X[j - 1]), Y[j - 1])
                Y2[j] = np.logaddexp(M2[j - 1] - open_, Y2[j - 1] - extend)
        M, X, Y = M2, X2, Y2
    return np.logaddexp(np.logaddexp(M[m], X[m]), Y[m])


add(
    needleman_affine_gaps,
    "three rolling arrays renamed together at the end of a sweep",
    (rng.normal(size=(3, 4)), 1.2, 0.4),
    wrt=(0, 1, 2),
)

"""Learning: losses and cells as they stand in textbooks and notebooks."""

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(10)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def linear_regression(w, b, X, y):
    return np.mean((X @ w + b - y) ** 2)


def ridge(w, X, y, strength):
    r = X @ w - y
    return r @ r + strength * np.sum(w**2)


def logistic_regression(w, b, X, y):
    p = sigmoid(X @ w + b)
    return -np.mean(y * np.log(p) + (1.0 - y) * np.log(1.0 - p))


def softmax_regression(W, b, X, labels):
    scores = X @ W + b
    scores = scores - scores.max(axis=1, keepdims=True)
    logp = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(labels)), labels].mean()


def mlp_dict(params, X, y):
    h = np.maximum(X @ params["W1"] + params["b1"], 0.0)
    scores = h @ params["W2"] + params["b2"]
    scores = scores - scores.max(axis=1, keepdims=True)
    n = X.shape[0]
    log_norm = np.log(np.exp(scores).sum(axis=1))
    return (log_norm - scores[np.arange(n), y]).mean()


def mlp_tanh(W1, b1, W2, b2, X, Y):
    return np.sum((np.tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2) / X.shape[0]


def hinge(w, X, y):
    margins = 1.0 - y * (X @ w)
    return np.maximum(margins, 0.0).sum() + 0.5 * w @ w


def cross_entropy_one_hot(W, X, Y):
    z = X @ W
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(Y * np.log(p)) / len(X)


def elman(Wx, Wh, b, xs):
    h = np.zeros(Wh.shape[0])
    loss = 0.0
    for x in xs:
        h = np.tanh(Wx @ x + Wh @ h + b)
        loss += np.sum(h * h)
    return loss


def lstm_cell(W, b, x, h, c):
    n = h.shape[0]
    z = W @ np.concatenate([x, h]) + b
    i = sigmoid(z[:n])
    f = sigmoid(z[n : 2 * n])
    o = sigmoid(z[2 * n : 3 * n])
    g = np.tanh(z[3 * n :])
    c = f * c + i * g
    return o * np.tanh(c), c


def lstm(W, b, xs):
    n = b.shape[0] // 4
    h = np.zeros(n)
    c = np.zeros(n)
    for x in xs:
        h, c = lstm_cell(W, b, x, h, c)
    return np.sum(h**2) + np.sum(c)


def gru(Wz, Wr, Wc, x, h):
    xh = np.concatenate([x, h])
    z = sigmoid(Wz @ xh)
    r = sigmoid(Wr @ xh)
    candidate = np.tanh(Wc @ np.concatenate([x, r * h]))
    new = (1.0 - z) * h + z * candidate
    return np.sum(new**2)


def attention(Q, K, V):
    scores = Q @ K.T / np.sqrt(K.shape[1])
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = e / e.sum(axis=-1, keepdims=True)
    return np.sum((weights @ V) ** 2)


def causal_attention(X, Wq, Wk, Wv):
    n = X.shape[0]
    q, k, v = X @ Wq, X @ Wk, X @ Wv
    scores = np.where(np.tril(np.ones((n, n))) > 0.0, q @ k.T, -1e9)
    e = np.exp(scores - scores.max(axis=1)[:, None])
    return np.sum((e / e.sum(axis=1)[:, None] @ v) ** 2)


def multi_head(X, W, heads):
    n, d = X.shape
    Z = (X @ W).reshape(n, heads, d // heads).transpose(1, 0, 2)
    scores = Z @ Z.swapaxes(-1, -2)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    out = e / e.sum(axis=-1, keepdims=True) @ Z
    return np.sum(out.transpose(1, 0, 2).reshape(n, d) ** 2)


def layer_norm(X, gain, bias):
    mean = X.mean(axis=-1, keepdims=True)
    var = X.var(axis=-1, keepdims=True)
    return np.sum((gain * (X - mean) / np.sqrt(var + 1e-5) + bias) ** 3)


def batch_norm(X, gamma, beta):
    mu = X.sum(axis=0) / X.shape[0]
    xc = X - mu
    var = (xc * xc).sum(axis=0) / X.shape[0]
    return np.sum(np.tanh(gamma * xc / np.sqrt(var + 1e-5) + beta))


def gelu_layer(x, W):
    z = W @ x
    return np.sum(0.5 * z * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (z + 0.044715 * z**3))))


def mixture(logits, means, log_scales, x):
    logw = logits - np.log(np.sum(np.exp(logits)))
    z = (x[:, None] - means) / np.exp(log_scales)
    terms = logw - log_scales - 0.5 * z * z - 0.5 * np.log(2.0 * np.pi)
    m = terms.max(axis=1, keepdims=True)
    return -np.sum(m[:, 0] + np.log(np.exp(terms - m).sum(axis=1)))


def gaussian_process(length, noise, X, y):
    d = X[:, None] - X[None, :]
    K = np.exp(-0.5 * d * d / length**2) + noise * np.eye(len(X))
    L = np.linalg.cholesky(K)
    a = np.linalg.solve(K, y)
    return 0.5 * y @ a + np.sum(np.log(np.diag(L)))


def gaussian_kl(mean, log_var):
    return 0.5 * np.sum(np.exp(log_var) + mean**2 - 1.0 - log_var)


def autoencoder(W, b, c, X):
    H = sigmoid(X @ W + b)
    R = H @ W.T + c
    return np.mean((X - R) ** 2)


def embedding_bag(E, w, sentences, labels):
    loss = 0.0
    for tokens, label in zip(sentences, labels):
        score = E[tokens].mean(axis=0) @ w
        loss += np.log(1.0 + np.exp(-label * score))
    return loss


def convolution_layer(image, kernel):
    h, w = kernel.shape
    out = 0.0
    for i in range(h):
        for j in range(w):
            out = out + kernel[i, j] * image[i : image.shape[0] - h + i + 1, j : image.shape[1] - w + j + 1]
    return np.sum(np.maximum(out, 0.0) ** 2)


def contrastive(A, B, temperature):
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    B = B / np.linalg.norm(B, axis=1, keepdims=True)
    S = A @ B.T / temperature
    return -np.mean(np.diag(S) - np.log(np.exp(S).sum(axis=1)))


def matrix_factorisation(U, V, R, mask):
    E = mask * (R - U @ V.T)
    return np.sum(E * E) + 0.1 * (np.sum(U * U) + np.sum(V * V))


def unrolled_sgd(w, rate, X, y, steps):
    for _ in range(steps):
        r = X @ w - y
        w = w - rate * (X.T @ r) / len(y)
    return np.mean((X @ w - y) ** 2)


X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
y, w = rng.normal(size=5), rng.normal(size=3)
binary = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
labels = np.array([0, 2, 1, 1, 3])
n3 = lambda *shape: 0.6 * rng.normal(size=shape)
MLP = {"W1": n3(3, 6), "b1": n3(6), "W2": n3(6, 4), "b2": n3(4)}

PROGRAMS = [
    Program("linear_regression", linear_regression, (w, 0.2, X, y), (0, 1)),
    Program("ridge", ridge, (w, X, y, 0.1), (0, 3)),
    Program("logistic_regression", logistic_regression, (w, 0.2, X, binary), (0, 1)),
    Program("softmax_regression", softmax_regression, (n3(3, 4), n3(4), X, labels), (0, 1)),
    Program("mlp_dict", mlp_dict, (MLP, X, labels)),
    Program("mlp_tanh", mlp_tanh, (n3(3, 4), n3(4), n3(4, 2), n3(2), X, Y), (0, 1, 2, 3)),
    Program("hinge", hinge, (w, X, 2.0 * binary - 1.0)),
    Program("cross_entropy_one_hot", cross_entropy_one_hot, (n3(3, 4), X, np.eye(4)[labels])),
    Program("elman", elman, (n3(4, 3), n3(4, 4), n3(4), X), (0, 1, 2)),
    Program("lstm", lstm, (n3(8, 5), n3(8), X), (0, 1)),
    Program("gru", gru, (n3(2, 5), n3(2, 5), n3(2, 5), n3(3), n3(2)), (0, 1, 2, 3, 4)),
    Program("attention", attention, (n3(3, 4), n3(5, 4), n3(5, 2)), (0, 1, 2)),
    Program("causal_attention", causal_attention, (n3(4, 3), n3(3, 3), n3(3, 3), n3(3, 2)), (0, 1, 2, 3)),
    Program("multi_head", multi_head, (n3(3, 4), n3(4, 4), 2), (0, 1)),
    Program("layer_norm", layer_norm, (n3(3, 4), n3(4), n3(4)), (0, 1, 2)),
    Program("batch_norm", batch_norm, (n3(5, 3), n3(3), n3(3)), (0, 1, 2)),
    Program("gelu_layer", gelu_layer, (n3(4), n3(3, 4)), (0, 1)),
    Program("mixture", mixture, (n3(3), n3(3), n3(3), y), (0, 1, 2)),
    Program("gaussian_process", gaussian_process, (0.8, 0.3, y, n3(5)), (0, 1)),
    Program("gaussian_kl", gaussian_kl, (n3(4), n3(4)), (0, 1)),
    Program("autoencoder", autoencoder, (n3(3, 2), n3(2), n3(3), X), (0, 1, 2)),
    Program("embedding_bag", embedding_bag, (n3(5, 3), w, [[0, 2, 2], [1, 4], [3]], [1, -1, 1]), (0, 1)),
    Program("convolution_layer", convolution_layer, (n3(5, 5), n3(2, 3)), (0, 1)),
    Program("contrastive", contrastive, (n3(3, 4), n3(3, 4), 0.7), (0, 1, 2)),
    Program(
        "matrix_factorisation",
        matrix_factorisation,
        (n3(3, 2), n3(4, 2), n3(3, 4), (rng.random((3, 4)) > 0.3) * 1.0),
        (0, 1),
    ),
    Program("unrolled_sgd", unrolled_sgd, (w, 0.2, X, y, 4), (0, 1)),
]

"""Neural networks from scratch: layers as classes, recurrent cells, attention, optimisers with state."""

import math

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(43)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


class Layer:
    def forward(self, x):
        raise NotImplementedError

    def __call__(self, x):
        return self.forward(x)


class Dense(Layer):
    def __init__(self, W, b):
        self.W = W
        self.b = b

    def forward(self, x):
        return x @ self.W + self.b


class Tanh(Layer):
    def forward(self, x):
        return np.tanh(x)


class Sequential(Layer):
    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def sequential_classes(W1, b1, W2, x, y):
    model = Sequential(Dense(W1, b1), Tanh(), Dense(W2, np.zeros(W2.shape[1])))
    return np.mean((model(x) - y) ** 2)


add(
    sequential_classes,
    "layers as classes with a base class, Sequential with *layers, __call__",
    (
        rng.normal(size=(3, 4)),
        rng.normal(size=4),
        rng.normal(size=(4, 2)),
        rng.normal(size=(5, 3)),
        rng.normal(size=(5, 2)),
    ),
    wrt=(0, 1, 2, 3),
    peer=True,
)


ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "linear": lambda x: x,
}


def mlp_from_config(params, x, config=("tanh", "softplus", "linear")):
    """A dispatch table of activations at module level, named in a tuple of strings."""
    for (W, b), name in zip(params, config):
        x = ACTIVATIONS[name](x @ W + b)
    return np.sum(x**2)


add(
    mlp_from_config,
    "a list of pairs of arrays, functions looked up in a global dict by name",
    (
        [
            (rng.normal(size=(2, 3)), rng.normal(size=3)),
            (rng.normal(size=(3, 3)), rng.normal(size=3)),
            (rng.normal(size=(3, 1)), rng.normal(size=1)),
        ],
        rng.normal(size=(4, 2)),
    ),
    wrt=(0, 1),
)


def lstm_sequence(Wx, Wh, b, xs):
    H = Wh.shape[0]
    h = np.zeros(H)
    c = np.zeros(H)
    loss = 0.0
    for x in xs:
        z = x @ Wx + h @ Wh + b
        i, f, o, g = np.split(z, 4)
        c = sigmoid(f + 1.0) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        loss += np.sum(h**2)
    return loss


add(
    lstm_sequence,
    "an LSTM with gates by np.split",
    (rng.normal(size=(2, 8)), rng.normal(size=(2, 8)), rng.normal(size=8), rng.normal(size=(4, 2))),
    wrt=(0, 1, 2, 3),
    peer=True,
)


class GRUCell:
    def __init__(self, params):
        for name, value in params.items():
            setattr(self, name, value)

    def __call__(self, x, h):
        z = sigmoid(self.Wz @ x + self.Uz @ h)
        r = sigmoid(self.Wr @ x + self.Ur @ h)
        cand = np.tanh(self.Wh @ x + self.Uh @ (r * h))
        return (1 - z) * h + z * cand


def gru_cell_setattr(params, xs):
    cell = GRUCell(params)
    h = np.zeros(2)
    for x in xs:
        h = cell(x, h)
    return h @ h


add(
    gru_cell_setattr,
    "attributes set by setattr over a dict of arrays",
    (
        {k: rng.normal(size=(2, 3 if k[0] == "W" else 2)) for k in ("Wz", "Uz", "Wr", "Ur", "Wh", "Uh")},
        rng.normal(size=(3, 3)),
    ),
    wrt=(0, 1),
    peer=True,
)


def multi_head_attention(x, Wq, Wk, Wv, Wo, heads=2):
    T, D = x.shape
    d = D // heads
    split = lambda a: a.reshape(T, heads, d).transpose(1, 0, 2)
    q, k, v = split(x @ Wq), split(x @ Wk), split(x @ Wv)
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(d)
    mask = np.triu(np.ones((T, T), dtype=bool), k=1)
    scores = np.where(mask, -1e9, scores)
    out = (softmax(scores) @ v).transpose(1, 0, 2).reshape(T, D)
    return np.sum(np.square(out @ Wo))


add(
    multi_head_attention,
    "heads by reshape and transpose, a causal mask by np.where, stacked matrix products",
    (rng.normal(size=(3, 4)), *(0.5 * rng.normal(size=(4, 4)) for _ in range(4))),
    wrt=(0, 1, 2, 3, 4),
    peer=True,
)


def layer_norm(x, g, b, eps=1e-5):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    return g * (x - mu) / np.sqrt(var + eps) + b


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def linear(x, w, b):
    return x @ w + b


def ffn(x, c_fc, c_proj):
    return linear(gelu(linear(x, **c_fc)), **c_proj)


def attention(q, k, v, mask):
    return softmax(q @ k.T / np.sqrt(q.shape[-1]) + mask) @ v


def mha(x, c_attn, c_proj, n_head):
    x = linear(x, **c_attn)
    qkv_heads = list(map(lambda x: np.split(x, n_head, axis=-1), np.split(x, 3, axis=-1)))
    causal_mask = (1 - np.tri(x.shape[0], dtype=x.dtype)) * -1e10
    out_heads = [attention(q, k, v, causal_mask) for q, k, v in zip(*qkv_heads)]
    return linear(np.hstack(out_heads), **c_proj)


def transformer_block(x, mlp, attn, ln_1, ln_2, n_head):
    x = x + mha(layer_norm(x, **ln_1), **attn, n_head=n_head)
    x = x + ffn(layer_norm(x, **ln_2), **mlp)
    return x


def gpt_forward(inputs, wte, wpe, blocks, ln_f, n_head):
    x = wte[inputs] + wpe[range(len(inputs))]
    for block in blocks:
        x = transformer_block(x, **block, n_head=n_head)
    return layer_norm(x, **ln_f) @ wte.T


def pico_gpt_loss(params, tokens=(1, 3, 0, 2), n_head=2):
    """A GPT in forty lines, parameters in nested dicts passed with **."""
    tokens = list(tokens)
    x, y = tokens[:-1], tokens[1:]
    logits = gpt_forward(x, **params, n_head=n_head)
    logp = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -np.mean(logp[np.arange(len(y)), y])


def _lin(n, m):
    return {"w": 0.3 * rng.normal(size=(n, m)), "b": 0.1 * rng.normal(size=m)}


def _norm(n):
    return {"g": 1 + 0.1 * rng.normal(size=n), "b": 0.1 * rng.normal(size=n)}


add(
    pico_gpt_loss,
    "a transformer with parameters in nested dicts passed by **, map over np.split, zip(*heads)",
    (
        {
            "wte": rng.normal(size=(4, 4)),
            "wpe": rng.normal(size=(5, 4)),
            "blocks": [
                {
                    "mlp": {"c_fc": _lin(4, 6), "c_proj": _lin(6, 4)},
                    "attn": {"c_attn": _lin(4, 12), "c_proj": _lin(4, 4)},
                    "ln_1": _norm(4),
                    "ln_2": _norm(4),
                }
            ],
            "ln_f": _norm(4),
        },
    ),
)


class BatchNorm:
    def __init__(self, dim, momentum=0.9):
        self.gamma, self.beta = np.ones(dim), np.zeros(dim)
        self.running_mean, self.running_var = np.zeros(dim), np.ones(dim)
        self.momentum = momentum
        self.training = True

    def __call__(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            mean, var = self.running_mean, self.running_var
        return self.gamma * (x - mean) / np.sqrt(var + 1e-5) + self.beta


def batch_norm_running_averages(W, x1, x2):
    bn = BatchNorm(3)
    for batch in (x1, x2):
        h = bn(batch @ W)
    bn.training = False
    return np.sum(np.tanh(h)) + np.sum(bn(x1 @ W) ** 2)


add(
    batch_norm_running_averages,
    "batch normalisation with running averages, training switched off by an attribute",
    (rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2))),
    wrt=(0, 1),
    peer=True,
)


class Adam:
    def __init__(self, lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = None
        self.v = None
        self.t = 0

    def step(self, w, g):
        if self.m is None:
            self.m = np.zeros_like(w)
            self.v = np.zeros_like(w)
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        mhat = self.m / (1 - self.beta1**self.t)
        vhat = self.v / (1 - self.beta2**self.t)
        return w - self.lr * mhat / (np.sqrt(vhat) + self.eps)


def adam_class_meta_learning(w0, lr, X, y):
    opt = Adam(lr=lr)
    w = w0
    for _ in range(4):
        g = 2.0 * X.T @ (X @ w - y) / len(y)
        w = opt.step(w, g)
    return np.mean((X @ w - y) ** 2)


add(
    adam_class_meta_learning,
    "an optimiser class whose state starts as None, differentiated in its learning rate",
    (rng.normal(size=3), 0.05, rng.normal(size=(6, 3)), rng.normal(size=6)),
    wrt=(0, 1, 2),
    peer=True,
)


def vae_loss(enc, dec, x, eps):
    h = np.tanh(x @ enc["W"] + enc["b"])
    mu, logvar = h @ enc["mu"], h @ enc["logvar"]
    z = mu + np.exp(0.5 * logvar) * eps
    logits = z @ dec["W"] + dec["b"]
    recon = np.sum(np.logaddexp(0.0, logits) - x * logits, axis=1)
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1)
    return np.mean(recon + kl)


add(
    vae_loss,
    "an autoencoder's lower bound, parameters in two dicts",
    (
        {
            "W": rng.normal(size=(4, 3)),
            "b": rng.normal(size=3),
            "mu": rng.normal(size=(3, 2)),
            "logvar": 0.3 * rng.normal(size=(3, 2)),
        },
        {"W": rng.normal(size=(2, 4)), "b": rng.normal(size=4)},
        rng.random((3, 4)),
        rng.normal(size=(3, 2)),
    ),
    wrt=(0, 1),
    peer=True,
)


def rnn_char_model_lists(Wxh, Whh, Why, text="hello"):
    """min-char-rnn: one-hot columns, a dict of hidden states indexed from -1."""
    chars = sorted(set(text))
    ix = {ch: i for i, ch in enumerate(chars)}
    hs = {}
    hs[-1] = np.zeros((3, 1))
    loss = 0
    for t in range(len(text) - 1):
        x = np.zeros((len(chars), 1))
        x[ix[text[t]]] = 1
        hs[t] = np.tanh(Wxh @ x + Whh @ hs[t - 1])
        y = Why @ hs[t]
        p = np.exp(y) / np.sum(np.exp(y))
        loss += -np.log(p[ix[text[t + 1]], 0])
    return loss


add(
    rnn_char_model_lists,
    "sorted(set(text)), a dict of characters, a dict of states with key -1",
    (rng.normal(size=(3, 4)), rng.normal(size=(3, 3)), rng.normal(size=(4, 3))),
    wrt=(0, 1, 2),
)


def backprop_by_hand_training(W1, W2, X, Y, lr):
    """Two steps of hand-written back-propagation, in place; then the loss."""
    W1 = W1.copy()
    W2 = W2.copy()
    for _ in range(2):
        h = sigmoid(X @ W1)
        out = sigmoid(h @ W2)
        delta2 = (out - Y) * out * (1 - out)
        delta1 = (delta2 @ W2.T) * h * (1 - h)
        W2 -= lr * h.T @ delta2
        W1 -= lr * X.T @ delta1
    return 0.5 * np.sum((sigmoid(sigmoid(X @ W1) @ W2) - Y) ** 2)


add(
    backprop_by_hand_training,
    "weights updated by -=, the derivative of training by hand-written gradients",
    (rng.normal(size=(2, 3)), rng.normal(size=(3, 1)), rng.normal(size=(4, 2)), rng.random((4, 1)), 0.5),
    wrt=(0, 1, 4),
    peer=True,
)


class Value:
    """A scalar that remembers how it was made: the tape of a famous tutorial."""

    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = children

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))

        def _backward():
            self.grad += (1 - t * t) * out.grad

        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], []

        def build(v):
            if v not in visited:
                visited.append(v)
                for child in v._prev:
                    build(child)
                topo.append(v)

        build(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()


def micrograd_inside(x, w, b):
    xv, wv, bv = Value(x), Value(w), Value(b)
    y = (xv * wv + bv).tanh() * wv
    y.backward()
    return y.data + wv.grad * xv.grad


add(
    micrograd_inside,
    "reverse mode inside: objects with closures that write each other's attributes",
    (0.5, 1.2, -0.3),
    wrt=(0, 1, 2),
    peer=True,
)


def capsule_routing(votes, steps=3):
    """Routing by agreement: soft-max over outputs, squash, einsum."""
    logits = np.zeros(votes.shape[:2])
    for i in range(steps):
        c = softmax(logits, axis=1)
        s = np.einsum("ij,ijd->jd", c, votes)
        n2 = (s**2).sum(-1, keepdims=True)
        v = n2 / (1 + n2) * s / np.sqrt(n2 + 1e-8)
        if i < steps - 1:
            logits = logits + np.einsum("ijd,jd->ij", votes, v)
    return np.sum(v**3)


add(capsule_routing, "routing by agreement with einsum", (rng.normal(size=(4, 3, 2)),), peer=True)


def dropout_and_residual_blocks(params, x, masks):
    def block(x, p, mask):
        h = np.maximum(x @ p["in"], 0.1 * (x @ p["in"]))
        return x + (h * mask / 0.8) @ p["out"]

    for depth, (p, mask) in enumerate(zip(params, masks), start=1):
        x = block(x, p, mask) / math.sqrt(depth)
    return x.std() + x.ptp() if hasattr(x, "ptp") else x.std() + np.ptp(x)


add(
    dropout_and_residual_blocks,
    "residual blocks with fixed dropout masks; hasattr decides between two spellings",
    (
        [{"in": rng.normal(size=(3, 4)), "out": rng.normal(size=(4, 3))} for _ in range(2)],
        rng.normal(size=(2, 3)),
        [(rng.random((2, 4)) < 0.8).astype(float) for _ in range(2)],
    ),
    wrt=(0, 1),
    peer=True,
)

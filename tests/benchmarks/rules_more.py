# ruff: noqa: E501  (a formula to a line)
"""Further operations for ``rules.py``: what people use beside the first fifty-six."""

from __future__ import annotations

from typing import Any

__all__ = ["FUNCTIONS", "more"]

# operations that take more than an expression, and formulas by hand that several share
FUNCTIONS = '''
import scipy.linalg
import scipy.special


def written(x):
    y = x.copy()
    y[1:-1] = x[1:-1] ** 2
    y[0] *= 3.0
    return y


def accumulated(x):
    y = np.zeros(len(x) + 2)
    y[:-2] += x
    y[1:-1] += 2.0 * x
    y[2:] -= x
    return y


def all_diagonal(n, value):
    g = np.zeros((n, n))
    g.reshape(-1)[:: n + 1] = value
    return g


'''


def more(vector: Any, table: Any, matrix: Any) -> dict[str, tuple[str, str, str, Any]]:
    """The operation; its cotangent by hand, from w; its tangent by hand, from v; what x is."""
    v120, batch = vector[:120], vector[:12000].reshape(30, 20, 20)
    return {
        "exp2": ("np.exp2(x)", "return w * (math.log(2.0) * np.exp2(x))", "math.log(2.0) * out * v", vector),
        "log2": ("np.log2(x)", "return w * (1.0 / (math.log(2.0) * x))", "v / (math.log(2.0) * x)", vector),
        "x ** y": ("x ** s", "return w * (s * x ** (s - 1.0))", "s * x ** (s - 1.0) * v", vector),
        "minimum of two": ("np.minimum(x, s)", "return np.where(x < s, w, np.where(x == s, 0.5 * w, 0.0))", "np.where(x < s, v, np.where(x == s, 0.5 * v, 0.0))", vector),
        "x / y": ("s / x", "return w * (-s / (x * x))", "-s / (x * x) * v", vector),
        "where of three": ("np.where(x[:, :1] > 0.5, x, b)", "return np.where(x[:, :1] > 0.5, w, 0.0)", "np.where(x[:, :1] > 0.5, v, 0.0)", table),
        "where by row": ("np.where(b > 0.5, x[:1], x)", "g = np.where(b > 0.5, 0.0, w)\n    g[:1] += np.where(b > 0.5, w, 0.0).sum(axis=0)\n    return g",
                         "np.where(b > 0.5, v[:1], v)", table),
        "max of all": ("np.max(x)", "t = x == np.max(x)\n    return np.where(t, w / np.count_nonzero(t), 0.0)", "np.where(x == out, v, 0.0).sum() / np.count_nonzero(x == out)", vector),
        "min, axis=0": ("np.min(x, axis=0)", "t = x == np.min(x, axis=0)\n    return np.where(t, w / np.count_nonzero(t, axis=0), 0.0)",
                        "np.where(x == out, v, 0.0).sum(axis=0) / np.count_nonzero(x == out, axis=0)", table),
        "ptp": ("np.ptp(x)", "t = x == np.max(x)\n    u = x == np.min(x)\n    return np.where(t, w / np.count_nonzero(t), 0.0) - np.where(u, w / np.count_nonzero(u), 0.0)", "", vector),
        "median": ("np.median(x, axis=1)", "k = np.argpartition(x, (49, 50), axis=1)[:, 49:51]\n    g = np.zeros_like(x)\n    np.put_along_axis(g, k, 0.5 * w[:, None], 1)\n    return g",
                   "np.take_along_axis(v, np.argpartition(x, (49, 50), axis=1)[:, 49:51], 1).mean(axis=1)", table),
        "percentile": ("np.percentile(x, 30.0)", "p = 0.3 * (x.size - 1)\n    n = int(p)\n    k = np.argpartition(x, (n, n + 1))[n : n + 2]\n    g = np.zeros_like(x)\n"
                       "    g[k] = w * (1.0 - (p - n)), w * (p - n)\n    return g", "", vector),
        "nansum": ("np.nansum(x, axis=1)", "return np.where(np.isnan(x), 0.0, w[:, None])", "np.where(np.isnan(x), 0.0, v).sum(axis=1)", table),
        "nanmean": ("np.nanmean(x, axis=1)", "k = ~np.isnan(x)\n    return np.where(k, (w / np.count_nonzero(k, axis=1))[:, None], 0.0)",
                    "np.nansum(v, axis=1) / np.count_nonzero(~np.isnan(x), axis=1)", table),
        "nanmax": ("np.nanmax(x, axis=1)", "t = x == np.nanmax(x, axis=1)[:, None]\n    return np.where(t, (w / np.count_nonzero(t, axis=1))[:, None], 0.0)",
                   "np.where(x == out[:, None], v, 0.0).sum(axis=1) / np.count_nonzero(x == out[:, None], axis=1)", table),
        "nanstd": ("np.nanstd(x, axis=1)", "k = ~np.isnan(x)\n    n = np.count_nonzero(k, axis=1, keepdims=True)\n    d = np.where(k, x - np.nansum(x, axis=1, keepdims=True) / n, 0.0)\n"
                   "    return d * (w[:, None] / (n * np.sqrt((d * d).sum(axis=1, keepdims=True) / n)))", "", table),
        "average": ("np.average(x, axis=1, weights=b)", "return w[:, None] * (b / b.sum())", "v @ b / b.sum()", table),
        "sum, where=": ("np.sum(x, axis=1, where=x > 0.5)", "return np.where(x > 0.5, w[:, None], 0.0)", "np.sum(v, axis=1, where=x > 0.5)", table),
        "cumprod": ("np.cumprod(x, axis=1)", "return np.cumsum((w * np.cumprod(x, axis=1))[:, ::-1], axis=1)[:, ::-1] / x",
                    "np.cumprod(x, axis=1) * np.cumsum(v / x, axis=1)", table),
        "trapezoid": ("np.trapezoid(x, dx=0.1)", "g = np.full_like(x, 0.1 * w)\n    g[0] *= 0.5\n    g[-1] *= 0.5\n    return g", "np.trapezoid(v, dx=0.1)", vector),
        "trapezoid, axis": ("np.trapezoid(x, b, axis=1)", "h = 0.5 * np.diff(b)\n    c = np.zeros(len(b))\n    c[1:] += h\n    c[:-1] += h\n    return w[:, None] * c", "np.trapezoid(v, b, axis=1)", table),
        "gradient": ("np.gradient(x, 0.1)", "h = w * 5.0\n    g = np.zeros_like(x)\n    g[2:] += h[1:-1]\n    g[:-2] -= h[1:-1]\n    g[0] -= 10.0 * w[0]\n    g[1] += 10.0 * w[0]\n"
                     "    g[-1] += 10.0 * w[-1]\n    g[-2] -= 10.0 * w[-1]\n    return g", "np.gradient(v, 0.1)", vector),
        "diff, axis=0": ("np.diff(x, axis=0)", "g = np.zeros_like(x)\n    g[1:] += w\n    g[:-1] -= w\n    return g", "np.diff(v, axis=0)", table),
        "pad": ("np.pad(x, 3)", "return w[3:-3].copy()", "np.pad(v, 3)", vector),
        "pad, edge": ("np.pad(x, 1, mode='edge')", "g = w[1:-1].copy()\n    g[0] += w[0]\n    g[-1] += w[-1]\n    h = g[:, 1:-1].copy()\n    h[:, 0] += g[:, 0]\n    h[:, -1] += g[:, -1]\n    return h",
                      "np.pad(v, 1, mode='edge')", table),
        "roll": ("np.roll(x, 3)", "return np.roll(w, -3)", "np.roll(v, 3)", vector),
        "tile": ("np.tile(x, 3)", "return w.reshape(3, -1).sum(axis=0)", "np.tile(v, 3)", vector),
        "tile, two axes": ("np.tile(x, (2, 3))", "return w.reshape(2, x.shape[0], 3, x.shape[1]).sum(axis=(0, 2))", "np.tile(v, (2, 3))", table),
        "repeat": ("np.repeat(x, 3)", "return w.reshape(-1, 3).sum(axis=1)", "np.repeat(v, 3)", vector),
        "repeat, axis=1": ("np.repeat(x, 3, axis=1)", "return w.reshape(x.shape[0], x.shape[1], 3).sum(axis=2)", "np.repeat(v, 3, axis=1)", table),
        "stack": ("np.stack((x, x * x))", "return w[0] + w[1] * (2.0 * x)", "np.stack((v, 2.0 * x * v))", vector),
        "hstack": ("np.hstack((x, 2.0 * x))", "n = x.shape[1]\n    return w[:, :n] + 2.0 * w[:, n:]", "np.hstack((v, 2.0 * v))", table),
        "split": ("np.split(x, 3)[1]", "n = len(x) // 3\n    g = np.zeros_like(x)\n    g[n : 2 * n] = w\n    return g", "np.split(v, 3)[1]", vector),
        "append": ("np.append(x, x[:5])", "g = w[:-5].copy()\n    g[:5] += w[-5:]\n    return g", "np.append(v, v[:5])", vector),
        "flip": ("np.flip(x)", "return w[::-1].copy()", "np.flip(v)", vector),
        "swapaxes": ("np.swapaxes(x, 0, 1)", "return np.ascontiguousarray(w.T)", "np.swapaxes(v, 0, 1)", table),
        "take": ("np.take(x, i)", "return np.bincount(i, w, len(x))", "np.take(v, i)", vector),
        "take, axis=0": ("np.take(x, j, axis=0)", "g = np.zeros_like(x)\n    np.add.at(g, j, w)\n    return g", "np.take(v, j, axis=0)", table),
        "take_along_axis": ("np.take_along_axis(x, q, 1)", "n = x.shape[1]\n    k = q + n * np.arange(len(x))[:, None]\n    return np.bincount(k.ravel(), w.ravel(), x.size).reshape(x.shape)",
                            "np.take_along_axis(v, q, 1)", table),
        "x[j]": ("x[j]", "g = np.zeros_like(x)\n    np.add.at(g, j, w)\n    return g", "v[j]", table),
        "x[j, k]": ("x[j, k]", "return np.bincount(j * x.shape[1] + k, w, x.size).reshape(x.shape)", "v[j, k]", table),
        "x[mask]": ("x[m]", "g = np.zeros_like(x)\n    g[m] = w\n    return g", "v[m]", vector),
        "x[:, 3]": ("x[:, 3]", "g = np.zeros_like(x)\n    g[:, 3] = w\n    return g", "v[:, 3]", table),
        "written in place": ("written(x)", "g = w.copy()\n    g[1:-1] *= 2.0 * x[1:-1]\n    g[0] *= 3.0\n    return g", "", vector),
        "added in place": ("accumulated(x)", "return w[:-2] + 2.0 * w[1:-1] - w[2:]", "", vector),
        "outer": ("np.outer(x, b)", "return w @ b", "np.outer(v, b)", v120),
        "kron": ("np.kron(x, B[:3, :3])", "n, m = x.shape\n    return np.tensordot(w.reshape(n, 3, m, 3), B[:3, :3], ((1, 3), (0, 1)))", "np.kron(v, B[:3, :3])", matrix),
        "tensordot": ("np.tensordot(x, B, 1)", "return w @ B.T", "np.tensordot(v, B, 1)", matrix),
        "matrix @ vector": ("x @ b", "return np.outer(w, b)", "v @ b", table),
        "dot": ("np.dot(x, x)", "return 2.0 * w * x", "2.0 * np.dot(x, v)", vector),
        "batched matmul": ("x @ x", "t = np.swapaxes(x, 1, 2)\n    return w @ t + t @ w", "v @ x + x @ v", batch),
        "multi_dot": ("np.linalg.multi_dot((x, B, x))", "return w @ (B @ x).T + (x @ B).T @ w", "np.linalg.multi_dot((v, B, x)) + np.linalg.multi_dot((x, B, v))", matrix),
        "einsum ij,ij->i": ("np.einsum('ij,ij->i', x, x)", "return 2.0 * w[:, None] * x", "2.0 * np.einsum('ij,ij->i', x, v)", table),
        "einsum ij,j->i": ("np.einsum('ij,j->i', x, b)", "return np.outer(w, b)", "v @ b", table),
        "einsum ij->j": ("np.einsum('ij->j', x)", "return np.broadcast_to(w, x.shape).copy()", "v.sum(axis=0)", table),
        "einsum batched": ("np.einsum('bij,bjk->bik', x, x)", "t = np.swapaxes(x, 1, 2)\n    return w @ t + t @ w", "v @ x + x @ v", batch),
        "einsum of three": ("np.einsum('i,ij,j->', x[:, 0], x, b)", "g = w * np.outer(x[:, 0], b)\n    g[:, 0] += w * (x @ b)\n    return g", "v[:, 0] @ (x @ b) + x[:, 0] @ (v @ b)", table),
        "trace": ("np.trace(x)", "return all_diagonal(len(x), w)", "np.trace(v)", matrix),
        "diagonal": ("np.diag(x)", "return all_diagonal(len(x), w)", "np.diag(v)", matrix),
        "diagonal matrix": ("np.diag(x)", "return np.diagonal(w).copy()", "np.diag(v)", v120),
        "tril": ("np.tril(x)", "return np.tril(w)", "np.tril(v)", matrix),
        "det": ("np.linalg.det(x)", "return w * np.linalg.det(x) * np.linalg.inv(x).T", "np.linalg.det(x) * np.sum(np.linalg.inv(x).T * v)", matrix / 15.0),
        "norm of all": ("np.linalg.norm(x)", "return x * (w / np.linalg.norm(x))", "np.vdot(x, v) / np.linalg.norm(x)", vector),
        "norm, ord=1": ("np.linalg.norm(x, 1)", "return w * np.sign(x)", "np.sum(np.sign(x) * v)", vector),
        "norm, ord=inf": ("np.linalg.norm(x, np.inf)", "k = np.argmax(abs(x))\n    g = np.zeros_like(x)\n    g[k] = w * np.sign(x[k])\n    return g", "", vector),
        "norm, nuclear": ("np.linalg.norm(x, 'nuc')", "u, s, t = np.linalg.svd(x, full_matrices=False)\n    return w * (u @ t)", "", matrix),
        "svdvals": ("np.linalg.svd(x, compute_uv=False)", "u, s, t = np.linalg.svd(x, full_matrices=False)\n    return (u * w) @ t", "", matrix),
        "eigh": ("np.linalg.eigh(x + x.T)[1] ** 2",
                 "e, u = np.linalg.eigh(x + x.T)\n    d = e - e[:, None]\n    np.fill_diagonal(d, np.inf)\n    s = u @ ((u.T @ (2.0 * u * w)) / d) @ u.T\n    return s + s.T", "", matrix),
        "qr": ("np.linalg.qr(x)[1] ** 2",
               "q, p = np.linalg.qr(x)\n    a = p @ np.triu(2.0 * p * w).T\n    a = np.tril(a) + np.tril(a, -1).T\n    return q @ np.linalg.solve(p, a).T", "", matrix),
        "pinv": ("np.linalg.pinv(x)", "p = np.linalg.pinv(x)\n    t = w.T @ p @ p.T\n    return t - x @ (p @ t) - p.T @ w @ p.T", "", table),
        "lstsq": ("np.linalg.lstsq(x, B[:, 0])[0]",
                  "y = np.linalg.lstsq(x, B[:, 0])[0]\n    a = np.linalg.pinv(x)\n    z = a.T @ w\n    return np.outer(B[:, 0] - x @ y, a @ z) - np.outer(z, y)", "", matrix),
        "fft2": ("abs(np.fft.fft2(x)) ** 2", "return 2.0 * x.size * np.fft.ifft2(w * np.fft.fft2(x)).real", "", table),
        "convolve, same": ("np.convolve(x, b, 'same')", "n = len(b) // 2\n    return np.convolve(w, b[::-1])[n : n + len(x)]", "np.convolve(v, b, 'same')", vector),
        "polyval": ("np.polyval(b[:4], x)", "return w * np.polyval(np.polyder(b[:4]), x)", "np.polyval(np.polyder(b[:4]), x) * v", vector),
        "meshgrid": ("np.meshgrid(x, b)[0]", "return w.sum(axis=0)", "np.meshgrid(v, b)[0]", v120),
        "cross": ("np.cross(x, c)", "return np.cross(c, w)", "np.cross(v, c)", vector.reshape(4000, 3)),
        "cov": ("np.cov(x)", "d = x - x.mean(axis=1, keepdims=True)\n    return (w + w.T) @ d / (x.shape[1] - 1.0)", "", table),
        "nan_to_num": ("np.nan_to_num(x)", "return np.where(np.isfinite(x), w, 0.0)", "np.where(np.isfinite(x), v, 0.0)", vector),
        "mod": ("np.mod(x, 0.25)", "return w.copy()", "v.copy()", vector),
        "logsumexp by hand": ("np.log(np.sum(np.exp(x - np.max(x, axis=1, keepdims=True)), axis=1)) + np.max(x, axis=1)",
                              "e = np.exp(x - np.max(x, axis=1, keepdims=True))\n    return e * (w / np.sum(e, axis=1))[:, None]", "", table),
        "gammaln": ("scipy.special.gammaln(x)", "return w * scipy.special.digamma(x)", "scipy.special.digamma(x) * v", vector),
        "gamma": ("scipy.special.gamma(x)", "return w * (scipy.special.gamma(x) * scipy.special.digamma(x))", "out * scipy.special.digamma(x) * v", vector),
        "erf": ("scipy.special.erf(x)", "return w * (2.0 / math.sqrt(math.pi) * np.exp(-x * x))", "2.0 / math.sqrt(math.pi) * np.exp(-x * x) * v", vector),
        "ndtr": ("scipy.special.ndtr(x)", "return w * (np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi))", "np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) * v", vector),
        "expit": ("scipy.special.expit(x)", "return w * (scipy.special.expit(x) * scipy.special.expit(-x))", "out * scipy.special.expit(-x) * v", vector),
        "logit": ("scipy.special.logit(x)", "return w / (x * (1.0 - x))", "v / (x * (1.0 - x))", vector),
        "xlogy": ("scipy.special.xlogy(x, s)", "return w * np.log(s)", "np.log(s) * v", vector),
        "log_ndtr": ("scipy.special.log_ndtr(x)", "return w * (math.sqrt(2.0 / math.pi) / scipy.special.erfcx(-math.sqrt(0.5) * x))", "", vector),
        "j0": ("scipy.special.j0(x)", "return w * -scipy.special.j1(x)", "-scipy.special.j1(x) * v", vector),
        "logsumexp": ("scipy.special.logsumexp(x, axis=1)", "return w[:, None] * np.exp(x - scipy.special.logsumexp(x, axis=1)[:, None])",
                      "np.sum(np.exp(x - out[:, None]) * v, axis=1)", table),
        "softmax of SciPy": ("scipy.special.softmax(x, axis=1)", "s = scipy.special.softmax(x, axis=1)\n    return s * (w - np.sum(s * w, axis=1, keepdims=True))",
                             "out * (v - np.sum(out * v, axis=1, keepdims=True))", table),
        "log_softmax": ("scipy.special.log_softmax(x, axis=1)", "return w - scipy.special.softmax(x, axis=1) * np.sum(w, axis=1, keepdims=True)",
                        "v - np.sum(np.exp(out) * v, axis=1, keepdims=True)", table),
        "solve_triangular": ("scipy.linalg.solve_triangular(x, B, lower=True)",
                             "y = scipy.linalg.solve_triangular(x, B, lower=True)\n    return -np.tril(scipy.linalg.solve_triangular(x, w, lower=True, trans=1) @ y.T)", "", matrix),
        "expm": ("scipy.linalg.expm(x / 30.0)", "return scipy.linalg.expm_frechet(x.T / 30.0, w / 30.0, compute_expm=False)", "", matrix),
    }  # fmt: skip

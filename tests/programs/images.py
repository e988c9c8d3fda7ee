"""Images: stencils, edge detection, filters with data-dependent weights, flow, pooling, rendering."""

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(41)


def box_blur_loops(img, radius=1):
    h, w = img.shape
    out = np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            acc = 0.0
            count = 0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    yy, xx = y + dy, x + dx
                    if 0 <= yy < h and 0 <= xx < w:
                        acc += img[yy, xx]
                        count += 1
            out[y, x] = acc / count
    return np.sum(out**3)


add(box_blur_loops, "four nested loops with bounds tested by chained comparisons", (rng.random((4, 5)),))


def sobel_edges_energy(img):
    p = np.pad(img, 1, mode="edge")
    gx = p[:-2, 2:] + 2 * p[1:-1, 2:] + p[2:, 2:] - p[:-2, :-2] - 2 * p[1:-1, :-2] - p[2:, :-2]
    gy = p[2:, :-2] + 2 * p[2:, 1:-1] + p[2:, 2:] - p[:-2, :-2] - 2 * p[:-2, 1:-1] - p[:-2, 2:]
    mag = np.sqrt(gx**2 + gy**2 + 1e-3)
    return mag.mean() + np.percentile(mag, 60)


add(
    sobel_edges_energy,
    "padding by edge values, shifted slices, a percentile",
    (rng.random((5, 6)),),
    peer=True,
)


def bilateral_filter(img, sigma_s, sigma_r):
    h, w = img.shape
    out = np.empty_like(img)
    for i in range(h):
        for j in range(w):
            i0, i1 = max(i - 1, 0), min(i + 2, h)
            j0, j1 = max(j - 1, 0), min(j + 2, w)
            patch = img[i0:i1, j0:j1]
            yy, xx = np.mgrid[i0:i1, j0:j1]
            weights = np.exp(
                -((yy - i) ** 2 + (xx - j) ** 2) / (2 * sigma_s**2)
                - (patch - img[i, j]) ** 2 / (2 * sigma_r**2)
            )
            out[i, j] = (weights * patch).sum() / weights.sum()
    return np.sum((out - img) ** 2)


add(
    bilateral_filter,
    "windows cut with max and min of integers, mgrid with run-time bounds",
    (rng.random((3, 4)), 1.2, 0.4),
    wrt=(0, 1, 2),
)


def lucas_kanade_flow(frame1, frame2):
    """One window of Lucas-Kanade with iterative warping by bilinear sampling."""
    h, w = frame1.shape
    iy, ix = np.gradient(frame1)
    A = np.stack([ix.ravel(), iy.ravel()], axis=1)
    ATA = A.T @ A + 0.01 * np.eye(2)
    flow = np.zeros(2)
    ys, xs = np.meshgrid(np.arange(h), np.arange(w), indexing="ij")
    for _ in range(2):
        y = np.clip(ys + flow[1], 0.0, h - 1.001)
        x = np.clip(xs + flow[0], 0.0, w - 1.001)
        y0 = np.floor(y).astype(int)
        x0 = np.floor(x).astype(int)
        fy, fx = y - y0, x - x0
        warped = (
            frame2[y0, x0] * (1 - fy) * (1 - fx)
            + frame2[y0 + 1, x0] * fy * (1 - fx)
            + frame2[y0, x0 + 1] * (1 - fy) * fx
            + frame2[y0 + 1, x0 + 1] * fy * fx
        )
        residual = (frame1 - warped).ravel()
        flow = flow + np.linalg.solve(ATA, A.T @ residual)
    return flow @ flow


_yy, _xx = np.mgrid[0:5, 0:6]
add(
    lucas_kanade_flow,
    "np.gradient, warping by floor, astype(int) and fancy indices",
    (
        np.sin(0.7 * _xx + 0.35) + np.cos(0.6 * _yy),
        np.sin(0.7 * (_xx - 0.2) + 0.35) + np.cos(0.6 * (_yy + 0.1)),
    ),
    wrt=(1,),
    no_order2="at zero flow the samples sit on the grid, where bilinear sampling has a kink",
)


def non_max_suppression_sum(scores, boxes):
    """Soft non-maximum suppression: greedy order by scores, decay by overlap."""
    n = len(scores)
    alive = list(range(n))
    scores = scores.copy()
    total = 0.0
    while alive:
        best = alive[0]
        for k in alive:
            if scores[k] > scores[best]:
                best = k
        alive.remove(best)
        total += scores[best] ** 2
        for k in alive:
            x1 = max(boxes[best][0], boxes[k][0])
            y1 = max(boxes[best][1], boxes[k][1])
            x2 = min(boxes[best][2], boxes[k][2])
            y2 = min(boxes[best][3], boxes[k][3])
            inter = max(0.0, x2 - x1) * max(0.0, y2 - y1)
            area = lambda b: (b[2] - b[0]) * (b[3] - b[1])
            iou = inter / (area(boxes[best]) + area(boxes[k]) - inter)
            scores[k] *= np.exp(-(iou**2) / 0.5)
    return total


add(
    non_max_suppression_sum,
    "a list of indices from which elements are removed until it is empty, a lambda in a loop",
    (
        np.array([0.9, 0.75, 0.6]),
        [[0.0, 0.0, 2.0, 2.0], [0.5, 0.4, 2.4, 2.2], [3.0, 3.0, 4.0, 4.5]],
    ),
    wrt=(0, 1),
)


def max_pool_and_unpool(img, k=2):
    h, w = img.shape
    pooled = img.reshape(h // k, k, w // k, k).max(axis=(1, 3))
    up = np.repeat(np.repeat(pooled, k, axis=0), k, axis=1)
    return np.sum((up - img) ** 2) + np.prod(pooled)


add(max_pool_and_unpool, "pooling by reshape, repeat along two axes", (rng.random((4, 4)),), peer=True)


def conv2d_strided(x, kernel, stride=2):
    kh, kw = kernel.shape[-2:]
    H = (x.shape[1] - kh) // stride + 1
    W = (x.shape[2] - kw) // stride + 1
    out = np.zeros((kernel.shape[0], H, W))
    for i in range(H):
        for j in range(W):
            patch = x[:, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, i, j] = np.tensordot(kernel, patch, axes=([1, 2, 3], [0, 1, 2]))
    return np.sum(np.tanh(out))


add(
    conv2d_strided,
    "convolution by loops over positions, tensordot over patches",
    (rng.normal(size=(2, 5, 6)), rng.normal(size=(3, 2, 2, 3))),
    wrt=(0, 1),
)


def im2col_conv(x, w):
    view = np.lib.stride_tricks.sliding_window_view(x, (3, 3))
    cols = view.reshape(-1, 9)
    out = cols @ w.reshape(9, -1)
    return np.mean(np.maximum(out, 0.0) ** 2)


add(
    im2col_conv,
    "sliding_window_view as im2col",
    (rng.normal(size=(5, 5)), rng.normal(size=(3, 3, 2))),
    wrt=(0, 1),
)


def total_variation_denoise(noisy, lam, steps=5):
    """Gradient descent on the smoothed total variation, written by hand."""
    u = noisy.copy()
    for _ in range(steps):
        dx = np.zeros_like(u)
        dy = np.zeros_like(u)
        dx[:, :-1] = u[:, 1:] - u[:, :-1]
        dy[:-1, :] = u[1:, :] - u[:-1, :]
        mag = np.sqrt(dx**2 + dy**2 + 0.01)
        px, py = dx / mag, dy / mag
        div = px + py
        div[:, 1:] -= px[:, :-1]
        div[1:, :] -= py[:-1, :]
        u += 0.05 * (lam * div - (u - noisy))
    return np.sum(u**2)


add(
    total_variation_denoise,
    "slices written and subtracted in place, the image updated by +=",
    (rng.random((4, 4)), 0.5),
    wrt=(0, 1),
)


def histogram_soft_matching(img, centres, width):
    diff = img.ravel()[:, None] - centres[None, :]
    member = np.exp(-0.5 * (diff / width) ** 2)
    hist = member.sum(axis=0)
    hist /= hist.sum()
    cdf = np.cumsum(hist)
    target = np.linspace(0.2, 1.0, len(centres))
    return np.sum((cdf - target) ** 2)


add(
    histogram_soft_matching,
    "soft histograms with cumsum, /= on a fresh array",
    (rng.random((3, 4)), np.linspace(0, 1, 5), 0.2),
    wrt=(0, 1, 2),
    peer=True,
)


def laplacian_pyramid(img, gains):
    def down(a):
        return 0.25 * (a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2])

    def up(a):
        return np.kron(a, np.ones((2, 2)))

    levels, current = [], img
    while min(current.shape) > 1:
        smaller = down(current)
        levels.append(current - up(smaller))
        current = smaller
    for band, gain in zip(levels[::-1], gains):
        current = up(current) + gain * np.tanh(band)
    return np.sum(current**2)


add(
    laplacian_pyramid,
    "a pyramid of arrays of different shapes in a list, the loop ends by a shape",
    (rng.random((4, 4)), [0.8, 1.3]),
    wrt=(0, 1),
)


def ray_march_sphere_sdf(centre, radius, light):
    """A few pixels rendered by sphere tracing and shaded by the numerical normal."""

    def sdf(p):
        sphere = np.linalg.norm(p - centre) - radius
        floor = p[1] + 1.0
        k = 0.3
        h = np.clip(0.5 + 0.5 * (floor - sphere) / k, 0.0, 1.0)
        return floor * (1 - h) + sphere * h - k * h * (1.0 - h)

    image = 0.0
    for py in range(2):
        for px in range(2):
            d = np.array([0.2 * px - 0.1, 0.15 * py - 0.05, 1.0])
            d = d / np.linalg.norm(d)
            t = 0.0
            for _ in range(12):
                t += sdf(t * d)
            p = t * d
            e = 1e-2
            n = np.array(
                [
                    sdf(p + v) - sdf(p - v)
                    for v in (np.array([e, 0, 0]), np.array([0, e, 0]), np.array([0, 0, e]))
                ]
            )
            n = n / np.linalg.norm(n)
            image += np.exp(-0.2 * t) * (0.2 + np.dot(n, light / np.linalg.norm(light)))
    return image


add(
    ray_march_sphere_sdf,
    "sphere tracing with a smooth union, normals by differences in a comprehension",
    (np.array([0.1, 0.0, 3.0]), 1.0, np.array([0.5, 1.0, -0.7])),
    wrt=(0, 1, 2),
    peer=True,
)

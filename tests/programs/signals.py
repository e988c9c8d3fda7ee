"""Signal processing: recursive filters, prediction, transforms, adaptive filters, synthesis."""

import math
from collections import deque

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(71)


def iir_direct_form(b, a, x):
    """y = filter(b, a, x) with a state vector, like lfilter."""
    n = max(len(a), len(b))
    z = np.zeros(n)
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = b[0] * x[i] + z[0]
        for k in range(1, n - 1):
            z[k - 1] = b[k] * x[i] + z[k] - a[k] * y[i]
        z[n - 2] = b[n - 1] * x[i] - a[n - 1] * y[i]
    return np.sum(y**2)


add(
    iir_direct_form,
    "transposed direct form with a state array shifted in place",
    (np.array([0.2, 0.3, 0.1]), np.array([1.0, -0.5, 0.2]), rng.normal(size=8)),
    wrt=(0, 1, 2),
)


class Biquad:
    def __init__(self, b0, b1, b2, a1, a2):
        self.coeffs = b0, b1, b2, a1, a2
        self.s1 = self.s2 = 0.0

    @classmethod
    def lowpass(cls, freq, q):
        w = 2 * math.pi * freq
        alpha = math.sin(w) / (2 * q)
        c = math.cos(w)
        a0 = 1 + alpha
        return cls((1 - c) / 2 / a0, (1 - c) / a0, (1 - c) / 2 / a0, -2 * c / a0, (1 - alpha) / a0)

    def process(self, x):
        b0, b1, b2, a1, a2 = self.coeffs
        y = b0 * x + self.s1
        self.s1 = b1 * x - a1 * y + self.s2
        self.s2 = b2 * x - a2 * y
        return y


def biquad_cascade_class(freqs, q, samples):
    chain = [Biquad.lowpass(f, q) for f in freqs]
    power = 0.0
    for s in samples:
        for stage in chain:
            s = stage.process(s)
        power += s * s
    return power


add(
    biquad_cascade_class,
    "a classmethod as constructor, a list of stateful filters",
    ([0.1, 0.18], 0.7, [1.0, 0.5, -0.3, 0.8, 0.1, -0.6]),
    wrt=(0, 1, 2),
    peer=True,
)


def goertzel_power(samples, freq):
    coeff = 2 * math.cos(2 * math.pi * freq)
    s_prev = s_prev2 = 0.0
    for x in samples:
        s = x + coeff * s_prev - s_prev2
        s_prev2, s_prev = s_prev, s
    return s_prev2**2 + s_prev**2 - coeff * s_prev * s_prev2


add(goertzel_power, "Goertzel's recursion", ([0.3, 1.0, -0.4, 0.2, 0.9], 0.13), wrt=(0, 1), peer=True)


def lpc_levinson_durbin(x, order=3):
    n = len(x)
    r = [sum(x[i] * x[i + lag] for i in range(n - lag)) for lag in range(order + 1)]
    a = [1.0]
    err = r[0]
    for i in range(1, order + 1):
        acc = r[i]
        for j in range(1, i):
            acc += a[j] * r[i - j]
        k = -acc / err
        prev = a + [0.0]
        a = [prev[j] + k * prev[i - j] for j in range(i + 1)]
        err *= 1.0 - k * k
    return err + sum(c * c for c in a)


add(
    lpc_levinson_durbin,
    "prediction coefficients in a list that grows by one and is rebuilt reversed",
    ([0.3, 0.9, 0.5, -0.2, -0.7, -0.1, 0.4],),
    peer=True,
)


def autocorrelation_pitch(x, window):
    frame = (x - x.mean()) * window
    ac = np.correlate(frame, frame, mode="full")[len(x) - 1 :]
    ac = ac / ac[0]
    lag = 2 + np.argmax(ac[2:6])
    left, mid, right = ac[lag - 1], ac[lag], ac[lag + 1]
    offset = 0.5 * (left - right) / (left - 2 * mid + right)
    return lag + offset


_t = np.arange(12.0)
add(
    autocorrelation_pitch,
    "np.correlate, the peak by argmax refined by a parabola",
    (np.sin(2 * np.pi * _t / 4.3) + 0.1 * rng.normal(size=12), np.hanning(14)[1:-1]),
    wrt=(0, 1),
    peer=True,
)


def lms_adaptive_filter(x, d, mu, taps=3):
    w = np.zeros(taps)
    total = 0.0
    for n in range(taps - 1, len(x)):
        window = x[n - taps + 1 : n + 1][::-1]
        e = d[n] - w @ window
        w = w + mu * e * window / (1e-3 + window @ window)
        total += e**2
    return total


add(
    lms_adaptive_filter,
    "normalised LMS over reversed sliding windows",
    (rng.normal(size=9), rng.normal(size=9), 0.4),
    wrt=(0, 1, 2),
    peer=True,
)


def moving_average_deque(samples, alpha):
    """A moving average over a bounded deque, then exponential smoothing."""
    window = deque(maxlen=3)
    smooth = samples[0]
    out = 0.0
    for s in samples:
        window.append(s)
        avg = sum(window) / len(window)
        smooth = alpha * avg + (1 - alpha) * smooth
        out += (s - smooth) ** 2
    return out


add(
    moving_average_deque,
    "collections.deque with maxlen",
    ([1.0, 2.0, 1.5, 0.5, 0.8, 1.9], 0.3),
    wrt=(0, 1),
    peer=True,
)


def karplus_strong_string(decay, pluck):
    """A plucked string: a deque as delay line."""
    line = deque(pluck)
    energy = 0.0
    for _ in range(12):
        first = line.popleft()
        line.append(decay * 0.5 * (first + line[0]))
        energy += first * first
    return energy


add(
    karplus_strong_string,
    "a delay line by popleft and append",
    (0.98, [0.5, -0.3, 0.8, 0.1]),
    wrt=(0, 1),
    peer=True,
)


def haar_wavelet_denoise(x, threshold):
    """In-place lifting, soft thresholds, and back."""
    data = x.copy()
    n = len(data)
    lengths = []
    while n > 1:
        half = n // 2
        even, odd = data[:n:2].copy(), data[1:n:2].copy()
        data[:half] = (even + odd) / math.sqrt(2)
        data[half:n] = (even - odd) / math.sqrt(2)
        lengths.append(n)
        n = half
    detail = data[1:]
    data[1:] = np.sign(detail) * np.sqrt(detail**2 + 1e-3) * np.exp(-threshold / (np.abs(detail) + 0.1))
    for n in reversed(lengths):
        half = n // 2
        s, d = data[:half].copy(), data[half:n].copy()
        data[:n:2] = (s + d) / math.sqrt(2)
        data[1:n:2] = (s - d) / math.sqrt(2)
    return np.sum((data - x) ** 2)


add(
    haar_wavelet_denoise,
    "strided slices with run-time ends rewritten in a while loop and back over a list of lengths",
    (rng.normal(size=8), 0.3),
    wrt=(0, 1),
)


def stft_spectral_flatness(x, win):
    hop, size = 2, len(win)
    frames = [x[i : i + size] * win for i in range(0, len(x) - size + 1, hop)]
    spec = np.abs(np.fft.rfft(np.array(frames), axis=1)) ** 2 + 1e-6
    flat = np.exp(np.log(spec).mean(axis=1)) / spec.mean(axis=1)
    return flat.sum()


add(
    stft_spectral_flatness,
    "frames by slices in a comprehension, a real FFT along an axis",
    (rng.normal(size=10), np.hanning(6)[1:-1]),
    wrt=(0, 1),
    peer=True,
)


def fm_synthesis_two_operators(carrier, ratio, index, n=16):
    phase_c = phase_m = 0.0
    out = []
    for i in range(n):
        env = math.exp(-0.1 * i)
        mod = index * env * math.sin(phase_m)
        out.append(env * math.sin(phase_c + mod))
        phase_c += 2 * math.pi * carrier
        phase_m += 2 * math.pi * carrier * ratio
    return sum(v**2 * (i + 1) for i, v in enumerate(out))


add(fm_synthesis_two_operators, "two phases accumulated", (0.07, 1.4, 0.9), wrt=(0, 1, 2), peer=True)


def compressor_envelope(x, threshold_db, ratio, attack, release):
    env = 0.0
    y = []
    for v in x:
        level = abs(v)
        coef = attack if level > env else release
        env = coef * env + (1 - coef) * level
        db = 20 * math.log10(env + 1e-6)
        over = db - threshold_db
        gain_db = -over * (1 - 1 / ratio) if over > 0 else 0.0
        y.append(v * 10 ** (gain_db / 20))
    return sum(v * v for v in y)


add(
    compressor_envelope,
    "a coefficient chosen by comparing level and envelope, decibels",
    ([0.1, 0.8, -0.9, 0.4, -0.2, 0.7], -12.0, 4.0, 0.3, 0.8),
    wrt=(0, 1, 2, 3, 4),
    peer=True,
)


def goertzel_bank_closures(samples, freqs):
    def make(freq):
        c = 2 * math.cos(freq)
        state = [0.0, 0.0]

        def feed(x):
            state[0], state[1] = x + c * state[0] - state[1], state[0]

        def power():
            return state[0] ** 2 + state[1] ** 2 - c * state[0] * state[1]

        return feed, power

    bank = [make(f) for f in freqs]
    for s in samples:
        for feed, _ in bank:
            feed(s)
    return sum(power() for _, power in bank)


add(
    goertzel_bank_closures,
    "pairs of closures over a shared two-element list, kept in a list",
    ([0.3, 1.0, -0.4, 0.2], [0.5, 1.1]),
    wrt=(0, 1),
    peer=True,
)

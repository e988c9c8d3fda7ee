"""Trains a two-layer network on scikit-learn's handwritten digits with the gradient that srcdiff writes.

    python examples/digits.py

Prints the emitted gradient source once and the accuracy on a held-out quarter; saves two pictures under
build/digits/.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import srcdiff
from srcdiff import value_and_grad

HIDDEN = 64
EPOCHS = 40
BATCH = 64
LEARNING_RATE = 3e-3
TARGET = 0.96
PICTURES = Path(__file__).resolve().parent.parent / "build" / "digits"


@value_and_grad
def loss(params, X, y):
    """Mean cross-entropy of a two-layer network; y holds the class of each row of X."""
    h = np.maximum(X @ params["W1"] + params["b1"], 0.0)
    scores = h @ params["W2"] + params["b2"]
    scores = scores - scores.max(axis=1, keepdims=True)
    n = X.shape[0]
    log_norm = np.log(np.exp(scores).sum(axis=1))
    return (log_norm - scores[np.arange(n), y]).mean()


def predict(params, X):
    h = np.maximum(X @ params["W1"] + params["b1"], 0.0)
    return (h @ params["W2"] + params["b2"]).argmax(axis=1)


def initial_parameters(rng, inputs, hidden, classes):
    return {
        "W1": rng.normal(size=(inputs, hidden)) * np.sqrt(2.0 / inputs),
        "b1": np.zeros(hidden),
        "W2": rng.normal(size=(hidden, classes)) * np.sqrt(1.0 / hidden),
        "b2": np.zeros(classes),
    }


class Adam:
    """Adam (Kingma and Ba, 2015), updating the parameters in place."""

    def __init__(self, params, rate):
        self.rate = rate
        self.steps = 0
        self.mean = {name: np.zeros_like(value) for name, value in params.items()}
        self.square = {name: np.zeros_like(value) for name, value in params.items()}

    def update(self, params, params_bar):
        self.steps += 1
        scale = self.rate * np.sqrt(1.0 - 0.999**self.steps) / (1.0 - 0.9**self.steps)
        for name, g in params_bar.items():
            self.mean[name] += 0.1 * (g - self.mean[name])
            self.square[name] += 0.001 * (g * g - self.square[name])
            params[name] -= scale * self.mean[name] / (np.sqrt(self.square[name]) + 1e-8)


def train(params, X, y, rng, console):
    """The loss of every minibatch, in order."""
    optimiser = Adam(params, LEARNING_RATE)
    losses = []
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=EPOCHS, loss=float("nan"))
        for _ in range(EPOCHS):
            order = rng.permutation(len(y))
            for start in range(0, len(y), BATCH):
                batch = order[start : start + BATCH]
                value, params_bar = loss(params, X[batch], y[batch])
                optimiser.update(params, params_bar)
                losses.append(float(value))
            progress.update(task, advance=1, loss=np.mean(losses[-len(y) // BATCH :]))
    return losses


def show_source(console, params, X, y):
    text = srcdiff.source(loss, params, X[:BATCH], y[:BATCH])
    if console.is_terminal:
        console.print(Syntax(text, "python", background_color="default"))
    else:
        print(text)


def save_pictures(losses, images, labels, predicted):
    PICTURES.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.semilogy(losses, linewidth=0.6, alpha=0.5, label="minibatch")
    window = max(1, len(losses) // EPOCHS)
    axes.semilogy(
        np.arange(window - 1, len(losses)),
        np.convolve(losses, np.ones(window) / window, "valid"),
        label="mean of an epoch",
    )
    axes.set(xlabel="step", ylabel="cross-entropy", title="Training loss")
    axes.legend()
    figure.savefig(PICTURES / "loss.png", dpi=130)
    plt.close(figure)

    wrong = np.flatnonzero(predicted != labels)[:12]
    figure, grid = plt.subplots(2, 6, figsize=(8, 3.2), layout="constrained")
    for cell in grid.flat:
        cell.axis("off")
    for cell, k in zip(grid.flat, wrong, strict=False):
        cell.imshow(images[k], cmap="gray_r")
        cell.set_title(f"{labels[k]} read as {predicted[k]}", fontsize=9)
    figure.suptitle("Misclassified digits of the held-out quarter")
    figure.savefig(PICTURES / "misclassified.png", dpi=130)
    plt.close(figure)


def main():
    console = Console()
    digits = load_digits()
    X_train, X_test, y_train, y_test, _, images_test = train_test_split(
        digits.data / 16.0,
        digits.target,
        digits.images,
        test_size=0.25,
        stratify=digits.target,
        random_state=0,
    )
    rng = np.random.default_rng(0)
    params = initial_parameters(rng, X_train.shape[1], HIDDEN, 10)
    show_source(console, params, X_train, y_train)

    started = time.perf_counter()
    losses = train(params, X_train, y_train, rng, console)
    seconds = time.perf_counter() - started

    predicted = predict(params, X_test)
    accuracy = float(np.mean(predicted == y_test))
    save_pictures(losses, images_test, y_test, predicted)
    print(f"trained on {len(y_train)} digits in {seconds:.1f} s, final loss {np.mean(losses[-20:]):.4f}")
    print(f"pictures: {PICTURES}")
    print(f"test accuracy: {accuracy:.4f} on {len(y_test)} held-out digits (at least {TARGET} wanted)")
    return 0 if accuracy >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

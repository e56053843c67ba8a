"""Batch sizes: what small and large ones cost, how noisy they are, and what they do to generalisation.

Claim: small batches are noisy and slow an epoch, but go further in it, for they make more updates; large ones are
smooth. That large batches generalise worse, as is often said (Keskar et al., 2017), does not show here once all make
equally many updates: full ones do end where the loss is sharper than batches of 8 do, but their test accuracy is no
lower. Batches of one are too noisy for this learning rate: they do not settle.

Run: python examples/laboratory/batch_sizes.py        (needs matplotlib: pip install minigrad[plot])
"""

from pathlib import Path

import numpy as np

from minigrad import analysis, data, nn, optim, viz
from minigrad.analysis import BatchSizeStudy

SIZES = (1, 8, 32, 128, 256)
SAMPLES, EPOCHS, UPDATES, SEEDS = 256, 10, 1280, range(4)


def study(sizes: list[int], epochs: int, seed: int) -> BatchSizeStudy:
    """Train 64 -> 16 -> 10 on 256 of the digits, test it on all others; the learning rate is the same for all sizes."""
    train, test = data.random_split(data.digits(), [SAMPLES, 1797 - SAMPLES], rng=np.random.default_rng(0))
    return analysis.batch_size_study(
        lambda: nn.MLP([64, 16, 10]),
        train,
        sizes,
        test=test,
        make_optimizer=lambda parameters, batch_size: optim.SGD(parameters, lr=0.1),
        epochs=epochs,
        seed=seed,
    )


def equal_updates() -> dict[int, dict[str, np.ndarray]]:
    """Return for each size the figures of each seed, when all sizes make as many updates."""
    figures = {}
    for size in SIZES:
        rows = [study([size], UPDATES * size // SAMPLES, seed).rows[0] for seed in SEEDS]
        names = ("train_loss", "test_loss", "test_accuracy", "sharpness")
        figures[size] = {name: np.array([getattr(row, name) for row in rows]) for name in names}
        figures[size]["rises"] = np.array([np.mean(np.diff(row.losses) > 0) for row in rows])
    return figures


def measure() -> tuple[BatchSizeStudy, dict[int, dict[str, np.ndarray]]]:
    """Return the study of equally many epochs, and the figures of equally many updates."""
    return study(list(SIZES), EPOCHS, 0), equal_updates()


def gain(updates: dict[int, dict[str, np.ndarray]], name: str) -> tuple[float, float]:
    """Return what full batches have more than batches of 8, seed by seed: the mean and its standard error."""
    differences = updates[SAMPLES][name] - updates[8][name]
    return float(differences.mean()), float(differences.std(ddof=1) / len(SEEDS) ** 0.5)


def holds(epochs: BatchSizeStudy, updates: dict[int, dict[str, np.ndarray]]) -> bool:
    """Return whether the claim holds."""
    small, large = epochs.rows[0], epochs.rows[-1]
    noisier = all(a.gradient_noise > b.gradient_noise for a, b in zip(epochs.rows, epochs.rows[1:], strict=False))
    slower = small.seconds_an_epoch > 3 * large.seconds_an_epoch and small.train_loss < 0.5 * large.train_loss
    smooth = updates[SAMPLES]["rises"].max() < 0.1 < 0.3 < updates[8]["rises"].min()
    sharper, error = gain(updates, "sharpness")
    better, error_of_better = gain(updates, "test_accuracy")
    unsettled = updates[1]["train_loss"].min() > 3 * max(updates[size]["train_loss"].max() for size in SIZES[1:])
    return noisier and slower and smooth and sharper > 2 * error and better > -2 * error_of_better and unsettled


def main() -> None:
    print("Claim: small batches are noisy, slow an epoch and go further in it; large ones are smooth, and generalise")
    print("no worse here when they make as many updates, though full ones end where the loss is sharper than batches")
    print("of 8. Batches of one are too noisy for the learning rate, and do not settle.\n")
    epochs, updates = measure()
    print(f"Equally many epochs: the large batches have hardly begun, so their sharpness says little.\n{epochs}\n")

    print(f"Equally many updates, {UPDATES}: mean of {len(SEEDS)} seeds ± standard error")
    print("(rises: the share of updates after which the next batch has a higher loss)")
    print("batch size  epochs  rises      train loss       test loss    test accuracy     sharpness")
    for size, figures in updates.items():
        means = {name: values.mean() for name, values in figures.items()}
        errors = {name: values.std(ddof=1) / len(SEEDS) ** 0.5 for name, values in figures.items()}
        print(
            f"{size:10}  {UPDATES * size // SAMPLES:6}  {means['rises']:5.2f}"
            f"  {means['train_loss']:.3f} ± {errors['train_loss']:.3f}"
            f"   {means['test_loss']:.3f} ± {errors['test_loss']:.3f}    {means['test_accuracy']:.1%}"
            f" ± {errors['test_accuracy']:.1%}   {means['sharpness']:.2f} ± {errors['sharpness']:.2f}"
        )
    better, sharper = gain(updates, "test_accuracy"), gain(updates, "sharpness")
    print("Full batches less batches of 8, by seed, with 32 times the work: ", end="")
    print("test accuracy {:+.1%} ± {:.1%}, sharpness {:+.2f} ± {:.2f}".format(*better, *sharper))
    print(f"\nThe claim holds: {holds(epochs, updates)}")
    (output := Path("runs/laboratory/batch_sizes.png")).parent.mkdir(parents=True, exist_ok=True)
    viz.batch_sizes(epochs).savefig(output, dpi=150)
    print(f"the picture is in {output}")


if __name__ == "__main__":
    main()

"""One step of the page network on TensorFlow and on JAX: the same loss and the same movement."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from page_fakes import TINY_PAGE, FakePages

pytest.importorskip("keras")
pytest.importorskip("jax")
import digitscope.training  # noqa: F401  (Keras without its noise)
from digitscope.errors import Misuse
from digitscope.training import devices
from digitscope.training.page.fit import PageFit

RECIPE = TINY_PAGE.but(
    epochs=2, patches=16, batch_size=8, learning_rate=1e-4, average=0.9, precision="float32"
)
SOURCE = FakePages(side=32, glyphs=2)
CODE = """
import sys
from pathlib import Path
import numpy as np
from test_stream_step import measure, resumed_ends_alike
import keras
assert keras.backend.backend() == "jax"
assert sys.modules.get("tensorflow") is None
start, out, devices = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
assert len(keras.distribution.list_devices()) == devices
from digitscope.training.devices import shared_out, use_all_devices
assert use_all_devices() == devices
if devices > 1:  # each has half of the rows
    shards = shared_out({"images": np.zeros((4, 3), np.float32)})["images"].addressable_shards
    assert [shard.data.shape for shard in shards] == [(2, 3), (2, 3)]
np.savez(out, alike=resumed_ends_alike(out.parent), **measure(start))
"""


def fit_from(start):
    return PageFit(RECIPE, SOURCE, SOURCE, workers=0, start=start)


def measure(start):
    """Return the losses of two epochs of two steps, and the values before and after them."""
    fit = fit_from(start)
    before = [np.array(v) for v in fit.model.get_weights()]
    fit.run()
    return {
        "losses": [[row["loss"], row["loss_heat"], row["val_loss"]] for row in fit.history],
        **{
            f"moved{i}": v - w
            for i, (v, w) in enumerate(zip(fit.model.get_weights(), before, strict=True))
        },
        **{
            f"average{i}": v - w
            for i, (v, w) in enumerate(zip(fit.network.get_weights(), before, strict=True))
        },
    }


def resumed_ends_alike(folder):
    """Tell whether a fit that was stopped after an epoch ends as one that was not."""
    whole, resumed = fit_from(None), fit_from(None)
    whole.run()
    stopped = fit_from(None)

    def stop(row):
        raise KeyboardInterrupt

    stopped.run(checkpoint=folder / "stopped.npz", on_epoch=stop)
    resumed.restore(folder / "stopped.npz")
    resumed.run()
    return all(np.array_equal(a, b) for a, b in zip(whole.state, resumed.state, strict=True))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("step")
    start, out = folder / "model.keras", folder / "jax.npz"
    begun = PageFit(RECIPE.but(seed=3), SOURCE, SOURCE, workers=0)
    begun.run()  # weights that have left their first values, as scales of 0 have
    begun.network.save(start)
    paths = [str(Path(__file__).parent), *sys.path]
    answers = []
    for count in (1, 2):
        settings = {
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": os.pathsep.join(paths),
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
        }
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(start), str(out), str(count)],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with np.load(out) as answer:
            answers.append(dict(answer))
    return measure(start), *answers


def test_losses_and_movements_are_those_of_tensorflow(both):
    tensorflow, jax, _ = both
    # The arithmetic differs by some 1e-6 of each value; four steps of AdamW enlarge that.
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=2e-3)
    for name, moved in tensorflow.items():
        if name != "losses":
            # AdamW moves weights with a tiny gradient by its sign, so single ones may differ.
            wrong = np.abs(jax[name] - moved).mean()
            assert wrong < 0.1 * np.abs(moved).mean() + 1e-7, name


def test_on_jax_a_resumed_fit_ends_with_the_same_values(both):
    assert both[1]["alike"]


def test_two_devices_learn_what_one_does(both):
    """Each has half of every batch; sums in another order differ by some 1e-6 of each value."""
    _, one, two = both
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-5)
    for name, moved in one.items():
        if name not in ("losses", "alike"):
            assert np.abs(two[name] - moved).mean() < 1e-4 * np.abs(moved).mean() + 1e-8, name
    assert two["alike"]


def test_a_batch_that_cannot_be_shared_out(monkeypatch):
    import keras

    class Two:
        device_mesh = np.zeros(2)

    monkeypatch.setattr(keras.distribution, "distribution", Two)
    with pytest.raises(Misuse, match="3 rows of images cannot be distributed over 2 devices"):
        devices.shared_out({"images": np.zeros((3, 4))})

"""Handwritten digits of 28 x 28 pixels, from a file."""

import zipfile
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .abstract import AbstractLabelledData

_PIXELS, _CLASSES = 28 * 28, 10


class MNIST(AbstractLabelledData):
    """Handwritten digits of 28 x 28 pixels between 0 and 1, ten classes, from a file of yours.

    Nothing is downloaded. The file is the `mnist.npz` that Keras serves, or one like it:
    `x_train` [N, 28, 28] or [N, 784] holds pixels from 0 to 255, `y_train` [N] the digits. So do
    Fashion-MNIST and others of its shape.

    **Arguments:** `path`: of the file.

    **Raises:** `ValueError` for a file that is not there, is none of NumPy's archives, or lacks one
    of the arrays, naming it.
    """

    path: str = eqx.field(static=True)
    inputs: Float[Array, "rows features"] = eqx.field(repr=False, metadata={"config": "skip"})
    labels: Float[Array, " rows"] = eqx.field(repr=False, metadata={"config": "skip"})

    def __init__(self, path: str | Path):
        self.path = str(path)
        self.inputs, self.labels = _loaded(self.path)

    @property
    def n_classes(self) -> int:
        return _CLASSES


def _loaded(path: str) -> tuple[jax.Array, jax.Array]:
    pixels, labels = _arrays(path)
    if pixels.dtype.kind not in "uif" or pixels[0].size != _PIXELS:
        raise _wrong(path, f"`x_train` [N, 28, 28] or [N, 784], got {_told(pixels)}")
    if labels.dtype.kind not in "uif" or labels.shape != pixels.shape[:1]:
        raise _wrong(path, f"`y_train` [{len(pixels)}], got {_told(labels)}")
    if not (pixels.min() >= 0 and pixels.max() <= 255):
        raise _wrong(path, f"pixels from 0 to 255, got {pixels.min()} to {pixels.max()}")
    if not np.isin(labels, np.arange(_CLASSES)).all():
        raise _wrong(path, f"digits from 0 to 9 in `y_train`, got {np.unique(labels)[:20]}")
    rows = pixels.reshape(-1, _PIXELS).astype(np.float32) / np.float32(255.0)
    with jax.ensure_compile_time_eval():
        return jnp.asarray(rows), jnp.asarray(labels, jnp.float32)


def _arrays(path: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        found: Any = np.load(path)
    except FileNotFoundError:
        raise ValueError(
            f"MNIST: `path` must be a file, got {path!r}, which is not there."
        ) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _wrong(path, f"arrays of NumPy, got {error}") from error
    if not isinstance(found, np.lib.npyio.NpzFile):
        raise _wrong(path, "`x_train` and `y_train`, got a single array")
    with found:
        missing = [name for name in ("x_train", "y_train") if name not in found]
        if missing:
            told = ", ".join(found) or "nothing"
            raise _wrong(path, f"`{'` and `'.join(missing)}`, got {told}")
        try:
            pixels, labels = found["x_train"], found["y_train"]
        except ValueError as error:  # of objects, which would have to be unpickled
            raise _wrong(path, f"arrays of NumPy, got {error}") from error
    if not pixels.ndim or not len(pixels):
        raise _wrong(path, f"`x_train` [N, 28, 28] or [N, 784], got {_told(pixels)}")
    return pixels, labels


def _wrong(path: str, what: str) -> ValueError:
    return ValueError(f"MNIST: {path!r} must hold {what}.")


def _told(array: np.ndarray) -> str:
    return f"{array.dtype}{list(array.shape)}"

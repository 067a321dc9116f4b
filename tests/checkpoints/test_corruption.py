"""Damage of every kind is found: always `ValueError` naming the file, never a wrong state."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alberta_framework.checkpoints import (
    CheckpointError,
    checkpoint_exists,
    load_checkpoint,
    load_checkpoint_metadata,
    save_checkpoint,
    verify_checkpoint,
)

from .forging import payload_start
from .states import same_state

FLIPS = 500


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A checkpoint of several kinds of leaves: path, state, bytes."""
    path = tmp_path_factory.mktemp("corruption") / "agent.ckpt"
    state = {
        "weights": np.random.default_rng(0).normal(size=(9, 40)),
        "small": jnp.arange(8, dtype=jnp.bfloat16),
        "key": jax.random.key(1),
        "count": 3,
        "flag": True,
    }
    save_checkpoint(state, path, {"note": "as it was", "n": [1, 2.5, None]})
    return path, state, path.read_bytes()


def damaged(saved, data):
    """Load these bytes in place of the file's: the errors of loading and of verifying."""
    path, state, _ = saved
    path.write_bytes(data)
    for read in (lambda: load_checkpoint(state, path), lambda: verify_checkpoint(path)):
        with pytest.raises(ValueError) as caught:
            read()
        assert isinstance(caught.value, CheckpointError)
        assert str(caught.value).startswith(str(path))
    return caught.value


def test_the_sound_file_loads(saved):
    path, state, data = saved
    path.write_bytes(data)
    assert same_state(load_checkpoint(state, path)[0], state)


def test_truncation_at_every_byte_of_the_header(saved):
    path, _, data = saved
    for length in range(payload_start(data)):
        damaged(saved, data[:length])
        assert not checkpoint_exists(path)
        with pytest.raises(CheckpointError):
            load_checkpoint_metadata(path)


def test_truncation_of_the_payload(saved):
    path, _, data = saved
    start = payload_start(data)
    assert len(data) - start > 64 * 40
    for length in [*range(start, len(data), 64), len(data) - 1]:
        damaged(saved, data[:length])
        assert not checkpoint_exists(path)


@pytest.mark.parametrize("more", [b"\0", b"\n", b"x" * 1000, "itself"])
def test_extension(saved, more):
    path, _, data = saved
    damaged(saved, data + (data if more == "itself" else more))
    assert not checkpoint_exists(path)


def test_random_bit_flips(saved):
    *_, data = saved
    rng = random.Random(0)
    for _ in range(FLIPS):
        bit = rng.randrange(8 * len(data))
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged(saved, bytes(flipped))


def test_every_bit_of_the_first_line(saved):
    """A capital letter in a checksum, another digit, another blank."""
    *_, data = saved
    for bit in range(8 * (data.index(b"\n") + 1)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged(saved, bytes(flipped))


def test_the_byte_between_header_and_payload(saved):
    *_, data = saved
    end = payload_start(data) - 1
    assert data[end : end + 1] == b"\n"
    for other in (b" ", b"\0", b"\r", b"", b"\n\n"):
        damaged(saved, data[:end] + other + data[end + 1 :])


def test_random_damage_of_blocks(saved):
    *_, data = saved
    rng = random.Random(1)
    for _ in range(100):
        start, size = rng.randrange(len(data) - 1), rng.randrange(1, 600)
        block = data[start : start + size]
        for other in (b"\0" * len(block), block[::-1], b"", block * 2):
            if other != block:
                damaged(saved, data[:start] + other + data[start + size :])


def test_halves_of_two_checkpoints_do_not_make_one(saved, tmp_path):
    _, state, data = saved
    save_checkpoint(state | {"count": 4}, tmp_path / "other.ckpt", {"note": "another"})
    other = (tmp_path / "other.ckpt").read_bytes()
    damaged(saved, data[: payload_start(data)] + other[payload_start(other) :])
    line, rest = data.split(b"\n", 1)
    damaged(saved, line + b"\n" + other.split(b"\n", 1)[1])
    damaged(saved, other.split(b"\n", 1)[0] + b"\n" + rest)


def test_text_mode_damage(saved):
    """As a file is changed by a transfer that takes it for text."""
    *_, data = saved
    damaged(saved, data.replace(b"\n", b"\r\n"))
    damaged(saved, data.decode("latin-1").encode())
    damaged(saved, bytes(octet & 0x7F for octet in data))

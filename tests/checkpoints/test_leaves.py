"""Every kind of leaf comes back as it was; what cannot is refused with its path."""

import collections
import decimal
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from alberta_framework.checkpoints import load_checkpoint, save_checkpoint

from .forging import arrays, taken_apart
from .states import assert_same_state

SMALL_FLOATS = [
    "bfloat16",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
]
ORDINARY = ["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "float32"]
NUMPY_DTYPES = [
    *("|b1", "<i8", "<u8", "<f2", "<f8", "<c16", "<g"),
]
Pair = collections.namedtuple("Pair", ["one", "two"])


def back(state, path, template=None):
    save_checkpoint(state, path)
    return load_checkpoint(state if template is None else template, path)[0]


def random_bits(shape, dtype, seed=0):
    dtype = np.dtype(dtype)
    octets = np.random.default_rng(seed).bytes(math.prod(shape) * dtype.itemsize)
    return np.frombuffer(octets, dtype).reshape(shape)


@pytest.mark.parametrize("dtype", [*ORDINARY, *SMALL_FLOATS, "complex64"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 5)], ids=str)
def test_jax_array_comes_back(tmp_path, dtype, shape):
    if dtype == "bool":
        values = np.random.default_rng(0).integers(0, 2, shape).astype(bool)
    else:
        values = random_bits(shape, jnp.dtype(dtype))
    state = {"x": jnp.asarray(values)}
    assert_same_state(back(state, tmp_path / "x.ckpt"), state)


@pytest.mark.parametrize("dtype", ["int4", "uint4"])
@pytest.mark.parametrize("shape", [(), (0,), (16,), (3, 5)], ids=str)
def test_four_bits_come_back(tmp_path, dtype, shape):
    low = -8 if dtype == "int4" else 0
    values = np.resize(np.arange(low, low + 16), shape)
    state = {"x": jnp.asarray(values, dtype)}
    loaded = back(state, tmp_path / "x.ckpt")
    assert_same_state(loaded, state)
    np.testing.assert_array_equal(loaded["x"].astype(jnp.int32), values)


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)], ids=str)
def test_numpy_array_comes_back(tmp_path, dtype, shape):
    if dtype == "|b1":
        values = np.random.default_rng(0).integers(0, 2, shape).astype(bool)
    elif dtype == "<g":
        values = np.random.default_rng(0).normal(size=shape).astype(dtype)
    else:
        values = random_bits(shape, dtype).copy()
    state = {"x": values}
    assert_same_state(back(state, tmp_path / "x.ckpt"), state)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint4"])
def test_numpy_array_of_small_numbers_comes_back(tmp_path, dtype):
    state = {"x": np.arange(6).reshape(2, 3).astype(getattr(ml_dtypes, dtype))}
    assert_same_state(back(state, tmp_path / "x.ckpt"), state)


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i2", ">u8", ">c8"])
@pytest.mark.parametrize("shape", [(), (2, 3)], ids=str)
def test_numpy_array_of_foreign_byte_order_keeps_its_values(tmp_path, dtype, shape):
    values = np.arange(6)[: math.prod(shape)].reshape(shape).astype(dtype)
    loaded = back({"x": values}, tmp_path / "x.ckpt")["x"]
    np.testing.assert_array_equal(loaded, values)
    assert loaded.dtype.newbyteorder("=") == values.dtype.newbyteorder("=")
    assert loaded.shape == values.shape


@pytest.mark.parametrize("dtype", ["<U5", "S4", "<M8[ns]", "<m8[s]", "V3", "f4,i2"])
def test_numpy_array_of_no_numbers_is_refused_with_its_path(tmp_path, dtype):
    with pytest.raises(TypeError, match=r"\['x'\]"):
        save_checkpoint({"x": np.zeros(2, dtype)}, tmp_path / "x.ckpt")
    assert list(tmp_path.iterdir()) == []


def test_memory_layout_does_not_matter(tmp_path):
    values = np.arange(24.0).reshape(4, 6)
    state = {"columns": np.asfortranarray(values), "view": values[::-2, 1::3], "t": values.T}
    loaded = back(state, tmp_path / "x.ckpt")
    for name, value in state.items():
        np.testing.assert_array_equal(loaded[name], value)


def test_numpy_array_can_be_written_to_after_loading(tmp_path):
    state = {"x": np.zeros(3), "zero": np.zeros(())}
    loaded = back(state, tmp_path / "x.ckpt")
    loaded["x"][0] = 1.0
    loaded["zero"][...] = 1.0
    assert state["x"][0] == 0.0


@pytest.mark.parametrize(
    "number",
    [
        *(True, False, 0, -1, 2**63 - 1, -(2**63)),
        *(0.1, -0.0, 5e-324, math.inf, -math.inf, math.nan),
        *(0j, complex(math.nan, -0.0), 1e308 - 3j),
    ],
    ids=repr,
)
def test_python_number_comes_back_as_it_was(tmp_path, number):
    state = {"x": number, "beside": jnp.zeros(2)}
    assert_same_state(back(state, tmp_path / "x.ckpt"), state)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_integer_beyond_64_bits_is_refused(tmp_path, number):
    with pytest.raises(ValueError, match=r"\['count'\]"):
        save_checkpoint({"count": number}, tmp_path / "x.ckpt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 2)], ids=str)
@pytest.mark.parametrize("impl", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_typed_keys_come_back(tmp_path, impl, shape):
    keys = jax.random.split(jax.random.key(7, impl=impl), shape or (1,))
    state = {"key": keys if shape else keys[0], "raw": jax.random.key_data(keys)}
    loaded = back(state, tmp_path / "x.ckpt")
    assert_same_state(loaded, state)
    if shape == ():
        drawn = jax.random.normal(loaded["key"], 3)
        np.testing.assert_array_equal(drawn, jax.random.normal(state["key"], 3))


def test_template_of_shapes_gives_arrays_and_keys(tmp_path):
    state = {"x": jnp.arange(3, dtype=jnp.int8), "key": jax.random.split(jax.random.key(1), 2)}
    template = jax.eval_shape(lambda: state)
    assert_same_state(back(state, tmp_path / "x.ckpt", template), state)


def test_containers_and_absent_parts_come_back(tmp_path):
    state = {
        "none": None,
        "tuple": (1.5, [jnp.zeros(2), None], ()),
        "pair": Pair(jnp.ones(1), {"a.b": 1, "['c']": 2, "\u00e9\n": 3, "": 4}),
        3: eqx.nn.Linear(2, 2, key=jax.random.key(0)),
    }
    state = {str(name): part for name, part in state.items()}
    loaded = back(state, tmp_path / "x.ckpt")
    assert_same_state(loaded, state)


@pytest.mark.parametrize("state", [None, (), {}, {"a": None}], ids=repr)
def test_state_without_leaves_comes_back(tmp_path, state):
    save_checkpoint(state, tmp_path / "x.ckpt")
    assert load_checkpoint(state, tmp_path / "x.ckpt") == (state, {})


@pytest.mark.parametrize("state", [jnp.arange(3), np.float32([2]), 1.5, jax.random.key(0)])
def test_bare_leaf_comes_back(tmp_path, state):
    assert_same_state(back(state, tmp_path / "x.ckpt"), state)


def test_numpy_scalar_keeps_its_value_and_dtype(tmp_path):
    state = {"f": np.float32(0.1), "d": np.float64(0.1), "i": np.int64(-3), "b": np.bool_(True)}
    loaded = back(state, tmp_path / "x.ckpt")
    for name, scalar in state.items():
        assert loaded[name] == scalar
        assert np.asarray(loaded[name]).dtype == scalar.dtype


@pytest.mark.parametrize(
    "leaf",
    ["text", b"octets", object(), len, decimal.Decimal(1), {1, 2}, np.dtype("f4"), jnp.tanh],
    ids=lambda leaf: type(leaf).__name__,
)
def test_any_other_leaf_is_refused_with_its_path(tmp_path, leaf):
    state = {"first": jnp.zeros(2), "part": [1.0, leaf]}
    with pytest.raises(TypeError, match=r"\['part'\]\[1\]"):
        save_checkpoint(state, tmp_path / "x.ckpt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "array",
    [
        np.array([1, "a", None], dtype=object),
        np.zeros(2, [("a", "f4"), ("b", "O")]),
        np.array(None),
    ],
    ids=["objects", "objects in a record", "one object"],
)
def test_array_of_objects_is_refused_with_its_path(tmp_path, array):
    with pytest.raises(TypeError, match=r"\['part'\]"):
        save_checkpoint({"part": array}, tmp_path / "x.ckpt")
    assert list(tmp_path.iterdir()) == []


def test_traced_leaf_is_refused(tmp_path):
    def save(x):
        save_checkpoint({"x": x}, tmp_path / "x.ckpt")

    with pytest.raises((TypeError, jax.errors.ConcretizationTypeError)):
        jax.jit(save)(jnp.zeros(2))
    assert list(tmp_path.iterdir()) == []


def test_deleted_array_is_refused_and_the_old_checkpoint_stays(tmp_path):
    path, state = tmp_path / "x.ckpt", {"x": jnp.ones(2)}
    save_checkpoint(state, path)
    gone = jnp.zeros(2)
    gone.delete()
    with pytest.raises((RuntimeError, ValueError), match="delete"):
        save_checkpoint({"x": gone}, path)
    assert_same_state(load_checkpoint(state, path)[0], state)
    assert list(tmp_path.iterdir()) == [path]


def test_wide_array_of_a_wide_session_is_never_narrowed_silently(tmp_path):
    with jax.enable_x64(True):
        save_checkpoint({"x": jnp.full(3, 0.1)}, tmp_path / "x.ckpt")
    template = {"x": jax.ShapeDtypeStruct((3,), np.float64)}
    with jax.enable_x64(True):
        wide = load_checkpoint(template, tmp_path / "x.ckpt")[0]["x"]
        assert wide.dtype == np.float64
        np.testing.assert_array_equal(wide, np.full(3, 0.1))
    try:
        narrow = load_checkpoint(template, tmp_path / "x.ckpt")[0]["x"]
    except ValueError as error:
        assert "float64" in str(error)
    else:
        assert narrow.dtype == np.float64
        np.testing.assert_array_equal(np.asarray(narrow), np.full(3, 0.1))


def test_a_key_is_stored_as_its_words_and_small_numbers_as_octets(tmp_path):
    key = jax.random.key(5)
    state = {"b": jnp.asarray([1.0, -2.0], jnp.bfloat16), "key": key, "n": 3}
    save_checkpoint(state, tmp_path / "x.ckpt")
    _, header, payload = taken_apart((tmp_path / "x.ckpt").read_bytes())
    assert header["leaves"] == [
        {"path": "['b']", "kind": "jax", "shape": [2], "dtype": "bfloat16"},
        {"path": "['key']", "kind": "key", "shape": [], "dtype": "threefry2x32"},
        {"path": "['n']", "kind": "int", "shape": [], "dtype": header["leaves"][2]["dtype"]},
    ]
    numbers, words, count = arrays(payload)
    assert numbers.dtype == np.uint16
    np.testing.assert_array_equal(numbers, np.asarray(state["b"]).view(np.uint16))
    assert words.dtype == np.uint32
    np.testing.assert_array_equal(words, jax.random.key_data(key))
    assert (count.dtype, count.shape, int(count)) == (np.int64, (), 3)

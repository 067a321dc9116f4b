"""Files made to do harm, with checksums that agree: nothing runs, nothing large is allocated."""

import json
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from alberta_framework.checkpoints import (
    CheckpointError,
    checkpoint_exists,
    list_checkpoints,
    load_agent,
    load_checkpoint,
    load_checkpoint_metadata,
    save_checkpoint,
    verify_checkpoint,
)

from .forging import TEMPLATE, VALUES, block, forged, sealed, taken_apart

MEGABYTE = 2**20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.ckpt"


@pytest.fixture
def header(tmp_path):
    """Of a sound checkpoint of one leaf."""
    save_checkpoint({"x": VALUES}, tmp_path / "sound.ckpt")
    return taken_apart((tmp_path / "sound.ckpt").read_bytes())[1]


def refused(path, data, *, template=TEMPLATE, header_is_sound=False):
    """No reader makes anything of it, and none takes much memory over it."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        exists = checkpoint_exists(path)
        readers = [lambda: load_checkpoint(template, path), lambda: load_agent(path)]
        if not header_is_sound:
            readers += [lambda: verify_checkpoint(path), lambda: load_checkpoint_metadata(path)]
        for read in readers:
            with pytest.raises(CheckpointError) as caught:
                read()
            assert str(caught.value).startswith(str(path))
        listed = list_checkpoints(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MEGABYTE + 4 * len(data)
    assert listed in ([], [path])
    assert exists is header_is_sound or header_is_sound


class Burglar:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


def payloads(target):
    """Blocks in place of three numbers, by name."""
    loot = np.array([Burglar(target)] * 3, dtype=object)

    def written(text, data=b""):
        """A .npy block of this header, whatever it says."""
        text = text.encode("latin-1")
        text += b" " * (-(len(text) + 11) % 64) + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data

    def told(descr="'<f8'", order="False", shape="(3,)"):
        return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"

    sound = VALUES.tobytes()
    return {
        "pickled array": block(loot, allow_pickle=True),
        "bare pickle": pickle.dumps(Burglar(target)),
        "pickle, protocol 0": pickle.dumps(Burglar(target), protocol=0),
        "objects": written(told("'|O'"), sound),
        "objects in a record": written(told("[('a', '|O')]"), sound),
        "huge shape": written(told(shape=f"({2**30}, {2**30})"), sound),
        "huge shape of nothing": written(told(shape=f"({2**60}, 0, 3)")),
        "overflowing shape": written(told(shape=f"({2**62}, 4, 3)"), sound),
        "negative shape": written(told(shape="(-3,)"), sound),
        "shape of floats": written(told(shape="(3.0,)"), sound),
        "shape of truths": written(told(shape="(True, 3)"), sound),
        "huge item": written(told("'<U1000000000'"), sound),
        "another dtype": written(told("'<i8'"), sound),
        "another byte order": written(told("'>f8'"), sound),
        "another shape": written(told(shape="(1, 3)"), sound),
        "fewer numbers": block(VALUES[:2]),
        "more numbers": block(np.zeros(4)),
        "two blocks": block(VALUES) * 2,
        "bytes behind": block(VALUES) + b"\0",
        "cut": block(VALUES)[:-1],
        "nothing": b"",
        "deep brackets": written("(" * 5000),
        "deep minus": written("-" * 9000 + "1"),
        "deep sums": written("+".join(["1"] * 4500)),
        "no dictionary": written("[1, 2]"),
        "call": written(f"__import__('os').mknod('{target}')"),
        "long header": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b" " * 100,
        "other version": b"\x93NUMPY\x09\x00" + block(VALUES)[8:],
        "archive": archive(target.parent),
        "text": b"hello",
    }


def archive(folder):
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("x.npy", b"\0" * (64 * MEGABYTE))
    return (folder / "a.npz").read_bytes()


NAMES = sorted(
    """pickled array|bare pickle|pickle, protocol 0|objects|objects in a record|huge shape
huge shape of nothing|overflowing shape|negative shape|shape of floats|shape of truths|huge item
another dtype|another byte order|another shape|fewer numbers|more numbers|two blocks|bytes behind
cut|nothing|deep brackets|deep minus|deep sums|no dictionary|call|long header|other version
archive|text""".replace("\n", "|").split("|")
)


def test_every_payload_is_tried(tmp_path):
    assert sorted(payloads(tmp_path / "stolen")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_hostile_payload(path, header, name):
    target = path.parent / "stolen"
    payload = payloads(target)[name]
    refused(path, forged(header, payload), header_is_sound=True)
    # And where its header says what its payload is.
    for leaf in (
        {"dtype": "object"},
        {"dtype": "|O"},
        {"dtype": "O", "shape": []},
        {"kind": "object", "dtype": "object"},
        {"shape": [2**30, 2**30]},
    ):
        leaves = [header["leaves"][0] | leaf]
        refused(path, forged(header | {"leaves": leaves}, payload), header_is_sound=True)
    assert not target.exists()


def test_the_burglar_would_have_come_in(tmp_path):
    pickle.loads(pickle.dumps(Burglar(tmp_path / "stolen"))).close()
    assert (tmp_path / "stolen").exists()


HUGE = {
    "product of 2^60": [2**30, 2**30],
    "product beyond 2^64": [2**40, 2**40],
    "many axes": [1] * 1000,
    "huge number": [10**400],
    "huge and empty": [2**62, 2**62, 0],
    "negative": [-3],
    "negative twice": [-1, -3],
    "float": [3.0],
    "truth": [True, 3],
    "text": ["3"],
    "none": None,
    "number": 3,
    "nested": [[3]],
}


@pytest.mark.parametrize("name", HUGE)
def test_hostile_shape(path, header, name):
    leaves = [header["leaves"][0] | {"shape": HUGE[name]}]
    data = forged(header | {"leaves": leaves}, block(VALUES))
    refused(path, data, header_is_sound=True)
    refused(path, forged(header | {"leaves": leaves}, block(VALUES), payload_bytes=2**60))


@pytest.mark.parametrize(
    "size", [10**17, 2**63, 2**64 + 200, 10**400, -1, 0, 1.5, 216.0, "216", None, True, [], {}]
)
def test_hostile_payload_size(path, header, size):
    refused(path, forged(header, block(VALUES), payload_bytes=size))


@pytest.mark.parametrize(
    "length",
    [
        *(str(10**17), str(2**28 + 1), str(2**64), "9" * 5000, "-1", "0", ""),
        *("+{}", "{}.0", "0x{:x}", "{:_}", "1e3", "{} ", " {}", "{}\t", "nan"),
        *("\u0661\u0662\u0663", "\uff11\uff12", "\u00b2"),
    ],
    ids=ascii,
)
def test_hostile_header_size(path, header, length):
    # More than 999, so that an underscore has its place in the number.
    text = json.dumps(header | {"metadata": {"a": "x" * 1000}}).encode()
    refused(path, sealed(text, block(VALUES), length=length.format(len(text))))


def test_digits_of_other_scripts_in_the_header_size(path, header):
    text = json.dumps(header).encode()
    arabic = "".join(chr(0x660 + int(digit)) for digit in str(len(text)))
    assert int(arabic) == len(text)
    refused(path, sealed(text, block(VALUES), length=arabic))


def test_endless_first_line(path):
    refused(path, b"ALBERTA-CKPT 1 " + b"1" * 8 * MEGABYTE)
    refused(path, b"ALBERTA-CKPT 1 100 " + b"a" * 8 * MEGABYTE)


DEEP = {
    "lists": b"[" * 100_000 + b"]" * 100_000,
    "unclosed lists": b"[" * 100_000,
    "objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_header(path, header, name):
    refused(path, sealed(DEEP[name]))
    text = json.dumps(header | {"metadata": {"a": "HERE"}}).encode()
    refused(path, sealed(text.replace(b'"HERE"', DEEP[name]), block(VALUES)))


TEXTS = {
    "long integer": b'{"format_version": ' + b"1" * 5000 + b"}",
    "no JSON": b"hello",
    "nothing": b"",
    "list": b"[]",
    "null": b"null",
    "number": b"1",
    "text": b'"x"',
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "zero octets": b"\0" * 100,
    "wide text": '{"a": 1}'.encode("utf-16"),
    "marked text": b"\xef\xbb\xbf{}",
    "empty": b"{}",
    "two": b"{}{}",
}


@pytest.mark.parametrize("name", TEXTS)
def test_header_that_is_none(path, name):
    refused(path, sealed(TEXTS[name]))


KEYS = ["format_version", "metadata", "leaves", "payload_bytes", "payload_sha256", "nodes"]
WRONG = [None, 0, -1, 1.5, "x", True, [1], [[]], {"x": 1}, [{}], [None]]


@pytest.mark.parametrize("key", KEYS)
def test_a_header_without_a_key(path, header, key):
    whole = taken_apart(forged(header, block(VALUES)))[1]
    del whole[key]
    refused(path, sealed(json.dumps(whole).encode(), block(VALUES)))


@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
@pytest.mark.parametrize("key", KEYS)
def test_a_header_with_a_wrong_value(path, header, key, wrong):
    if key == "metadata" and wrong == {"x": 1}:
        return
    path.write_bytes(forged(header, block(VALUES), **{key: wrong}))
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(TEMPLATE, path)
    assert str(caught.value).startswith(str(path))
    checkpoint_exists(path), list_checkpoints(path)


@pytest.mark.parametrize("wrong", WRONG[:-1], ids=json.dumps)
@pytest.mark.parametrize("key", ["path", "kind", "shape", "dtype"])
def test_a_leaf_with_a_wrong_value(path, header, key, wrong):
    leaves = [header["leaves"][0] | {key: wrong}]
    refused(path, forged(header | {"leaves": leaves}, block(VALUES)), header_is_sound=True)


@pytest.mark.parametrize("key", ["path", "kind", "shape", "dtype"])
def test_a_leaf_without_a_key(path, header, key):
    leaf = dict(header["leaves"][0])
    del leaf[key]
    refused(path, forged(header | {"leaves": [leaf]}, block(VALUES)), header_is_sound=True)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "~/x", "\0", "['x']\n", "__class__", "['x'];", ""]
)
def test_a_path_of_a_leaf_is_only_a_name(path, header, name):
    before = sorted(path.parent.iterdir())
    leaves = [header["leaves"][0] | {"path": name}]
    refused(path, forged(header | {"leaves": leaves}, block(VALUES)), header_is_sound=True)
    assert sorted(path.parent.iterdir()) == sorted([*before, path])


@pytest.mark.parametrize("count", [0, 2, 1000])
def test_more_or_fewer_leaves_than_the_payload_holds(path, header, count):
    data = forged(header | {"leaves": header["leaves"] * count}, block(VALUES))
    refused(path, data, header_is_sound=True)


@pytest.mark.parametrize("count", [0, 2])
def test_a_template_that_agrees_with_a_lying_header(path, header, count):
    leaves = [header["leaves"][0] | {"path": f"[{i}]"} for i in range(count)]
    data = forged(header | {"leaves": leaves}, block(VALUES))
    refused(path, data, template=[np.zeros(3)] * count, header_is_sound=True)


@pytest.mark.parametrize(
    ("leaf", "template"),
    [
        ({"kind": "int", "shape": [], "dtype": "int64"}, 1),
        ({"kind": "float", "shape": [], "dtype": "float64"}, 1.0),
        ({"kind": "bool", "shape": [], "dtype": "bool"}, True),
        ({"kind": "jax", "shape": [3], "dtype": "float32"}, np.float32),
    ],
    ids=str,
)
def test_a_payload_of_another_kind_than_its_leaf(path, header, leaf, template):
    import jax.numpy as jnp

    template = jnp.zeros(3) if template is np.float32 else template
    leaves = [header["leaves"][0] | leaf]
    data = forged(header | {"leaves": leaves}, block(VALUES))
    refused(path, data, template={"x": template}, header_is_sound=True)


def test_a_checksum_is_compared_as_it_stands(path, header):
    whole = taken_apart(forged(header, block(VALUES)))[1]
    for wrong in (whole["payload_sha256"].upper(), whole["payload_sha256"] + " ", "", "0"):
        refused(path, forged(header, block(VALUES), payload_sha256=wrong), header_is_sound=True)

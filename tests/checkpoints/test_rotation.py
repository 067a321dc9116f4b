"""`keep=N`: the N newest files, newest first, with a file at `path` at every moment."""

import errno
import os
import warnings

import numpy as np
import pytest

from alberta_framework.checkpoints import (
    checkpoint_exists,
    list_checkpoints,
    load_checkpoint,
    load_checkpoint_metadata,
    save_checkpoint,
)

from .states import number_of, numbered

TEMPLATE = numbered(0)


def number_at(path, **options):
    return number_of(load_checkpoint(TEMPLATE, path, **options)[0])


def save(path, *numbers, **options):
    for n in numbers:
        save_checkpoint(numbered(n), path, {"n": n}, **options)


def kept(path):
    return [number_at(one) for one in list_checkpoints(path)]


def flip(path, where=-1):
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_the_newest_are_kept_newest_first(tmp_path, keep):
    path = tmp_path / "x.ckpt"
    for n in range(8):
        save(path, n, keep=keep)
        assert kept(path) == list(range(n, max(n - keep, -1), -1))
    names = ["x.ckpt", *(f"x.ckpt.{i}" for i in range(1, keep))]
    assert [one.name for one in list_checkpoints(path)] == names
    assert sorted(one.name for one in tmp_path.iterdir()) == names


def test_more_than_ten_are_listed_by_age_and_not_by_name(tmp_path):
    save(tmp_path / "x.ckpt", *range(13), keep=12)
    assert kept(tmp_path / "x.ckpt") == list(range(12, 0, -1))


def test_fewer_are_kept_when_asked_for(tmp_path):
    path = tmp_path / "x.ckpt"
    save(path, *range(6), keep=5)
    save(path, 6, keep=2)
    assert kept(path) == [6, 5]
    assert len(list(tmp_path.iterdir())) == 2


def test_every_older_file_is_a_checkpoint_of_its_own(tmp_path):
    path = tmp_path / "x.ckpt"
    save(path, 1, 2, 3, keep=3)
    older = tmp_path / "x.ckpt.2"
    assert checkpoint_exists(older)
    assert number_at(older) == 1
    assert load_checkpoint_metadata(older) == {"n": 1}


def test_neighbours_are_left_alone(tmp_path):
    path = tmp_path / "x.ckpt"
    others = ["x.ckpt.old", "x.ckpt.1.bak", "x.ckpt.01", "x.ckpt.-1", "x.ckpt1", "y.ckpt.1"]
    others += ["x.ckpt.\u0661", "x.ckpt.", "x.ckpt. 1"]
    for name in others:
        (tmp_path / name).write_text(name)
    save(path, 1, 2, 3, keep=2)
    save(path, 4, keep=1)
    assert [one.name for one in list_checkpoints(path)] == ["x.ckpt"]
    assert all((tmp_path / name).read_text() == name for name in others)


def test_a_gap_is_tolerated(tmp_path):
    path = tmp_path / "x.ckpt"
    save(path, *range(5), keep=5)
    (tmp_path / "x.ckpt.1").unlink()
    (tmp_path / "x.ckpt.2").unlink()
    assert kept(path) == [4, 1, 0]
    flip(path)
    with pytest.warns(UserWarning):
        assert number_at(path, fallback=True) == 1
    save(path, 5, keep=5)
    assert number_at(path) == 5
    found = list_checkpoints(path)
    assert [number_at(one) for one in found if one.name != "x.ckpt.1"][:2] == [5, 1]


def test_the_newest_gone_leaves_the_older_listed(tmp_path):
    path = tmp_path / "x.ckpt"
    save(path, 1, 2, 3, keep=3)
    path.unlink()
    assert kept(path) == [2, 1]
    assert not checkpoint_exists(path)
    with pytest.raises(FileNotFoundError):
        number_at(path)
    with pytest.warns(UserWarning):
        assert number_at(path, fallback=True) == 2
    save(path, 4, keep=3)
    assert number_at(path) == 4
    assert {2, 1} >= set(kept(path)[1:]) > set()


def test_fallback_warns_with_the_damaged_and_the_loaded_file(tmp_path):
    path = tmp_path / "x.ckpt"
    save(path, 1, 2, 3, keep=3)
    flip(path)
    with pytest.raises(ValueError, match="checksum"):
        number_at(path)
    with pytest.warns(UserWarning) as told:
        state, metadata = load_checkpoint(TEMPLATE, path, fallback=True)
    assert (number_of(state), metadata) == (2, {"n": 2})
    text = "\n".join(str(one.message) for one in told)
    assert str(path) in text
    assert "x.ckpt.1" in text
    flip(tmp_path / "x.ckpt.1", 40)
    with pytest.warns(UserWarning):
        assert number_at(path, fallback=True) == 1


def test_fallback_is_silent_when_nothing_is_wrong(tmp_path):
    save(tmp_path / "x.ckpt", 1, 2, keep=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert number_at(tmp_path / "x.ckpt", fallback=True) == 2


def test_fallback_with_nothing_sound_raises(tmp_path):
    path = tmp_path / "x.ckpt"
    with pytest.raises(FileNotFoundError):
        number_at(path, fallback=True)
    save(path, 1, 2, keep=2)
    flip(path)
    flip(tmp_path / "x.ckpt.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError) as caught:
            number_at(path, fallback=True)
    assert str(path) in str(caught.value)


def test_another_structure_is_no_damage(tmp_path):
    """An older file of the right structure must not stand in for a program that changed."""
    path = tmp_path / "x.ckpt"
    save(path, 1, keep=2)
    save_checkpoint({"other": np.zeros(2)}, path, keep=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            state, _ = load_checkpoint(TEMPLATE, path, fallback=True)
        except ValueError as error:
            assert "structure mismatch" in str(error)
        else:
            assert number_of(state) == 1


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "2", None], ids=repr)
def test_keep_is_a_positive_integer(tmp_path, keep):
    with pytest.raises((TypeError, ValueError), match="keep"):
        save(tmp_path / "x.ckpt", 1, keep=keep)
    assert list(tmp_path.iterdir()) == []


def test_nothing_listed_where_nothing_is(tmp_path):
    assert list_checkpoints(tmp_path / "x.ckpt") == []
    assert list_checkpoints(tmp_path / "no" / "x.ckpt") == []
    assert list_checkpoints(str(tmp_path / "x.ckpt")) == []


def test_without_hard_links_a_copy_is_kept(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    path = tmp_path / "x.ckpt"
    save(path, 1, 2, 3, 4, keep=3)
    assert kept(path) == [4, 3, 2]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_is_at_the_path_at_every_moment(tmp_path, monkeypatch):
    path, seen = tmp_path / "x.ckpt", []
    save(path, 0, keep=3)
    for name in ("rename", "replace", "link", "unlink", "remove", "fsync"):
        original = getattr(os, name)

        def watched(*arguments, original=original, **options):
            seen.append(number_at(path))
            result = original(*arguments, **options)
            seen.append(number_at(path))
            return result

        monkeypatch.setattr(os, name, watched)
    save(path, 1, 2, 3, 4, keep=3)
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("name", ["a[1].ckpt", "*.ckpt", "a b.ckpt", "\u00e9.ckpt", "%d{0}.ckpt"])
def test_names_that_mean_something_to_patterns(tmp_path, name):
    (tmp_path / "a1.ckpt.1").write_text("other")
    path = tmp_path / name
    save(path, 1, 2, 3, keep=2)
    assert kept(path) == [3, 2]
    assert (tmp_path / "a1.ckpt.1").read_text() == "other"


def test_rotation_behind_a_symbolic_link(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "x.ckpt"
    link.symlink_to(tmp_path / "disk" / "real.ckpt")
    save(link, 1, 2, 3, keep=2)
    assert link.is_symlink()
    assert kept(link) == [3, 2]
    assert number_at(tmp_path / "disk" / "real.ckpt") == 3

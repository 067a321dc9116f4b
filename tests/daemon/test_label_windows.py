"""Events wait for labels: so many, of so many bytes, and through restarts for those with a name."""

import json

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon, EventProcessor
from alberta_framework.daemon.json_lines import LONGEST_LINE, LongLine
from alberta_framework.daemon.label_window import LabelWindow, LabelWindows, Remembered
from tests.event_features.cases import FEATURES, drawn

from .agents import same_life
from .daemons import small
from .test_events import ask

HEADS = af.MultiHeadMLPLearner(n_heads=2, hidden_sizes=(), sparsity=0.0)
KINDS = {
    "rows": ({"feature_dim": 3}, [[1.0, i, 0.1 * i] for i in range(6)]),
    "fields": ({"features": FEATURES}, drawn(6)),
}


def made(kind, **options):
    return Daemon(HEADS, **KINDS[kind][0], **options)


def told(processor, events):
    return [ask(processor, {"id": i, "observation": event}) for i, event in enumerate(events)]


def labels(processor):
    """Late ones in another order, some of one head and then of the other."""
    lines = [(3, [1.0, None]), (0, [2.0, 3.0]), (3, [None, 1.5]), (5, [0.5, 0.5])]
    return [ask(processor, {"id": i, "targets": targets}) for i, targets in lines]


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_restart_a_label_finds_its_event(kind, tmp_path):
    """Bit for bit as if there had been no restart; what was learned is learned once."""
    events = KINDS[kind][1]
    whole = made(kind)
    processor = EventProcessor(whole)
    told(processor, events)
    first_label = {"id": 1, "targets": [0.7, None]}
    expected = [ask(processor, first_label), *labels(processor)]
    with made(kind, checkpoint=tmp_path / "agent.ckpt") as first:
        processor = EventProcessor(first, client="a")
        told(processor, events)
        found = [ask(processor, first_label)]
    second = made(kind, checkpoint=tmp_path / "agent.ckpt")
    processor = EventProcessor(second, client="a")
    assert "event 1 has learned it already" in ask(processor, first_label)["error"]
    assert [*found, *labels(processor)] == expected
    same_life(second.state, whole.state)
    if kind == "fields":
        assert second.report()["features"] == whole.report()["features"]
    # Nobody else's events are these.
    for other in (EventProcessor(second), EventProcessor(second, client="b")):
        assert "no event 2 " in ask(other, {"id": 2, "targets": [1.0, 1.0]})["error"]
    second.close()


def test_the_save_that_an_event_makes_due_knows_what_it_has_learned(tmp_path):
    path = tmp_path / "agent.ckpt"
    first = small(checkpoint=path, checkpoint_every=1)
    processor = EventProcessor(first, client="a")
    ask(processor, {"id": 1, "observation": [1, 2]})
    assert ask(processor, {"id": 1, "targets": [3]})["step"] == 1
    first._saving._under_way.result()
    ask(processor, {"id": 2, "observation": [2, 1], "targets": [1e39]})  # rejected, not learned
    first._saving._under_way.result()
    first._saving.release()  # as a crash does
    second = small(checkpoint=path)
    assert second.steps == 2
    processor = EventProcessor(second, client="a")
    assert "has learned it already" in ask(processor, {"id": 1, "targets": [3]})["error"]
    assert ask(processor, {"id": 2, "targets": [3]})["step"] == 3
    second.close()


def test_those_of_a_client_that_has_not_come_back_are_kept(tmp_path):
    path = tmp_path / "agent.ckpt"
    with small(checkpoint=path) as first:
        for client in ("a", "b"):
            ask(EventProcessor(first, client=client), {"id": client, "observation": [1, 2]})
    for _ in range(2):
        with small(checkpoint=path) as again:
            ask(EventProcessor(again, client="a"), {"id": "more", "observation": [1, 2]})
    last = small(checkpoint=path)
    for client, names in (("a", ["a", "more"]), ("b", ["b"])):
        processor = EventProcessor(last, client=client)
        for name in names:
            assert "step" in ask(processor, {"id": name, "targets": [1]})
    last.close()


def test_a_client_says_its_name():
    ours = small()
    one, two, nameless = (EventProcessor(ours) for _ in range(3))
    assert ask(one, {"client": "web"}) == {"client": "web", "step": 0, "remembered": 0}
    ask(one, {"id": 1, "observation": [1, 2]})
    assert ask(two, {"client": "web"}) == {"client": "web", "step": 0, "remembered": 1}
    assert ask(two, {"id": 1, "targets": [1]})["step"] == 1
    ask(nameless, {"observation": [1, 2]})
    found = ask(nameless, {"client": "web"})
    assert found["error"] == "client: must be said before the first event"


@pytest.mark.parametrize(
    "line",
    [{"client": name} for name in (None, "", 3, ["a"], "x" * 201)] + [{"client": "a", "id": 1}],
)
def test_a_line_with_a_wrong_name_is_a_mistake(line):
    found = ask(EventProcessor(small()), line, 7)
    assert found["line"] == 7 and found["error"].startswith("client: ")


def entry(size, value=0.0):
    return Remembered(np.full(size, value, np.float32), None)


def test_a_window_has_a_size_in_bytes():
    window = LabelWindow(100, 10_000)
    for i in range(50):
        window.remember(i, entry(100, i))
    assert 0 < len(window) < 25 and window.find(49) is not None and window.find(0) is None
    kept = len(window)
    window.remember(49, entry(100, 7.0))  # in its own place
    assert len(window) == kept and window.find(49).row[0] == 7.0
    window.remember("x" * 9_000, entry(1))
    assert len(window) == 1
    window.remember("large", entry(3_000))  # more than all: nothing is left
    assert len(window) == 0
    window.remember("small", entry(3))
    assert window.find("small") is not None


def test_a_window_of_no_bytes_remembers_nothing():
    processor = EventProcessor(small(), label_window_bytes=0)
    ask(processor, {"id": 1, "observation": [1, 2]})
    assert "no event 1 " in ask(processor, {"id": 1, "targets": [1]})["error"]
    for wrong in (-1, 1.5, "1", True):
        with pytest.raises((TypeError, ValueError), match="`label_window_bytes`"):
            EventProcessor(small(), label_window_bytes=wrong)


def test_less_room_after_a_restart_keeps_the_latest():
    before, after = LabelWindows(), LabelWindows()
    window = before.of("a", 100, 1 << 20, 3, 1)
    for i in range(10):
        window.remember(i, entry(3, i))
    window.find(8).learn(np.array([True]))
    after.resume(json.loads(json.dumps(before.stored())))
    found = after.of("a", 4, 1 << 20, 3, 1)
    assert len(found) == 4 and found.find(5) is None
    assert found.find(7).row.tolist() == [7.0] * 3
    assert (found.find(7).learned, found.find(8).learned.tolist()) == (None, [True])


def test_events_with_other_features_are_forgotten_and_told(caplog):
    before, after = LabelWindows(), LabelWindows()
    before.of("a", 9, 1 << 20, 3, 1).remember(1, entry(3))
    after.resume(before.stored())
    assert len(after.of("a", 9, 1 << 20, 4, 1)) == 0
    assert "other features" in caplog.text


def test_so_many_clients_are_known_by_name():
    windows = LabelWindows()
    for i in range(70):
        windows.of(str(i), 9, 1 << 20, 3, 1)
        windows.of("often", 9, 1 << 20, 3, 1)
    known = windows.stored()
    assert len(known) == 64 and "often" in known and "69" in known and "0" not in known


@pytest.mark.parametrize(
    "event_id", [12345, -1.5, "q\"uo'te,}", "ü€\n", [1, {"id": 2}], None], ids=repr
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_line_that_is_too_long_keeps_its_id(event_id, ascii_only):
    """If the id stands in its beginning: wherever that ends, it is the whole id or none."""
    processor = EventProcessor(small())
    event = {"a": [1, {"id": 0}], "id": event_id, "b": {"id": 3, "c": "x" * 9}}
    text = f" {json.dumps(event, ensure_ascii=ascii_only)}".encode()
    stands = text.index(b', "b"')
    for cut in range(len(text)):
        found = ask_bytes(processor, LongLine(text[:cut]))
        assert found["error"] == f"line: is longer than {LONGEST_LINE:,} bytes"
        assert found["id"] == (event_id if cut > stands else None)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[1,", b'{"id" 3}', b'{"id": NaN, ', b'{"a": \xff, "id": 1,', b"{" * 60_000],
)
def test_what_is_no_object_has_no_id(text):
    assert ask_bytes(EventProcessor(small()), LongLine(text))["id"] is None


def ask_bytes(processor, line):
    return json.loads(processor.answer(line, 1))

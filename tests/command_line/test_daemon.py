"""`alberta daemon` as a process: lines in, lines out, signals, and what is on the disk after."""

import json
import os
import re
import shutil
import signal
import time

import numpy as np
import pytest

from alberta_framework.checkpoints import load_agent, load_checkpoint_metadata
from alberta_framework.components.component import from_config
from alberta_framework.daemon import Daemon
from tests.daemon.bad_lines import BAD_LINES

from .daemons import CONFIG, events, wait_for_save


def embedded():
    """The same learner in this process."""
    return Daemon(from_config(CONFIG["learner"]), 2)


def same_state(ours, expected):
    for name in ("weights", "bias"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(expected, name))
    assert (ours.step_count, ours.rejected_count) == (expected.step_count, expected.rejected_count)


def test_each_line_is_answered_before_the_next_is_sent(shared):
    first = shared.ask({"observation": [1, 2]})["step"]
    for number, event in enumerate(events(20), first + 1):
        found = shared.ask(event)
        assert found.keys() == {"id", "step", "predictions", "rejected"}
        assert (found["id"], found["step"], found["rejected"]) == (event["id"], number, False)
        assert list(found["predictions"]) == ["y"]


def test_names_labels_and_predictions(shared):
    step = shared.ask({"observation": {"b": 2, "a": 1}})["step"]
    assert shared.ask({"id": "late", "observation": {"a": 1, "b": 2}})["step"] == step
    assert shared.ask({"id": "late", "targets": {"y": 1}})["step"] == step + 1
    for nothing in ([None], {}, {"y": None}, None):
        found = shared.ask({"observation": [1, 2], "targets": nothing})
        assert (found["step"], found["rejected"]) == (step + 1, False)
    assert "never" in shared.ask({"id": "never", "targets": [1]})["error"]


def test_bad_lines_name_their_number_and_the_process_lives_on(serve):
    served = serve()
    before = served.ask({"observation": [1, 2], "id": 5})
    for number, (line, field) in enumerate(BAD_LINES.values(), 2):
        found = served.ask(line if isinstance(line, bytes) else line.encode())
        assert found.get("line") == number, (line, found)
        assert re.search(field, found["error"])
    after = served.ask({"observation": [1, 2], "id": 5})
    assert after == before
    assert served.end()[0] == 0


def test_empty_lines_have_no_answer_and_are_counted(shared):
    """The number in an error is the line of the input, as an editor shows it."""
    shared.send(b"wrong\n")
    first = json.loads(shared.receive())["line"]
    shared.send(b"\n  \nwrong\n")
    assert json.loads(shared.receive())["line"] == first + 3


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e39"])
def test_numbers_that_are_none_leave_strict_json(shared, token):
    line = f'{{"id": {token}, "observation": [{token}, 1], "targets": [1]}}'
    shared.ask(line.encode())
    found = shared.ask(f'{{"id": 1, "observation": [{token}, 1], "targets": [1]}}'.encode())
    assert "error" in found or (found["rejected"] and found["predictions"] == {"y": None})


def test_invalid_utf8_is_answered(shared):
    found = shared.ask(b'{"id": "\xff", "observation": [1, 2]}')
    assert "utf-8" in found["error"].lower()
    assert shared.ask('{"id": "ü", "observation": [1, 2]}'.encode())["id"] == "ü"


def test_a_very_long_line_is_answered_once(shared):
    found = shared.ask(b"x" * 20_000_000)
    assert len(found["error"]) < 400
    assert "step" in shared.ask({"observation": [1, 2]})


def test_a_line_may_come_in_pieces(shared):
    for piece in (b'{"id": 1, "obser', b'vation": [1,', b" 2]}", b"\n"):
        os.write(shared.lines.write, piece)
        time.sleep(0.02)
    assert "step" in json.loads(shared.receive())
    many = b"".join(json.dumps(event).encode() + b"\n" for event in events(50))
    os.write(shared.lines.write, many)
    assert [json.loads(shared.receive())["id"] for _ in range(50)] == list(range(50))


def test_the_end_of_input_saves_and_a_restart_goes_on(serve, tmp_path):
    rows = events(40)
    whole = embedded()
    expected = [whole.step(row["observation"], row["targets"]).predictions for row in rows]
    served = serve("--checkpoint", "agent.ckpt")
    found = [served.ask(row) for row in rows[:15]]
    assert "a new state" in served.said()
    served.lines.send(json.dumps(rows[15]).encode())  # no answer is awaited before the end
    found.append(json.loads(served.receive()))
    code, said = served.end()
    assert code == 0 and "agent.ckpt" in said
    again = serve("--checkpoint", "agent.ckpt")
    found += [again.ask(row) for row in rows[16:]]
    assert "16" in again.said()
    assert again.end()[0] == 0
    assert [answer["step"] for answer in found] == list(range(1, 41))
    np.testing.assert_array_equal(
        np.float32([answer["predictions"]["y"] for answer in found]), np.ravel(expected)
    )
    same_state(load_agent(tmp_path / "agent.ckpt")[1], whole.state)


def test_a_last_line_without_its_end_is_answered(serve, tmp_path):
    served = serve("--checkpoint", "agent.ckpt")
    served.ask(events(1)[0])
    os.write(served.lines.write, json.dumps(events(2)[1]).encode())
    served.process.stdin.close()
    assert json.loads(served.receive())["step"] == 2
    assert served.receive() == b""
    assert served.end()[0] == 0
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_save_and_end(serve, tmp_path, number):
    served = serve("--checkpoint", "agent.ckpt")
    for row in events(5):
        served.ask(row)
    served.signal(number)
    assert served.process.wait(60) == 0  # standard input is still open
    assert served.receive() == b""
    assert "Traceback" not in served.said() and "agent.ckpt" in served.said()
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 5


def test_a_reader_that_goes_away_ends_it_with_a_save(serve, tmp_path):
    served = serve("--checkpoint", "agent.ckpt")
    served.ask(events(1)[0])
    served.process.stdout.close()
    try:
        for row in events(100):
            served.send(row)
    except BrokenPipeError:
        pass
    code, said = served.end()
    assert code == 0 and "Traceback" not in said and "Exception ignored" not in said
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count >= 1


def test_a_save_that_fails_at_the_end_is_told(serve, tmp_path):
    (tmp_path / "disk").mkdir()
    served = serve("--checkpoint", "disk/agent.ckpt")
    served.ask(events(1)[0])
    shutil.rmtree(tmp_path / "disk")
    (tmp_path / "disk").write_text("in the way")
    assert "step" in served.ask(events(1)[0])
    code, said = served.end()
    assert code == 1
    assert "saved" in said.splitlines()[-1] and "disk" in said.splitlines()[-1]


def test_reports_are_json_on_standard_error(serve):
    served = serve("--report-every", "10")
    for row in events(25):
        served.ask(row)
        served.ask({"observation": row["observation"]})
    code, said = served.end()
    assert code == 0
    reports = [json.loads(line)["report"] for line in said.splitlines() if line.startswith("{")]
    assert [report["steps"] for report in reports] == [10, 20]
    assert reports[0]["relevance"]


def test_a_config_may_be_toml_with_all_options(serve, tmp_path):
    config = tmp_path / "learner.toml"
    config.write_text(
        "feature_dim = 3\nseed = 4\nkeep = 2\ncheckpoint_every = 2\nlabel_window = 1\ngamma = 0.9\n"
        '[learner]\ntype = "TDLinearLearner"\noptimizer.type = "TDIDBD"\n'
    )
    served = serve("--checkpoint", "agent.ckpt", config=config)
    for i in range(6):
        row = {"observation": [i, 1, 0.5], "targets": [1], "terminated": i == 3}
        answer = served.ask(row)
        assert answer["step"] == i + 1 and len(answer["predictions"]) == 1
    assert served.end()[0] == 0
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 4  # two episodes, two begins
    assert (tmp_path / "agent.ckpt.1").exists()


@pytest.mark.slow
def test_killed_and_restarted_it_ends_as_if_never_interrupted(serve, tmp_path):
    """Whoever sends again what came after the checkpoint loses nothing."""
    rows = events(400)
    (tmp_path / "learner.json").write_text(json.dumps(CONFIG | {"checkpoint_every": 5}))
    begun = 0
    for life in range(4):
        served = serve("--checkpoint", "agent.ckpt", config=tmp_path / "learner.json")
        served.ask({"observation": [0, 0]})
        path = tmp_path / "agent.ckpt"
        done = load_checkpoint_metadata(path)["daemon"]["steps"] if path.exists() else 0
        assert done >= begun
        begun = done
        if life == 3:
            break
        for row in rows[done : done + 90]:
            step = served.ask(row)["step"]
        assert step == done + 90
        wait_for_save(path)
        served.signal(signal.SIGKILL)
        served.process.wait(60)
    for row in rows[done:]:
        step = served.ask(row)["step"]
    assert served.end()[0] == 0 and step == len(rows) and begun > 0
    whole = embedded()
    for row in rows:
        whole.step(row["observation"], row["targets"])
    same_state(load_agent(tmp_path / "agent.ckpt")[1], whole.state)

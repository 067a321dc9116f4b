"""`alberta daemon --record` and `--frozen`, and `alberta replay`, as processes."""

import json
import signal

from alberta_framework.checkpoints import load_agent, load_checkpoint_metadata

from .commands import alberta
from .daemons import CONFIG, events, wait_for_save
from .test_daemon import same_state


def test_a_life_with_a_kill_is_lived_again(serve, tmp_path):
    (tmp_path / "learner.json").write_text(json.dumps(CONFIG | {"checkpoint_every": 5}))
    options = ("--checkpoint", "agent.ckpt", "--record", "events.jsonl")
    first = serve(*options, config=tmp_path / "learner.json")
    rows = events(60)
    for row in rows[:33]:
        first.ask(row)
    wait_for_save(tmp_path / "agent.ckpt")
    first.signal(signal.SIGKILL)
    first.process.wait(60)
    done = load_checkpoint_metadata(tmp_path / "agent.ckpt")["daemon"]["steps"]
    second = serve(*options, config=tmp_path / "learner.json")
    second.ask(rows[-1])  # the client has moved on, and sends others than were lost
    second.ask({"observation": [1, 2]})
    for row in rows[40:]:
        second.ask(row)
    assert second.end()[0] == 0
    replayed = alberta("replay", "events.jsonl", "--checkpoint", "again.ckpt", cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["steps"] == done + 21
    same_state(load_agent(tmp_path / "again.ckpt")[1], load_agent(tmp_path / "agent.ckpt")[1])
    twice = alberta("replay", "events.jsonl", "--checkpoint", "again.ckpt", cwd=tmp_path)
    assert twice.returncode == 2 and "again.ckpt" in twice.stderr

    octets = (tmp_path / "agent.ckpt").read_bytes()
    options = ("--checkpoint", "agent.ckpt", "--frozen", "--report-every", 2)
    frozen = serve(*options, config=tmp_path / "learner.json")
    answers = [frozen.ask(row) for row in (rows[0], rows[0])]
    assert answers[0] == answers[1] and answers[0]["step"] == done + 21
    frozen.signal(signal.SIGTERM)
    code, said = frozen.end()
    assert code == 0 and "frozen" in said
    (report,) = (json.loads(line)["report"] for line in said.splitlines() if "report" in line)
    assert (report["steps"], report["events_not_learned"]) == (done + 21, 2)
    assert (tmp_path / "agent.ckpt").read_bytes() == octets

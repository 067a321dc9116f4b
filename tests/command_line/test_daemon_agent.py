"""`alberta daemon` with an agent: the pole that it balances is in the process that asks it."""

import json
import signal
import tomllib

import gymnasium
import jax
import pytest

from alberta_framework.command_line.app import main
from alberta_framework.components.component import from_config
from alberta_framework.daemon import Daemon, EventProcessor

from .daemons import SECONDS, strict, wait_for_save

TOML = """
feature_names = ["x", "speed", "angle", "turning"]
seed = 3
checkpoint_every = 40

[learner]
type = "StreamQ"
n_actions = 2
gamma = 0.95
network = { type = "StreamMLP", hidden_sizes = [8], n_out = 2 }
epsilon = { type = "LinearSchedule", start = 1.0, end = 0.1, num_steps = 150 }
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text(TOML)
    return path


class Client:
    """Balances a pole with the actions that it is answered; keeps what it sent."""

    def __init__(self):
        self.env = gymnasium.make("CartPole-v1", max_episode_steps=25)
        self.sent, self.answers = [], []
        self._event = {"observation": self.env.reset(seed=1)[0].tolist()}

    def play(self, ask, steps):
        for _ in range(steps):
            line = self._event | {"id": len(self.sent)}
            self.sent.append(line)
            self.answers.append(ask(line))
            self._event = self._next(line, self.answers[-1]["action"])

    def _next(self, line, action):
        if line.get("terminated") or line.get("truncated"):
            return {"observation": self.env.reset()[0].tolist()}
        observation, reward, terminated, truncated, _ = self.env.step(action)
        return {
            "observation": observation.tolist(),
            "reward": reward,
            "terminated": terminated,
            "truncated": truncated,
        }


def embedded():
    """How the same agent answers in this process."""
    found = tomllib.loads(TOML)
    ours = Daemon(
        from_config(found["learner"]),
        4,
        key=jax.random.key(found["seed"]),
        feature_names=found["feature_names"],
    )
    processor = EventProcessor(ours)
    return ours, lambda line: strict(processor.answer(json.dumps(line), 1))


def test_an_agent_that_is_killed_goes_on_from_the_last_checkpoint(serve, config, tmp_path, capsys):
    """Whoever sends again what came after it has the answers of a daemon that never stopped."""
    whole, (ours, ask) = Client(), embedded()
    whole.play(ask, 330)

    client, path = Client(), tmp_path / "agent.ckpt"
    first = serve("--checkpoint", path, config=config)
    client.play(first.ask, 130)
    wait_for_save(path)
    first.signal(signal.SIGKILL)
    first.process.wait(SECONDS)
    assert client.answers == whole.answers[:130]

    second = serve("--checkpoint", path, "--report-every", 330, config=config)
    # A question that teaches nothing tells where it stands.
    known = second.ask(client.sent[0] | {"learn": False})["step"]
    # A save that is due while one is under way is begun by a later event.
    assert 0 < known < 130
    again = [second.ask(line) for line in client.sent[known:]]
    assert again == client.answers[known:]
    client.play(second.ask, 200)
    assert client.answers == whole.answers
    code, said = second.end()
    assert code == 0 and f"StreamQ, resumed at {known} events" in said
    report = json.loads(next(line for line in said.splitlines() if "report" in line))["report"]
    mine = ours.report()
    assert report["episodes"] == mine["episodes"] and report["reward_rate"] == 1.0
    assert report["episodes"]["ended"] > 5 and report["latency"]["count"] == 330 - known
    assert (report["steps"], report["rejected_events"]) == (330, 0)
    assert main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metadata"]["daemon"]["episodes"]["ended"] == mine["episodes"]["ended"]
    assert found["counts"]["step_count"] == mine["step_count"]


def test_a_stop_and_a_start_are_no_interruption(serve, config, tmp_path):
    """In the middle of an episode: the next line is the one that follows."""
    client, whole = Client(), Client()
    whole.play(embedded()[1], 40)
    for steps in (13, 27):
        served = serve("--checkpoint", tmp_path / "agent.ckpt", config=config)
        client.play(served.ask, steps)
        served.signal()
        assert served.process.wait(SECONDS) == 0
    assert client.answers == whole.answers


WRONG = {
    "heads": ('head_names = ["y"]\n', "head_names"),
    "a discount": ("gamma = 0.9\n", "gamma"),
}


@pytest.mark.parametrize("row", WRONG)
def test_what_no_agent_has_is_named(row, config, capsys):
    added, field = WRONG[row]
    config.write_text(added + TOML)
    assert main(["daemon", "--config", str(config)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"`{field}`" in told

"""`alberta daemon` with events as they come: objects of named fields, made features of."""

import json
import signal
import tomllib

from alberta_framework.checkpoints import load_agent
from alberta_framework.components.component import from_config
from alberta_framework.daemon import Daemon, EventProcessor
from alberta_framework.event_features import EventFeatures
from tests.event_features.cases import drawn

TOML = """
head_names = ["y"]

[learner]
type = "LinearLearner"
optimizer = { type = "IDBD", initial_step_size = 0.02 }
normalizer = { type = "EMANormalizer" }

[features]
extra = "ignore"
fields = [
    { type = "NumberField", name = "load", lags = [1, 3], difference = true },
    { type = "CategoryField", name = "host", capacity = 2, hashed = 3, missing = true },
    { type = "TimestampField", name = "at", unit = "ms" },
]
"""


def test_killed_and_resumed_it_is_what_an_uninterrupted_one_would_be(serve, tmp_path):
    config, path = tmp_path / "events.toml", tmp_path / "agent.ckpt"
    config.write_text("checkpoint_every = 1\n" + TOML)
    events = drawn(24)
    lines = [{"id": i, "observation": e, "targets": [i % 3]} for i, e in enumerate(events)]
    found = tomllib.loads(TOML)
    features = EventFeatures.from_config(found["features"])
    whole = Daemon(from_config(found["learner"]), features=features, head_names=["y"])
    processor = EventProcessor(whole)
    first = serve("--checkpoint", path, config=config)
    for line in lines[:15]:
        first.ask(line)
    first.signal(signal.SIGKILL)
    first.process.wait()
    second = serve("--checkpoint", path, config=config)
    steps = second.ask({"observation": {}})["step"]
    assert steps <= 15
    for number, line in enumerate(lines):
        expected = processor.process(json.dumps(line), number)
        if number >= steps:
            assert second.ask(line) == expected
    assert second.end()[0] == 0
    learner, state, _ = load_agent(path)
    assert state.weights.tobytes() == whole.state.weights.tobytes()
    told = Daemon(learner, features=features, checkpoint=path)
    assert told.features_state == whole.features_state

"""Fields of every kind, and events of them."""

import numpy as np

import alberta_framework as af

FIELDS = (
    af.NumberField("load", lags=(1, 3), difference=True, missing=True),
    af.NumberField("bytes", difference=True, value=False),
    af.CategoryField("host", capacity=2, hashed=3, missing=True),
    af.BooleanField("ok"),
    af.TimestampField("at", unit="ms"),
)
FEATURES = af.EventFeatures(FIELDS)


def drawn(steps, seed=0):
    """Events, some of whose fields are missing, and some of which nobody declared."""
    rng, at, sent, events = np.random.default_rng(seed), 1_700_000_000_000, 2**60, []
    for _ in range(steps):
        at, sent = at + int(rng.integers(1, 10**6)), sent + int(rng.integers(1, 10**4))
        event = {
            "load": float(rng.normal()),
            "bytes": sent,
            "host": f"web{rng.integers(5)}",
            "ok": bool(rng.random() < 0.7),
            "at": at,
            "user": "nobody",
        }
        for name in list(event):
            kept = rng.random()
            if kept < 0.1:
                del event[name]
            elif kept < 0.2:
                event[name] = None
        events.append(event)
    return events

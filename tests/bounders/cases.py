"""Every bounder with the arguments it is tested under, and its oracle."""

import dataclasses

import alberta_framework as af
from tests.oracles import bounders

ORACLES = {"ObGDBounding": bounders.obgd_bound, "AGCBounding": bounders.agc_bound}


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str
    arguments: dict

    def __str__(self):
        told = ",".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.kind}({told})"

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)

    def oracle(self, steps, error, params):
        return ORACLES[self.kind](steps, error, params, **self.arguments)


CASES = [
    Case("ObGDBounding", {}),
    Case("ObGDBounding", {"kappa": 0.1}),
    Case("ObGDBounding", {"kappa": 0}),
    Case("AGCBounding", {}),
    Case("AGCBounding", {"clip_factor": 0.3, "eps": 0.5}),
    Case("AGCBounding", {"unit_axis": -1}),
    Case("AGCBounding", {"clip_factor": 0.5, "eps": 1, "unit_axis": -1}),
]

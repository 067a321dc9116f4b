"""Every normalizer with the arguments it is tested under, and its oracle."""

import dataclasses

import alberta_framework as af
from tests.oracles import normalizers


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str
    arguments: dict

    def __str__(self):
        told = ",".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.kind}({told})"

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)

    def oracle(self, feature_dim):
        return getattr(normalizers, self.kind)(feature_dim, **self.arguments)


CASES = [
    Case("EMANormalizer", {}),
    Case("EMANormalizer", {"decay": 1}),
    Case("EMANormalizer", {"decay": 0.9999}),
    Case("EMANormalizer", {"decay": 0.0, "epsilon": 0.1}),
    Case("WelfordNormalizer", {}),
    Case("WelfordNormalizer", {"epsilon": 0.1}),
    Case("WelfordNormalizer", {"memory": 20}),
]
KINDS = [Case("EMANormalizer", {}), Case("WelfordNormalizer", {})]

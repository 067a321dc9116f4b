"""What step rules refuse, and what stands for one."""

import pytest

import alberta_framework as af
from alberta_framework.step_rules import step_rule_of

OUT_OF_RANGE = [
    (af.StreamObGD, "step_size", -1.0),
    (af.StreamObGD, "kappa", float("nan")),
    (af.AdaptiveObGD, "beta2", 1.0),
    (af.AdaptiveObGD, "eps", 0.0),
    (af.Intentional, "eta", 0.0),
    (af.Intentional, "beta_clip", 1.0),
    (af.Intentional, "clip_mult", 0),
    (af.Intentional, "normalize_delta", 1),
    (af.Adaptive, "clip", 0.0),
    (af.Adaptive, "average_decay", -0.1),
    (af.Implicit, "mode", "both"),
    (af.Implicit, "kappa", -1),
    (af.AlphaBound, "initial", 0.0),
    (af.PerTensor, "bounder", 2.0),
]


@pytest.mark.parametrize("cls, name, value", OUT_OF_RANGE, ids=lambda v: getattr(v, "__name__", v))
def test_what_is_not_allowed_is_told_by_name(cls, name, value):
    more = {"optimizer": af.LMS()} if cls is af.PerTensor else {}
    with pytest.raises((ValueError, TypeError), match=f"{cls.__name__}.*`{name}`"):
        cls(**more, **{name: value})


def test_an_optimizer_stands_for_a_rule():
    assert step_rule_of("Agent", "optimizer", af.ObGD(0.5, 3.0)) == af.StreamObGD(0.5, 3.0)
    assert step_rule_of("Agent", "optimizer", af.LMS(0.5)) == af.PerTensor(af.LMS(0.5))
    rule = af.Intentional()
    assert step_rule_of("Agent", "optimizer", rule) is rule
    with pytest.raises(ValueError, match=r"Agent: `optimizer\.lamda` must be 0"):
        step_rule_of("Agent", "optimizer", af.ObGD(lamda=0.5, gamma=0.0))
    with pytest.raises(TypeError, match="Agent: `optimizer` must be a step rule or an optimizer"):
        step_rule_of("Agent", "optimizer", 0.1)

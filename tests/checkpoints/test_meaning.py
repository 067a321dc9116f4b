"""Which fields of a learner change what the leaves of its state mean."""

import copy
import dataclasses

import equinox as eqx
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints.meaning import difference

DEMON = af.GVFSpec("soon", af.DemonType.PREDICTION, 0.0, 0.0, -1)
LATE = af.GVFSpec("late", af.DemonType.PREDICTION, 0.9, 0.0, -1)


def horde(*demons, **options):
    spec = af.create_horde_spec(demons or (DEMON, LATE))
    return af.HordeLearner(spec, **{"hidden_sizes": (), "optimizer": af.LMS(0.1)} | options)


def changed(demon, **changes):
    return dataclasses.replace(demon, **changes)


def linear(optimizer=None, **options):
    return af.LinearLearner(optimizer or af.LMS(0.1), **options)


def heads(**options):
    return af.MultiHeadMLPLearner(2, (4,), **{"optimizer": af.LMS(0.1)} | options)


OTHERS = {
    "order": (horde(), horde(LATE, DEMON), "horde_spec.names[0] is 'soon' there, 'late' here"),
    "a new name": (horde(), horde(changed(DEMON, name="now"), LATE), "names[0]"),
    "a third demon": (horde(), horde(DEMON, LATE, changed(DEMON, name="3")), "length of"),
    "another signal": (horde(), horde(changed(DEMON, cumulant_index=3), LATE), "cumulant_indices"),
    "another kind of demon": (
        horde(),
        horde(DEMON, changed(LATE, demon_type=af.DemonType.CONTROL)),
        "demon_types[1] is 'prediction' there, 'control' here",
    ),
    "class": (linear(), af.MLPLearner((4,)), "the class is 'LinearLearner' there"),
    "optimizer": (linear(), linear(af.IDBD()), "optimizer is 'LMS' there, 'IDBD' here"),
    "normalizer": (
        linear(normalizer=af.EMANormalizer()),
        linear(normalizer=af.WelfordNormalizer()),
        "normalizer is 'EMANormalizer' there, 'WelfordNormalizer' here",
    ),
    "no normalizer": (linear(normalizer=af.EMANormalizer()), linear(), "here"),
    "a normalizer": (linear(), linear(normalizer=af.EMANormalizer()), "normalizer is None there"),
    "bias": (linear(), linear(use_bias=False), "use_bias is True there, False here"),
    "form of a trace": (
        linear(af.IDBD(h_decay_mode="prediction_grads")),
        linear(af.IDBD(h_decay_mode="loss_grads")),
        "optimizer.h_decay_mode",
    ),
    "layer norm": (heads(), heads(use_layer_norm=False), "use_layer_norm"),
    "optimizer of the heads": (heads(), heads(head_optimizer=af.Autostep()), "head_optimizer"),
    "sizes": (heads(), af.MultiHeadMLPLearner(2, (5,), af.LMS(0.1)), "hidden_sizes[0]"),
}


@pytest.mark.parametrize("row", OTHERS)
def test_what_changes_the_meaning_is_named(row):
    stored, given, said = OTHERS[row]
    assert said in difference(stored, given)
    assert difference(given, stored) is not None
    assert difference(stored, stored) is None


SAME = {
    "a step size": (linear(af.LMS(0.1)), linear(af.LMS(1))),
    "a discount": (horde(), horde(changed(DEMON, gamma=0.5), changed(LATE, lamda=0.3))),
    "a bounder": (heads(), heads(bounder=af.ObGDBounding())),
    "no bounder": (heads(bounder=af.ObGDBounding()), heads(bounder=None)),
    "another bounder": (heads(bounder=af.AGCBounding()), heads(bounder=af.ObGDBounding())),
    "how the weights were drawn": (heads(sparsity=0.5), heads(sparsity=0.9)),
    "how predictions are normalized": (
        linear(normalizer=af.EMANormalizer(predict_with="current")),
        linear(normalizer=af.EMANormalizer()),
    ),
    "a clip": (
        linear(normalizer=af.EMANormalizer(clip=10.0)),
        linear(normalizer=af.EMANormalizer()),
    ),
    "traces of the heads": (heads(), heads(per_head_gamma_lamda=[0.5, 0.0])),
}


@pytest.mark.parametrize("row", SAME)
def test_numbers_and_bounders_may_change(row):
    stored, given = SAME[row]
    assert difference(stored, given) is None and difference(given, stored) is None


LEARNERS = [linear(), af.MLPLearner((4,)), heads(), af.TDLinearLearner(), horde()]


def with_field(component, name, value):
    """A copy, changed below the constructor, which would refuse some of these."""
    other = copy.copy(component)
    object.__setattr__(other, name, value)
    return other


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: type(learner).__name__)
def test_every_structural_field_of_every_part_counts(learner):
    """Collected from the classes, so that a field which comes later counts as well."""
    counted = []
    for name, part in [("", learner), *vars(learner).items()]:
        if not isinstance(part, eqx.Module) or isinstance(part, af.AbstractBounder):
            continue
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            free = field.metadata.get("resume") == "free" or isinstance(value, float)
            if free or not field.metadata.get("static"):
                continue
            other = with_field(part, field.name, ("another", value))
            given = with_field(learner, name, other) if name else other
            counted.append(f"{name}.{field.name}" if name else field.name)
            assert counted[-1] in difference(learner, given)
    assert counted


def test_a_number_that_is_an_array_is_a_number():
    assert difference(linear(af.LMS(np.float32(0.1))), linear(af.LMS(0.2))) is None

"""Every optimizer with the arguments it is tested under; a new optimizer is a new row."""

import dataclasses

import alberta_framework as af
from tests.oracles import auto_td_idbd, autostep, fade, idbd, lms, obgd, td_idbd

ORACLES = {
    "LMS": lms.LMS,
    "IDBD": idbd.IDBD,
    "Autostep": autostep.Autostep,
    "FADE": fade.FADE,
    "ObGD": obgd.ObGD,
    "TDIDBD": td_idbd.TDIDBD,
    "AutoTDIDBD": auto_td_idbd.AutoTDIDBD,
}
PARAM_ORACLES = {
    "LMS": lms.LMSParam,
    "IDBD": idbd.IDBDParam,
    "Autostep": autostep.AutostepParam,
    "FADE": fade.FADEParam,
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A class and constructor arguments, which the oracle of the class takes as well."""

    kind: str
    arguments: dict

    def __str__(self):
        told = ",".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.kind}({told})"

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)

    def oracle(self, feature_dim):
        return ORACLES[self.kind](feature_dim, **self.arguments)

    def param_oracle(self, shape):
        return PARAM_ORACLES[self.kind](shape, **self.arguments)


# Tight enough for ordinary data to meet them often.
GUARDED = {"initial_step_size": 0.1, "meta_step_size": 0.3}
GUARDED |= {"max_effective_step": 0.5, "max_log_step_change": 0.1}

# With clips that ordinary data meet, and at their ends.
FADES = [
    Case("FADE", {}),
    Case("FADE", {"meta_step_size": 0.002, "min_decay": 0.05, "max_decay": 0.2}),
    Case("FADE", {"meta_step_size": 0, "initial_decay": 1}),
]
SUPERVISED = [
    Case("LMS", {}),
    Case("LMS", {"step_size": 1}),
    Case("IDBD", {}),
    Case("IDBD", {"initial_step_size": 0.05, "meta_step_size": 0.02}),
    Case("IDBD", {"meta_step_size": 0.05, "min_log_step_size": -5.0, "max_log_step_size": -4.0}),
    Case("IDBD", GUARDED),
    Case("Autostep", {}),
    Case("Autostep", {"initial_step_size": 0.3, "meta_step_size": 0.05, "tau": 50.0}),
    Case("Autostep", {"min_step_size": 0.0, "max_step_size": float("inf")}),
    *FADES,
    Case("ObGD", {}),
    Case("ObGD", {"step_size": 0.3, "kappa": 1.5, "gamma": 0.95, "lamda": 0.8}),
    Case("ObGD", {"step_size": 0.01, "kappa": 0.0}),
]
WITH_PARAM_PATH = [
    Case("LMS", {"step_size": 0.1}),
    *(
        Case("IDBD", {"meta_step_size": 0.02, "h_decay_mode": mode, "param_meta": meta})
        for mode in ("prediction_grads", "loss_grads")
        for meta in ("error", "prediction")
    ),
    Case("IDBD", {"meta_step_size": 0.05, "min_log_step_size": -5.0, "max_log_step_size": -4.0}),
    Case("IDBD", GUARDED),
    Case("Autostep", {}),
    Case("Autostep", {"initial_step_size": 0.3, "meta_step_size": 0.05, "tau": 50.0}),
    Case("Autostep", {"min_step_size": 0.0, "max_step_size": float("inf")}),
    *FADES,
]
TD = [
    Case("TDIDBD", {}),
    *(
        Case(
            "TDIDBD",
            {"trace_decay": 0.8, "use_semi_gradient": semi, "trace_discount": discount},
        )
        for semi in (True, False)
        for discount in ("incoming", "outgoing")
    ),
    Case("TDIDBD", {"meta_step_size": 0.05, "min_log_step_size": -5.0, "max_log_step_size": -4.0}),
    *(
        Case("TDIDBD", GUARDED | {"trace_decay": 0.8, "use_semi_gradient": semi})
        for semi in (True, False)
    ),
    *(
        Case(
            "AutoTDIDBD",
            {"trace_decay": 0.8, "normalizer_decay": 100.0, "trace_discount": discount},
        )
        for discount in ("incoming", "outgoing")
    ),
    Case("AutoTDIDBD", {}),
    Case(
        "AutoTDIDBD",
        {"initial_step_size": 0.3, "trace_decay": 0.8, "max_effective_step": 0.5},
    ),
    Case(
        "AutoTDIDBD",
        {"meta_step_size": 0.05, "min_log_step_size": -5.0, "max_log_step_size": -4.0},
    ),
]

# One of each class and code path, for laws that need no range of hyperparameters. `FADE` is not
# among them: like the published IDBD it has no bound, and is for data of a known scale.
SUPERVISED_KINDS = [Case(kind, {}) for kind in ("LMS", "IDBD", "Autostep", "ObGD")]
PARAM_KINDS = [
    Case("LMS", {}),
    Case("IDBD", {}),
    Case("IDBD", {"h_decay_mode": "loss_grads"}),
    Case("IDBD", {"param_meta": "prediction"}),
    Case("Autostep", {}),
]
TD_KINDS = [
    Case("TDIDBD", {"trace_decay": 0.8}),
    Case("TDIDBD", {"trace_decay": 0.8, "use_semi_gradient": False}),
    Case("AutoTDIDBD", {"trace_decay": 0.8}),
]

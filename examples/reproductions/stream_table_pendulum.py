"""The part of the table of streaming deep RL whose actions are numbers."""

import section
import stream_table

# 30, as for the other environments, would take two hours: AVG's networks are 256 wide.
SEEDS, STEPS = 10, 200_000


def reproduce() -> tuple:
    title = "The table of streaming deep RL: actions that are numbers"
    study = stream_table.study_of(("Pendulum",), SEEDS, STEPS)
    seeds = (
        f"{SEEDS} seeds, fewer than the 30 of the other environments, which would take some two "
        "hours on two cores for AVG, whose networks are 256 wide"
    )
    return stream_table.told(study, title, seeds, "stream_table_pendulum.png")


if __name__ == "__main__":
    section.main(reproduce, __file__)

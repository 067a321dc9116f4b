"""The part of the table of streaming deep RL whose actions are numbers."""

import section
import stream_table

SEEDS, STEPS = 30, 200_000


def reproduce() -> tuple:
    title = "The table of streaming deep RL: actions that are numbers"
    study = stream_table.study_of(("Pendulum",), SEEDS, STEPS)
    return stream_table.told(study, title, f"{SEEDS} seeds", "stream_table_pendulum.png")


if __name__ == "__main__":
    section.main(reproduce, __file__)

"""What a user can mend, said in one line."""


class Problem(Exception):
    """A mistake or an obstacle that ends the command with `alberta: MESSAGE` and an exit code."""

    exit_code = 1


class UsageProblem(Problem):
    """The command was asked for something that does not exist or makes no sense."""

    exit_code = 2


def reason(error: OSError) -> str:
    """Why the system refused, in its words."""
    return error.strerror or type(error).__name__

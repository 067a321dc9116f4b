import pytest

from alberta_framework.command_line.app import main
from alberta_framework.command_line.bench import bench
from alberta_framework.command_line.problems import Problem

TABLE = """
def main():
    print("what  seconds")

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "first.py").write_text(TABLE)
    (tmp_path / "second.py").write_text(TABLE.replace("print", "raise SystemExit"))
    (tmp_path / "shared.py").write_text("def table(): ...")
    return tmp_path


def test_the_scripts_are_run_and_their_tables_printed(folder, capfd):
    assert bench(["first"], folder=folder) == 0
    assert capfd.readouterr().out == "== first\nwhat  seconds\n\n"


def test_a_benchmark_that_fails_is_named_and_the_others_run(folder, capfd):
    assert bench([], folder=folder) == 1
    out, err = capfd.readouterr()
    assert "== first\nwhat" in out and "== second" in out and "shared" not in out
    assert err.endswith("alberta: failed: second\n")


def test_without_a_checkout_there_is_a_clear_error(tmp_path):
    with pytest.raises(Problem, match="they are not part of the installed package"):
        bench([], folder=tmp_path / "missing")


def test_the_benchmarks_of_this_checkout_are_listed(capsys):
    assert main(["bench", "--list"]) == 0
    listed = capsys.readouterr().out.split()
    assert {"sweep", "scaling", "linear_loop"} <= set(listed) and "measure" not in listed


def test_an_unknown_name_is_told(capsys):
    assert main(["bench", "swep"]) == 2
    assert "no benchmark is called 'swep'. Did you mean 'sweep'?" in capsys.readouterr().err

"""The SSH example beats a running mean, on a made log and on a real one."""

import pathlib
import random
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "openssh" / "OpenSSH_2k.log"


def run(*arguments, **options):
    command = [sys.executable, ROOT / "examples" / "ssh_events.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def reduction(output):
    """The share of the baseline's error that is gone, in percent, by head."""
    rows = re.findall(r"^(\w+)\s+[\d,]+\s+[\d.]+\s+[\d.]+\s+(-?\d+)%$", output, re.MULTILINE)
    return {head: int(percent) for head, percent in rows}


def made_log(connections):
    """Attackers that fail three times and leave, and once in a while a login."""
    rng, second, lines = random.Random(0), 0, []
    for process in range(connections):
        address = f"10.0.0.{rng.randrange(4)}"
        texts = ["authentication failure; rhost={a}", "Failed password for root from {a} port 1"]
        texts = texts * 3 + ["Received disconnect from {a}: Bye [preauth]"]
        if rng.random() < 0.1:
            texts = ["Accepted password for ann from {a} port 2"]
        for text in texts:
            second += rng.randrange(4)
            clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            lines.append(f"Jan  2 {clock} host sshd[{process}]: {text.format(a=address)}")
    return "\n".join(["garbage", *lines])


def test_it_beats_the_baseline_from_standard_input_and_resumes(tmp_path):
    checkpoint = tmp_path / "ssh.ckpt"
    first = run("--checkpoint", checkpoint, input=made_log(150))
    assert first.returncode == 0, first.stderr
    assert reduction(first.stdout)["next_failed_login"] > 0
    again = run("--checkpoint", checkpoint, input=made_log(150))
    # What was learned in the first run is still there.
    gained = reduction(again.stdout)["next_failed_login"]
    assert gained > reduction(first.stdout)["next_failed_login"]


@pytest.mark.skipif(not REAL.exists(), reason="the OpenSSH log is not beside this checkout")
def test_it_beats_the_baseline_on_every_head_of_a_real_log(tmp_path):
    found = run(REAL, "--picture", tmp_path / "errors.png")
    assert found.returncode == 0, found.stderr
    gained = reduction(found.stdout)
    assert len(gained) == 5
    assert min(gained.values()) > 0
    assert gained["next_failed_login"] > 50
    assert (tmp_path / "errors.png").stat().st_size > 10_000


def test_a_log_without_events_is_an_error():
    found = run(input="nothing here\n")
    assert found.returncode != 0
    assert "no two events" in found.stderr

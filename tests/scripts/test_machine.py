"""What up and down must not do, and what they must notice: the functions of scripts/machine.sh, in a shell."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from trailboss.server import Options
from trailboss.server.process import start

ROOT = Path(__file__).parents[2]


def shell(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run shell commands after scripts/machine.sh, as the scripts do."""
    script = f'set -euo pipefail; . "{ROOT}/scripts/machine.sh"; {text}'
    return subprocess.run(
        ["bash", "-c", script], env=os.environ | environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("script", ["up", "down", "test", "machine.sh", "engine.sh"])
def test_a_script_is_read_by_the_shell_without_complaint(script: str) -> None:
    done = subprocess.run(["bash", "-n", str(ROOT / "scripts" / script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path, command: str) -> None:
    (tmp_path / "precious").write_text("mine")
    tmp_path.chmod(0o755)
    environment = os.environ | {"TRAILBOSS_DATA": str(tmp_path)}
    done = subprocess.run(
        [str(ROOT / "scripts" / command)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "holds something else" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_data_folder_that_a_server_has_made_is_ours(tmp_path: Path) -> None:
    (tmp_path / "installation-id").write_text("an id")
    done = shell("open_data; ls -d $RUN", TRAILBOSS_DATA=str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_only_one_up_or_down_works_on_a_data_folder(tmp_path: Path) -> None:
    again = f"""open_data; bash -c '. "{ROOT}/scripts/machine.sh"; exec 9>&-; open_data' || echo refused"""
    done = shell(again, TRAILBOSS_DATA=str(tmp_path / "data"))
    assert done.stdout == "refused\n"
    assert "Another scripts/up or scripts/down works on" in done.stderr


def test_a_process_is_known_by_its_start_and_not_by_its_number_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "some.pid"
    text = f"""
    start_process "{pid_file}" "{tmp_path}/log" sleep 60
    alive "{pid_file}" && echo alive
    read -r pid started <"{pid_file}"
    echo "$pid 1" >"{pid_file}.other"
    alive "{pid_file}.other" || echo "another one"
    echo "$pid " >"{pid_file}.unknown"
    alive "{pid_file}.unknown" || echo "none"
    stop_process "{pid_file}" 5
    alive "{pid_file}" || echo ended
    """
    done = shell(text)
    assert done.stdout.split("\n") == ["alive", "another one", "none", "ended", ""], done.stderr


def test_a_command_that_does_not_exist_is_not_alive(tmp_path: Path) -> None:
    pid_file = tmp_path / "some.pid"
    text = f"""
    start_process "{pid_file}" "{tmp_path}/log" /no/such/command
    while alive "{pid_file}"; do sleep 0.1; done
    echo gone
    """
    assert shell(text).stdout == "gone\n"


def test_the_shell_does_not_report_a_process_that_was_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "some.pid"
    text = f"""
    start_process "{pid_file}" "{tmp_path}/log" sleep 60
    read -r pid _ <"{pid_file}"
    kill -9 "$pid"
    while alive "{pid_file}"; do sleep 0.1; done
    true
    """
    done = shell(text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_address_that_is_taken_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        own = {"TRAILBOSS_DATA": f"{tmp_path}/data", "TRAILBOSS_VENV": f"{tmp_path}/venv", "TRAILBOSS_LISTEN": address}
        command = [str(ROOT / "scripts/up")]
        done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"Nothing can listen on {address} (Address already in use)" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/engine.py"), f"unix://{tmp_path}/none.sock", "ping"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"engine: the Docker Engine at unix://{tmp_path}/none.sock does not answer: ")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_first_credentials_name_the_present_address(tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "first-credentials.env"
    file.write_text(f"RANCHER_URL={scheme}://127.0.0.1:1/v1/projects/1a7\nRANCHER_ACCESS_KEY=A\nRANCHER_SECRET_KEY=S\n")
    file.chmod(0o600)
    text = f'DATA="{tmp_path}" HOST=127.0.0.1 PORT=8123; use_credentials; echo "$RANCHER_URL $RANCHER_SECRET_KEY"'
    assert shell(text).stdout == f"{scheme}://127.0.0.1:8123/v1/projects/1a7 S\n"
    assert file.read_text().startswith(f"RANCHER_URL={scheme}://127.0.0.1:8123/v1/projects/1a7\n")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("tls", "scheme"), [("off", "http"), ("self-signed", "https")])
def test_a_server_is_found_with_tls_or_without(tmp_path: Path, tls: str, scheme: str) -> None:
    server = start(Options(listen="127.0.0.1:0", data=tmp_path / "data", tls=tls))
    try:
        text = f'PYTHON="{sys.executable}" HOST=127.0.0.1 PORT={server.url.rpartition(":")[2]}; '
        found = shell(f'{text} server_ok; DATA="{tmp_path}/data"; use_credentials; env')
        variables = dict(line.partition("=")[::2] for line in found.stdout.splitlines())
        assert variables["RANCHER_URL"] == f"{server.url}/v1/projects/1a5"
        assert server.url.startswith(f"{scheme}://")
        assert ("TRAILBOSS_SERVER_FINGERPRINT" in variables) is (tls == "self-signed")
    finally:
        server.stop()
    gone = shell(f"{text} server_ok || echo nobody")
    assert (gone.stdout, gone.stderr) == ("nobody\n", "")


def test_a_clone_that_was_moved_makes_its_environment_anew() -> None:
    here = shell("lock_hash requirements.txt").stdout
    assert here == shell("lock_hash requirements.txt").stdout
    assert here != shell("VENV=/elsewhere; lock_hash requirements.txt").stdout

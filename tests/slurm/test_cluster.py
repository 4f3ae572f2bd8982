"""The test cluster leaves a SLURM alone that is already there."""

import cluster
import pytest


@pytest.mark.parametrize("command", ["up", "down"])
def test_configuration_of_others_is_left_alone(command, tmp_path, monkeypatch):
    theirs = tmp_path / "slurm.conf"
    theirs.write_text("ClusterName=theirs\n")
    monkeypatch.setattr(cluster, "CONFIG", tmp_path)
    monkeypatch.setattr(cluster, "STATE", tmp_path / "state")
    monkeypatch.setattr(cluster.os, "geteuid", lambda: 0)
    monkeypatch.setattr(cluster, "run", lambda *words, **_: pytest.fail(f"ran {words}"))
    with pytest.raises(SystemExit, match="is not one of ours"):
        cluster.main([command])
    assert [path.name for path in tmp_path.iterdir()] == ["slurm.conf"]
    assert theirs.read_text() == "ClusterName=theirs\n"


def test_daemons_need_root(monkeypatch):
    monkeypatch.setattr(cluster.os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match="need root"):
        cluster.main(["up"])


def test_four_nodes_two_of_them_with_gpus_and_nothing_beyond_the_loopback_interface():
    text = cluster.slurm_conf("here")
    nodes = [line for line in text.splitlines() if line.startswith("NodeName=")]
    assert len(nodes) == 4
    assert sum("Gres=gpu:fake:2" in line for line in nodes) == 2
    assert all("NodeAddr=127.0.0.1" in line for line in nodes)
    assert "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny" in text

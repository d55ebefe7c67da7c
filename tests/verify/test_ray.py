"""Trials on a Ray cluster of two nodes on this machine."""

from dataclasses import replace

import pytest

from trainadvisor.trials.engines.local import LocalEngine
from trainadvisor.verify.answer import document

ray = pytest.importorskip("ray", reason="ray is not installed: pip install ray")

CASES = {
    "cured": ("needs add-zero-grad",),
    "lost": ("needs add-zero-grad", "loses"),
    "in vain": ("needs magic",),
    "refused": ("needs add-zero-grad", "refuses add-zero-grad"),
    "sound": ("healthy",),
}


@pytest.fixture(scope="module")
def engine():
    """An engine on a cluster of two nodes with one processor each."""
    from ray.cluster_utils import Cluster

    from trainadvisor.trials.engines.ray import RayEngine

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    yield RayEngine(2)
    ray.shutdown()
    cluster.shutdown()


def answered(session, engine):
    """Run a session on an engine and return its document."""
    session.engine = engine
    session.run()
    return document(session)


@pytest.mark.parametrize("name", CASES)
def test_the_verdicts_are_those_of_this_machine(session, engine, name):
    """The same script gives the same answer, remedy and metric on both engines."""
    found = [answered(session(*CASES[name]), each) for each in (engine, LocalEngine(1))]
    told = [(one.answer, [(v.change, v.metric, round(v.after, 3)) for v in one.verified[:1]]) for one in found]
    assert told[0] == told[1]
    verdicts = [{trial.name: trial.verdict for trial in one.trials} for one in found]
    assert all(verdicts[0][name] == verdicts[1][name] for name in verdicts[0].keys() & verdicts[1].keys())


def test_both_nodes_are_used(engine):
    """The cluster has two processors, on two nodes."""
    assert engine.slots == 2
    assert len([node for node in ray.nodes() if node["Alive"]]) == 2


def test_a_killed_worker_is_survived(session, engine, tmp_path):
    """A worker that is killed amid a trial is replaced, and the trial run again."""
    marker = tmp_path / "marker"
    found = answered(session("needs add-zero-grad", f"kills {marker}"), engine)
    assert marker.exists()
    assert found.answer == "verified"


def test_the_folder_of_the_script_travels(session, engine, tmp_path):
    """What the script writes lands on the node that ran it, not in the user's folder."""
    answered(session("needs add-zero-grad", "writes out.txt"), engine)
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["train.txt"]


def test_a_trial_whose_machine_is_lost_is_told(session, engine, tmp_path):
    """A task that fails for good gives an outcome that says so, no exception."""
    from trainadvisor.trials.jobs import Job

    made = session("healthy")
    broken = replace(made.setting, program=("/nonexistent/program",))
    outcomes = list(engine.run([Job("train.txt", (), module=False)], broken))
    assert [outcome.stopped for outcome in outcomes] == ["lost"]

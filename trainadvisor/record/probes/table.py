"""The probes, in the order in which they are told."""

from typing import TYPE_CHECKING

from trainadvisor.record.probes.activations import ActivationProbe
from trainadvisor.record.probes.blindspots import BlindSpotProbe
from trainadvisor.record.probes.clipping import ClippingProbe
from trainadvisor.record.probes.evaluation import EvaluationProbe
from trainadvisor.record.probes.given import GivenProbe
from trainadvisor.record.probes.gradients import GradientProbe
from trainadvisor.record.probes.inputs import InputProbe
from trainadvisor.record.probes.losses import LossProbe
from trainadvisor.record.probes.membership import MembershipProbe
from trainadvisor.record.probes.nonfinite import NonfiniteProbe
from trainadvisor.record.probes.owntime import OwnTimeProbe
from trainadvisor.record.probes.precision import PrecisionProbe
from trainadvisor.record.probes.rates import RateProbe
from trainadvisor.record.probes.replicas import ReplicaProbe
from trainadvisor.record.probes.timing import TimingProbe
from trainadvisor.record.probes.unseen import UnseenProbe
from trainadvisor.record.probes.updates import UpdateProbe
from trainadvisor.record.probes.wiring import WiringProbe

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


def all_probes(recorder: "Recorder") -> list[object]:
    """Make the probes; those that others ask are also set as attributes of the recorder."""
    recorder.losses = LossProbe(recorder)
    recorder.activations = ActivationProbe(recorder)
    recorder.wiring = WiringProbe(recorder)
    recorder.unseen = UnseenProbe(recorder)
    together = [ReplicaProbe(recorder), OwnTimeProbe(recorder)] if recorder.processes > 1 else []
    return [
        TimingProbe(recorder), MembershipProbe(recorder), PrecisionProbe(recorder), recorder.wiring, recorder.losses,
        RateProbe(recorder), ClippingProbe(recorder), GradientProbe(recorder), NonfiniteProbe(recorder),
        UpdateProbe(recorder),
        recorder.activations, InputProbe(recorder), EvaluationProbe(recorder), GivenProbe(recorder), recorder.unseen,
        BlindSpotProbe(recorder), *together,
    ]  # fmt: skip

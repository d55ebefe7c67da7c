"""The probes, in the order in which they are told."""

from typing import TYPE_CHECKING

from trainadvisor.record.probes.activation_statistics import ActivationProbe
from trainadvisor.record.probes.call_order import WiringProbe
from trainadvisor.record.probes.clip_calls import ClippingProbe
from trainadvisor.record.probes.evaluation import EvaluationProbe
from trainadvisor.record.probes.gradient_norms import GradientProbe
from trainadvisor.record.probes.implicit_steps import UnseenProbe
from trainadvisor.record.probes.learning_rate import RateProbe
from trainadvisor.record.probes.mixed_precision import PrecisionProbe
from trainadvisor.record.probes.model_inputs import InputProbe
from trainadvisor.record.probes.nonfinite import NonfiniteProbe
from trainadvisor.record.probes.own_time import OwnTimeProbe
from trainadvisor.record.probes.parameter_coverage import MembershipProbe
from trainadvisor.record.probes.replicas import ReplicaProbe
from trainadvisor.record.probes.timing import TimingProbe
from trainadvisor.record.probes.training_loss import LossProbe
from trainadvisor.record.probes.unrecordable import BlindSpotProbe
from trainadvisor.record.probes.user_metrics import GivenProbe
from trainadvisor.record.probes.weight_updates import UpdateProbe

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

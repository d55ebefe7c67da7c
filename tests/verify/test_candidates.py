"""What is tried, in which order."""

from trainadvisor.judge.result import Diagnosis, Finding, Handling, Remedy, Rival
from trainadvisor.trials.jobs import Change
from trainadvisor.verify.candidates import anew, candidates, combined
from trainadvisor.verify.effects import same
from trainadvisor.verify.plan import Candidate


def finding(code, *changes, severity="error", **fields) -> Finding:
    """Return a finding with remedies of these changes."""
    remedies = [Remedy(change=word, arguments=arguments, applies="try", text=word) for word, arguments in changes]
    return Finding(
        code=code, family="x", kind="cause", severity=severity, confidence="likely", title=code, sentence=code,
        remedies=remedies, **fields,
    )  # fmt: skip


def words(*findings, **options):
    """Return the words of the candidates of a diagnosis, general ones left out."""
    told = Diagnosis(state="broken", summary="", findings=list(findings))
    return [c.changes[0].change for c in candidates(told, **options) if c.origin != "fallback"]


def test_the_first_cause_comes_first():
    """Two remedies of the first cause, the first of the others in turn, then the rest."""
    first = finding("a", ("lr", {"factor": 0.1}), ("clip", {}), ("warmup", {}))
    second = finding("b", ("init", {}), ("optimizer", {}))
    assert words(first, second) == ["lr", "clip", "init", "optimizer", "warmup"]


def test_remedies_of_consequences_come_later():
    """What a cause explains has remedies too."""
    cause = finding("a", ("init", {"to": "he"}), explains=[finding("b", ("activation", {}))])
    assert words(cause) == ["init", "activation"]


def test_what_a_script_may_do_on_purpose_is_not_undone_for_a_consequence():
    """A cause explains that weights stand still; where that is the cause itself, they are released."""
    still = finding("b", ("unfreeze", {}), ("lr", {"factor": 2.0}))
    assert words(finding("a", ("add-parameters", {}), explains=[still])) == ["add-parameters", "lr"]
    assert words(still) == ["unfreeze", "lr"]


def test_a_trial_is_told_by_the_remedy_that_asks_for_it():
    """Not by one that says how to look for the fault."""
    found = finding("b", ("unfreeze", {}), ("unfreeze", {}))
    found.remedies[0].applies, found.remedies[1].text = "adapt", "Release them."
    told = Diagnosis(state="broken", summary="", findings=[found])
    assert [c.remedies[0].text for c in candidates(told) if c.code == "b"] == ["Release them."]


def test_notes_are_not_cured():
    """A finding that is only worth knowing leads to no trial."""
    told = Diagnosis(state="healthy", summary="", findings=[finding("a", ("lr", {"factor": 2.0}), severity="note")])
    assert [c.changes[0].change for c in candidates(told) if c.code == "a"] == []


def test_close_learning_rates_are_one_try():
    """0.003 and a tenth of 0.03 are the same experiment, 0.01 is another."""
    rates = [("lr", {"value": 0.003}), ("lr", {"factor": 0.1}), ("lr", {"value": 0.01})]
    told = Diagnosis(state="broken", summary="", run={"lr": 0.03}, findings=[finding("a", *rates)])
    tried = [c.changes[0].arguments for c in candidates(told) if c.code == "a"]
    assert tried == [{"value": 0.003}, {"value": 0.01}]


def test_the_experiment_that_separates_two_rivals_is_included():
    """A learning rate that may be too high or too low is tried in both directions."""
    rival = Rival(code="b", test="both")
    both = Handling(separating="lr")
    told = Diagnosis(state="broken", summary="", findings=[finding("a", ("clip", {}), rival=rival, handling=both)])
    factors = [c.changes[0].arguments["factor"] for c in candidates(told) if c.origin == "rival"]
    assert factors == [1 / 3, 3.0]


def test_only_one_finding_is_tried_when_it_is_named():
    """Neither other findings nor general remedies."""
    told = Diagnosis(
        state="broken", summary="", findings=[finding("a", ("lr", {"factor": 0.1})), finding("b", ("clip", {}))]
    )
    assert [c.changes[0].change for c in candidates(told, "b")] == ["clip"]


def test_longer_training_is_no_candidate():
    """It cannot be compared step by step."""
    assert words(finding("a", ("train-longer", {"factor": 2.0}))) == []


def test_changes_of_the_same_thing_are_not_combined():
    """Two initializations at once make no sense."""
    base = Candidate((Change("init", {"to": "he"}),))
    others = [Candidate((Change("init", {"to": "xavier"}),)), Candidate((Change("clip"),))]
    assert [c.label() for c in combined(base, others)] == ["init to=he + clip"]


def test_a_second_learning_rate_takes_the_place_of_the_first():
    """What the run at the first rate asks for, as a value or as a factor on it."""
    base = Candidate((Change("lr", {"value": 0.01}), Change("clip")))
    asked = [Candidate((Change("lr", {"value": 0.5}),)), Candidate((Change("lr", {"factor": 3.0}),))]
    assert [c.label() for c in combined(base, asked)] == ["lr value=0.5 + clip", "lr value=0.03 + clip"]


def test_a_second_value_is_told_without_the_remedy_that_asked_for_the_first():
    """The other changes keep theirs."""
    rate, clip = (Remedy(change=word, arguments={}, applies="try", text=word) for word in ("lr", "clip"))
    base = Candidate((Change("lr", {"value": 0.01}), Change("clip")), remedies=(rate, clip))
    (found,) = combined(base, [Candidate((Change("lr", {"factor": 3.0}),))])
    assert (found.remedies, found.origin) == ((None, clip), "combined")


def test_the_same_change_with_other_arguments_is_another_candidate():
    """Initialization by two schemes is two tries."""
    he, xavier = (Candidate((Change("init", {"to": to}),)) for to in ("he", "xavier"))
    assert not same(he, xavier, {})
    assert same(he, Candidate((Change("init", {"to": "he"}),)), {})


def test_what_costs_time_is_not_cured_by_a_lower_loss():
    """General remedies are about learning; a run that waits for its data has none of them tried."""
    timed = Handling(measured_by="time", measures=("step seconds",))
    slow = Diagnosis(state="broken", summary="", findings=[finding("b", ("workers", {}), handling=timed)])
    broken = Diagnosis(state="broken", summary="", findings=[finding("a", ("workers", {}))])
    assert [(c.origin, c.measures) for c in candidates(slow)] == [("remedy", ("step seconds",))]
    assert {c.origin for c in candidates(broken)} == {"remedy", "fallback"}


def test_what_is_tried_where_nothing_else_helps_is_what_the_rules_ask_for():
    """Labels where nothing is learned, clipping and lower rates where numbers were lost, no order else."""
    tried = {}
    for general in (None, "labels", "finite"):
        told = finding("a", handling=Handling(general=general))
        listed = candidates(Diagnosis(state="broken", summary="", findings=[told]))
        tried[general] = [c.changes[0].change for c in listed]
    assert tried[None] == ["lr", "standardize-inputs", "optimizer", "init", "clip", "lr"]
    assert tried["labels"] == ["fix-labels", *tried[None]]
    assert tried["finite"] == ["lr", "standardize-inputs", "clip", "lr", "optimizer", "init"]


def test_the_step_to_stop_at_is_that_of_the_run():
    """With another seed validation is best at another step; other changes stay as they are."""
    told = Diagnosis(state="broken", summary="", findings=[finding("overfitting", ("early-stopping", {"step": 40}))])
    first = Candidate((Change("early-stopping", {"step": 20}), Change("lr", {"factor": 0.1})))
    assert anew(first, told).changes == (Change("early-stopping", {"step": 40}), Change("lr", {"factor": 0.1}))
    assert anew(first, Diagnosis(state="healthy", summary="", findings=[])) is first

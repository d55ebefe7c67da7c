"""Trainings made from a specification: tasks x architectures x optimizers x faults."""

"""What mends each fault in a script, collected from the modules that declare it."""

from __future__ import annotations

from trainadvisor.mending import data_faults, fault_edits, mask_faults, model_faults, view_edits

# Importing them declares what they mend.
MODULES = (data_faults, fault_edits, mask_faults, model_faults, view_edits)
FAULTS = fault_edits.FAULTS
GUESSES = fault_edits.GUESSES

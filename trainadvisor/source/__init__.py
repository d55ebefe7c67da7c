"""Reading of Python sources: their syntax trees, where values come from, and what a training script does with torch."""

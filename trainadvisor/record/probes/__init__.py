"""What is measured, one probe a file."""

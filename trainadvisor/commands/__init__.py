"""The commands, one module each; every module imports what it needs inside its command."""

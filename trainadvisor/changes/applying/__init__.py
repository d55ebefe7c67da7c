"""The changes by subject; importing a module declares those in it."""

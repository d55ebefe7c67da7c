"""Callbacks of training frameworks, each in a module of the framework's name, over one recorder."""

"""Callbacks for training frameworks, over the recorder."""

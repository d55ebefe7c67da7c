"""The version of trainadvisor; it imports nothing, so that every layer may ask."""

__version__ = "0.1.0"

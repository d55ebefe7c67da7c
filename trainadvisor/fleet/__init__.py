"""Many runs at once: each judged by itself, then counted, grouped and compared."""

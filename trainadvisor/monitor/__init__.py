"""A training that still runs: judged as its log grows, shown, and told to whoever subscribed."""

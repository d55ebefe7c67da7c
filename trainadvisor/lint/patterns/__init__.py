"""One idea a module: a fault, and how its place is found."""

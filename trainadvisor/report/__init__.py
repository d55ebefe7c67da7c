"""Reports: the only place where a diagnosis becomes words."""

"""Mends scripts: from a finding to a patch of the user's own lines, and from the patch to the file."""

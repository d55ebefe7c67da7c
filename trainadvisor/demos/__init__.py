"""Small trainings that go wrong in one typical way each, as scripts that a user could have written."""

"""Small trainings, each with one typical fault, as scripts that a user could have written."""

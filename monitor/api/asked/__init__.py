"""What keepers ask, one file for each kind of question."""

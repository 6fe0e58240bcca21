"""One module per revision, oldest first; each is written once and never edited after a release."""

"""Process services that know nothing of agreements."""

"""What the operator wrote: read, checked as a whole, and given on as frozen values."""

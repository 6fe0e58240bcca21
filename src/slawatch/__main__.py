"""``python -m slawatch``."""

from slawatch.main import main

main()

"""What the tests stand on: their own clock, their own loop, their own Debian tree of real servers."""

"""What people may enter: checked, then recorded."""

"""What must survive a crash: what is stored first, for how long, and how it is read back."""

"""What looks after the program itself: alarms, watchdog, service manager."""

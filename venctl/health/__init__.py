"""Monitoring of the program itself: alarms, watchdog, service manager."""

"""What every other room uses: clocks, threads, files, tasks, ports."""

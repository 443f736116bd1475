"""What a test of wired circuits shows: recorded meters in, findings out."""

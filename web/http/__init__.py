"""HTTP for the page: bodies, problems, files, access; independent of circuits."""

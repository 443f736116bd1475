"""HTTP as the page needs it: bodies, problems, files, who may enter; nothing of circuits."""

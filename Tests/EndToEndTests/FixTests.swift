// The real binary in scratch directories.

"""One reader per format; each turns a file or folder into rows that know where they came from."""

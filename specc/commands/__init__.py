"""What the command line does: one command a file.

A command's `run` takes the parsed arguments, writes to the standard streams and returns the exit code. A command is
imported when it is called, so that none pays for another.
"""

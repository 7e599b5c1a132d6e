"""Everything that starts, watches and stops processes: embedded servers, supervision, the start-up of bin/up.

Nothing here reads Django settings; it hands a finished environment to the processes that do.
"""

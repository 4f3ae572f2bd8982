"""The environment of a job: code versions, threads, machine errors, resumable state, provenance."""

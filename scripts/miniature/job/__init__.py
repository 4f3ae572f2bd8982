"""What surrounds a job: code versions, threads, machine errors, resumable state, provenance."""

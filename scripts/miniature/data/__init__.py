"""Data tables: reading what users have, checking it, and making the splits of a study."""

"""Reading a study: names, the strict schema, checks across keys, and what the study asks for."""

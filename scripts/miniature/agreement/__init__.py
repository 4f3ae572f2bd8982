"""How much two models agree: pure functions on arrays, and the table their values are kept in."""

"""What `trackwalker discover` looks at, matches and proposes. `discovery` is the way through."""

"""The local forge: bare repositories on this machine, with GitHub's API and smart HTTP in front of them."""

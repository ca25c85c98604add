"""What the numbers of an experiment support: users in arms, looked at as often as one likes."""

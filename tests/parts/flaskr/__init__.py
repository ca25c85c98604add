"""Flask's own tutorial application, flaskr, as a target repository that is not ours: nothing of it is kept here.

It comes out of Flask's source distribution when a test runs, and is deployed, used and scraped as in production.
"""

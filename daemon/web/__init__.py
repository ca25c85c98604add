"""What humans see in a browser: the inbox, a case in full, the oversight, the lessons. Pure: documents and nouns in."""

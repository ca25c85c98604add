"""Which tests a command ran, read from the report that it left. All of it was written by untrusted code.

Each form has a file; `reading` tells them apart by what they hold. What is read is bounded, and builds no tree of XML.
"""

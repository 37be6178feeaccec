"""Small decoders in plain Python, written from the specifications alone.

They import nothing else of ivc. The tests hold the fast implementations against them, and whoever
writes a decoder in another language may begin here.
"""

"""Plain decoders written from the specification alone, to check the fast ones against."""

"""The road map of visual coding: one short codec for each historical method."""
